"""What a caller reads while its call is open: `notifications/progress`, with a message."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Self

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Approved, Scope, decision_word
from codextui.server.mcp.session import Caller

MAX_SHOWN = 160
"""Characters of a command, a message or a question that are shown."""

_DECIDED = {
    **{decision_word(Approved(scope)): "approved" for scope in Scope},
    "denied": "declined",
    "abort": "declined, and the turn stopped",
    "answered": "answered",
}


def tell_msg(msg: ev.Msg) -> str:
    """What just happened; empty for what is not worth a line."""
    match msg:
        case ev.TurnStarted():
            return "works"
        case ev.ItemStarted(item):
            return _started(item)
        case ev.ItemCompleted(item):
            return _completed(item)
        case ev.ApprovalAsked(approval):
            return f"waits for a decision: {tell_asked(approval.asked)}"
        case ev.ApprovalResolved(approval_id, outcome, by):
            word = _DECIDED.get(outcome, outcome)
            return f"{approval_id} was {word} by {_line(by)}" if by else f"{approval_id}: {word}"
        case ev.ErrorRaised(message) | ev.Warned(message):
            return _line(message)
        case _:
            return ""


def tell_asked(asked: Asked) -> str:
    """What is asked, as a question."""
    match asked:
        case CommandAsked(command):
            return f"May Codex run `{_line(command)}`?"
        case PatchAsked(changes):
            return f"May Codex change {_line(', '.join(one.path for one in changes)) or 'files'}?"
        case PermissionsAsked(reason=reason):
            return f"May Codex have more permissions? {_line(reason)}".strip()
        case QuestionsAsked(questions):
            return _line(" ".join(one.question for one in questions))
        case ElicitationAsked(server, message=message):
            return _line(f"{server} asks: {message}")
        case ToolAsked(tool, arguments, server):
            name = _line(f"{server}.{tool}" if server else tool)
            return f"May the tool {name} be called with {_line(json.dumps(arguments))}?"
        case UnknownAsked(method):
            return f"Codex asks {_line(method)}, which can only be declined."


def _started(item: JsonObject) -> str:
    match item.get("type"):
        case "commandExecution":
            return f"runs `{_line(item.get('command'))}`"
        case "fileChange":
            return f"changes {_paths(item)}"
        case "mcpToolCall":
            return f"calls {_tool(item)}"
        case "webSearch":
            return f"searches the web: {_line(item.get('query'))}".rstrip(": ")
        case "agentMessage":
            return "speaks"
        case "reasoning":
            return "thinks"
        case "userMessage":
            return ""
        case kind:
            return f"began: {_line(kind)}"


def _completed(item: JsonObject) -> str:
    match item.get("type"):
        case "commandExecution":
            code = item.get("exitCode")
            ended = f" (exit code {code})" if isinstance(code, int) else ""
            return f"ran `{_line(item.get('command'))}`{ended}"
        case "fileChange":
            return f"changed {_paths(item)}"
        case "mcpToolCall":
            return f"called {_tool(item)}"
        case "agentMessage":
            return f"said: {_line(item.get('text'))}"
        case "userMessage":
            return ""
        case "reasoning":
            return "thought"
        case kind:
            return f"ended: {_line(kind)}"


def _tool(item: JsonObject) -> str:
    return _line(f"{item.get('server')}.{item.get('tool')}")


def _paths(item: JsonObject) -> str:
    changes = item.get("changes")
    listed = changes if isinstance(changes, list) else []
    paths = [str(one.get("path")) for one in listed if isinstance(one, dict)]
    return _line(", ".join(paths)) or "files"


def _line(text: Json) -> str:
    """One line that no control character of its is in, shortened."""
    clean = " ".join(str(text if text is not None else "")[: 4 * MAX_SHOWN].split())
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in clean)
    return clean if len(clean) <= MAX_SHOWN else f"{clean[: MAX_SHOWN - 1]}…"


PROGRESS = "notifications/progress"


class Progress:
    """Tells a caller what its call is doing, if it wants to hear (MCP `progressToken`).

    It is told whenever something changes, and again after every `interval_s` in which nothing
    did, so that no time-out of the client's strikes while the agent works or a person thinks.
    It is a Watcher of the thread.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        interval_s: float,
        how_to_answer: Callable[[Approval], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put it together.

        Args:
            caller: whom to tell.
            interval_s: seconds after which it is told again.
            how_to_answer: what a person can type to decide an approval; empty where nothing.
            clock: seconds that only grow.
        """
        self._caller = caller
        self._interval_s = interval_s
        self._how_to_answer = how_to_answer
        self._clock = clock
        self._began = clock()
        self._count = 0
        self._state = "starting"
        self._asked: dict[str, str] = {}
        self._over = False
        self._beat: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._say(self._state)
        return self

    def __exit__(self, *_: object) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        self._over = True

    def hear(self, msg: ev.Msg) -> None:
        """Something happened on the thread."""
        match msg:
            case ev.ApprovalAsked(approval):
                told = f"waits for a decision: {tell_asked(approval.asked)}"
                self._asked[approval.approval_id] = told
            case ev.ApprovalResolved(approval_id):
                self._asked.pop(approval_id, None)
        said = tell_msg(msg)
        if said:
            self._state = said
            self._say(self._now())

    def unattended(self, approval: Approval) -> None:
        """Nobody who could decide an approval is there: say how to."""
        how = self._how_to_answer(approval)
        if how and approval.approval_id in self._asked:
            told = f"needs input: {tell_asked(approval.asked)} Answer with {how}"
            self._asked[approval.approval_id] = told
            self._say(told)

    def _now(self) -> str:
        """What goes on: what a person has to do comes before what the agent does."""
        return next(iter(self._asked.values()), self._state)

    def _say(self, message: str) -> None:
        token = self._caller.progress_token
        if token is None or self._over:
            return
        self._count += 1
        told = {"progressToken": token, "progress": self._count, "message": message}
        self._caller.channel.tell(PROGRESS, told, for_call=self._caller.request_id)
        if self._beat is not None:
            self._beat.cancel()
        loop = asyncio.get_running_loop()
        self._beat = loop.call_later(self._interval_s, self._say_again)

    def _say_again(self) -> None:
        self._say(f"{self._now()} ({self._clock() - self._began:.0f} s)")
