"""Compares `codex exec` of our stand-in with that of the genuine Codex, on the same script.

Every difference must have a row with its reason in `EXEMPT`, and every row must be found.
"""

from __future__ import annotations

import base64
import itertools
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from contract.conftest import CONFIGURED
from contract.exec_stage import Ran, Side, Stage, staged

from codextui.codex.binary import Version, find_codex
from codextui.demo import Call, Fail, Patch, Run, Say, Script, Think
from codextui.demo.script import Answer, Search

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

ASKING = Path(__file__).with_name("asking_mcp_server.py")
EXTRA = f"""\
tools.update_plan.enabled = true
[mcp_servers.asking]
command = {json.dumps(sys.executable)}
args = [{json.dumps(str(ASKING))}]
default_tools_approval_mode = "approve"
"""
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
PLAN = (("in_progress", "pending"), ("completed", "in_progress"))
FULL = ("-s", "danger-full-access")


@dataclass(frozen=True)
class Case:
    """What the model does when it is told the case's name, and how `codex exec` is called.

    Attributes:
        answers: the model's answers.
        calls: the arguments of each call after `exec --experimental-json --skip-git-repo-check`.
            `NAME` is the case's name in brackets, `THREAD` the thread of the first call.
        stdin: what comes on standard input; None for nothing at all.
        env: more environment variables.
        plain: whether the two options are left out.
        unsettled: why what the model is asked, and so the usage, differs from time to time.
    """

    answers: tuple[Answer, ...] = (Say("Done."),)
    calls: tuple[tuple[str, ...], ...] = (("NAME",),)
    stdin: bytes | None = None
    env: tuple[tuple[str, str], ...] = ()
    plain: bool = False
    unsettled: str = ""


def plan(states: tuple[str, str]) -> Call:
    steps = [{"step": f"step {n}", "status": status} for n, status in enumerate(states)]
    return Call("update_plan", {"plan": steps})


