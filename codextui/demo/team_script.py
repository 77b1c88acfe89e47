"""The script of the demo's team: its roles' answers, and those of their Codex threads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codextui.demo.request import ModelRequest
from codextui.demo.script import Call, Patch, Run, Say, Script, Speed, Step

FOLDER = Path(__file__).parent / "bug_busters"
"""The folder with the team's configuration and every file that it makes."""

TASK = (
    "Build Bug Busters: a browser game in which one clicks a moving bug for 20 seconds, with a "
    "score, and a small backend that answers /health and /scores. No dependencies."
)


@dataclass(frozen=True, slots=True)
class CodexTask:
    """A task that a role gives to its Codex thread.

    Attributes:
        prompt: the role's prompt.
        files: the files that Codex writes.
        answer: Codex's answer.
    """

    prompt: str
    files: tuple[str, ...]
    answer: str


PLAN_TASK = CodexTask(
    "Write REQUIREMENTS.md and TEST.md for a browser game with a small backend.",
    ("REQUIREMENTS.md", "TEST.md"),
    "REQUIREMENTS.md says what is built, and TEST.md how one knows that it works.",
)
LIST_TASK = CodexTask(
    "Write AGENT_TASKS.md: which role makes which files.",
    ("AGENT_TASKS.md",),
    "AGENT_TASKS.md lists every file with the role that makes it.",
)
ROLE_TASKS = {
    "designer": CodexTask(
        "Write design/design_spec.md: one page that can be built as it is.",
        ("design/design_spec.md",),
        "One column. A net that the arrow keys steer, so that nobody needs a mouse.",
    ),
    "frontend-developer": CodexTask(
        "Build the page in frontend/: index.html, styles.css and game.js, by the design.",
        ("frontend/index.html", "frontend/styles.css", "frontend/game.js"),
        "The game is in `frontend/`. It plays without a backend, and sends its score to one.",
    ),
    "backend-developer": CodexTask(
        "Build the server in backend/: /health and /scores, in memory, no dependencies.",
        ("backend/package.json", "backend/server.js"),
        "`node backend/server.js` listens on port 3000 of loopback.",
    ),
    "tester": CodexTask(
        "Write tests/TEST_PLAN.md and tests/test.sh from TEST.md, run it, and report.",
        ("tests/TEST_PLAN.md", "tests/test.sh"),
        "Every test passed.",
    ),
}
"""The task of each role but the Project Manager, who has `PLAN_TASK` and `LIST_TASK`."""

_ALL_TASKS = (PLAN_TASK, LIST_TASK, *ROLE_TASKS.values())

FILES = tuple(name for task in _ALL_TASKS for name in task.files)
"""Every file that the team makes."""

_TITLES = {"You are the Project Manager": "project-manager"} | {
    f"You are the {name.replace('-', ' ').title()}": name for name in ROLE_TASKS
}


class TeamScript:
    """The `ModelScript` of the roles, whose requests name no thread, and of their Codex threads.

    The Project Manager hands off to the designer once before the gate is met, and the tester's
    script needs an approval, because it talks to a server.
    """

    def __init__(self, speed: Speed) -> None:
        self._speed = speed
        self._answers_given: Counter[str] = Counter()
        self._codex = _codex_script(speed)

    def __call__(self, request: ModelRequest) -> Iterable[Step] | AsyncIterable[Step]:
        """Return the steps that answer a request."""
        return self._codex(request) if request.thread_id else self._answer_role(request)

    def _answer_role(self, request: ModelRequest) -> Sequence[Step]:
        role = next((name for title, name in _TITLES.items() if title in request.instructions), "")
        if not role:
            return [Say("I do not know who I am.")]
        by_handoffs = any(tool.startswith("transfer_to_") for tool in request.tools)
        is_manager = role not in ROLE_TASKS
        answers = self._manager(by_handoffs) if is_manager else self._worker(role, by_handoffs)
        number = self._answers_given[role]
        self._answers_given[role] += 1
        answer = answers[min(number, len(answers) - 1)]
        return [_with_thread_id(step, request) for step in answer]

    def _manager(self, by_handoffs: bool) -> list[list[Step]]:
        say = self._speed.say
        first: list[Step] = [say("First the requirements, then the plan."), _codex(PLAN_TASK)]
        rest: list[Step] = [say("The tasks were missing."), _reply(LIST_TASK)]
        if not by_handoffs:
            return [first, [Say("The plan is there.")], rest, [Say("Now it is.")]]
        return [
            first,
            [say("The designer can begin."), _hand_off("designer")],
            rest,
            [_hand_off("designer")],
            [say("The design is there: now the page."), _hand_off("frontend-developer")],
            [_hand_off("backend-developer")],
            [say("Both halves are there."), _hand_off("tester")],
            [say("Bug Busters is built and tested. Open `frontend/index.html`.")],
        ]

    def _worker(self, role: str, by_handoffs: bool) -> list[list[Step]]:
        task = ROLE_TASKS[role]
        last: Step = _hand_off("project-manager") if by_handoffs else Say(task.answer)
        return [[_codex(task)], [last]]


def content_of(name: str) -> str:
    """Return the content of a file that the team makes."""
    return (FOLDER / name).read_text(encoding="utf-8")


def describe_files(project: Path) -> str:
    """Return a text that says where the team's game is, and how to play it."""
    return (
        f"What was made is in {project}\nTo play it, open frontend/index.html there in a browser."
    )


def _codex_script(speed: Speed) -> Script:
    script = Script()
    for task in _ALL_TASKS:
        writing: list[Step] = [
            speed.think("One patch with all of it."),
            Patch.add_all({name: content_of(name) for name in task.files}),
        ]
        if "tests/test.sh" in task.files:
            script.on(task.prompt, writing, _run_tests, _report_tests)
        else:
            script.on(task.prompt, writing, speed.say(task.answer))
    return script


def _run_tests(_: ModelRequest) -> Iterable[Step]:
    yield Run(
        "sh tests/test.sh",
        escalate=True,
        justification="The tests start the server and talk to it on loopback, which the sandbox "
        "does not allow.",
    )


def _report_tests(request: ModelRequest) -> Iterable[Step]:
    if request.was_declined:
        yield Say("The plan and the script are there. I was not allowed to run it.")
        return
    output = request.last_printed
    passed = sum(line.startswith("ok ") for line in output.splitlines())
    yield Say(f"{passed} checks passed.\n\n```\n{output.strip()}\n```")


def _codex(task: CodexTask) -> Call:
    return Call("codex", {"prompt": task.prompt})


def _reply(task: CodexTask) -> Call:
    return Call("codex-reply", {"prompt": task.prompt, "threadId": ""})


def _hand_off(role: str) -> Call:
    return Call(f"transfer_to_{role.replace('-', '_')}")


def _with_thread_id(step: Step, request: ModelRequest) -> Step:
    """Address a `codex-reply` to the thread of Codex's last answer."""
    if isinstance(step, Call) and step.name == "codex-reply":
        return Call(step.name, {**step.arguments, "threadId": _last_thread_id(request)})
    return step


def _last_thread_id(request: ModelRequest) -> str:
    for item in reversed(request.input):
        try:
            output = json.loads(str(item.get("output")))
        except ValueError:
            continue
        if isinstance(output, dict) and "threadId" in output:
            return str(output["threadId"])
    return ""
