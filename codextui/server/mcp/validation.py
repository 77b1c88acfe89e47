"""What a client sent, judged by JSON-RPC 2.0 and MCP before mcp reads it. Pure.

mcp answers whatever is no message with a parse error, or not at all. The client must hear what is
wrong, and by the id of its request where that has one that an answer can name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import jsonschema  # type: ignore[import-untyped] # it comes with mcp, its stubs do not

from codextui.errors import ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.tools import ACCEPTED_BY_CODEX, SUPERVISOR_TOOLS, TOOLS

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
INVALID_PARAMS: Final = -32602

MAX_DEPTH: Final = 100
"""Objects and lists within each other. mcp's own readers give up at 200, without an id."""


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with a message.

    Attributes:
        answer: what the client is told.
        expected: whether it waits for an answer. A notification gets none, nor does an answer.
    """

    answer: JsonObject
    expected: bool = True


def object_to(message: Json) -> Objection | None:
    """What is wrong with a message; None where mcp can take it."""
    match message:
        case dict():
            return _object_to_frame(message)
        case [_, *_]:
            return _refuse(None, INVALID_REQUEST, "batches are not taken: send each by itself")
        case _:
            return _refuse(None, INVALID_REQUEST, "a message is a JSON object")


def unreadable(why: str) -> JsonObject:
    """The answer to what is no JSON."""
    return _answer(None, PARSE_ERROR, f"Parse error: {why[:200]}")


def _object_to_frame(message: JsonObject) -> Objection | None:
    if "method" not in message and ("result" in message or "error" in message):
        return _object_to_answer(message)
    wrong = _wrong_request(message)
    if wrong is None:
        return None
    code, why = wrong
    # Without an id a notification may be meant, but only one with a method is surely one.
    expected = "id" in message or not isinstance(message.get("method"), str)
    return _refuse(message.get("id"), code, why, expected=expected)


def _wrong_request(message: JsonObject) -> tuple[int, str] | None:
    """The code and the reason why something is neither a request nor a notification."""
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


def _object_to_answer(message: JsonObject) -> Objection | None:
    match message:
        case {"jsonrpc": "2.0", "id": request_id, "result": dict()} if _is_id(request_id):
            return None
        case {"jsonrpc": "2.0", "id": request_id, "error": {"code": int(), "message": str()}} if (
            _is_id(request_id) or request_id is None
        ):
            return None
        case _:
            why = "an answer has an id, and an object as its result or its error"
            return _refuse(None, INVALID_REQUEST, why, expected=False)


def _is_id(value: Json) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_too_deep(message: JsonObject) -> bool:
    level: list[Json] = [message]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return False
    return True


def _parts(value: Json) -> list[Json]:
    """The objects and lists in an object or a list."""
    match value:
        case dict():
            parts = list(value.values())
        case list():
            parts = value
        case _:
            return []
    return [part for part in parts if isinstance(part, dict | list)]


def _refuse(request_id: Json, code: int, why: str, *, expected: bool = True) -> Objection:
    # A fraction can be no id in MCP, but in JSON-RPC, whose clients look for their own.
    named = request_id if _is_id(request_id) or isinstance(request_id, float) else None
    return Objection(_answer(named, code, why), expected)


def _answer(request_id: Json, code: int, why: str) -> JsonObject:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": why}}


MAX_MESSAGE = 300


def check_arguments(tool: str, arguments: JsonObject) -> None:
    """Check the arguments of `tool` by its schema.

    Raises ServerRefused, which names the argument and what is wrong with it.
    """
    error = next(iter(_validator(tool).iter_errors(arguments)), None)
    if error is None:
        return
    place = ".".join(str(part) for part in error.absolute_path)
    message = error.message[:MAX_MESSAGE]
    raise ServerRefused(f"{tool}: {place}: {message}" if place else f"{tool}: {message}")


@cache
def _validator(tool: str) -> jsonschema.Draft202012Validator:
    schemas = {
        fields.text(shown, "name"): fields.as_object(shown["inputSchema"], "inputSchema")
        for shown in (*TOOLS, *SUPERVISOR_TOOLS)
    }
    schema = ACCEPTED_BY_CODEX if tool == "codex" else schemas[tool]
    return jsonschema.Draft202012Validator(schema)
