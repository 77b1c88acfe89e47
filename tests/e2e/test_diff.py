"""Changes of the real Codex are read, commented and sent back for another turn, in a terminal."""

from __future__ import annotations

from e2e.conftest import OpenTerminal, Serve

from codextui.demo import ModelRequest, Patch, Say, Script, Step


def answer_review(request: ModelRequest) -> list[Step]:
    return [
        Say("I sort them now." if "cost.py:2" in request.user_texts[-1] else "I read no comment.")
    ]


def test_changes_are_commented_and_the_review_reaches_the_agent(
    serve: Serve, open_terminal: OpenTerminal
):
    patch = Patch.add("cost.py", "def total(items):\n    return sum(items)\n")
    script = Script().on("reviewed your changes", answer_review).on("Write", patch, Say("Written."))
    served = serve(script)
    served.start_thread("Write cost.py")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("Written.")
    terminal.press("1", "d")
    terminal.wait_for("turn 1, the last one (completed)")
    terminal.wait_for("2 +     return sum(items)")
    terminal.press("end")
    terminal.wait_for("hunk 1 of 1")
    terminal.press("c")
    terminal.wait_for("Comment on cost.py:2")
    terminal.press(*"Sort them")
    terminal.wait_for("Sort them")
    terminal.press("enter")
    terminal.wait_gone("Comment on cost.py:2")
    terminal.wait_for("R sends a comment")
    terminal.wait_quiet()
    # What is written outlives the console.
    terminal.press("esc")
    terminal.wait_gone("R sends a comment")
    terminal.press("q")
    assert terminal.wait_exit() == 0

    again = open_terminal("-L", served.name, columns=80, lines=24)
    again.wait_for("Written.")
    again.press("1", "d")
    again.wait_for("✎ comment")
    again.press("R")
    again.wait_gone("R sends a comment")
    again.press("esc")
    again.wait_for("I sort them now.")
