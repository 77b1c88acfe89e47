"""How each block of the documents is tried: as it is pasted, and what a person does then.

A block is known by its first line that is no comment. All of its commands are run, one after the
other, and must succeed; the table names what else happens, or why one is run in another way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT
from typing import TypeAlias

from documents.machine import Machine
from e2e.terminal import Terminal

Stage: TypeAlias = Callable[[Machine], None]
"""Prepares a machine, or looks at it afterwards."""

Play: TypeAlias = Callable[[Terminal], None]
"""What a person does while a command runs in a terminal, and sees there."""


@dataclass(frozen=True, slots=True)
class Prints:
    """A command that prints something, or ends with another code than 0."""

    text: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class InTerminal:
    """A command with a screen, which has ended when `play` returns or soon after."""

    play: Play
    code: int = 0


@dataclass(frozen=True, slots=True)
class Stays:
    """A command that goes on in its terminal while the others of the block are run."""

    until: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A command that is run with a part replaced, and why."""

    pattern: str
    replacement: str
    why: str
    how: Prints | InTerminal | Stays = Prints()


@dataclass(frozen=True, slots=True)
class NotRun:
    """A command that is not run, and why."""

    why: str


How: TypeAlias = Prints | InTerminal | Stays | Changed | NotRun


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of a block.

    Attributes:
        before: prepare the machine.
        commands: how commands of a shell are run, by their text without its comment; all others
            must succeed.
        run: tries a block of another language, given its text.
        after: look at the machine.
        contributor: whether the machine is a maintainer's.
    """

    before: tuple[Stage, ...] = ()
    commands: Mapping[str, How] = field(default_factory=dict)
    run: Callable[[Machine, str], None] | None = None
    after: tuple[Stage, ...] = ()
    contributor: bool = False


# -- stages


def in_clone(machine: Machine) -> None:
    """Be in the folder of the clone, as after `git clone`."""
    machine.cwd = machine.home / "codextui"


def activated(machine: Machine) -> None:
    """Have `codextui` on the PATH, as after the first line of the README."""
    in_clone(machine)
    must(machine, ". .venv/bin/activate")


def in_project(machine: Machine) -> None:
    """Have `codextui` on the PATH, and be in a project of one's own."""
    activated(machine)
    must(machine, "mkdir -p ~/shop && cd ~/shop && git init --quiet && echo shop > README.md")


def asking(machine: Machine) -> None:
    """Have two threads that wait for a decision: the approvals a1 and a2."""
    for name in ("first", "second"):
        machine.json(f"codextui new 'Show the name of this machine' --handle {name} --json")
    wait_until(machine, "codextui approvals --json", 2)


def with_key(machine: Machine) -> None:
    """Have what the Agents SDK needs, at the scripted model."""
    machine.env |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": machine.model}


def with_team(machine: Machine) -> None:
    """Have a team called shop, and what its models need."""
    must(machine, "codextui teams new shop")
    with_key(machine)


def with_run(machine: Machine) -> None:
    """Have a run of that team that is over."""
    with_team(machine)
    must(machine, "codextui run shop 'Add a wish list' --headless")


def must(machine: Machine, command: str) -> str:
    """Run a command, which must succeed, and return what it printed."""
    ran = machine.run(command)
    assert ran.code == 0, f"{command} ended with {ran.code}:\n{ran.output}"
    return ran.output


def wait_until(machine: Machine, command: str, rows: int) -> None:
    """Run a command again until it prints so many lines."""
    for _ in range(100):
        if len(machine.json(command)) >= rows:
            return
    raise AssertionError(f"{command} never printed {rows} lines: {machine.run(command).output}")


# -- what a person does on a screen


def leave(terminal: Terminal) -> None:
    terminal.press("q")


def see_demo(terminal: Terminal) -> None:
    terminal.wait_for("keys ready")
    terminal.press("y")
    terminal.wait_for("approved once")
    terminal.wait_for("1 waits for you")  # the next one, which is left for later
    terminal.wait_for("keys ready")
    terminal.press("esc")
    terminal.wait_gone("esc later")
    leave(terminal)


def see_team_demo(terminal: Terminal) -> None:
    terminal.wait_for("project-manager")
    leave(terminal)