CASES = {
    "message": Case((Say("Hello yourself. — ñ 🎈"),)),
    "reasoning": Case(([Think("First I think."), Think("Then more."), Say("Thought.")],)),
    "two-messages": Case(([Say("Looking."), Run("true")], Say("Found it.")), ((*FULL, "NAME"),)),
    "command": Case((Run("echo out; sleep 0.1; echo err >&2"), Say("Ran.")), ((*FULL, "NAME"),)),
    "failing-command": Case((Run("echo no; exit 3"), Say("Failed.")), ((*FULL, "NAME"),)),
    "slow-command": Case((Run("echo a; sleep 0.4; echo b"), Say("Ran.")), ((*FULL, "NAME"),)),
    "command-left-running": Case(
        (Run("echo a; sleep 30", yield_ms=2000), Say("It runs.")), ((*FULL, "NAME"),)
    ),
    "forbidden-command": Case((Run("touch /nowhere", escalate=True), Say("Not allowed."))),
    "patches": Case(
        (
            Patch.add("a.txt", "one\n"),
            Patch.update("a.txt", "one\n", "two\n"),
            Patch.add_all({"b.txt": "b\n", "c.txt": "c\n"}),
            Patch("*** Begin Patch\n*** Delete File: a.txt\n*** End Patch\n"),
            Say("Patched."),
        ),
        ((*FULL, "NAME"),),
    ),
    "wrong-patch": Case(
        (Patch("*** Begin Patch\n*** Delete File: no.txt\n*** End Patch\n"), Say("Not there.")),
        ((*FULL, "NAME"),),
    ),
    "plan": Case((plan(PLAN[0]), plan(PLAN[1]), Say("Planned."))),
    "mcp-call": Case((Call("change", {}, "mcp__asking"), Say("Changed."))),
    "mcp-unknown": Case((Call("nothing", {}, "mcp__asking"), Say("There is none."))),
    "web-search": Case(([Search("codex exec"), Say("Searched.")],)),
    "sub-agent": Case(
        (
            Call("spawn_agent", {"message": "be the child"}, "multi_agent_v1"),
            Say("Delegated."),
        ),
        (("-m", "gpt-5.1", "NAME"),),
        unsettled="the sub-agent gets a name by chance, and may begin after the end",
    ),
    "model-error": Case((Fail(400, "No.", "invalid_request"),)),
    "stream-error": Case(([Say("Half"), Fail(0, "No more.", "server_error")],)),
    "hang-up": Case((Fail(-1),)),
    "retried": Case(
        (Fail(-1), Say("At last.")),
        (("-c", "model_providers.script.stream_max_retries=2", "NAME"),),
    ),
    "too-long": Case((Fail(400, "Too long.", "context_length_exceeded"),)),
    "unknown-setting": Case(calls=(("-c", "no.such=1", "NAME"),)),
    "deprecated-setting": Case(calls=(("-c", "features.web_search_request=true", "NAME"),)),
    "wrong-setting": Case(calls=(("-c", "model_reasoning_effort=7", "NAME"),)),
    "effort": Case(calls=(("-c", "model_reasoning_effort=high", "-m", "o3", "NAME"),)),
    "schema": Case(
        (Say('{"a": "b"}'),), (("--output-schema", "schema.json", "-o", "out.txt", "NAME"),)
    ),
    "schema-missing": Case(calls=(("--output-schema", "none.json", "NAME"),)),
    "schema-broken": Case(calls=(("--output-schema", "broken.json", "NAME"),)),
    "message-file": Case(calls=(("-o", "out.txt", "NAME"),)),
    "message-file-of-a-failure": Case((Fail(400, "No."),), (("-o", "out.txt", "NAME"),)),
    "message-file-unwritable": Case(calls=(("-o", "nowhere/out.txt", "NAME"),)),
    "image": Case(
        calls=(("-i", "dot.png", "--", "NAME"), ("-i", "dot.png,none.png", "--", "NAME"))
    ),
    "image-missing": Case(calls=(("-i", "none.png", "--", "NAME"),)),
    "resume": Case(
        (Say("1"), Say("2"), Say("3")),
        (
            ("NAME",),
            ("resume", "THREAD", "NAME again"),
            ("resume", "-i", "dot.png", "--", "THREAD", "NAME and again"),
        ),
    ),
    "resume-unknown": Case(calls=(("resume", "01900000-0000-7000-8000-000000000000", "NAME"),)),
    "resume-by-no-name": Case(calls=(("resume", "no-such-name", "NAME"),)),
    "resume-nothing": Case(calls=(("resume",),)),
    "stdin": Case(calls=(("-",), (), ("NAME",)), stdin=b"NAME on stdin"),
    "stdin-with-line-end": Case(calls=(("NAME",),), stdin=b"more\n"),
    "stdin-blank": Case(calls=(("-",), (), ("NAME",)), stdin=b" \n"),
    "stdin-utf-16": Case(calls=(("-",),), stdin="[stdin-utf-16]".encode("utf-16")),
    "stdin-no-text": Case(calls=(("-",),), stdin=b"\xff\xff stdin-no-text"),
    "no-git": Case(calls=(("exec", "--json", "NAME"),), plain=True),
    "bypass": Case(calls=(("exec", "--json", "--yolo", "NAME"),), plain=True),
    "add-dir": Case(calls=(("-s", "workspace-write", "--add-dir", "more", "NAME"),)),
    "folder": Case(calls=(("-C", "more", "NAME"),)),
    "no-folder": Case(calls=(("-C", "nowhere", "NAME"),)),
    "leading-options": Case(
        calls=(("-c", "model=o3", "exec", "--json", "--yolo", "NAME"),), plain=True
    ),
    "unknown-option": Case(calls=(("--no-such", "NAME"),)),
    "ephemeral": Case(calls=(("--ephemeral", "NAME"),)),
    "another-home": Case(env=(("CODEX_HOME", "other-home"),)),
}


@dataclass(frozen=True)
class Exempt:
    """A difference that is intended.

    Attributes:
        case: the case's name.
        part: `code`, `events`, `asked`, `file` or `said` (what stands on standard error).
        reason: why it differs.
        before: the version of Codex from which on it does not.
    """

    case: str
    part: str
    reason: str
    before: Version = (1_000, 0, 0)


_NOTED = "a note says that the console does not see the turn, and why"
_ABSOLUTE = "the server is another process: relative paths of images are made absolute"
_OPENED_FIRST = "the file is opened before the turn, as by newer versions"
_EARLIER = "`codex exec` reads the configuration itself, before standard input"

