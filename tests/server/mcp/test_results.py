from __future__ import annotations

from typing import Any

import pytest

from codextui.errors import ServerRefused
from codextui.server.mcp.results import MAX_SCHEMA, OutputSchema, turn_result
from codextui.server.threads.turn_state import TurnOutcome

COLOUR = {"type": "object", "properties": {"colour": {"enum": ["red"]}}, "required": ["colour"]}


def test_there_is_no_schema_without_the_argument():
    assert OutputSchema.from_arguments({"prompt": "x"}) is None


def test_an_answer_that_fits_the_schema_is_parsed():
    schema = OutputSchema.from_arguments({"output-schema": COLOUR})
    assert schema is not None
    assert schema.schema == COLOUR
    assert schema.parse(' {"colour": "red"}\n') == {"colour": "red"}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "is not JSON"),
        ("red", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"colour": "blue"}', "does not fit output-schema: colour: 'blue'"),
        ("{}", "does not fit output-schema: 'colour' is a required property"),
    ],
)
def test_an_answer_that_does_not_fit_the_schema_is_refused(answer: str, why: str):
    with pytest.raises(ServerRefused, match=why) as refused:
        OutputSchema(COLOUR).parse(answer)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "schema",
    [{"type": "colour"}, {"properties": []}, {"description": "x" * MAX_SCHEMA}],
)
def test_an_invalid_schema_is_refused(schema: dict[str, Any]):
    with pytest.raises(ServerRefused, match="output-schema"):
        OutputSchema(schema)


def test_a_reference_in_a_schema_is_not_fetched():
    schema = OutputSchema({"$ref": "http://127.0.0.1:9/schema.json"})
    with pytest.raises(ServerRefused, match="output-schema"):
        schema.parse("{}")


@pytest.mark.parametrize(
    ("outcome", "schema", "first"),
    [
        (TurnOutcome("u", "Done.", ""), None, "Done."),
        (TurnOutcome("u", '{"colour": "red"}', ""), OutputSchema(COLOUR), '{"colour": "red"}'),
        (TurnOutcome("u", "", ""), None, ""),
        (TurnOutcome("u", "Half.", "interrupted"), None, "Half.\n\nThe turn was interrupted."),
    ],
)
def test_the_thread_is_named_in_a_block_after_the_answer(
    outcome: TurnOutcome, schema: OutputSchema | None, first: str
):
    answer, thread = turn_result("0199a213", outcome, schema)["content"]  # type: ignore[misc] # a list
    assert answer == {"type": "text", "text": first}
    assert thread == {
        "type": "text",
        "text": "threadId: 0199a213 (codex-reply continues this thread)",
        "annotations": {"audience": ["assistant"]},
    }
