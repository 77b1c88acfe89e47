"""Reading and finding in a terminal: search, copying, the palette, and keys that explain."""

from __future__ import annotations

import base64

from e2e.conftest import OpenTerminal, Serve
from e2e.terminal import Terminal

from codextui.demo import Run, Say, Script

ANSWER = (
    "A paragraph that is long enough to be wrapped at the width of every pane that there may be, "
    "as it goes on and on and on, and ends with the golden needle.\n\n```sh\nmake\tall\n```"
)


def clipboard(terminal: Terminal) -> list[str]:
    """Return what the program has copied, as the terminal got it."""
    parts = bytes(terminal.raw).split(b"\x1b]52;c;")[1:]
    return [base64.b64decode(part.split(b"\x07")[0]).decode() for part in parts]


def test_one_finds_marks_and_copies_what_was_said(serve: Serve, open_terminal: OpenTerminal):
    served = serve(Script().on("first", Run("seq 40"), Say(ANSWER)))
    served.start_thread("The first prompt")
    env = {"TMUX": "", "STY": ""}
    terminal = open_terminal("-L", served.name, columns=80, lines=24, env=env)
    terminal.wait_for("golden needle")
    terminal.press("1", "home")
    terminal.wait_gone("golden needle")

    terminal.press("ctrl+f", *"needle")
    terminal.wait_for("answer  …")
    terminal.press("enter")
    terminal.wait_for("stay there")
    terminal.press("enter")
    terminal.wait_gone("stay there")
    terminal.wait_for("▎A paragraph that is long")

    terminal.press("y", "y")
    terminal.wait_until(lambda: clipboard(terminal) == [ANSWER], "the answer is copied")
    terminal.wait_for("Copied 5 lines.")
    terminal.press("y", "2")
    terminal.wait_until(lambda: clipboard(terminal)[1:] == ["make\tall"], "the code is copied")

    terminal.press("Z")
    terminal.wait_for("Z does nothing here")
    terminal.press("ctrl+p", *"zoom the")
    terminal.wait_for("> action")
    terminal.press("esc")
    terminal.wait_gone("> action")
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}
    assert served.run("search", "golden NEEDLE")["kind"] == "agentMessage"
