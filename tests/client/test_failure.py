from __future__ import annotations

import pytest
from mcp import MCPError
from mcp_types import CallToolResult, TextContent

from codextui import errors
from codextui.client.failure import call_failure, tool_failure
from codextui.errors import CodextuiError, ServerRefused, ServerUnreachable

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CodextuiError)
]


def failed(content: object, text: str = "") -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=content, is_error=True
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_ours_comes_back_as_its_own_class(kind: type[CodextuiError]) -> None:
    error = tool_failure(failed({"error": {"kind": kind.__name__, "message": "what happened"}}))
    assert type(error) is kind
    assert str(error) == "what happened"


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "annotations", ""])
def test_a_class_that_is_none_of_ours_is_not_raised(name: str) -> None:
    error = tool_failure(failed({"error": {"kind": name, "message": "what happened"}}))
    assert type(error) is ServerRefused


@pytest.mark.parametrize("content", [None, {}, {"error": "no"}, {"error": {"kind": 1}}])
def test_an_error_without_a_kind_says_what_its_text_says(content: object) -> None:
    assert str(tool_failure(failed(content, "in words"))) == "in words"
    assert str(tool_failure(failed(content)))


def test_a_lost_connection_is_another_error_than_a_refusal() -> None:
    assert type(call_failure(MCPError(code=-32000, message="Connection closed"))) is (
        ServerUnreachable
    )
    assert type(call_failure(MCPError(code=-32602, message="no"))) is ServerRefused
