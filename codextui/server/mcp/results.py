"""Results of tool calls, in the shape of `tools/call`, and the output schema of an answer."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it comes with mcp, its stubs do not
from referencing import Registry
from referencing.exceptions import Unresolvable

from codextui.errors import CodextuiError, ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.server.mcp.validation import MAX_REASON, describe_error
from codextui.server.threads.turn_state import TurnOutcome
from codextui.text.sanitize import dump_json

MAX_SCHEMA = 256 * 1024
"""Characters of an output schema."""

_REASONS = {
    "interrupted": "The turn was interrupted.",
    "killed": "The thread was killed.",
    "lost": "The Codex process ended during the turn.",
    "failed": "The turn failed.",
}


class OutputSchema:
    """A JSON schema that Codex gives to its model, and that its answer must fit.

    Args:
        schema: the schema as the client sent it.

    Raises:
        ServerRefused: it is too long, or not a JSON schema.
    """

    def __init__(self, schema: JsonObject) -> None:
        self.schema = schema
        if len(json.dumps(schema)) > MAX_SCHEMA:
            raise ServerRefused(f"output-schema: it has more than {MAX_SCHEMA:,} characters")
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise ServerRefused(f"output-schema: {describe_error(error)}") from error
        # With an empty registry nothing is fetched from where a `$ref` points.
        registry: Registry[Json] = Registry()
        self._validator = jsonschema.Draft202012Validator(schema, registry=registry)

    @classmethod
    def from_arguments(cls, arguments: JsonObject) -> OutputSchema | None:
        """Return the schema among a call's arguments; None where there is none.

        Raises:
            ServerRefused: it is too long, or not a JSON schema.
        """
        if "output-schema" not in arguments:
            return None
        return cls(fields.as_object(arguments["output-schema"], "output-schema"))

    def parse(self, content: str) -> Json:
        """Return an answer as JSON.

        Raises:
            ServerRefused: it is not JSON, or does not fit the schema.
        """
        try:
            output: Json = json.loads(content)
            error = next(self._validator.iter_errors(output), None)
        except (ValueError, RecursionError) as failure:
            raise ServerRefused(f"The answer is not JSON: {failure}"[:MAX_REASON]) from failure
        except Unresolvable as failure:
            raise ServerRefused(f"output-schema: {failure}"[:MAX_REASON]) from failure
        if error is not None:
            raise ServerRefused(f"The answer does not fit output-schema: {describe_error(error)}")
        return output


def json_result(content: JsonObject) -> dict[str, object]:
    """Return a result that is a JSON object."""
    return _result(dump_json(content), content)


def error_result(error: CodextuiError) -> dict[str, object]:
    """Return the result of a call that failed, with the error's class for our own clients."""
    content = {"error": {"kind": type(error).__name__, "message": str(error)}}
    return _result(str(error), content) | {"isError": True}


def turn_result(
    thread_id: str, outcome: TurnOutcome, schema: OutputSchema | None
) -> dict[str, object]:
    """Return the result of a turn.

    A turn that was aborted is an error, though the thread goes on. With a schema the answer is
    also parsed, as `output`; where it does not fit the schema, it comes with an error. The first
    text block is the answer, the second one names the thread.
    """
    result = _outcome_result(thread_id, outcome, schema)
    return {**result, "content": [*result["content"], _thread_block(thread_id)]}


def mark_complete(result: dict[str, object]) -> dict[str, object]:
    """Return a result that ends its call, for MCP 2026-07-28, which has other results too."""
    return {**result, "resultType": "complete"}


def _outcome_result(
    thread_id: str, outcome: TurnOutcome, schema: OutputSchema | None
) -> dict[str, Any]:
    if outcome.reason:
        return _aborted_result(thread_id, outcome)
    content = outcome.content
    structured: JsonObject = {"threadId": thread_id, "content": content}
    if schema is None:
        return _result(content, structured)
    try:
        return _result(content, {**structured, "output": schema.parse(content)})
    except ServerRefused as error:
        reason = {"kind": "ServerRefused", "message": str(error)}
        text = f"{error}\n\n{content}".strip()
        return _result(text, {**structured, "error": reason}) | {"isError": True}


def _thread_block(thread_id: str) -> dict[str, object]:
    """Return the text block that tells a model which thread to continue.

    LangChain, the AI SDK and the Agents SDK by default pass only `content` to their models, which
    then cannot call `codex-reply`. A block of its own leaves the first one as `codex mcp-server`
    had it, for programs that read or parse `content[0].text`; `audience` lets a client that shows
    results to people leave it out. Nothing in `_meta` would do: models are not shown it.
    """
    return {
        "type": "text",
        "text": f"threadId: {thread_id} (codex-reply continues this thread)",
        "annotations": {"audience": ["assistant"]},
    }


def _aborted_result(thread_id: str, outcome: TurnOutcome) -> dict[str, Any]:
    reason = _REASONS.get(outcome.reason, f"The turn ended: {outcome.reason}.")
    message = f"{reason} {outcome.message}".strip()
    text = f"{outcome.content}\n\n{message}" if outcome.content else message
    error = {"kind": "TurnAborted", "message": message, "reason": outcome.reason}
    content = {"threadId": thread_id, "content": text, "error": error}
    return _result(text, content) | {"isError": True}


def _result(text: str, structured: JsonObject) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured}
