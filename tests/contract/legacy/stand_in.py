"""As much of an MCP server as the scenarios need, on `codex app-server` and `LegacyEvents`.

It holds the translation to the recordings by itself, without the shared server around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.legacy.threads import LegacyThreads
from links import Frame

from codextui.codex.app_server import AppServer
from codextui.codex.binary import CodexBinary
from codextui.codex.legacy.events import LegacyEvent
from codextui.codex.requests import Answer, encode_decision
from codextui.demo import codex_environment
from codextui.errors import CodexFailed
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.decisions import Declined, parse_elicit_result

OPTIONS = {
    "cwd": "cwd",
    "sandbox": "sandbox",
    "model": "model",
    "approval-policy": "approvalPolicy",
    "base-instructions": "baseInstructions",
    "developer-instructions": "developerInstructions",
    "config": "config",
}


class StandIn:
    """A link to an MCP server that runs in the test itself."""

    def __init__(self, binary: CodexBinary, home: Path) -> None:
        self._binary = binary
        self._home = home
        self._app: AppServer
        self._on_frame: Callable[[Frame], None]
        self._legacy = LegacyThreads()
        self._turns: dict[str, str] = {}
        self._callers: dict[str, list[Any]] = {}
        self._messages: dict[str, str] = {}
        self._asked: dict[int, tuple[RequestId, str, JsonObject]] = {}
        self._can_ask = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, on_frame: Callable[[Frame], None]) -> None:
        self._on_frame = on_frame
        self._app = await AppServer.start(
            self._binary,
            home=self._home,
            env=codex_environment(self._home),
            on_notification=self._heard,
            on_request=self._requested,
            on_exit=print,
        )

    async def stop(self) -> None:
        await self._app.stop()
        await asyncio.gather(*self._tasks)

    def send(self, frame: Frame) -> None:
        params = frame.get("params", {})
        match frame.get("method"):
            case "initialize":
                self._can_ask = "elicitation" in params["capabilities"]
                self._tell({"id": frame["id"], "result": {}})
            case "ping":
                self._tell({"id": frame["id"], "result": {}})
            case "tools/call":
                self._do(self._call(frame["id"], params["name"], params["arguments"]))
            case "notifications/cancelled":
                self._do(self._cancel(params["requestId"]))
            case None:
                self._do(self._answered(frame))

    def _do(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

    def _tell(self, frame: Frame) -> None:
        self._on_frame({"jsonrpc": "2.0", **frame})

    def _emit(self, events: tuple[LegacyEvent, ...]) -> None:
        for event in events:
            callers = self._callers.get(event.thread_id)
            if callers:
                self._tell({"method": "codex/event", "params": event.params(callers[-1])})

    async def _call(self, call: Any, tool: str, arguments: Frame) -> None:
        thread = arguments.get("threadId") or arguments.get("conversationId")
        if tool == "codex":
            options = {OPTIONS[name]: arguments[name] for name in OPTIONS if name in arguments}
            result = await self._app.call(
                "thread/start", {**options, "experimentalRawEvents": True}
            )
            thread = result["thread"]["id"]
            self._callers[thread] = [call]
            self._emit(self._legacy.configured(thread, result))
        else:
            self._callers.setdefault(thread, []).append(call)
        prompt = [{"type": "text", "text": arguments["prompt"]}]
        await self._app.call("turn/start", {"threadId": thread, "input": prompt})

    def _heard(self, method: str, params: JsonObject) -> None:
        self._emit(self._legacy.hear(method, params))
        named: Any = params.get("threadId")
        match method, params:
            case "turn/started", {"turn": {"id": turn}}:
                self._turns[named] = str(turn)
                self._messages[named] = ""
            case "item/completed", {"item": {"type": "agentMessage", "text": text}}:
                self._messages[named] = str(text)
            case "turn/completed", {"turn": {"error": error}}:
                self._answer(named, error)

    def _answer(self, thread: str, error: Any) -> None:
        text = error["message"] if error else self._messages[thread]
        structured = {"threadId": thread, "content": text}
        result = {"structuredContent": structured, "content": [{"type": "text", "text": text}]}
        failed = {"isError": True} if error else {}
        for call in self._callers.pop(thread, []):
            self._tell({"id": call, "result": {**result, **failed}})

    def _requested(self, request: RequestId, method: str, params: JsonObject) -> None:
        thread = str(params["threadId"])
        events, ask = self._legacy.hear_request(method, params)
        self._emit(events)
        if ask is None or not self._can_ask:
            return
        number = len(self._asked)
        self._asked[number] = (request, method, params)
        asked = ask.params(self._callers[thread][-1])
        self._tell({"id": number, "method": "elicitation/create", "params": asked})

    async def _answered(self, frame: Frame) -> None:
        request, method, params = self._asked[frame["id"]]
        thread, turn = str(params["threadId"]), str(params["turnId"])
        decision = parse_elicit_result(frame["result"]) if "result" in frame else Declined()
        if isinstance(decision, Declined) and decision.message:
            said = {"input": [{"type": "text", "text": decision.message}]}
            where = {"threadId": thread, "expectedTurnId": turn}
            await self._app.call("turn/steer", {**said, **where})
        answer = encode_decision(method, params, decision)
        assert isinstance(answer, Answer)
        self._app.respond(request, answer.result)
        granted = answer.result["decision"] not in ("decline", "cancel")
        self._emit(self._legacy.answered(thread, str(params["itemId"]), granted=granted))

    async def _cancel(self, call: Any) -> None:
        thread = next(name for name, calls in self._callers.items() if call in calls)
        where = {"threadId": thread, "turnId": self._turns[thread]}
        try:
            await self._app.call("turn/interrupt", where)
        except CodexFailed as error:
            print(error)
