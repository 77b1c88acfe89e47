"""How what happens in a team's run reads in a transcript."""

from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, WIDTHS, is_harmless, item, lines, render_item, text
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model import items as b
from codextui.protocol.runs import RoleAction


def shown(body: b.Body, width: int = 60, *, full: bool = False) -> list[str]:
    rows = lines(render_item(item(body), width, PALETTE, full=full))
    return [row for row in rows if row]


def test_a_handoff_is_one_clear_line() -> None:
    assert shown(b.Handoff("pm", "designer")) == ["→ pm handed off to designer"]


def test_a_refused_handoff_says_what_is_missing() -> None:
    body = b.HandoffRefusal("pm", "tester", ("a.js is missing (frontend)", "b is empty"))
    assert shown(body) == [
        "✗ pm could not hand off to tester yet:",
        "  - a.js is missing (frontend)",
        "  - b is empty",
    ]


def test_a_note_of_a_known_kind_is_told_in_its_own_words() -> None:
    assert shown(b.RunNote("role_started", "backend", "is at work")) == ["● backend: is at work"]
    assert shown(b.RunNote("run_ended", "", "done: all is there")) == ["■ done: all is there"]


def test_a_note_of_an_unknown_kind_stays_visible() -> None:
    assert shown(b.RunNote("role_beamed_up", "backend", "at once")) == [
        "· role_beamed_up · backend: at once"
    ]
    assert shown(b.RunNote("role_beamed_up", "", "")) == ["· role beamed up"]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (RoleAction.PAUSE, "» ada asked it to pause before the next step"),
        (RoleAction.RESUME, "» ada asked it to go on"),
        (RoleAction.STOP, "» ada asked it to stop"),
        (RoleAction.RERUN, "» ada asked it to run again from the start"),
    ],
)
def test_what_a_person_asks_of_a_role_says_who_asked(action: RoleAction, words: str) -> None:
    assert shown(b.RoleRequest(action, "", "ada")) == [words]


def test_a_message_to_a_role_is_shown_with_who_wrote_it() -> None:
    assert shown(b.RoleRequest(RoleAction.MESSAGE, "use 8080", "ada")) == ["» ada: use 8080"]


def test_a_long_note_is_cut_unless_all_of_it_is_wanted() -> None:
    body = b.RunNote("role_said", "pm", "\n".join(f"line {n}" for n in range(30)))
    assert shown(body)[-1] == "  … 22 more lines"
    assert shown(body, full=True)[-1] == "  line 29"


@given(TEXTS, TEXTS, WIDTHS, st.booleans())
def test_hostile_words_of_a_run_do_nothing(one: str, other: str, width: int, full: bool) -> None:
    bodies: list[b.Body] = [
        b.Handoff(one, other),
        b.HandoffRefusal(one, other, (one, other)),
        b.RunNote(one, other, one),
        b.RoleRequest(RoleAction.MESSAGE, one, other),
    ]
    for body in bodies:
        strips = render_item(item(body), width, PALETTE, full=full)
        assert all(strip.cell_length <= width for strip in strips)
        assert is_harmless(text(strips).replace("\n", ""))
