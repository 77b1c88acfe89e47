"""Somebody who does not look is told once: by the bell, the title, a notification, a command."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App

from codextui.config.notices import Notice
from codextui.config.schema import Config, UiConfig
from codextui.console.alerts import Alerts, fill_command, run_command
from codextui.console.model.alerts import Alert
from codextui.protocol.approvals import Approval, CommandAsked

OSC9 = "\x1b]9;codextui: backend asks to run: npm test\x07"


class Terminal:
    """Records what is sent to it."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.written = ""

    def set_title(self, title: str) -> None:
        if self.titles[-1:] != [title]:
            self.titles.append(title)

    def write(self, data: str) -> None:
        self.written += data


class Host(App[int]):
    """Counts the bells and keeps the toasts."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = 0

    def bell(self) -> None:
        self.rung += 1

    def toasts(self) -> list[str]:
        return [one.message for one in self._notifications]


class Stage:
    """Alerts of an app in a terminal."""

    def __init__(self, host: Host, alerts: Alerts, terminal: Terminal) -> None:
        self.host, self.alerts, self.terminal = host, alerts, terminal

    def show(self, *numbers: int) -> None:
        self.alerts.update([approval(number) for number in numbers], {})


def approval(number: int) -> Approval:
    return Approval(f"a{number}", "t", "u", "", "backend", 1.0, CommandAsked("npm test"))


@asynccontextmanager
async def on_stage(*, delay: float = 0, **ui: object) -> AsyncIterator[Stage]:
    host, terminal = Host(), Terminal()
    config = Config(ui=UiConfig(**{"notify": (Notice.TITLE, Notice.OSC9), **ui}))  # type: ignore[arg-type]
    alerts = Alerts(host, config, "work", terminal=terminal, env={}, delay=delay)
    async with host.run_test(notifications=True):
        alerts.start()
        yield Stage(host, alerts, terminal)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 # a process sets no event
            await asyncio.sleep(0.02)


async def test_an_approval_is_told_once_in_every_way() -> None:
    async with on_stage() as stage:
        assert stage.terminal.titles == ["codextui work"]
        stage.show(1)
        stage.show(1)
        assert stage.host.rung == 1
        assert stage.terminal.written == OSC9
        assert stage.terminal.titles[-1] == "? 1 needs you · codextui work"
        stage.show(1, 2)
        assert stage.host.rung == 2
        assert stage.terminal.titles[-1] == "? 2 need you · codextui work"


async def test_one_that_was_withdrawn_clears_the_title() -> None:
    async with on_stage() as stage:
        stage.show(1)
        stage.show()
        assert stage.terminal.titles[-1] == "codextui work"
        stage.show(1)  # it was told before: the connection was lost in between
        assert stage.host.rung == 1


async def test_what_is_decided_within_the_delay_is_never_told() -> None:
    async with on_stage(delay=3600) as stage:
        stage.show(1)
        stage.show()
        assert stage.host.rung == 0
        assert stage.terminal.written == ""
        assert stage.terminal.titles == ["codextui work"]


async def test_what_still_waits_after_the_delay_is_told_without_another_event() -> None:
    async with on_stage(delay=0.05) as stage:
        stage.show(1)
        assert stage.host.rung == 0
        await until(lambda: stage.host.rung == 1)
        assert stage.terminal.written == OSC9


async def test_no_notification_while_the_terminal_has_the_focus() -> None:
    async with on_stage() as stage:
        stage.host.app_focus = False
        stage.host.app_focus = True
        stage.show(1)
        assert stage.terminal.written == ""
        assert stage.host.rung == 1
        assert stage.terminal.titles[-1].startswith("? 1 needs you")
        stage.host.app_focus = False
        stage.show(1, 2)
        assert "and" not in stage.terminal.written
        assert stage.terminal.written == OSC9


async def test_everything_can_be_turned_off() -> None:
    async with on_stage(notify=(), bell=False) as stage:
        stage.show(1)
        assert stage.host.rung == 0
        assert stage.terminal.written == ""
        assert stage.terminal.titles == []


async def test_the_command_gets_its_arguments_without_a_shell(tmp_path: Path) -> None:
    wrote = tmp_path / "out"
    program = f"import sys; open({str(wrote)!r}, 'a').write(repr(sys.argv[1:]) + chr(10))"
    command = (sys.executable, "-c", program, "{body}", "n={count} $(id) {{}}", "{kind}")
    async with on_stage(notify_command=command) as stage:
        stage.show(1)
        await until(lambda: wrote.exists() and wrote.read_text().endswith("\n"))
        expected = ["backend asks to run: npm test", "n=1 $(id) {}", "command"]
        assert wrote.read_text() == f"{expected!r}\n"
        assert stage.host.toasts() == []


async def test_a_command_that_fails_is_told_once() -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('no display')")
    async with on_stage(notify_command=command) as stage:
        stage.show(1)
        await until(lambda: bool(stage.host.toasts()))
        (toast,) = stage.host.toasts()
        assert toast.startswith("[ui] notify_command: ")
        assert "no display" in toast
        stage.show(1, 2)
        await until(lambda: not stage.alerts._is_running)
        assert stage.host.toasts() == [toast]


async def test_alerts_that_come_while_the_command_runs_are_told_by_the_newest(
    tmp_path: Path,
) -> None:
    wrote, gate = tmp_path / "out", tmp_path / "gate"
    program = (
        "import os, sys, time\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        f"open({str(wrote)!r}, 'a').write(sys.argv[1] + ' ')\n"
    )
    async with on_stage(notify_command=(sys.executable, "-c", program, "{count}")) as stage:
        for count in range(1, 6):
            stage.show(*range(count))
        gate.touch()
        await until(lambda: not stage.alerts._is_running)
        assert wrote.read_text() == "1 5 " or wrote.read_text() == "5 "


async def test_a_program_that_never_ends_is_killed_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    script = f"sleep 3600 & echo $! > {child}; wait"
    problem = await run_command(["sh", "-c", script], 0.5)
    assert problem == "sh took longer than 0.5 s, and was ended"
    if child.exists():
        pid = int(child.read_text())
        stat = Path(f"/proc/{pid}/stat")
        await until(lambda: not stat.exists() or stat.read_text().split()[2] == "Z")


async def test_what_a_program_leaves_in_the_background_goes_on(tmp_path: Path) -> None:
    child = tmp_path / "child"
    started = await run_command(["sh", "-c", f"sleep 3600 & echo $! > {child}; exit 0"], 10)
    pid = int(child.read_text())
    try:
        assert started == ""
        assert Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["/no/such/program"], "/no/such/program cannot be run"),
        (["sh", "-c", "printf '\\033[31mred'; echo bad >&2; exit 3"], "exit code 3: bad"),
        (["sh", "-c", "head -c 3000000 /dev/zero >&2; exit 1"], "exit code 1"),
    ],
)
async def test_why_a_program_failed_is_said_in_a_line(args: list[str], words: str) -> None:
    problem = await run_command(args, 60)
    assert words in problem
    assert len(problem) <= 310
    assert "\x1b" not in problem


async def test_a_program_that_succeeds_says_nothing() -> None:
    assert await run_command(["true"], 60) == ""


def test_a_text_never_becomes_an_option() -> None:
    alert = Alert("-t", "--exec=rm {title}", 2, "-h", "command")
    words = fill_command(["p", "{body}", "{title}", "--title={title}", "-x"], alert, "s")
    assert words == ["p", " --exec=rm {title}", " -t", "--title=-t", "-x"]
