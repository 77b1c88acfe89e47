"""Several approvals are decided at once, but never one that was not shown in full."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from console.screens.approval_dialog import (
    COMMAND,
    PATCH,
    PLAIN,
    QUIET,
    UNKNOWN,
    OpenDialog,
    open_queue,
)
from console.screens.dialog_host import approval, on_screen

from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.protocol.approvals import Approval, Asked, CommandAsked, Question, QuestionsAsked
from codextui.protocol.decisions import Approved, Declined

LONG = CommandAsked("\n".join(f"echo {number}" for number in range(80)))
QUESTIONS = QuestionsAsked((Question("q", "Colour", "Which?"),))


def queue(*asked: Asked) -> list[Approval]:
    return [approval(one, at, f"role-{at}") for at, one in enumerate(asked, 1)]


async def open_list(dialog: OpenDialog) -> ApproveManyScreen:
    await dialog.press_rested("Y")
    screen = dialog.host.screen
    assert isinstance(screen, ApproveManyScreen)
    dialog.clock.advance(QUIET)
    return screen


async def test_marked_approvals_are_shown_in_full_before_they_are_approved() -> None:
    async with open_queue(queue(COMMAND, PATCH, PLAIN)) as dialog:
        await dialog.press("m", "m")
        assert dialog.text("place") == "3 of 3 · 2 marked"
        await open_list(dialog)
        shown = on_screen(dialog.host)
        assert "git push origin main" in shown
        assert "a.py" in shown
        assert "make test" not in shown
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved()), ("a2", Approved())]
        assert not dialog.closed, "the third is left to decide"
        assert "role-1's a1, role-2's a2: approved." in dialog.text("note")
        dialog.clock.advance(QUIET + 0.06)
        await dialog.press(*"yyy")
        assert len(dialog.decided) == 2, "the key is held down"


async def test_the_dialog_closes_when_all_are_approved() -> None:
    async with open_queue(queue(COMMAND, PLAIN)) as dialog:
        await dialog.press("M")
        await open_list(dialog)
        await dialog.press("y")
        await dialog.pilot.pause()
        assert len(dialog.decided) == 2
        assert dialog.closed


async def test_nothing_is_approved_before_every_row_was_shown() -> None:
    async with open_queue(queue(LONG, PLAIN)) as dialog:
        await dialog.press("M")
        await open_list(dialog)
        await dialog.press("y")
        assert "Not all of it has been on the screen" in on_screen(dialog.host)
        await dialog.press("end", "y")
        assert dialog.decided == [], "the middle was skipped"
        await dialog.press("home", *["pagedown"] * 8)
        assert "all of it was shown" in on_screen(dialog.host)
        await dialog.press("y")
        assert len(dialog.decided) == 2


async def test_a_key_pressed_too_early_approves_nothing() -> None:
    async with open_queue(queue(COMMAND, PLAIN)) as dialog:
        await dialog.press("M", "Y")
        assert not isinstance(dialog.host.screen, ApproveManyScreen)
        await dialog.press_rested("Y")
        await dialog.press("y")
        assert "Not taken as a decision" in on_screen(dialog.host)
        assert dialog.decided == []


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_cancelling_approves_nothing_and_keeps_the_marks(key: str) -> None:
    async with open_queue(queue(COMMAND, PLAIN)) as dialog:
        await dialog.press("M")
        await open_list(dialog)
        await dialog.press(key)
        assert dialog.decided == []
        assert "2 marked" in dialog.text("place")


@pytest.mark.parametrize(
    "now",
    [
        queue(COMMAND),
        [queue(COMMAND)[0], approval(CommandAsked("rm -rf /"), 2, "role-2")],
    ],
)
async def test_an_approval_that_was_decided_or_changed_meanwhile_is_not_approved(
    now: Sequence[Approval],
) -> None:
    async with open_queue(queue(COMMAND, PLAIN)) as dialog:
        await dialog.press("M")
        await open_list(dialog)
        dialog.screen.update_approvals(now)
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved())]


async def test_a_small_screen_shows_more_than_a_line_of_them_at_a_time() -> None:
    async with open_queue(queue(LONG, COMMAND), size=(50, 12)) as dialog:
        await dialog.press("M")
        screen = await open_list(dialog)
        assert screen.query_one("#body").size.height >= 6
        assert "y approve all of them" in on_screen(dialog.host)


async def test_all_marked_are_declined_at_once() -> None:
    async with open_queue(queue(COMMAND, PATCH, PLAIN)) as dialog:
        await dialog.press("m")
        await dialog.press("j", "m")
        await dialog.press_rested("N")
        assert dialog.decided == [("a1", Declined()), ("a3", Declined())]


async def test_a_mark_can_be_removed() -> None:
    async with open_queue(queue(COMMAND, PLAIN)) as dialog:
        await dialog.press("m", "k", "m")
        assert dialog.text("place") == "1 of 2"
        await dialog.press_rested("Y")
        assert "Nothing is marked" in dialog.text("note")


@pytest.mark.parametrize("asked", [QUESTIONS, UNKNOWN])
async def test_what_cannot_be_approved_cannot_be_marked(asked: Asked) -> None:
    async with open_queue(queue(asked, COMMAND)) as dialog:
        dialog.screen.query_one("#body").focus()
        await dialog.press("m")
        assert "Only what can be approved can be marked." in dialog.text("note")
        await dialog.press("M")
        assert dialog.text("place") == "1 of 2 · 1 marked"
