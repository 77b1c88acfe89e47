"""The form of the approval dialog: questions and MCP elicitations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from console.screens.dialog_host import (
    NOTHING_YET,
    DialogHost,
    FakeClock,
    approval,
    asking,
    on_screen,
)
from textual.pilot import Pilot
from textual.widgets import Input, Static

from codextui.console.widgets.choice_list import ChoiceList
from codextui.protocol.approvals import Asked, ElicitationAsked, Question, QuestionsAsked
from codextui.protocol.decisions import Answered, Declined

QUESTIONS = QuestionsAsked(
    (
        Question("q1", "Colour", "Which colour?", (("Blue", "calm"), ("Red", "loud")), other=True),
        Question("q2", "Token", "What is the token?", secret=True),
    )
)
FORM = ElicitationAsked(
    "github",
    "form",
    "Which issue?",
    {
        "properties": {
            "title": {"type": "string", "title": "Title"},
            "count": {"type": "integer", "minimum": 1},
            "urgent": {"type": "boolean"},
            "kind": {"type": "string", "enum": ["bug", "wish"], "enumNames": ["A bug", "A wish"]},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["x", "y", "z"]}},
        },
        "required": ["title", "kind"],
    },
)


@asynccontextmanager
async def at_form(asked: Asked) -> AsyncIterator[tuple[Pilot[None], DialogHost]]:
    """Open the dialog, and wait until the first field has the focus."""
    clock = FakeClock()
    host = DialogHost(asking([approval(asked)], clock))
    async with host.run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        clock.advance(1)
        async with asyncio.timeout(60):
            while not isinstance(host.screen.focused, Input | ChoiceList):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield pilot, host


async def test_questions_are_answered_with_the_keyboard() -> None:
    async with at_form(QUESTIONS) as (pilot, host):
        await pilot.press("down", "down", "enter", *"s3cret", "enter")
        await pilot.pause()
        assert host.decided == [("a1", Answered({"q1": "Red", "q2": "s3cret"}))]
        assert host.result is not NOTHING_YET


async def test_another_answer_replaces_the_options() -> None:
    async with at_form(QUESTIONS) as (pilot, host):
        await pilot.press("down", "tab", *"teal", "tab", *"t", "ctrl+s")
        await pilot.pause()
        assert host.decided == [("a1", Answered({"q1": "teal", "q2": "t"}))]


async def test_a_secret_is_not_shown() -> None:
    async with at_form(QUESTIONS) as (pilot, host):
        await pilot.press("down", "enter", *"s3cret")
        await pilot.pause()
        assert "s3cret" not in on_screen(host)


async def test_letters_typed_into_a_field_decide_nothing() -> None:
    async with at_form(QUESTIONS) as (pilot, host):
        await pilot.press("down", "enter", *"ynspe!jko")
        await pilot.pause()
        assert host.decided == []
        assert isinstance(host.screen.focused, Input)
        assert host.screen.focused.value == "ynspe!jko"


async def test_a_missing_answer_is_reported_under_its_field() -> None:
    async with at_form(FORM) as (pilot, host):
        await pilot.press("tab", *"0", "ctrl+s")
        await pilot.pause()
        assert host.decided == []
        problems = [
            str(line.content) for line in host.screen.query(".field-problem").results(Static)
        ]
        assert problems == [
            "This must be filled in.",
            "This must be 1 or more.",
            "",
            "Choose one.",
            "",
        ]
        assert isinstance(host.screen.focused, Input)


async def test_an_mcp_form_sends_typed_values() -> None:
    async with at_form(FORM) as (pilot, host):
        await pilot.press(*"Crash", "enter", *"2", "enter", "space", "enter")
        await pilot.press("down", "down", "enter")
        await pilot.press("space", "down", "down", "space", "enter")
        await pilot.pause()
        assert host.decided == [
            (
                "a1",
                Answered(
                    {
                        "title": "Crash",
                        "count": 2,
                        "urgent": True,
                        "kind": "wish",
                        "tags": ["x", "z"],
                    }
                ),
            )
        ]


async def test_options_can_be_clicked() -> None:
    async with at_form(QUESTIONS) as (pilot, host):
        await pilot.click(host.screen.query("ChoiceItem").last())
        await pilot.pause()
        assert host.screen.query_one(ChoiceList).selected == [1]


async def test_a_form_can_be_declined_outside_of_its_fields() -> None:
    async with at_form(QUESTIONS) as (pilot, host):
        await pilot.press("tab", *"nn", "escape", "n")
        await pilot.pause()
        assert host.decided == [("a1", Declined())]


async def test_esc_leaves_the_form_until_tab() -> None:
    async with at_form(QUESTIONS) as (pilot, host):
        await pilot.press("tab", "escape")
        await pilot.pause(0.3)
        assert host.screen.focused is host.screen.query_one("#body")
        assert host.result is NOTHING_YET
        await pilot.press("escape")
        await pilot.pause()
        assert host.result is None


async def test_a_form_too_large_can_only_be_declined() -> None:
    many = {"properties": {f"k{at}": {"type": "string"} for at in range(500)}}
    clock = FakeClock()
    host = DialogHost(asking([approval(ElicitationAsked("docs", "form", "Fill in", many))], clock))
    async with host.run_test(size=(80, 24)) as pilot:
        clock.advance(1)
        await pilot.press("y", "ctrl+s")
        await pilot.pause()
        assert host.decided == []
        assert "too large" in str(host.screen.query_one("#note", Static).content)
        await pilot.press("n")
        await pilot.pause()
        assert host.decided == [("a1", Declined())]
