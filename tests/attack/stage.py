"""A real server without a Codex: what Codex and the clients would do is played by a test."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from codextui.codex.app_server import AppServer
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.extensions import APPROVAL_META
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.app import open_server
from codextui.server.approvals.elicitation import (
    ElicitationResponder,
    call_responder,
    supervisor_responder,
)
from codextui.server.approvals.input_required import InputRequiredResponder
from codextui.server.clients import Caller, ClientGone, ClientRefused, Session
from codextui.server.mcp import tools
from codextui.server.options import ServerOptions
from codextui.server.state import ServerState
from codextui.server.threads.registry import ThreadRecord

_GRANTS = frozenset({"accept", "acceptForSession", "approved", "approved_for_session"})
_DECISIVE = ("acceptWithExecpolicyAmendment", "applyNetworkPolicyAmendment")


@dataclass(frozen=True)
class Answered:
    """What Codex was sent for a request, and what the audit log had at that moment."""

    granted: bool
    outcome: str | None
    by: str


class FakeCodex:
    """The edge of the server where Codex would be: it records what it is answered.

    Attributes:
        answers: all answers, by the process and the id of the request.
        cut: whether the server has crashed, so that nothing arrives any more.
    """

    mark = ""
    version = "0.163.0"

    def __init__(self, stage: Stage, process: int) -> None:
        self.pid = process
        self.home = Path("/nowhere")
        self.cut = False
        self._stage = stage

    def respond(self, request_id: RequestId, result: JsonObject) -> bool:
        if not self.cut:
            self._stage.on_answer(self.pid, request_id, granted=is_grant(result))
        return not self.cut

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        if not self.cut:
            self._stage.on_answer(self.pid, request_id, granted=False)
        return not self.cut

    async def call(
        self, method: str, params: JsonObject, *, timeout_s: float | None = None
    ) -> JsonObject:
        await asyncio.sleep(0)
        if method == "turn/interrupt":
            self._stage.end_turn(str(params["threadId"]), str(params["turnId"]))
        return {}

    def ending_commands(self, thread_id: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()


def is_grant(result: JsonObject) -> bool:
    """Return whether Codex would run the command because of this answer."""
    decision = result.get("decision")
    if isinstance(decision, dict):
        return any(word in decision for word in _DECISIVE)
    return decision in _GRANTS


class Channel:
    """A client's end of its connection. A `codextui.server.clients.Channel`."""

    cwd = ""
    all_tools = False
    legacy_events = False
    cancelled: tuple[RequestId, ...] = ()

    def __init__(self) -> None:
        self.config: JsonObject = {}
        self.asked: dict[str, asyncio.Future[JsonObject]] = {}

    @property
    def client_key(self) -> Hashable:
        return id(self)

    async def notify(self, method: str, *params: JsonObject) -> None: ...

    def notify_soon(
        self, method: str, params: JsonObject, *, for_call: RequestId | None = None
    ) -> None: ...

    async def request(
        self, method: str, params: JsonObject, *, for_call: RequestId | None = None
    ) -> JsonObject:
        approval = cast("dict[str, Any]", params["_meta"])[APPROVAL_META]
        future: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self.asked[approval["approval_id"]] = future
        return await future

    def answer(self, approval_id: str, value: Mapping[str, Any] | None) -> bool:
        """Answer a question; False where it is not open here."""
        future = self.asked.get(approval_id)
        if future is None or future.done():
            return False
        if value is None:
            future.set_exception(ClientRefused("it was an error"))
        else:
            future.set_result(dict(value))
        return True

    def close(self) -> None:
        for future in self.asked.values():
            if not future.done():
                future.set_exception(ClientGone("gone"))

    def respond_late(self, request_id: RequestId, result: JsonObject) -> None: ...

    def on_late_cancel(self, callback: object) -> None: ...

    def abort(self) -> None: ...


