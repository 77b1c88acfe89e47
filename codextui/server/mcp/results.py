"""Results of tool calls, in the shape of `tools/call`."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped] # its stubs are apart
from referencing import Registry
from referencing.exceptions import Unresolvable

from codextui.errors import CodextuiError, ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.server.threads.registry import ThreadRecord, TurnOutcome

MAX_SCHEMA = 256 * 1024
"""Characters of a schema that are taken."""

MAX_MESSAGE = 300


class OutputSchema:
    """A JSON schema, which Codex gives to its model and by which the answer is checked.

    Attributes:
        schema: the schema as the client gave it.
    """

    def __init__(self, schema: JsonObject) -> None:
        """Take a schema. Raises ServerRefused where it is none."""
        self.schema = schema
        if len(json.dumps(schema)) > MAX_SCHEMA:
            raise ServerRefused(f"output-schema: it has more than {MAX_SCHEMA:,} characters")
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise ServerRefused(f"output-schema: {_place(error)}") from error
        # An empty registry: nothing is fetched from where a `$ref` points to.
        registry: Registry[Json] = Registry()
        self._validator = jsonschema.Draft202012Validator(schema, registry=registry)

    @classmethod
    def of(cls, arguments: JsonObject) -> OutputSchema | None:
        """The schema in a call's arguments, None where there is none. Raises ServerRefused."""
        if "output-schema" not in arguments:
            return None
        return cls(fields.as_object(arguments["output-schema"], "output-schema"))

    def read(self, content: str) -> Json:
        """What the answer says. Raises ServerRefused where it is no JSON, or does not fit."""
        try:
            output: Json = json.loads(content)
            error = next(self._validator.iter_errors(output), None)
        except (ValueError, RecursionError) as failure:
            raise ServerRefused(f"The answer is not JSON: {failure}"[:MAX_MESSAGE]) from failure
        except Unresolvable as failure:
            raise ServerRefused(f"output-schema: {failure}"[:MAX_MESSAGE]) from failure
        if error is not None:
            raise ServerRefused(f"The answer does not fit output-schema: {_place(error)}")
        return output


def _place(error: jsonschema.ValidationError | jsonschema.SchemaError) -> str:
    place = ".".join(str(part) for part in error.absolute_path)
    message = str(error.message)[:MAX_MESSAGE]
    return f"{place}: {message}" if place else message


_ENDED = {
    "interrupted": "The turn was interrupted.",
    "left": "The turn goes on without this call.",
    "killed": "The thread was killed.",
    "lost": "The Codex process ended during the turn.",
    "failed": "The turn failed.",
}


def structured(content: JsonObject) -> dict[str, object]:
    """A result that is JSON."""
    return plain(json.dumps(content), content)


def plain(text: str, content: JsonObject) -> dict[str, object]:
    """A result that is a text, with its structured content beside it."""
    return {"content": [{"type": "text", "text": text}], "structuredContent": content}


def failed(error: CodextuiError) -> dict[str, object]:
    """A call that failed: the error's message, and its kind for our own clients."""
    return {**plain(str(error), {"error": _error(type(error).__name__, str(error))}), **_FAILED}


def complete(result: dict[str, object]) -> dict[str, object]:
    """A result that ends its call, for clients that know others (MCP 2026-07-28)."""
    return {**result, "resultType": "complete"}


def turn_result(
    record: ThreadRecord, outcome: TurnOutcome, schema: OutputSchema | None
) -> dict[str, object]:
    """What a turn came to; with a schema also as `output`, the JSON that the answer is."""
    thread_id, content = record.info.thread_id, outcome.content
    if outcome.reason:
        return failed_turn(thread_id, outcome)
    answer: JsonObject = {"threadId": thread_id, "content": content}
    if schema is None:
        return plain(content, answer)
    try:
        return plain(content, {**answer, "output": schema.read(content)})
    except ServerRefused as error:
        why = _error("ServerRefused", str(error))
        return {**plain(f"{error}\n\n{content}".strip(), {**answer, "error": why}), **_FAILED}


def failed_turn(thread_id: str, outcome: TurnOutcome) -> dict[str, object]:
    """A turn that did not end as it should; the thread can be told something all the same."""
    why = _ENDED.get(outcome.reason, f"The turn ended: {outcome.reason}.")
    message = f"{why} {outcome.message}".strip()
    text = f"{outcome.content}\n\n{message}" if outcome.content else message
    error = _error("TurnAborted", message) | {"reason": outcome.reason}
    content = {"threadId": thread_id, "content": text, "error": error}
    return {**plain(text, content), **_FAILED}


def _error(kind: str, message: str) -> dict[str, object]:
    return {"kind": kind, "message": message}


_FAILED = {"isError": True}
