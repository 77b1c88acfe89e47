"""Reports to a caller what its call is doing, by `notifications/progress` with a message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Self

from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approval_text import MAX_SHORT, describe_question
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import Approved, Scope, decision_word
from codextui.protocol.sub_agents import parse_agent_call
from codextui.server.clients import Caller
from codextui.text.sanitize import one_revealed_line
from codextui.text.shell import strip_shell

PROGRESS_METHOD = "notifications/progress"

_OUTCOMES = {
    **{decision_word(Approved(scope)): "approved" for scope in Scope},
    "denied": "declined",
    "abort": "declined, and the turn stopped",
    "answered": "answered",
}


class ProgressReporter:
    """Sends progress notifications during a call, if the caller wants any (`progressToken`).

    It reports whenever something changes, and again after every `interval_s` without a change, so
    that no time-out of the client ends the call while the agent works or a person thinks. It also
    says how to stop the turn: some clients only stop waiting, and never send
    `notifications/cancelled`. It is a `TurnWatcher` of the thread.

    Args:
        caller: the client that made the call.
        interval_s: seconds after which an unchanged message is sent again.
        how_to_answer: returns the command that decides an approval; empty where there is none.
        how_to_stop: returns the command that stops the turn; empty where there is none.
        clock: returns seconds, monotonically.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        interval_s: float,
        how_to_answer: Callable[[Approval], str],
        how_to_stop: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._caller = caller
        self._interval_s = interval_s
        self._how_to_answer = how_to_answer
        self._how_to_stop = how_to_stop
        self._clock = clock
        self._began = clock()
        self._count = 0
        self._state = "starting"
        self._pending: dict[str, str] = {}
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._send(self._state)
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._closed = True

    def on_event(self, msg: ev.Msg) -> None:
        """Report an event on the thread."""
        match msg:
            case ev.ApprovalAsked(approval):
                self._pending[approval.approval_id] = describe_event(msg)
            case ev.ApprovalResolved(approval_id):
                self._pending.pop(approval_id, None)
        state = describe_event(msg)
        if state:
            self._state = state
            begins = isinstance(msg, ev.TurnStarted) and not self._pending
            stop = self._how_to_stop() if begins else ""
            self._send(f"{self._message()}; to stop it: `{stop}`" if stop else self._message())

    def on_unattended(self, approval: Approval) -> None:
        """Report that nobody is connected who can decide an approval, and how to decide it."""
        command = self._how_to_answer(approval)
        if command and approval.approval_id in self._pending:
            question = describe_question(approval.asked)
            message = f"needs input: {question} Answer with {command}"
            self._pending[approval.approval_id] = message
            self._send(message)

    def _message(self) -> str:
        """Return what a person has to do, or else what the agent does."""
        return next(iter(self._pending.values()), self._state)

    def _send(self, message: str) -> None:
        token = self._caller.progress_token
        if token is None or self._closed:
            return
        self._count += 1
        params = {"progressToken": token, "progress": self._count, "message": message}
        call_id = self._caller.request_id
        self._caller.channel.notify_soon(PROGRESS_METHOD, params, for_call=call_id)
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._interval_s, self._repeat)

    def _repeat(self) -> None:
        stop = self._how_to_stop()
        hint = f"; to stop it: `{stop}`" if stop else ""
        self._send(f"{self._message()} ({self._clock() - self._began:.0f} s{hint})")


def describe_event(msg: ev.Msg) -> str:
    """Describe an event in one line; empty for one that is not worth reporting."""
    match msg:
        case ev.TurnStarted():
            return "works"
        case ev.ItemStarted(item):
            return _describe_start(item)
        case ev.ItemCompleted(item):
            return _describe_end(item)
        case ev.ApprovalAsked(approval):
            return f"waits for a decision: {describe_question(approval.asked)}"
        case ev.ApprovalResolved(approval_id, outcome, by):
            word = _OUTCOMES.get(outcome, outcome)
            return f"{approval_id} was {word} by {_shorten(by)}" if by else f"{approval_id}: {word}"
        case ev.ApprovalCorrected(approval_id):
            return f"{approval_id}: {msg.description}"
        case ev.ErrorRaised(message) | ev.Warned(message):
            return _shorten(message)
        case _:
            return ""


def _describe_start(item: JsonObject) -> str:
    match item.get("type"):
        case "commandExecution":
            return f"runs `{_command(item)}`"
        case "fileChange":
            return f"changes {_paths(item)}"
        case "mcpToolCall":
            return f"calls {_tool(item)}"
        case "collabAgentToolCall":
            return _agent_call(item)
        case "webSearch":
            return f"searches the web: {_shorten(item.get('query'))}".rstrip(": ")
        case "agentMessage":
            return "speaks"
        case "reasoning":
            return "thinks"
        case "enteredReviewMode":
            return f"reviews {_shorten(item.get('review'))}"
        case "userMessage" | "exitedReviewMode" | "subAgentActivity":
            return ""  # the end of the latter says the same
        case kind:
            return f"began: {_shorten(kind)}"


def _describe_end(item: JsonObject) -> str:
    match item.get("type"):
        case "commandExecution":
            code = item.get("exitCode")
            ended = f" (exit code {code})" if isinstance(code, int) else ""
            return f"ran `{_command(item)}`{ended}"
        case "fileChange":
            return f"changed {_paths(item)}"
        case "mcpToolCall":
            return f"called {_tool(item)}"
        case "collabAgentToolCall" | "subAgentActivity":
            return _agent_call(item)
        case "agentMessage":
            return f"said: {_shorten(item.get('text'))}"
        case "userMessage" | "enteredReviewMode":
            return ""
        case "exitedReviewMode":
            return "has reviewed"
        case "reasoning":
            return "thought"
        case kind:
            return f"ended: {_shorten(kind)}"


def _agent_call(item: JsonObject) -> str:
    try:
        call = parse_agent_call(item)
    except MessageInvalid:
        return ""
    return _shorten(call.describe()) if call is not None else ""


def _tool(item: JsonObject) -> str:
    return _shorten(f"{item.get('server')}.{item.get('tool')}")


def _paths(item: JsonObject) -> str:
    changes = item.get("changes")
    listed = changes if isinstance(changes, list) else []
    paths = [str(one.get("path")) for one in listed if isinstance(one, dict)]
    return _shorten(", ".join(paths)) or "files"


def _shorten(text: Json) -> str:
    """Return the beginning of a text in one line, without control characters."""
    clean = " ".join(str(text if text is not None else "")[: 4 * MAX_SHORT].split())
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in clean)
    return clean if len(clean) <= MAX_SHORT else f"{clean[: MAX_SHORT - 1]}…"


def _command(item: JsonObject) -> str:
    """Return the script that a command runs, in one line in which line ends are visible."""
    return one_revealed_line(strip_shell(str(item.get("command") or "")), MAX_SHORT)