def first_hour(terminal: Terminal) -> None:
    """The numbered steps of the README."""
    terminal.wait_for("● connected")
    terminal.wait_for("codex 0.")
    terminal.press("n")
    terminal.wait_for("What should the agent do?")
    terminal.press("Show the name of this machine")
    terminal.wait_for("Show the name of this machine")
    terminal.press("ctrl+s")
    terminal.wait_for("keys ready")
    terminal.press("y")
    terminal.wait_for("Done.")
    terminal.press("left")
    terminal.wait_for("⏎ open")  # the tree has the focus
    leave(terminal)


def second_day(machine: Machine) -> None:
    """The thread is there again; it is put away, and shown."""
    with machine.terminal("codextui") as terminal:
        terminal.wait_for("Done.")
        terminal.press("left")
        terminal.wait_for("⏎ open")
        terminal.press("h")
        terminal.wait_for("1 thread put away (*)")
        terminal.press("*")
        terminal.wait_for("put away too (*)")
        leave(terminal)
        assert terminal.wait_exit() == 0


def see_run(terminal: Terminal) -> None:
    terminal.wait_for("Built and reviewed.")
    leave(terminal)


def see_login(terminal: Terminal) -> None:
    terminal.wait_for("auth.openai.com")
    terminal.press("ctrl+c")


# -- blocks that are no shell


def run_python(machine: Machine, text: str) -> None:
    """Run a block of Python as a script."""
    script = machine.write("script.py", text)
    must(machine, f"python {script}")


def run_developer(machine: Machine, text: str) -> None:
    """The script starts a Codex thread, and its run is shown."""
    run_python(machine, text)
    rows = machine.json("codextui ps --all --json")
    assert {"codex", "run", "role"} <= {str(row.get("kind")) for row in rows}, rows


def configure_team(machine: Machine, text: str) -> None:
    """The team is one that can run."""
    machine.write(".config/codextui/config.toml", text)
    must(machine, "codextui config check")
    must(machine, "codextui teams check pair")


def configure_codex(machine: Machine, text: str) -> None:
    """Codex asks the provider of this configuration."""
    quiet = (machine.home / ".codex" / "config.toml").read_text()
    kept = [line for line in quiet.splitlines() if line.startswith(("analytics", "check", "feat"))]
    with_url = re.sub(r"https://gateway\.example\.com/v1", machine.model, text)
    assert with_url != text
    machine.write(".codex/config.toml", "\n".join([*kept, with_url]))
    must(machine, "codextui new 'Say hello' --wait | grep Done.")


def logged_in_by_key(machine: Machine) -> None:
    must(machine, "echo sk-none | codextui login --with-api-key")


def with_own_key(machine: Machine) -> None:
    machine.env["MINE_API_KEY"] = "none"


def see_unit(machine: Machine) -> None:
    """The unit of systemd starts this codextui, by its whole path."""
    unit = (machine.home / ".config/systemd/user/codextui.service").read_text()
    [start] = re.findall(r"^ExecStart=(\S+) serve$", unit, re.MULTILINE)
    assert Path(start).samefile(machine.home / "codextui" / ".venv" / "bin" / "codextui")
    assert "$" not in unit


def see_fork_of_codex(machine: Machine) -> None:
    """The turn of `codex exec` is a thread of the server."""
    assert any(row["brief"] == "Fix the failing test" for row in machine.json("codextui ps --json"))


# -- the table

INSTALLED = "the copy of the checkout was made with just these words (tests/documents/conftest.py)"
THEIRS = "the tests run in an environment that these words have made, and it takes minutes"
COLLECTED = "running all tests in a test would never end: some of them are collected only"
IN_CI = "it takes minutes, and .ci/run does it"
NO_SYSTEMD = "a test has no systemd of its own; the unit is read instead"
ANY_PORT = "another port, because the machine of the tests is shared"

