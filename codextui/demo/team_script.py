"""What the models of the demo's team say: as its roles, and as Codex in their threads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codextui.demo.request import ModelRequest
from codextui.demo.script import Script, refused
from codextui.demo.steps import Call, Pace, Patch, Run, Say, Step

FOLDER = Path(__file__).parent / "bug_busters"
"""Where the team's configuration is, and every file that it makes."""

TASK = (
    "Build Bug Busters: a browser game in which one clicks a moving bug for 20 seconds, with a "
    "score, and a small backend that answers /health and /scores. No dependencies."
)


@dataclass(frozen=True, slots=True)
class Part:
    """What one role lets Codex do.

    Attributes:
        prompt: what it tells Codex.
        files: what Codex writes then.
        said: what Codex answers.
    """

    prompt: str
    files: tuple[str, ...]
    said: str


PLAN = Part(
    "Write REQUIREMENTS.md and TEST.md for a browser game with a small backend.",
    ("REQUIREMENTS.md", "TEST.md"),
    "REQUIREMENTS.md says what is built, and TEST.md how one knows that it works.",
)
TASKS = Part(
    "Write AGENT_TASKS.md: which role makes which files.",
    ("AGENT_TASKS.md",),
    "AGENT_TASKS.md lists every file with the role that makes it.",
)
PARTS = {
    "designer": Part(
        "Write design/design_spec.md: one page that can be built as it is.",
        ("design/design_spec.md",),
        "One column. A net that the arrow keys steer, so that nobody needs a mouse.",
    ),
    "frontend-developer": Part(
        "Build the page in frontend/: index.html, styles.css and game.js, by the design.",
        ("frontend/index.html", "frontend/styles.css", "frontend/game.js"),
        "The game is in `frontend/`. It plays without a backend, and sends its score to one.",
    ),
    "backend-developer": Part(
        "Build the server in backend/: /health and /scores, in memory, no dependencies.",
        ("backend/package.json", "backend/server.js"),
        "`node backend/server.js` listens on port 3000 of loopback.",
    ),
    "tester": Part(
        "Write tests/TEST_PLAN.md and tests/test.sh from TEST.md, run it, and report.",
        ("tests/TEST_PLAN.md", "tests/test.sh"),
        "Every test passed.",
    ),
}
"""By role; the Project Manager has two."""

FILES = tuple(name for part in (PLAN, TASKS, *PARTS.values()) for name in part.files)
"""Every file that the team makes."""

_TITLES = {"You are the Project Manager": "project-manager"} | {
    f"You are the {name.replace('-', ' ').title()}": name for name in PARTS
}


class TeamScript:
    """Answers the roles (who ask without naming a thread) and their Codex threads.

    The Project Manager hands off to the designer too early, once, and the tester's script must
    talk to a server, for which it asks a person.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._asked: Counter[str] = Counter()
        self._codex = _codex_script(pace)

    @property
    def asked(self) -> int:
        """How often any role has asked so far."""
        return self._asked.total()

    def __call__(self, request: ModelRequest) -> Iterable[Step] | AsyncIterable[Step]:
        """The steps that answer a request."""
        return self._codex(request) if request.thread else self._answer_role(request)

    def _answer_role(self, request: ModelRequest) -> Sequence[Step]:
        told = request.instructions
        role = next((name for title, name in _TITLES.items() if title in told), "")
        if not role:
            return [Say("I do not know who I am.")]
        by_handoffs = any(tool.startswith("transfer_to_") for tool in request.tools)
        acts = self._manage(by_handoffs) if role not in PARTS else self._work(role, by_handoffs)
        number = self._asked[role]
        self._asked[role] += 1
        act = acts[min(number, len(acts) - 1)]
        return [_in_thread(step, request) for step in act]

    def _manage(self, by_handoffs: bool) -> list[list[Step]]:
        first: list[Step] = [self._pace.say("First the requirements, then the plan."), _codex(PLAN)]
        rest: list[Step] = [self._pace.say("The tasks were missing."), _reply(TASKS)]
        if not by_handoffs:
            return [first, [Say("The plan is there.")], rest, [Say("Now it is.")]]
        return [
            first,
            [self._pace.say("The designer can begin."), _hand("designer")],
            rest,
            [_hand("designer")],
            [self._pace.say("The design is there: now the page."), _hand("frontend-developer")],
            [_hand("backend-developer")],
            [self._pace.say("Both halves are there."), _hand("tester")],
            [self._pace.say("Bug Busters is built and tested. Open `frontend/index.html`.")],
        ]

    def _work(self, role: str, by_handoffs: bool) -> list[list[Step]]:
        part = PARTS[role]
        done: Step = _hand("project-manager") if by_handoffs else Say(part.said)
        return [[_codex(part)], [done]]


def content_of(name: str) -> str:
    """The content of a file that the team makes."""
    return (FOLDER / name).read_text(encoding="utf-8")


def tell_files(project: Path) -> str:
    """Where what the team made is, and what one does with it."""
    return (
        f"What was made is in {project}\nTo play it, open frontend/index.html there in a browser."
    )


def _codex_script(pace: Pace) -> Script:
    script = Script()
    for part in (PLAN, TASKS, *PARTS.values()):
        writing: list[Step] = [pace.think("One patch with all of it."), _patch(part.files)]
        if "tests/test.sh" in part.files:
            script.on(part.prompt, writing, _run_tests, _report_tests)
        else:
            script.on(part.prompt, writing, pace.say(part.said))
    return script


def _run_tests(_: ModelRequest) -> Iterable[Step]:
    yield Run(
        "sh tests/test.sh",
        escalate=True,
        justification="The tests start the server and talk to it on loopback, which the sandbox "
        "does not allow.",
    )


def _report_tests(request: ModelRequest) -> Iterable[Step]:
    if refused(request):
        yield Say("The plan and the script are there. I was not allowed to run it.")
        return
    output = (request.last_output or "").partition("Output:\n")[2]
    passed = sum(line.startswith("ok ") for line in output.splitlines())
    yield Say(f"{passed} checks passed.\n\n```\n{output.strip()}\n```")


def _patch(names: Sequence[str]) -> Patch:
    added = []
    for name in names:
        lines = "".join(f"+{line}\n" for line in content_of(name).splitlines())
        added.append(f"*** Add File: {name}\n{lines}")
    return Patch(f"*** Begin Patch\n{''.join(added)}*** End Patch\n")


def _codex(part: Part) -> Call:
    return Call("codex", {"prompt": part.prompt})


def _reply(part: Part) -> Call:
    return Call("codex-reply", {"prompt": part.prompt, "threadId": ""})


def _hand(role: str) -> Call:
    return Call(f"transfer_to_{role.replace('-', '_')}")


def _in_thread(step: Step, request: ModelRequest) -> Step:
    """A reply goes to the thread that Codex answered with last."""
    if isinstance(step, Call) and step.name == "codex-reply":
        return Call(step.name, {**step.arguments, "threadId": _last_thread(request)})
    return step


def _last_thread(request: ModelRequest) -> str:
    for item in reversed(request.input):
        try:
            output = json.loads(str(item.get("output")))
        except ValueError:
            continue
        if isinstance(output, dict) and "threadId" in output:
            return str(output["threadId"])
    return ""
