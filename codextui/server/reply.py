"""Results of tool calls, in the shape of `tools/call`."""

from __future__ import annotations

import json

from codextui.errors import CodextuiError, ServerRefused
from codextui.server.output_schema import OutputSchema
from codextui.server.threads.record import ThreadRecord, TurnOutcome
from codextui.wire.fields import JsonObject

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