TEAM = "codextui run shop 'Add a wish list'"
DEMO = "python3 -m venv .venv && . .venv/bin/activate && pip install '.[codex]' && codextui demo"
TESTS = (
    "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest -n 3 -m quick"
)
ALL_TESTS = ".venv/bin/pytest -n 3 -m 'not benchmark' && .venv/bin/pytest -m benchmark"
COLLECT = (
    r"(^.*'\.\[dev\]' && )?\.venv/bin/pytest",
    ".venv/bin/pytest --collect-only -q tests/text tests/benchmarks",
)

TRIALS: dict[str, Trial] = {
    # README.md
    DEMO: Trial(
        (in_clone,),
        {
            DEMO: Changed(
                r"^python3 -m venv \.venv && (.*)pip install '\.\[codex\]' && ",
                r"\1",
                INSTALLED,
                InTerminal(see_demo),
            )
        },
    ),
    TESTS: Trial((in_clone,), {TESTS: Changed(*COLLECT, COLLECTED)}, contributor=True),
    ALL_TESTS: Trial((in_clone,), {ALL_TESTS: Changed(*COLLECT, COLLECTED)}, contributor=True),
    "codextui login": Trial((in_project,), {"codextui login": InTerminal(see_login, code=-SIGINT)}),
    "codextui": Trial((in_project,), {"codextui": InTerminal(first_hour)}, after=(second_day,)),
    "codextui demo --team": Trial(
        (in_project, with_key),
        {
            "codextui demo --team": InTerminal(see_team_demo),
            TEAM: InTerminal(see_run),
            "codextui run --resume shop": InTerminal(leave),
        },
    ),
    "codextui teams new shop": Trial((in_project, with_key), {TEAM: InTerminal(see_run)}),
    "codextui setup claude-code": Trial((in_project,)),
    "codextui doctor": Trial((in_project,), {"codextui doctor": Prints("codex.binary")}),
    # docs/scripts.md
    "codextui new 'Fix the failing test' --handle fixer --wait": Trial((in_project, asking)),
    'eval "$(codextui completion bash)"': Trial((in_project,)),
    "from agents.mcp import MCPServerStdio": Trial((in_project,), run=run_python),
    "import asyncio": Trial((in_project, with_key), run=run_developer),
    'export CODEX_PATH="$(codextui shim-path)"': Trial((in_project,), after=(see_fork_of_codex,)),
    # docs/teams.md
    "[teams.pair]": Trial((in_project, with_key), run=configure_team),
    "codextui runs show shop": Trial((in_project, with_run)),
    # docs/server.md
    "codextui serve": Trial((in_project,), {"codextui serve": Stays("listen")}),
    "mkdir -p ~/.config/systemd/user": Trial(
        (in_project,),
        {
            "systemctl --user daemon-reload": NotRun(NO_SYSTEMD),
            "systemctl --user enable --now codextui": NotRun(NO_SYSTEMD),
        },
        after=(see_unit,),
    ),
    "codextui serve --http 127.0.0.1:8040": Trial(
        (in_project,),
        {"codextui serve --http 127.0.0.1:8040": Changed("8040", "0", ANY_PORT, Stays("listen"))},
    ),
    'openai_base_url = "https://gateway.example.com/v1"': Trial(
        (in_project, logged_in_by_key), run=configure_codex
    ),
    'model = "gpt-5.5"': Trial((in_project, with_own_key), run=configure_codex),
    "export OPENAI_BASE_URL=https://gateway.example.com/v1": Trial((in_project, with_team)),
    "codextui config": Trial((in_project,)),
    # CONTRIBUTING.md
    "python3 -m venv .venv": Trial(
        (in_clone,),
        {
            "python3 -m venv .venv": NotRun(THEIRS),
            ".venv/bin/pip install -e '.[dev]'": NotRun(THEIRS),
            ".venv/bin/pytest -n 3 -m quick": Changed(*COLLECT, COLLECTED),
            ".venv/bin/pytest -n 3 -m 'not slow and not benchmark and not attack'": Changed(
                *COLLECT, COLLECTED
            ),
            ".venv/bin/pytest -n 3 -m 'not benchmark'": Changed(*COLLECT, COLLECTED),
            ".venv/bin/pytest -m benchmark": Changed(*COLLECT, COLLECTED),
            ".venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy": NotRun(
                IN_CI
            ),
        },
        contributor=True,
    ),
}
