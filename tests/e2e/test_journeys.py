"""Journeys of a person through the whole program, in a terminal and with the real Codex."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from e2e.conftest import OpenTerminal, Serve, Served, configure
from e2e.fleets import (
    COUNTED,
    DAY_S,
    Member,
    age_journal,
    fleet_of_thirty,
    publish_runs,
    runs_of_a_day,
    script_of,
    start_all,
)
from e2e.terminal import Terminal

from codextui.demo import Run, Say, Script
from codextui.demo.workspace import create_workspace

pytestmark = pytest.mark.slow

WHEEL_UP, WHEEL_DOWN = 64, 65
READ_TO_ITS_END = r"all of it (?:is|was) shown|lines \d+ to (\d+) of \1 "
DECLINED = ("schema", "tax-tables", "upgrade-guide")


def long_command(made: Path) -> str:
    """Return a command that fills more than a screen, and makes a file at its end."""
    return "".join(f"echo step {number} of 40\n" for number in range(1, 41)) + f"touch {made}"


def wheel(button: int, column: int, row: int) -> str:
    """Return what a terminal sends where the wheel is turned over a cell."""
    return f"\x1b[<{button};{column + 1};{row + 1}M"


def press_until(terminal: Terminal, key: str, pattern: str) -> None:
    """Press a key again and again, each time after something was drawn, until it has an effect."""
    for _ in range(200):
        if re.search(pattern, terminal.text):
            return
        drawn = len(terminal.raw)
        terminal.press(key)
        terminal.wait_until(lambda drawn=drawn: len(terminal.raw) > drawn, "an answer to the key")  # type: ignore[misc]
    raise AssertionError(f"{pattern} does not come:\n{terminal.text}")


def read_to_the_end(terminal: Terminal) -> None:
    """Read a dialog of approval by its keys until all of it has been shown.

    A key between two answers also says that the key of the first one is not held down.
    """
    terminal.press("pagedown")
    terminal.wait_for("keys ready")
    press_until(terminal, "pagedown", READ_TO_ITS_END)
    terminal.wait_for("keys ready")


def write(terminal: Terminal, text: str) -> None:
    """Type a text and send it, once all of it is on the screen; else it could pass for a paste."""
    terminal.press(*text)
    terminal.wait_for(text)
    terminal.press("enter")


def find(terminal: Terminal, name: str, kind: str) -> None:
    """Open something by the palette."""
    terminal.press("ctrl+p")
    terminal.wait_for("⏎ do it")
    terminal.press(*name)
    found = re.compile(rf" {name}\s.*> {kind} +{name} ", re.DOTALL)
    terminal.wait_until(lambda: found.search(terminal.text) is not None, f"{name} to be found")
    terminal.press("enter")
    terminal.wait_gone("⏎ do it")


def leave(terminal: Terminal) -> None:
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}


def test_by_mouse_alone_a_thread_is_read_and_an_approval_decided(
    serve: Serve, open_terminal: OpenTerminal
) -> None:
    configure('[ui]\nlayout = 1\n[approvals]\npopup = "never"\n')
    workspace = create_workspace()
    made = workspace.release / "made"
    letters = "\n\n".join(f"Paragraph {number}" for number in range(1, 81))
    script = Script().on("write letters", Say(letters))
    script.on("publish", Run(long_command(made), escalate=True), Say("It is published."))
    served = serve(script, workspace)
    served.start_thread("write letters", handle="writer")
    served.start_thread("publish", handle="publisher")

    terminal = open_terminal("-L", served.name)
    terminal.wait_for("┏▌[1] ? publisher")
    terminal.wait_for("? publisher")
    terminal.click_on("writer")
    terminal.wait_for("┏▌[1] ○ writer")
    terminal.wait_for("Paragraph 80")
    press_until(terminal, wheel(WHEEL_UP, 80, 20), "Paragraph 40")
    terminal.wait_for("more lines below")

    strip = next(row for row in reversed(terminal.rows) if "? publisher" in row)
    terminal.click(4, terminal.rows.index(strip))
    terminal.wait_for("publisher asks to run a command")
    terminal.wait_for("keys ready")
    assert not re.search(READ_TO_ITS_END, terminal.text)
    press_until(terminal, wheel(WHEEL_DOWN, 80, 20), READ_TO_ITS_END)
    assert not made.exists()
    terminal.wait_for("keys ready")
    terminal.click_on("y once")
    terminal.wait_until(made.exists, "the command to run")
    terminal.wait_for("nothing needs you")
    assert "Paragraph 40" in terminal.text, "the reader is still where he was"


def test_at_80x24_a_day_goes_from_an_approval_to_the_exit(
    serve: Serve, open_terminal: OpenTerminal
) -> None:
    workspace = create_workspace()
    made = workspace.release / "made"
    gate = asyncio.Event()
    script = Script().on("build", Run(long_command(made), escalate=True), Say("It is built."))
    script.on("and the docs", Say("The docs are built, too."))
    script.on("count to ten", Say("one two three ten", gate=gate, open_deltas=2))
    script.on("rest", Say("I rest here."))
    served = serve(script, workspace)
    served.start_thread("rest", handle="sleeper")
    served.start_thread("build", handle="builder")

    terminal = open_terminal("-L", served.name, columns=80, lines=24)
    terminal.wait_for("builder asks to run a command")
    terminal.wait_for("echo step 1 of 40")
    read_to_the_end(terminal)
    assert not made.exists()
    terminal.press("y")
    terminal.wait_until(made.exists, "the command to run")
    terminal.wait_for("It is built.")
    terminal.wait_for("nothing needs you")

    find(terminal, "builder", "thread")
    terminal.wait_until(lambda: "builder" in focused(terminal), "the thread with the focus")
    terminal.press("r")
    terminal.wait_for("reply to builder")
    write(terminal, "and the docs")
    terminal.wait_for("The docs are built, too.")
    terminal.press("f")
    terminal.wait_for("builder-fork ")
    terminal.wait_until(lambda: "builder-fork" in focused(terminal), "the fork with the focus")
    terminal.press("r")
    terminal.wait_for("reply to builder-fork")
    write(terminal, "count to ten")
    terminal.wait_for("one two")
    terminal.press("x")
    terminal.wait_for("interrupted")

    find(terminal, "sleeper", "thread")
    terminal.wait_until(lambda: "sleeper" in focused(terminal), "the thread that was looked for")
    terminal.wait_for("I rest here.")
    assert max(map(len, terminal.rows)) <= 80
    leave(terminal)
    served.call(gate.set)


def focused(terminal: Terminal) -> str:
    """Return the title of the pane whose frame is heavy."""
    row = next((row for row in terminal.rows if "┏▌" in row), "")
    return row.partition("┏▌")[2].partition("▐")[0]


SIZES = ((80, 24), (50, 12), (220, 60))


def test_over_a_resize_an_approval_stays_open_and_a_draft_whole(
    serve: Serve, open_terminal: OpenTerminal
) -> None:
    workspace = create_workspace()
    made = workspace.release / "made"
    script = Script().on("build", Run(f"touch {made}", escalate=True), Say("It is built."))
    script.on("rest", Say("I rest here."))
    served = serve(script, workspace)
    served.start_thread("rest", handle="sleeper")
    served.start_thread("build", handle="builder")

    terminal = open_terminal("-L", served.name)
    terminal.wait_for("builder asks to run a command")
    read_to_the_end(terminal)
    for columns, lines in SIZES:
        terminal.resize(columns, lines)
        terminal.wait_until(lambda: dialog_fits(terminal), f"the dialog at {columns}x{lines}")
    assert len(served.run_all("approvals")) == 1
    terminal.press("esc")
    terminal.wait_gone("asks to run a command")

    terminal.resize(160, 45)
    terminal.wait_for("sleeper")
    find(terminal, "sleeper", "thread")
    terminal.wait_until(lambda: "sleeper" in focused(terminal), "the thread with the focus")
    terminal.press("r")
    terminal.wait_for("reply to sleeper")
    draft = "a draft"
    terminal.press(*draft)
    terminal.wait_for(draft)
    for number, (columns, lines) in enumerate(SIZES):
        terminal.resize(columns, lines)
        terminal.wait_for("esc keep as draft")
        terminal.press(str(number))
        draft += str(number)
        terminal.wait_for(draft)
        assert "reply to sleeper" in terminal.text
    terminal.press("esc")
    terminal.wait_gone("esc keep as draft")
    terminal.wait_for(f"draft  {draft}")
    assert "sleeper" in focused(terminal)
    assert len(served.run_all("approvals")) == 1
    assert not made.exists()
    terminal.press("a")
    read_to_the_end(terminal)
    terminal.press("y")
    terminal.wait_until(made.exists, "the command to run")
    leave(terminal)


def dialog_fits(terminal: Terminal) -> bool:
    """Return whether the dialog shows who asks, what, and the keys that decide."""
    told = ("builder asks to run", "$ touch", "keys ready", "y once", "n decline")
    return all(text in terminal.text for text in told)


@pytest.fixture
def thirty(serve: Serve) -> tuple[Served, list[Member], asyncio.Event]:
    """A server with thirty threads, of which twelve ask, and the gate of those that write."""
    configure('[approvals]\npopup = "never"\n')
    gate = asyncio.Event()
    workspace = create_workspace()
    members = fleet_of_thirty(workspace, gate)
    served = serve(script_of(members), workspace)
    start_all(served.name, members, workspace)
    return served, members, gate


def wait_for_twelve(terminal: Terminal) -> None:
    terminal.wait_until(lambda: "12 need you" in terminal.text, "twelve that ask")


def test_thirty_threads_and_twelve_approvals_are_decided_and_logged(
    thirty: tuple[Served, list[Member], asyncio.Event], open_terminal: OpenTerminal
) -> None:
    served, members, gate = thirty
    asking = [member for member in members if member.subject]
    terminal = open_terminal("-L", served.name)
    wait_for_twelve(terminal)
    terminal.wait_for("2 failed")
    for member in asking:
        terminal.wait_for(f"? {member.handle}")
        told = member.subject.rpartition("/")[2]
        terminal.wait_until(
            lambda member=member, told=told: any(  # type: ignore[misc]
                f"? {member.handle}" in row and told in row for row in terminal.rows
            ),
            f"{member.handle} with {told}",
        )

    terminal.press("a")
    terminal.wait_for("12 wait for you · oldest first")
    terminal.wait_for("keys ready")
    terminal.press("v")
    terminal.wait_gone("oldest first")
    press_until(terminal, "v", "oldest first")
    select(terminal, "lint-docs")
    terminal.press("*")
    terminal.wait_for("4 ask for the same, and are marked.")
    terminal.press("Y")
    terminal.wait_for("Approve these 4 once?")
    press_until(terminal, "pagedown", "all of it was shown")
    terminal.wait_until(lambda: is_ready(terminal, "was"), "the keys of the dialog")
    terminal.press("y")
    terminal.wait_for("8 wait for you")
    linted = {member.handle for member in asking if member.subject == COUNTED}
    terminal.wait_until(lambda: current(terminal) not in {"", *linted}, "the first of the others")

    handle = current(terminal)
    for left in range(8, 0, -1):
        read_to_the_end(terminal)
        terminal.press("n" if handle in DECLINED else "y")
        if left > 1:
            before = ("", handle)
            terminal.wait_until(lambda b=before: current(terminal) not in b, "the next one")  # type: ignore[misc]
            handle = current(terminal)
    terminal.wait_gone("keys ready")
    terminal.wait_gone("need you")
    check_decisions(served, asking)
    terminal.wait_until(lambda: all_rest(served, asking), "the turns to end")
    for member in asking:
        if member.makes is not None:
            assert member.makes.exists() is (member.handle not in DECLINED), member.handle
    counted = (served.workspace.project / COUNTED.rpartition(" ")[2]).read_text()
    assert counted.count("linted") == 4
    served.call(gate.set)
    terminal.wait_gone("running")
    leave(terminal)


def is_ready(terminal: Terminal, verb: str) -> bool:
    return re.search(rf"all of it {verb} shown +keys ready", terminal.text) is not None


def current(terminal: Terminal) -> str:
    """Return who asks for what the open dialog shows."""
    found = re.search(r"(\S+) asks to (?:run a command|change files)", terminal.text)
    return found[1] if found else ""


def select(terminal: Terminal, handle: str) -> None:
    """Move down the list of the inbox to what a thread asks."""
    for _ in range(12):
        if (before := current(terminal)) == handle:
            return
        terminal.press("j")
        terminal.wait_until(lambda was=before: current(terminal) != was, "the next one")  # type: ignore[misc]
    raise AssertionError(f"{handle} is not in the list:\n{terminal.text}")


def check_decisions(served: Served, asking: Sequence[Member]) -> None:
    """Check that the log has one row for each of those who asked: who, what, and how it ended."""
    logged = {row["handle"]: row for row in served.run_all("decisions")}
    assert logged.keys() == {member.handle for member in asking}
    for member in asking:
        row = logged[member.handle]
        outcome = "denied" if member.handle in DECLINED else "approved"
        assert (row["outcome"], row["where"]) == (outcome, "console"), row
        assert member.subject in row["subject"], row


def all_rest(served: Served, members: Sequence[Member]) -> bool:
    states = {thread["handle"]: thread["state"] for thread in served.run_all("ps")}
    return {states[member.handle] for member in members} == {"idle"}


def test_a_console_that_attaches_to_thirty_threads_shows_them_whole_and_takes_keys(
    thirty: tuple[Served, list[Member], asyncio.Event], open_terminal: OpenTerminal
) -> None:
    served, _, gate = thirty
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("12 need you")
    terminal.wait_for("4 of 30 threads")
    assert "threads  30" in terminal.text
    assert "q detach" in terminal.rows[-1]
    assert all(f"[{number}]" in terminal.text for number in (1, 2, 3, 4))
    for number in (2, 3):
        terminal.press(str(number))
        terminal.wait_until(lambda n=number: f"[{n}]" in focused(terminal), f"pane {number}")  # type: ignore[misc]
    terminal.press("/")
    terminal.wait_for("keep the filter")
    terminal.press(*"readme")
    terminal.wait_for("readme ")
    terminal.wait_for("1 of 30")
    terminal.wait_until(lambda: "readme" in terminal.rows[2], "the filter as it was typed")
    terminal.press("enter")
    terminal.wait_gone("keep the filter")
    terminal.press("enter")
    terminal.wait_until(lambda: "readme" in focused(terminal), "the thread that was found")
    terminal.wait_for("that is done, and nothing is left.")
    leave(terminal)
    served.call(gate.set)


TODAY = ("invoice", "cart", "readme", "forecast")


def test_on_the_second_day_yesterdays_runs_are_one_line_and_stay_readable(
    serve: Serve, open_terminal: OpenTerminal
) -> None:
    configure('[approvals]\npopup = "never"\n')
    workspace, runs = create_workspace(), runs_of_a_day(20)
    script = Script().on("how was it", Say("It was a fine day.")).on("good night", Say("Night."))
    served = serve(script, workspace)
    publish_runs(served.name, runs, workspace.project, workspace.root / "runs")
    served.start_thread("how was it", handle="diary")
    served.run("reply", "diary", "good night", "--wait")
    served.stop()
    (journal,) = workspace.state.rglob("*.sqlite")
    age_journal(journal, DAY_S + 3600)

    gate = asyncio.Event()
    members = [one for one in fleet_of_thirty(workspace, gate) if one.handle in TODAY]
    served = serve(script_of(members), workspace)
    start_all(served.name, members, workspace)
    terminal = open_terminal("-L", served.name)
    for told in ("1 needs you", "1 failed", "1 running", "20 runs put away"):
        terminal.wait_for(told)
    terminal.wait_until(
        lambda: tree_order(terminal) == ["invoice", "forecast", "cart", "diary", "readme"],
        "today's threads by need",
    )
    assert any("? invoice" in row and "invoice.txt" in row for row in terminal.rows)
    assert not any(run.team in terminal.text for run in runs)
    terminal.click_on("readme")
    terminal.wait_until(lambda: "readme" in focused(terminal), "readme with the focus")
    terminal.press("h")
    terminal.wait_for("readme is hidden")
    terminal.press("ctrl+x")
    terminal.wait_for("Put away 1 thread?")
    terminal.wait_for("Failed, and you have not looked at it: forecast")
    terminal.press("y")
    terminal.wait_for(PUT_AWAY)
    leave(terminal)

    check_what_is_left(open_terminal("-L", served.name), "1 needs you")
    served.call(gate.set)
    served.stop()
    served = serve(Script(), workspace)
    terminal = open_terminal("-L", served.name)
    check_what_is_left(terminal, "● connected", detach=False)
    terminal.press("H")
    terminal.wait_for("Codex's history")
    terminal.press(*"fine day")
    terminal.wait_for(" fine day")
    terminal.wait_for("how was it")
    terminal.press("enter")
    terminal.wait_until(lambda: "diary" in focused(terminal), "the thread of yesterday")
    terminal.wait_for("It was a fine day.")
    terminal.press("*")
    terminal.wait_for("put away too")
    find(terminal, "shop-1", "run")
    terminal.wait_until(lambda: "shop-1" in focused(terminal), "a run of yesterday")
    terminal.wait_for("it is merged")
    leave(terminal)


PUT_AWAY = "20 runs and 2 threads put away"


def check_what_is_left(terminal: Terminal, told: str, *, detach: bool = True) -> None:
    """Check that a console that was opened again has put away the same as before."""
    for text in (told, PUT_AWAY):
        terminal.wait_for(text)
    terminal.wait_until(
        lambda: sorted(tree_order(terminal)) == ["cart", "diary", "invoice"], "what is left"
    )
    if detach:
        leave(terminal)


def tree_order(terminal: Terminal) -> list[str]:
    """Return the handles of the tree at the left of a screen, from its top."""
    rows = [re.match(r"[ \d▌]. ?. (\S+)", row[:36]) for row in terminal.rows[3:-4]]
    return [row[1] for row in rows if row and not row[0].startswith("    ")]
