"""Several approvals decided at once: never one that was not shown in full."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from console.screens.dialog_host import approval, on_screen
from console.screens.test_approval_screen import (
    COMMAND,
    PATCH,
    PLAIN,
    QUIET,
    UNKNOWN,
    Desk,
    at_queue,
)

from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.protocol.approvals import Approval, Asked, CommandAsked, Question, QuestionsAsked
from codextui.protocol.decisions import Approved, Declined

LONG = CommandAsked("\n".join(f"echo {number}" for number in range(80)))
QUESTIONS = QuestionsAsked((Question("q", "Colour", "Which?"),))


def queue(*asked: Asked) -> list[Approval]:
    return [approval(one, at, f"role-{at}") for at, one in enumerate(asked, 1)]


async def open_list(desk: Desk) -> ApproveManyScreen:
    await desk.press_rested("Y")
    screen = desk.host.screen
    assert isinstance(screen, ApproveManyScreen)
    desk.clock.advance(QUIET)
    return screen


async def test_marked_ones_are_shown_in_full_and_then_approved_once() -> None:
    async with at_queue(queue(COMMAND, PATCH, PLAIN)) as desk:
        await desk.press("m", "m")
        assert desk.text("place") == "3 of 3 · 2 marked"
        await open_list(desk)
        shown = on_screen(desk.host)
        assert "git push origin main" in shown
        assert "a.py" in shown
        assert "make test" not in shown
        await desk.press("y")
        assert desk.decided == [("a1", Approved()), ("a2", Approved())]
        assert not desk.closed, "the third is left to decide"
        assert "role-1's a1, role-2's a2: approved." in desk.text("note")


async def test_the_dialog_goes_when_all_were_approved() -> None:
    async with at_queue(queue(COMMAND, PLAIN)) as desk:
        await desk.press("M")
        await open_list(desk)
        await desk.press("y")
        await desk.pilot.pause()
        assert len(desk.decided) == 2
        assert desk.closed


async def test_nothing_is_approved_before_all_of_it_was_on_the_screen() -> None:
    async with at_queue(queue(LONG, PLAIN)) as desk:
        await desk.press("M")
        await open_list(desk)
        await desk.press("y")
        assert "Not all of it has been on the screen" in on_screen(desk.host)
        await desk.press("end", "y")
        assert desk.decided == [], "the middle was skipped"
        await desk.press("home", *["pagedown"] * 8)
        assert "all of it was shown" in on_screen(desk.host)
        await desk.press("y")
        assert len(desk.decided) == 2


async def test_a_key_that_was_meant_for_something_else_approves_nothing() -> None:
    async with at_queue(queue(COMMAND, PLAIN)) as desk:
        await desk.press("M", "Y")
        assert not isinstance(desk.host.screen, ApproveManyScreen)
        await desk.press_rested("Y")
        await desk.press("y")
        assert "Not taken as a decision" in on_screen(desk.host)
        assert desk.decided == []


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_thought_better_of_nothing_is_approved_and_the_marks_stay(key: str) -> None:
    async with at_queue(queue(COMMAND, PLAIN)) as desk:
        await desk.press("M")
        await open_list(desk)
        await desk.press(key)
        assert desk.decided == []
        assert "2 marked" in desk.text("place")


@pytest.mark.parametrize(
    "now",
    [
        queue(COMMAND),
        [queue(COMMAND)[0], approval(CommandAsked("rm -rf /"), 2, "role-2")],
    ],
)
async def test_what_was_answered_elsewhere_or_changed_meanwhile_is_not_approved(
    now: Sequence[Approval],
) -> None:
    async with at_queue(queue(COMMAND, PLAIN)) as desk:
        await desk.press("M")
        await open_list(desk)
        desk.screen.show_approvals(now)
        await desk.press("y")
        assert desk.decided == [("a1", Approved())]


async def test_all_marked_are_declined_at_once() -> None:
    async with at_queue(queue(COMMAND, PATCH, PLAIN)) as desk:
        await desk.press("m")
        await desk.press("j", "m")
        await desk.press_rested("N")
        assert desk.decided == [("a1", Declined()), ("a3", Declined())]


async def test_a_mark_can_be_taken_away() -> None:
    async with at_queue(queue(COMMAND, PLAIN)) as desk:
        await desk.press("m", "k", "m")
        assert desk.text("place") == "1 of 2"
        await desk.press_rested("Y")
        assert "Nothing is marked" in desk.text("note")


@pytest.mark.parametrize("asked", [QUESTIONS, UNKNOWN])
async def test_what_cannot_be_approved_cannot_be_marked_and_says_why(asked: Asked) -> None:
    async with at_queue(queue(asked, COMMAND)) as desk:
        desk.screen.query_one("#body").focus()
        await desk.press("m")
        assert "Only what can be approved can be marked." in desk.text("note")
        await desk.press("M")
        assert desk.text("place") == "1 of 2 · 1 marked"
