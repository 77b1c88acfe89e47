"""Runs an AppServer and records all that it sends, so that a test can wait for what it expects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.binary import find_codex
from codextui.codex.calls import start_thread, start_turn
from codextui.codex.notifications import TranslatedEvent, translate
from codextui.codex.requests import Answer, ApprovalRequest, encode_decision, parse_request
from codextui.codex.threads import ThreadOptions
from codextui.demo import ScriptedModel, codex_environment, write_codex_home
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.decisions import Decision

PATIENCE_S = 60

T = TypeVar("T")


@dataclass(frozen=True)
class Received:
    """A request of Codex, and what we read in it."""

    request_id: RequestId
    method: str
    params: JsonObject
    parsed: ApprovalRequest


class Listener:
    def __init__(self) -> None:
        self.app: AppServer
        self.events: list[TranslatedEvent] = []
        self.requests: list[Received] = []
        self.notifications: list[tuple[str, JsonObject]] = []
        self.exits: list[str] = []
        self._changed = asyncio.Event()

    @property
    def handlers(self) -> AppServerHandlers:
        return AppServerHandlers(self.on_notification, self.on_request, self.on_exit)

    def on_notification(self, method: str, params: JsonObject) -> None:
        self.notifications.append((method, params))
        translation = translate(method, params)
        if isinstance(translation, TranslatedEvent):
            self.events.append(translation)
        self._changed.set()

    def on_request(self, request_id: RequestId, method: str, params: JsonObject) -> None:
        parsed = parse_request(method, params)
        assert isinstance(parsed, ApprovalRequest)
        self.requests.append(Received(request_id, method, params, parsed))
        self._changed.set()

    def on_exit(self, reason: str) -> None:
        self.exits.append(reason)
        self._changed.set()

    async def until(self, look: Callable[[], T | None]) -> T:
        """Return the first thing that `look` finds, now or after something more has come."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := look()) is None:
                self._changed.clear()
                await self._changed.wait()
        return found

    async def msg(self, kind: type[T], thread: str, turn: str = "", count: int = 1) -> T:
        """Wait for the `count`-th message of a kind on a thread."""

        def look() -> T | None:
            found = [m for m in self.msgs(thread, turn) if isinstance(m, kind)]
            return found[count - 1] if len(found) >= count else None

        return await self.until(look)

    async def notification(
        self, method: str, fits: Callable[[JsonObject], bool] = lambda _: True
    ) -> JsonObject:
        """Wait for a notification of a method, and return its parameters."""
        return await self.until(
            lambda: next((params for params in self.of(method) if fits(params)), None)
        )

    async def request(self, count: int = 1) -> Received:
        """Wait for the `count`-th request."""
        return await self.until(
            lambda: self.requests[count - 1] if len(self.requests) >= count else None
        )

    async def ended(self, thread: str, turn: str) -> ev.TurnCompleted | ev.TurnAborted:
        def look() -> ev.TurnCompleted | ev.TurnAborted | None:
            ends = ev.TurnCompleted | ev.TurnAborted
            return next((m for m in self.msgs(thread, turn) if isinstance(m, ends)), None)

        return await self.until(look)

    def decide(self, request: Received, decision: Decision) -> None:
        answer = encode_decision(request.method, request.params, decision)
        assert isinstance(answer, Answer)
        assert self.app.respond(request.request_id, answer.result)

    def msgs(self, thread: str, turn: str = "") -> list[ev.Msg]:
        return [
            event.msg
            for event in self.events
            if event.thread_id == thread and turn in ("", event.turn_id)
        ]

    def of(self, method: str) -> list[JsonObject]:
        """Return the parameters of the notifications of a method, as Codex sent them."""
        return [params for name, params in self.notifications if name == method]

    def items(self, thread: str, kind: str, turn: str = "") -> list[Any]:
        """Return the completed items of a kind, in order."""
        completed = [m.item for m in self.msgs(thread, turn) if isinstance(m, ev.ItemCompleted)]
        return [item for item in completed if item["type"] == kind]

    def text(self, thread: str) -> str:
        return "".join(m.delta for m in self.msgs(thread) if isinstance(m, ev.TextDelta))

    async def thread(self, cwd: Path, **options: Any) -> str:
        """Start a thread; by default it may write in its cwd and asks for everything else."""
        defaults: dict[str, Any] = {"sandbox": "workspace-write", "approval_policy": "on-request"}
        chosen = ThreadOptions(cwd=str(cwd), **{**defaults, **options})
        return (await start_thread(self.app, chosen)).thread_id

    async def turn(self, thread: str, prompt: str) -> str:
        return await start_turn(self.app, thread, prompt, client_message_id="m1")


@asynccontextmanager
async def listening(binary: Path, home: Path, model: ScriptedModel) -> AsyncIterator[Listener]:
    """Run app-server with the scripted model. Nothing that it sends may be unknown to us."""
    if not home.exists():
        write_codex_home(home, model.base_url)
    found = await asyncio.to_thread(find_codex, binary)
    listener = Listener()
    listener.app = await AppServer.start(
        found,
        listener.handlers,
        home=home,
        env=codex_environment(home),
    )
    try:
        yield listener
    finally:
        await listener.app.stop()
    unknown = [e.msg for e in listener.events if isinstance(e.msg, ev.UnknownEvent)]
    assert not unknown
    assert not model.faults
