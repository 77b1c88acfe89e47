"""An AppServer whose every word is kept, so that a test can wait for what it expects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from codextui.codex.app_server import AppServer
from codextui.codex.binary import find_codex
from codextui.codex.calls import start_thread, start_turn
from codextui.codex.notifications import Translated, translate
from codextui.codex.requests import Answer, ApprovalRequest, encode_decision, parse_request
from codextui.codex.thread_notifications import Fact
from codextui.codex.threads import ThreadOptions
from codextui.demo import ScriptedModel, codex_environment, write_codex_home
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.decisions import Decision

PATIENCE_S = 30

T = TypeVar("T")


@dataclass(frozen=True)
class Heard:
    """A request of Codex's."""

    request_id: RequestId
    method: str
    params: JsonObject
    ask: ApprovalRequest


class Listener:
    def __init__(self) -> None:
        self.app: AppServer
        self.notices: list[Translated | Fact] = []
        self.heard: list[Heard] = []
        self.raw: list[tuple[str, JsonObject]] = []
        self.exits: list[str] = []
        self._told = asyncio.Event()

    def on_notification(self, method: str, params: JsonObject) -> None:
        self.raw.append((method, params))
        notice = translate(method, params)
        if notice is not None:
            self.notices.append(notice)
        self._told.set()

    def on_request(self, request_id: RequestId, method: str, params: JsonObject) -> None:
        ask = parse_request(method, params)
        assert isinstance(ask, ApprovalRequest)
        self.heard.append(Heard(request_id, method, params, ask))
        self._told.set()

    def on_exit(self, reason: str) -> None:
        self.exits.append(reason)
        self._told.set()

    async def until(self, look: Callable[[], T | None]) -> T:
        """The first thing that `look` finds, now or after something more was heard."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := look()) is None:
                self._told.clear()
                await self._told.wait()
        return found

    async def msg(self, kind: type[T], thread: str, turn: str = "", count: int = 1) -> T:
        """The `count`-th message of a kind on a thread."""

        def look() -> T | None:
            found = [m for m in self.msgs(thread, turn) if isinstance(m, kind)]
            return found[count - 1] if len(found) >= count else None

        return await self.until(look)

    async def fact(self, kind: type[T], fits: Callable[[T], bool] = lambda _: True) -> T:
        return await self.until(
            lambda: next((n for n in self.notices if isinstance(n, kind) and fits(n)), None)
        )

    async def asked(self, count: int = 1) -> Heard:
        return await self.until(lambda: self.heard[count - 1] if len(self.heard) >= count else None)

    async def ended(self, thread: str, turn: str) -> ev.TurnCompleted | ev.TurnAborted:
        def look() -> ev.TurnCompleted | ev.TurnAborted | None:
            ends = ev.TurnCompleted | ev.TurnAborted
            return next((m for m in self.msgs(thread, turn) if isinstance(m, ends)), None)

        return await self.until(look)

    def decide(self, heard: Heard, decision: Decision) -> None:
        answer = encode_decision(heard.method, heard.params, decision)
        assert isinstance(answer, Answer)
        assert self.app.respond(heard.request_id, answer.result)

    def msgs(self, thread: str, turn: str = "") -> list[ev.Msg]:
        return [
            notice.msg
            for notice in self.notices
            if isinstance(notice, Translated)
            and notice.thread_id == thread
            and turn in ("", notice.turn_id)
        ]

    def of(self, method: str) -> list[JsonObject]:
        """The parameters of the notifications of a method, as Codex sent them."""
        return [params for name, params in self.raw if name == method]

    def items(self, thread: str, kind: str, turn: str = "") -> list[Any]:
        """The completed items of a kind, in order."""
        completed = [m.item for m in self.msgs(thread, turn) if isinstance(m, ev.ItemCompleted)]
        return [item for item in completed if item["type"] == kind]

    def text(self, thread: str) -> str:
        return "".join(m.delta for m in self.msgs(thread) if isinstance(m, ev.TextDelta))

    async def thread(self, cwd: Path, **options: Any) -> str:
        """A thread that may write in its cwd and asks for the rest, if not told otherwise."""
        defaults: dict[str, Any] = {"sandbox": "workspace-write", "approval_policy": "on-request"}
        chosen = ThreadOptions(cwd=str(cwd), **{**defaults, **options})
        return (await start_thread(self.app, chosen)).thread_id

    async def turn(self, thread: str, prompt: str) -> str:
        return await start_turn(self.app, thread, prompt, client_message_id="m1")


@asynccontextmanager
async def listening(binary: Path, home: Path, model: ScriptedModel) -> AsyncIterator[Listener]:
    """Run app-server in a home of the scripted model's. Nothing may be unknown or unreadable."""
    if not home.exists():
        write_codex_home(home, model.base_url)
    found = await asyncio.to_thread(find_codex, binary)
    listener = Listener()
    listener.app = await AppServer.start(
        found,
        home=home,
        env=codex_environment(home),
        on_notification=listener.on_notification,
        on_request=listener.on_request,
        on_exit=listener.on_exit,
    )
    try:
        yield listener
    finally:
        await listener.app.stop()
    unknown = [
        notice.msg
        for notice in listener.notices
        if isinstance(notice, Translated) and isinstance(notice.msg, ev.UnknownEvent)
    ]
    assert not unknown
    assert not model.faults
