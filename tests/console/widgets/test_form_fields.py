"""The fields of forms, and the checks of answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.widgets.form_fields import (
    CheckedAnswer,
    FieldKind,
    FieldOption,
    FormField,
    check_choice,
    check_text,
    form_fields,
    form_problem,
)
from codextui.protocol.approvals import ElicitationAsked, Question, QuestionsAsked


def field_of(schema: dict[str, Any], *, required: bool = True) -> FormField:
    whole = {"properties": {"key": schema}, "required": ["key"] if required else []}
    (field,) = form_fields(ElicitationAsked("docs", "form", "", whole))
    return field


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, FieldKind.TEXT),
        ({"type": "string", "format": "email"}, FieldKind.TEXT),
        ({"type": "number"}, FieldKind.NUMBER),
        ({"type": "integer"}, FieldKind.INTEGER),
        ({"type": "boolean"}, FieldKind.BOOLEAN),
        ({"type": "string", "enum": ["a", "b"]}, FieldKind.CHOICE),
        ({"type": "array", "items": {"type": "string", "enum": ["a"]}}, FieldKind.CHOICES),
        ({"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}}, FieldKind.CHOICES),
        ({"type": "object"}, FieldKind.JSON),
        ({"type": ["string", "null"]}, FieldKind.JSON),
        ({}, FieldKind.JSON),
    ],
)
def test_every_kind_of_property_can_be_filled_in(schema: dict[str, Any], kind: FieldKind) -> None:
    assert field_of(schema).kind is kind


def test_options_show_their_titles_and_send_their_values() -> None:
    titled = {"type": "string", "oneOf": [{"const": "r", "title": "Red"}, {"const": "b"}]}
    assert field_of(titled).options == (FieldOption("r", "Red"), FieldOption("b", "b"))
    named = {"type": "string", "enum": ["r", "b"], "enumNames": ["Red", "Blue"]}
    assert field_of(named).options == (FieldOption("r", "Red"), FieldOption("b", "Blue"))
    misnamed = {"type": "string", "enum": ["r", "b"], "enumNames": ["Red"]}
    assert field_of(misnamed).options == (FieldOption("r", "r"), FieldOption("b", "b"))


def test_defaults_stand_in_the_form() -> None:
    assert field_of({"type": "string", "default": "x"}).default == "x"
    assert field_of({"type": "integer", "default": 3}).default == "3"
    assert field_of({"type": "boolean", "default": True}).default is True
    items = {"type": "array", "items": {"enum": ["a", "b"]}, "default": ["b"]}
    assert field_of(items).default == ("b",)
    assert field_of({"type": "object", "default": {"a": 1}}).default == '{"a": 1}'


def test_questions_become_fields() -> None:
    asked = QuestionsAsked(
        (
            Question("q1", "Colour", "Which?", (("Blue", "calm"), ("Red", "loud")), other=True),
            Question("q2", "", "What is the token?", secret=True),
            Question("q3", "", "Why?"),
        )
    )
    assert form_fields(asked) == (
        FormField(
            "q1",
            "Colour",
            FieldKind.CHOICE,
            (FieldOption("Blue", "Blue"), FieldOption("Red", "Red")),
            allows_other=True,
        ),
        FormField("q2", "What is the token?", FieldKind.SECRET),
        FormField("q3", "Why?"),
    )


@pytest.mark.parametrize(
    ("schema", "text", "checked"),
    [
        ({"type": "string"}, "x", CheckedAnswer("x")),
        ({"type": "string"}, "  ", CheckedAnswer(problem="This must be filled in.")),
        (
            {"type": "string", "minLength": 3},
            "ab",
            CheckedAnswer(problem="This must have 3 characters or more."),
        ),
        (
            {"type": "string", "maxLength": 1},
            "ab",
            CheckedAnswer(problem="This must have 1 characters or fewer."),
        ),
        ({"type": "integer"}, " 12 ", CheckedAnswer(12)),
        ({"type": "integer"}, "1.5", CheckedAnswer(problem="This must be a whole number.")),
        ({"type": "integer"}, "9" * 5_000, CheckedAnswer(problem="This must be a whole number.")),
        ({"type": "number"}, "1.5", CheckedAnswer(1.5)),
        ({"type": "number"}, "nan", CheckedAnswer(problem="This must be a number.")),
        ({"type": "number"}, "1e999", CheckedAnswer(problem="This must be a number.")),
        ({"type": "number", "minimum": 1}, "0", CheckedAnswer(problem="This must be 1 or more.")),
        ({"type": "number", "maximum": 1}, "2", CheckedAnswer(problem="This must be 1 or less.")),
        ({"type": "object"}, '{"a": [1]}', CheckedAnswer({"a": [1]})),
    ],
)
def test_texts_are_checked(schema: dict[str, Any], text: str, checked: CheckedAnswer) -> None:
    assert check_text(field_of(schema), text) == checked


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "nope"])
def test_invalid_json_is_refused(text: str) -> None:
    assert check_text(field_of({"type": "object"}), text).problem.startswith("This must be JSON")


def test_optional_fields_may_be_empty() -> None:
    assert check_text(field_of({"type": "integer"}, required=False), "") == CheckedAnswer()
    choice = field_of({"type": "string", "enum": ["a"]}, required=False)
    assert check_choice(choice, []) == CheckedAnswer()


def test_a_choice_is_an_option_or_another_answer() -> None:
    choice = field_of({"type": "string", "enum": ["a", "b"]})
    assert check_choice(choice, []) == CheckedAnswer(problem="Choose one.")
    assert check_choice(choice, ["a"]) == CheckedAnswer("a")
    assert check_choice(choice, ["a"], "mine") == CheckedAnswer("mine")


def test_multiple_choices_are_limited_in_number() -> None:
    schema = {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 1, "maxItems": 2}
    several = field_of(schema)
    assert check_choice(several, []).problem == "Choose at least 1."
    assert check_choice(several, ["a", "b", "c"]).problem == "Choose at most 2."
    assert check_choice(several, ["a", "c"]) == CheckedAnswer(["a", "c"])


def test_a_form_that_is_too_large_is_refused() -> None:
    many = {"properties": {f"k{at}": {"type": "string"} for at in range(41)}}
    assert "too large" in form_problem(ElicitationAsked("docs", "form", "", many))
    wide = {"properties": {"k": {"type": "string", "enum": [str(at) for at in range(101)]}}}
    assert "too large" in form_problem(ElicitationAsked("docs", "form", "", wide))
    assert form_problem(ElicitationAsked("docs", "form", "", {"properties": {"k": {}}})) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "enum", "oneOf", "items", "const", "default", "properties", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.text())
def test_no_schema_and_no_text_break_the_form(schema: object, text: str) -> None:
    asked = ElicitationAsked(
        "docs", "form", "", {"properties": {"key": schema}, "required": schema}
    )
    for field in form_fields(asked):
        assert isinstance(check_text(field, text), CheckedAnswer)
        assert isinstance(check_choice(field, [text]), CheckedAnswer)
