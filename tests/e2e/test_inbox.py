"""The inbox in a terminal, with a dozen approvals of the real Codex: by keyboard and by mouse."""

from __future__ import annotations

import re

import pytest
from e2e.conftest import OpenTerminal, Serve, Served, configure
from e2e.terminal import Terminal

from codextui.demo import Run, Say, Script

pytestmark = pytest.mark.slow

SAME, OTHERS = 6, 6


@pytest.fixture
def asked(serve: Serve) -> Served:
    """A server on which six threads ask for one command, and six for others."""
    configure('[approvals]\npopup = "never"\n')
    script = Script()
    for number in range(SAME):
        script.on(f"same {number}", Run("id -u", escalate=True), Say(f"Done {number}."))
    for number in range(OTHERS):
        script.on(f"other {number}", Run(f"echo {number}", escalate=True), Say("Echoed."))
    server = serve(script)
    for number in range(max(SAME, OTHERS)):
        server.start_thread(f"same {number}", handle=f"same-{number}")
        server.start_thread(f"other {number}", handle=f"other-{number}")
    return server


def count_decided(server: Served, terminal: Terminal, outcome: str, number: int) -> None:
    """Wait until so many were decided."""

    def done() -> bool:
        return len(server.run_all("decisions", f"outcome:{outcome}")) == number

    terminal.wait_until(done, f"{number} {outcome}")


def test_six_of_the_same_are_decided_together_at_80x24(
    asked: Served, open_terminal: OpenTerminal
) -> None:
    terminal = open_terminal("-L", asked.name, columns=80, lines=24)
    terminal.wait_until(lambda: "12 need you" in bytes(terminal.raw).decode(), "all to ask")
    terminal.press("a")
    terminal.wait_for("1 of 12")
    terminal.wait_for("keys ready")
    terminal.press("G")
    terminal.wait_for("stand together now")
    for at in range(2, 13):
        if "id -u" in terminal.rows[next_row(terminal, "$ ")]:
            break
        terminal.press("j")
        terminal.wait_for(f"{at} of 12")
    terminal.press("*")
    terminal.wait_for("6 ask for the same, and are marked.")
    terminal.press("esc")
    terminal.wait_gone("keys ready")
    terminal.press("a")
    terminal.wait_for("6 marked")
    terminal.wait_for("keys ready")
    terminal.press("Y")
    terminal.wait_for("Approve these 6 once?")
    while "all of it was shown" not in terminal.text:
        before = terminal.text
        terminal.press("pagedown")
        terminal.wait_until(lambda was=before: terminal.text != was, "another page")  # type: ignore[misc]
    terminal.wait_for("keys ready")
    terminal.press("y")
    terminal.wait_for("of 6")
    count_decided(asked, terminal, "approved", SAME)
    assert len(asked.run_all("approvals")) == OTHERS
    terminal.wait_for("keys ready")
    terminal.press("esc")
    terminal.wait_gone("keys ready")
    terminal.press("A")
    terminal.wait_for("Decisions · 6")


def next_row(terminal: Terminal, text: str) -> int:
    return next(at for at, row in enumerate(terminal.rows) if re.search(re.escape(text), row))


def test_the_list_and_the_buttons_work_by_mouse(asked: Served, open_terminal: OpenTerminal) -> None:
    terminal = open_terminal("-L", asked.name)
    terminal.wait_until(lambda: "12 need you" in bytes(terminal.raw).decode(), "all to ask")
    terminal.press("a")
    terminal.wait_for("12 wait for you")
    terminal.wait_for("keys ready")
    row = next(row for row in terminal.rows if "other-2" in row and "▌" in row)
    terminal.click(8, terminal.rows.index(row))
    terminal.wait_for("other-2 asks to run a command")
    terminal.wait_for("keys ready")
    terminal.click_on("n decline")
    count_decided(asked, terminal, "declined", 1)
    terminal.wait_for("11 wait for you")
    (decision,) = asked.run_all("decisions", "outcome:declined")
    assert decision["subject"] == "echo 2"
    assert decision["where"] == "console"