EXEMPT = (
    Exempt("unknown-setting", "events", "`codex exec` warns twice: itself, and by its app-server"),
    Exempt("deprecated-setting", "events", "the notice names no thread of the server"),
    Exempt("wrong-setting", "said", _EARLIER),
    Exempt("schema-broken", "said", "another JSON parser has other words"),
    Exempt("image", "events", f"{_ABSOLUTE}, and count as input"),
    Exempt("image", "asked", _ABSOLUTE),
    Exempt("image-missing", "events", f"{_ABSOLUTE}, and count as input"),
    Exempt("image-missing", "asked", _ABSOLUTE),
    Exempt("resume", "events", f"{_ABSOLUTE}, and count as input"),
    Exempt("resume", "asked", _ABSOLUTE),
    Exempt("resume-unknown", "said", "the server has looked among its own threads as well"),
    *(
        Exempt("message-file-unwritable", part, _OPENED_FIRST, (0, 164, 0))
        for part in ("code", "events", "asked", "said")
    ),
    Exempt("message-file-of-a-failure", "file", _OPENED_FIRST, (0, 164, 0)),
    Exempt("unknown-option", "said", _NOTED),
    Exempt("ephemeral", "said", _NOTED),
    Exempt("another-home", "said", _NOTED),
)


def script() -> Script:
    script = Script().on("be the child", Run("sleep 20"), Say("I was."))
    for name, case in CASES.items():
        script.on(f"[{name}]", *case.answers)
    return script


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=CONFIGURED or ["bundled"], ids=str
)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    binary = request.param
    if not isinstance(binary, Path):
        import codex_cli_bin  # noqa: PLC0415

        binary = Path(codex_cli_bin.bundled_codex_path())
    async with staged(binary, script, EXTRA) as stage:
        for side in (stage.genuine, stage.ours):
            prepare(side.workspace)
        yield stage


def prepare(workspace: Path) -> None:
    (workspace / "more").mkdir()
    (workspace / "dot.png").write_bytes(DOT)
    (workspace / "schema.json").write_text(json.dumps(SCHEMA))
    (workspace / "broken.json").write_text("{")


@dataclass(frozen=True)
class Played:
    """What one side made of a case."""

    code: list[int]
    events: list[Any]
    asked: list[Any]
    file: list[str | None]
    said: list[str]


async def play(side: Side, name: str, case: Case) -> Played:
    side.requests.clear()
    (side.workspace / "out.txt").unlink(missing_ok=True)
    word = f"[{name}]"
    thread, rans, files = "", list[Ran](), list[str | None]()
    stdin = None if case.stdin is None else case.stdin.replace(b"NAME", word.encode())
    for call in case.calls:
        words = [text.replace("NAME", word).replace("THREAD", thread) for text in call]
        leading = () if case.plain else ("exec", "--experimental-json", "--skip-git-repo-check")
        ran = await side.run(*leading, *words, stdin=stdin, env=dict(case.env))
        rans.append(ran)
        out = side.workspace / "out.txt"
        files.append(out.read_text() if out.exists() else None)
        if not thread and ran.code == 0:
            thread = ran.events[0]["thread_id"]
    events = [side.events(ran) for ran in rans]
    if case.unsettled:
        for event in itertools.chain(*events):
            event.pop("usage", None)
    return Played(
        [ran.code for ran in rans],
        events,
        [] if case.unsettled else side.asked(),
        files,
        [said(side.normalized(ran.err)) for ran in rans],
    )


def said(err: str) -> str:
    """Return what a person reads, without Codex's logs and its backtraces."""
    lines = err.partition("\nStack backtrace")[0].splitlines()
    return "\n".join(line for line in lines if " ERROR codex_" not in line and line)


@pytest.mark.parametrize("name", CASES)
async def test_a_call_comes_to_the_same(stage: Stage, name: str) -> None:
    case = CASES[name]
    genuine = await play(stage.genuine, name, case)
    ours = await play(stage.ours, name, case)
    version = find_codex(stage.genuine.program).version
    exempt = {row.part for row in EXEMPT if row.case == name and version < row.before}
    parts: dict[str, Callable[[Played], Any]] = {
        "code": lambda played: played.code,
        "events": lambda played: played.events,
        "asked": lambda played: played.asked,
        "file": lambda played: played.file,
        "said": lambda played: played.said,
    }
    different = set()
    for part, of in parts.items():
        if of(genuine) != of(ours):
            different.add(part)
        if part not in exempt:
            assert of(ours) == of(genuine), part
    assert different == exempt
