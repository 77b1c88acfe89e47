"""What the server's failed calls mean, as the errors of codextui."""

from __future__ import annotations

from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, CallToolResult, TextContent

from codextui import errors
from codextui.errors import CodextuiError, ServerRefused, ServerUnreachable

_KINDS: dict[str, type[CodextuiError]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CodextuiError)
}


def tool_failure(result: CallToolResult) -> CodextuiError:
    """The error that a result with `isError` stands for: the class it names, else ServerRefused."""
    match result.structured_content:
        case {"error": {"kind": str(kind), "message": str(message)}}:
            return _KINDS.get(kind, ServerRefused)(message)
        case _:
            said = [part.text for part in result.content if isinstance(part, TextContent)]
            return ServerRefused(" ".join(said) or "the server refused without saying why")


def call_failure(error: MCPError) -> CodextuiError:
    """The error that a JSON-RPC error stands for."""
    match error.error.code:
        case code if code == CONNECTION_CLOSED:
            return ServerUnreachable("the connection to the server was lost before it answered")
        case code if code == REQUEST_TIMEOUT:
            return ServerUnreachable("the server did not answer in time")
        case _:
            return ServerRefused(error.error.message)
