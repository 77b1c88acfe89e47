from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, WIDTHS, is_harmless, item, lines, render_item, text
from hypothesis import given

from codextui.console.model import items
from codextui.protocol.runs import RoleAction


def shown(content: items.ItemContent, width: int = 60) -> list[str]:
    rows = lines(render_item(item(content), width, PALETTE))
    return [row for row in rows if row]


def test_a_handoff_is_one_line() -> None:
    assert shown(items.Handoff("pm", "designer")) == ["→ pm handed off to designer"]


def test_a_refused_handoff_says_what_is_missing() -> None:
    content = items.HandoffRefusal("pm", "tester", ("a.js is missing (frontend)", "b is empty"))
    assert shown(content) == [
        "✗ pm could not hand off to tester yet:",
        "  - a.js is missing (frontend)",
        "  - b is empty",
    ]


def test_a_note_of_a_known_kind_has_a_glyph_and_its_text() -> None:
    assert shown(items.RunNote("role_started", "backend", "is at work")) == [
        "● backend: is at work"
    ]
    assert shown(items.RunNote("run_ended", "", "done: all is there")) == ["■ done: all is there"]


def test_a_note_of_an_unknown_kind_names_its_kind() -> None:
    assert shown(items.RunNote("role_beamed_up", "backend", "at once")) == [
        "· role_beamed_up · backend: at once"
    ]
    assert shown(items.RunNote("role_beamed_up", "", "")) == ["· role beamed up"]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (RoleAction.PAUSE, "» ada asked it to pause before the next step"),
        (RoleAction.RESUME, "» ada asked it to go on"),
        (RoleAction.STOP, "» ada asked it to stop"),
        (RoleAction.RERUN, "» ada asked it to run again from the start"),
    ],
)
def test_a_request_to_a_role_says_who_made_it(action: RoleAction, words: str) -> None:
    assert shown(items.RoleRequest(action, "", "ada")) == [words]


def test_a_message_to_a_role_says_who_wrote_it() -> None:
    assert shown(items.RoleRequest(RoleAction.MESSAGE, "use 8080", "ada")) == ["» ada: use 8080"]


def test_a_long_note_shows_its_start_and_counts_the_other_lines() -> None:
    content = items.RunNote("role_said", "pm", "\n".join(f"line {n}" for n in range(30)))
    assert shown(content)[-1] == "  … 22 more lines"


@given(TEXTS, TEXTS, WIDTHS)
def test_marks_of_hostile_texts_fit_and_are_harmless(one: str, other: str, width: int) -> None:
    contents: list[items.ItemContent] = [
        items.Handoff(one, other),
        items.HandoffRefusal(one, other, (one, other)),
        items.RunNote(one, other, one),
        items.RoleRequest(RoleAction.MESSAGE, one, other),
    ]
    for content in contents:
        strips = render_item(item(content), width, PALETTE)
        assert all(strip.cell_length <= width for strip in strips)
        assert is_harmless(text(strips).replace("\n", ""))