class Client:
    """A client that is asked by requests: a console, or the caller of a turn."""

    def __init__(self, stage: Stage, name: str, thread_id: str = "") -> None:
        self.name = name
        self.thread_id = thread_id
        self.channel = Channel()
        self._stage = stage
        self._caller = caller_of(self.channel, name, supervises=not thread_id)
        self._responder: ElicitationResponder | None = None

    def attach(self) -> None:
        if self._responder is not None:
            return
        if self.thread_id:
            self._responder = call_responder(self._caller, self.thread_id)
            assert self._responder is not None
            self._stage.server.call_responders.attach(self._responder)
        else:
            self._responder = supervisor_responder(self._caller)
            assert self._responder is not None
            self._stage.server.broker.attach(self._responder)

    def detach(self, *, hangs_up: bool = False) -> None:
        if self._responder is None:
            return
        if hangs_up:
            self.channel.close()
        if self.thread_id:
            self._stage.server.call_responders.detach(self._responder)
        else:
            self._stage.server.broker.detach(self._responder)
        self._responder = None

    def answer(self, approval_id: str, value: Mapping[str, Any] | None) -> bool:
        return self.channel.answer(approval_id, value)


class RoundsClient:
    """A caller that speaks MCP 2026-07-28, and answers in rounds."""

    MAX_ROUNDS = 8

    def __init__(self, stage: Stage, name: str, thread_id: str) -> None:
        self.name = name
        self.thread_id = thread_id
        self._stage = stage
        self._responder: InputRequiredResponder | None = None
        self._rounds = 0

    def attach(self) -> None:
        if self._responder is None:
            self._rounds = 0
            self._responder = InputRequiredResponder(self.name, self.thread_id)
            self._stage.server.broker.attach(self._responder)

    def detach(self, *, hangs_up: bool = False) -> None:
        if self._responder is not None:
            if hangs_up:
                self._responder.close()
            self._stage.server.broker.detach(self._responder)
            self._responder = None

    def answer(self, approval_id: str, value: Mapping[str, Any] | None) -> bool:
        """Answer in a round of its own, beside ids that do not exist; False where not asked."""
        if self._responder is None or self._rounds == self.MAX_ROUNDS:
            return False
        self._rounds += 1
        asked = self._responder.begin_round("state")["inputRequests"]
        assert isinstance(asked, dict)
        response = ["not an object"] if value is None else dict(value)
        self._responder.end_round({"a0": {"action": "accept"}, "": {}, approval_id: response})
        return approval_id in asked


def caller_of(channel: Channel, name: str, *, supervises: bool) -> Caller:
    session = Session(cast("Any", channel), client_name=name, unique_name=name)
    return Caller(session, request_id=1, supervises=supervises, elicits=True)


