"""Panes in a real terminal: by mouse, over a resize, and the settings that they follow."""

from __future__ import annotations

from e2e.conftest import OpenTerminal, Served
from e2e.terminal import Terminal

from codextui.config import paths

WHEEL_UP = "\x1b[<64;{column};{row}M"


def open_three(served: Served, open_terminal: OpenTerminal, **size: int) -> Terminal:
    for handle in ("anna", "bert", "cleo"):
        served.start_thread("history", handle=handle)
    terminal = open_terminal("-L", served.name, **size)
    terminal.wait_for("item 199")
    terminal.wait_for("cleo")
    terminal.wait_quiet()
    return terminal


def focused(terminal: Terminal) -> str:
    """Return the title of the pane whose frame is heavy."""
    row = next((row for row in terminal.rows if "┏▌" in row), "")
    return row.partition("┏▌")[2].partition("▐")[0]


def test_a_person_gets_about_by_mouse(serve_fake: Served, open_terminal: OpenTerminal):
    terminal = open_three(serve_fake, open_terminal)
    second = next(n for n in ("[2]", "[1]") if n not in focused(terminal))
    terminal.click_on(second)
    terminal.wait_until(lambda: second in focused(terminal), f"{second} with the focus")
    terminal.click_on(second)
    terminal.click_on(second)
    terminal.wait_for("1 of 3 threads")
    row = terminal.rows.index(next(row for row in terminal.rows if "item 199" in row))
    terminal.press(WHEEL_UP.format(column=60, row=row))
    terminal.wait_for("more lines below")
    terminal.click_on("more lines below")
    terminal.wait_gone("more lines below")
    terminal.click_on("zoom")
    terminal.wait_gone("1 of 3 threads")
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}


def test_panes_follow_the_size_down_to_one_beside_a_key_for_the_tree(
    serve_fake: Served, open_terminal: OpenTerminal
):
    terminal = open_three(serve_fake, open_terminal, columns=220, lines=60)
    assert all(f"[{number}]" in terminal.text for number in (1, 2, 3))
    terminal.resize(80, 24)
    terminal.wait_for("2 of 3 threads")
    terminal.resize(50, 12)
    terminal.wait_for("1 of 3 threads")
    assert "threads  3" not in terminal.text
    terminal.press("t")
    terminal.wait_for("threads  3")
    for handle in ("anna", "bert", "cleo"):
        terminal.wait_for(handle)
    terminal.press("end", "enter")
    terminal.wait_for("┏▌[1]")
    terminal.resize(220, 60)
    terminal.wait_until(
        lambda: all(f"[{number}]" in terminal.text for number in (1, 2, 3)), "three panes"
    )
    terminal.press("q")
    assert terminal.wait_exit() == 0


def test_a_setting_is_changed_seen_and_kept(serve_fake: Served, open_terminal: OpenTerminal):
    path = paths.config_path()
    path.write_text(f"# mine\n{path.read_text()}")
    terminal = open_three(serve_fake, open_terminal)
    terminal.press("S")
    terminal.wait_for("Settings of the console")
    terminal.press("down", "right", "right")
    terminal.wait_for("changed")
    terminal.press("\x13")
    terminal.wait_gone("Settings of the console")
    terminal.wait_for("2 of 3 threads")
    text = path.read_text()
    assert text.startswith("# mine\n[codex]\n")
    assert "[ui]\nlayout = 2\n" in text
    terminal.press("q")
    assert terminal.wait_exit() == 0
