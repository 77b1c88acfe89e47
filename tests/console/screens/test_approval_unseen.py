"""Nothing is granted that was not on the screen, unless a key of its own says so."""

from __future__ import annotations

import re
from random import Random

import pytest
from console.screens.approval_dialog import LONG, LONG_PATCH, PLAIN, open_dialog, open_queue
from console.screens.dialog_host import (
    approval,
    on_screen,
)
from msgspec import structs

from codextui.console.widgets.strip_view import StripView
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    ElicitationAsked,
)
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, Scope


@pytest.mark.parametrize(
    ("asked", "key", "decision"),
    [
        (LONG, "y", Approved()),
        (LONG, "s", Approved(Scope.SESSION)),
        (LONG_PATCH, "y", Approved()),
        (ElicitationAsked("docs", "form", "May I?\n" * 90), "y", Approved()),
    ],
)
async def test_what_was_not_shown_to_its_end_takes_a_key_that_says_so(
    asked: Asked, key: str, decision: Decision
) -> None:
    async with open_dialog(asked) as dialog:
        await dialog.press_rested(key)
        assert dialog.decided == []
        unseen, total = re.findall(r"[\d,]+", dialog.text("note"))
        assert 0 < int(unseen.replace(",", "")) < int(total.replace(",", ""))
        assert "U go on without having seen them" in dialog.text("keys")
        await dialog.press_rested(key, "enter", key, "Y")
        assert dialog.decided == []
        await dialog.press_rested("U")
        assert dialog.decided == [("a1", decision)]


async def test_the_key_for_the_unseen_needs_the_key_of_an_answer_first() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("U", "U")
        assert dialog.decided == []
        await dialog.press("y", "U")
        assert dialog.decided == []
        assert "Not taken as a decision" in dialog.text("note")


async def test_what_was_scrolled_to_its_end_is_approved_by_one_key() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested(*["pagedown"] * 12)
        assert "not seen yet" not in dialog.text("position")
        await dialog.press("home", "y")
        assert dialog.decided == [("a1", Approved())]


async def test_a_jump_to_the_end_does_not_show_what_is_between() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("end", "y")
        assert dialog.decided == []
        await dialog.press("escape", "home", *["pagedown"] * 12)
        await dialog.press_rested("y")
        assert dialog.decided == [("a1", Approved())]


async def test_scrolling_on_to_the_end_makes_the_plain_key_work_again() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("y", *["pagedown"] * 12)
        assert dialog.text("note") == "All of it has been on the screen now."
        await dialog.press_rested("y")
        assert dialog.decided == [("a1", Approved())]


async def test_what_was_seen_stays_seen_while_others_are_looked_at() -> None:
    async with open_dialog(LONG, PLAIN) as dialog:
        await dialog.press_rested(*["pagedown"] * 12, "j", "k", "y")
        assert dialog.decided == [("a1", Approved())]


async def test_the_rule_is_shown_only_after_the_request() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("p")
        assert "never on the screen" in dialog.text("note")
        await dialog.press_rested("U")
        assert dialog.text("title") == "Always allow this?"
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved(Scope.ALWAYS))]


@pytest.mark.parametrize(("key", "decision"), [("n", Declined()), ("exclamation_mark", Aborted())])
async def test_what_was_not_shown_can_be_declined_at_once(key: str, decision: Decision) -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested(key)
        assert dialog.decided == [("a1", decision)]
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("y")
        await dialog.press_rested(key)
        assert dialog.decided == [("a1", decision)]


async def test_changed_content_counts_as_unseen() -> None:
    async with open_queue([approval(LONG)]) as dialog:
        await dialog.press_rested(*["pagedown"] * 12)
        dialog.screen.update_approvals([approval(structs.replace(LONG, cwd="/etc"))])
        await dialog.press_rested("y")
        assert dialog.decided == []


async def test_the_key_for_the_unseen_goes_to_no_request_that_takes_its_place() -> None:
    changed = approval(structs.replace(LONG, cwd="/etc"))
    for arrived in ([changed], [approval(LONG, 2)]):
        async with open_queue([approval(LONG)]) as dialog:
            await dialog.press_rested("y")
            assert "U go on without having seen them" in dialog.text("keys")
            dialog.screen.update_approvals(arrived)
            await dialog.press_rested("U", "U")
            assert dialog.decided == []


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (50, 12), (30, 8)])
async def test_rows_that_are_counted_as_seen_were_drawn(size: tuple[int, int]) -> None:
    async with open_dialog(LONG, size=size) as dialog:
        await dialog.pilot.pause()
        drawn = len(re.findall(r"echo \d+", on_screen(dialog.host)))
        assert dialog.screen.query_one(StripView).unseen_count >= 100 - drawn


@pytest.mark.parametrize("seed", range(12))
async def test_one_key_approves_exactly_what_was_drawn_to_its_end(seed: int) -> None:
    random = Random(seed)
    asked = CommandAsked("\n".join(f"echo {n};" for n in range(40)), cwd="/w")
    lines = {*(f"echo {n};" for n in range(40)), "cwd      /w"}
    drawn: set[str] = set()
    async with open_dialog(asked, size=(60, random.choice([14, 24]))) as dialog:
        await dialog.pilot.pause()
        for key in random.choices(["down", "pagedown", "space", "pageup", "home", "end"], k=8):
            shown = on_screen(dialog.host)
            drawn |= {line for line in lines if line in shown}
            await dialog.press(key)
        shown = on_screen(dialog.host)
        drawn |= {line for line in lines if line in shown}
        await dialog.press_rested("y")
        assert bool(dialog.decided) == (drawn == lines)
