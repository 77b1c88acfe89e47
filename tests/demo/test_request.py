"""What a script can read from a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codextui.demo import ModelRequest
from codextui.demo.request import parse_request
from codextui.errors import MessageInvalid


def message(role: str, *texts: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text} for text in texts]
    return {"type": "message", "role": role, "content": content}


def parse(*items: dict[str, Any], **body: Any) -> ModelRequest:
    return parse_request({}, json.dumps({"input": items, **body}).encode())


def test_context_that_codex_adds_is_not_a_text_of_the_user():
    agents = "# AGENTS.md instructions for /src\n\nBe brief."
    environment = "<environment_context>\n/src\n</environment_context>"
    parsed = parse(
        message("user", agents, environment),
        message("user", "<turn_aborted>\nStopped.\n</turn_aborted>"),
        message("user", "Another language model started to solve this problem and …"),
        message("user", "Fix <b>this</b>"),
    )
    assert parsed.user_texts == ("Fix <b>this</b>",)


def test_a_prompt_of_several_texts_is_one_text():
    assert parse(message("user", "one", "two")).user_texts == ("one\ntwo",)


def test_a_request_without_user_texts_has_empty_ones():
    parsed = parse()
    assert (parsed.first_user_text, parsed.last_user_text, parsed.last_output) == ("", "", None)


def test_consecutive_items_of_the_model_are_one_answer():
    call = {"type": "function_call", "name": "exec_command", "arguments": "{}", "call_id": "1"}
    output = {"type": "function_call_output", "call_id": "1", "output": "done"}
    parsed = parse(
        message("user", "first"),
        {"type": "reasoning", "summary": []},
        message("assistant", "Two calls."),
        call,
        {"type": "custom_tool_call", "name": "apply_patch", "input": ""},
        output,
        output,
        message("assistant", "Done."),
        message("user", "second"),
        call,
        output,
        message("user", "a steer"),
    )
    assert parsed.user_texts == ("first", "second", "a steer")
    assert parsed.answer_counts == (2, 1, 0)


def test_the_last_output_is_the_last_items():
    output = {"type": "custom_tool_call_output", "call_id": "1"}
    as_text = {**output, "output": "Success."}
    as_parts = {**output, "output": [{"type": "input_text", "text": "Success."}]}
    assert parse(as_text).last_output == "Success."
    assert parse(as_parts).last_output == "Success."
    assert parse(as_text, message("user", "next")).last_output is None


def test_base_instructions_are_found_where_each_version_of_codex_puts_them():
    base, role = "You are Codex, …", message("developer", "Be a tester.", "<skills>\n</skills>")
    older = parse(role, instructions=base)
    newer = parse(message("developer", base), role)
    for parsed in (older, newer):
        assert parsed.instructions == base
        assert parsed.developer == "Be a tester."
        assert parsed.role_text == "Be a tester."


def test_custom_base_instructions_are_part_of_the_role():
    parsed = parse(message("developer", "Be a poet."), instructions="You are a machine.")
    assert parsed.role_text == "You are a machine.\nBe a poet."


def test_the_thread_and_the_turn_are_read_from_headers():
    metadata = {"thread_id": "t", "turn_id": "u", "request_kind": "turn"}
    headers = {"thread-id": "t", "x-codex-turn-metadata": json.dumps(metadata)}
    parsed = parse_request(headers, b'{"input": []}')
    assert (parsed.thread_id, parsed.turn_id, parsed.kind) == ("t", "u", "turn")


def test_tools_without_a_name_are_listed_by_their_type():
    parsed = parse(tools=[{"type": "function", "name": "exec_command"}, {"type": "web_search"}])
    assert parsed.tools == ("exec_command", "web_search")


@pytest.mark.parametrize("sent", [b"", b"\xff", b"[]", b"{}", b'{"input": {}}', b'{"input": [1]}'])
def test_an_invalid_request_is_refused(sent: bytes):
    with pytest.raises(MessageInvalid):
        parse_request({}, sent)