@dataclass
class Stage:
    """A server, and what happened to its approvals.

    Attributes:
        server: the server.
        journal: its journal.
        unattended: whether what nobody can decide is declined at once.
        disk: the disk of the journal.
        codex: the process that runs.
        answers: what Codex was answered, by the process and the id of the request.
        resolved: how approvals ended, by their ids, as it was published.
        asked: the approvals by the ids of their items.
        changed: set by every answer and every end.
    """

    server: ServerState
    journal: Path
    unattended: bool
    disk: Disk
    codex: FakeCodex = field(init=False)
    answers: dict[tuple[int, RequestId], list[Answered]] = field(default_factory=dict)
    resolved: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, Approval] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _approval_ids: dict[tuple[int, RequestId], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._log = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)
        self._log.row_factory = sqlite3.Row
        self._processes = itertools.count(1)
        self.start_codex()
        worker: Any = self.server.worker
        worker.app, worker.respond, worker.refuse = self._app, self._respond, self._refuse
        worker.is_current = lambda process: process == self.codex.pid

    async def _app(self) -> AppServer:
        return cast("AppServer", self.codex)

    def _respond(self, process: int, request_id: RequestId, result: JsonObject) -> bool:
        return process == self.codex.pid and self.codex.respond(request_id, result)

    def _refuse(self, process: int, request_id: RequestId, code: int, message: str) -> bool:
        return process == self.codex.pid and self.codex.refuse(request_id, code, message)

    def start_codex(self) -> None:
        """Put a Codex process where the server expects one."""
        self.codex = FakeCodex(self, next(self._processes))

    def kill_codex(self) -> None:
        """Let the Codex process die, and start another."""
        self.codex.cut = True
        self.server.codex_handler.handle_exit("codex app-server was killed")
        self.start_codex()

    def start_turn(self, thread_id: str, turn_id: str) -> None:
        registry = self.server.registry
        record = registry.get(thread_id)
        if record is None:
            handle = registry.handles.unique(thread_id)
            info = ThreadInfo(thread_id, handle=handle, state=ThreadState.IDLE)
            record = ThreadRecord(info, watchers=[self])
            registry.add(record)
        record.loaded = True
        self.notify("turn/started", {"threadId": thread_id, "turn": {"id": turn_id}})

    def end_turn(self, thread_id: str, turn_id: str, status: str = "interrupted") -> None:
        turn = {"id": turn_id, "status": status, "items": []}
        self.notify("turn/completed", {"threadId": thread_id, "turn": turn})

    def notify(self, method: str, params: JsonObject) -> None:
        self.server.codex_handler.handle_notification(self.codex.pid, method, params)

    def request(self, request_id: RequestId, method: str, params: JsonObject) -> str:
        """Make a request as Codex, and return the id of its approval."""
        self.server.codex_handler.handle_request(self.codex.pid, request_id, method, params)
        approval_id = self.asked[str(params["itemId"])].approval_id
        self._approval_ids[self.codex.pid, request_id] = approval_id
        return approval_id

    async def answer_by_tool(self, approval_id: str, value: Mapping[str, Any]) -> str:
        """Answer as the command line does (`codex-answer`)."""
        caller = caller_of(Channel(), "cli", supervises=False)
        result = await tools.answer(self.server, caller, {"approval": approval_id, **value})
        return str(result["outcome"])

    def on_event(self, msg: ev.Msg) -> None:
        match msg:
            case ev.ApprovalAsked(approval):
                self.asked[approval.item_id] = approval
            case ev.ApprovalResolved():
                self.resolved.setdefault(msg.approval_id, []).append(msg.outcome)
                self.changed.set()

    def on_unattended(self, approval: Approval) -> None: ...

    def on_answer(self, process: int, request_id: RequestId, *, granted: bool) -> None:
        row = self.row(self._approval_ids.get((process, request_id), ""))
        outcome, by = (row["outcome"], row["by"]) if row is not None else (None, "")
        answered = Answered(granted, outcome, by or "")
        self.answers.setdefault((process, request_id), []).append(answered)
        self.changed.set()

    def row(self, approval_id: str) -> sqlite3.Row | None:
        """Return what the audit log has on the disk of an approval."""
        query = "SELECT * FROM approvals WHERE approval_id = ?"
        rows = self._log.execute(query, (approval_id,)).fetchall()
        assert len(rows) <= 1, f"{approval_id} is in the audit log {len(rows)} times"
        return rows[0] if rows else None

    def close(self) -> None:
        self._log.close()


class Disk:
    """Lets the journal's writes fail while it is full."""

    def __init__(self) -> None:
        self.is_full = False

    def connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        """Do as `sqlite3.connect`."""
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
                if disk.is_full and sql.split(maxsplit=1)[0] in {"INSERT", "UPDATE", "DELETE"}:
                    error = sqlite3.OperationalError("database or disk is full")
                    error.sqlite_errorcode = sqlite3.SQLITE_FULL
                    raise error
                return super().execute(sql, *rest)

        return _CONNECT(*arguments, factory=Connection, **options)


_CONNECT = sqlite3.connect


@asynccontextmanager
async def staged(folder: Path, disk: Disk, *, unattended: bool) -> AsyncIterator[Stage]:
    """Open a server whose journal is in a folder."""
    options = ServerOptions(
        name="attacked",
        socket=folder / "s.sock",
        lock=folder / "s.lock",
        journal=folder / "s.sqlite",
        unattended_timeout_s=0.0 if unattended else None,
    )
    async with open_server(options) as server:
        stage = Stage(server, options.journal, unattended, disk)
        try:
            yield stage
        finally:
            stage.codex.cut = True
    stage.close()
