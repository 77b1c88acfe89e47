"""Validates what clients send, by JSON-RPC 2.0 and MCP, before mcp reads it. Pure.

mcp answers what is not a message with a parse error without an id, or not at all. Here the client
learns what is wrong, under the id of its request where that has a usable one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import jsonschema  # type: ignore[import-untyped] # it comes with mcp, its stubs do not

from codextui.errors import ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import has_repeated_names
from codextui.protocol.codex_tools import ACCEPTED_BY_CODEX, TOOLS
from codextui.protocol.tools import SUPERVISOR_TOOLS

MAX_DEPTH: Final = 100
"""Levels of objects and arrays within each other. mcp's own parsers fail at 200, without an id."""

MAX_REASON: Final = 300
"""Characters of what a schema's validator says."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """The answer to an invalid message.

    Attributes:
        response: the error response.
        expected: whether the client waits for it. A notification and a response get none.
    """

    response: JsonObject
    expected: bool = True


def validate_message(message: Json, data: bytes) -> Rejection | None:
    """Return what to answer to an invalid message; None for one that mcp can handle.

    Args:
        message: the message.
        data: the JSON that it was read from.
    """
    match message:
        case dict():
            return _validate_frame(message, data)
        case [_, *_]:
            return _reject(None, INVALID_REQUEST, "batches are not taken: send each by itself")
        case _:
            return _reject(None, INVALID_REQUEST, "a message is a JSON object")


def check_response(response: JsonObject, data: bytes) -> JsonObject:
    """Return a client's response, or an error in its place where it contradicts itself.

    Args:
        response: the message that answers a request of ours.
        data: the JSON that it was read from.
    """
    if "error" in response and "result" in response:
        reason = "the answer has a result and an error"
    elif has_repeated_names(data):
        reason = "the answer says one of its members twice"
    else:
        return response
    return error_response(response.get("id"), INVALID_REQUEST, reason)


def parse_error(reason: str) -> JsonObject:
    """Return the error response to what is not JSON."""
    return error_response(None, PARSE_ERROR, f"Parse error: {reason[:200]}")


def error_response(request_id: Json, code: int, message: str) -> JsonObject:
    """Return a JSON-RPC error response."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


def check_arguments(tool: str, arguments: JsonObject) -> None:
    """Check the arguments of a tool by its schema.

    Raises:
        ServerRefused: they do not fit; the message names the argument and what is wrong.
    """
    error = next(iter(_validator(tool).iter_errors(arguments)), None)
    if error is not None:
        raise ServerRefused(f"{tool}: {describe_error(error)}")


def describe_error(error: jsonschema.ValidationError | jsonschema.SchemaError) -> str:
    """Return where a value or a schema is wrong, and why."""
    place = ".".join(str(part) for part in error.absolute_path)
    reason = str(error.message)[:MAX_REASON]
    return f"{place}: {reason}" if place else reason


def _has_decision(message: JsonObject) -> bool:
    match message:
        case {"params": {"name": "codex-answer"}} | {"params": {"inputResponses": _}}:
            return True
        case _:
            return False


def _validate_frame(message: JsonObject, data: bytes) -> Rejection | None:
    if "method" not in message and ("result" in message or "error" in message):
        return _validate_response(message)
    problem = _request_problem(message)
    if problem is None and _has_decision(message) and has_repeated_names(data):
        problem = INVALID_PARAMS, "the decision says one of its members twice"
    if problem is None:
        return None
    code, reason = problem
    # Without an id it may be meant as a notification, but only with a method it surely is one.
    expected = "id" in message or not isinstance(message.get("method"), str)
    return _reject(message.get("id"), code, reason, expected=expected)


def _request_problem(message: JsonObject) -> tuple[int, str] | None:
    """Return why a message is neither a request nor a notification, with an error code."""
    if message.get("jsonrpc") != "2.0":
        return INVALID_REQUEST, 'jsonrpc must be "2.0"'
    if not isinstance(message.get("method"), str):
        return INVALID_REQUEST, "method must be a string"
    if "id" in message and not _is_id(message["id"]):
        return INVALID_REQUEST, "id must be a string or a whole number"
    if not isinstance(message.get("params"), dict | None):
        return INVALID_PARAMS, "params must be an object"
    if _is_too_deep(message):
        return INVALID_REQUEST, f"it is nested more than {MAX_DEPTH} levels deep"
    return None


def _validate_response(message: JsonObject) -> Rejection | None:
    match message:
        case {"jsonrpc": "2.0", "id": request_id, "result": dict()} if _is_id(request_id):
            return None
        case {"jsonrpc": "2.0", "id": request_id, "error": {"code": int(), "message": str()}} if (
            _is_id(request_id) or request_id is None
        ):
            return None
        case _:
            reason = "an answer has an id, and an object as its result or its error"
            return _reject(None, INVALID_REQUEST, reason, expected=False)


def _is_id(value: Json) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_too_deep(message: JsonObject) -> bool:
    level: list[Json] = [message]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return False
    return True


def _containers(value: Json) -> list[Json]:
    """Return the objects and arrays directly in an object or an array."""
    match value:
        case dict():
            parts = list(value.values())
        case list():
            parts = value
        case _:
            return []
    return [part for part in parts if isinstance(part, dict | list)]


def _reject(request_id: Json, code: int, reason: str, *, expected: bool = True) -> Rejection:
    # MCP allows no fractions as ids, but JSON-RPC does, and the client waits for its own id.
    usable = _is_id(request_id) or isinstance(request_id, float)
    return Rejection(error_response(request_id if usable else None, code, reason), expected)


@cache
def _validator(tool: str) -> jsonschema.Draft202012Validator:
    schemas = {
        fields.text(shown, "name"): fields.as_object(shown["inputSchema"], "inputSchema")
        for shown in (*TOOLS, *SUPERVISOR_TOOLS)
    }
    schema = ACCEPTED_BY_CODEX if tool == "codex" else schemas[tool]
    return jsonschema.Draft202012Validator(schema)
