"""Results of tool calls, in the shape of `tools/call`."""

from __future__ import annotations

import json

from codextui.errors import CodextuiError
from codextui.server.threads.record import TurnOutcome
from codextui.wire.fields import JsonObject

_ENDED = {
    "interrupted": "The turn was interrupted.",
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
