"""A minimal MCP server on `codex app-server` and `codextui.codex.legacy`.

It does what the scenarios need, so that the translation is compared with the recordings without
the shared server around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from links import Frame

from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.binary import CodexBinary
from codextui.codex.legacy.events import LegacyEvent, LegacyEventTranslator
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


RATE_LIMITS = "account/rateLimits/updated"


class StandIn:
    """A link to an MCP server that runs in the test's own process."""

    def __init__(self, binary: CodexBinary, home: Path) -> None:
        self._binary = binary
        self._home = home
        self._app: AppServer
        self._on_frame: Callable[[Frame], None]
        self._translators: dict[str, LegacyEventTranslator] = {}
        self._turns: dict[str, str] = {}
        self._callers: dict[str, list[Any]] = {}
        self._cancelled: set[Any] = set()
        self._messages: dict[str, str] = {}
        self._asked: dict[int, tuple[RequestId, str, JsonObject]] = {}
        self._can_ask = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, on_frame: Callable[[Frame], None]) -> None:
        self._on_frame = on_frame
        self._app = await AppServer.start(
            self._binary,
            AppServerHandlers(self._on_notification, self._on_request, print),
            home=self._home,
            env=codex_environment(self._home),
        )

    async def stop(self) -> None:
        await self._app.stop()
        await asyncio.gather(*self._tasks)

    def send(self, frame: Frame) -> None:
        params = frame.get("params", {})
        match frame.get("method"):
            case "initialize":
                self._can_ask = "elicitation" in params["capabilities"]
                self._send({"id": frame["id"], "result": {}})
            case "ping":
                self._send({"id": frame["id"], "result": {}})
            case "tools/call":
                self._spawn(self._call(frame["id"], params["name"], params["arguments"]))
            case "notifications/cancelled":
                self._spawn(self._cancel(params["requestId"]))
            case None:
                self._spawn(self._answer_request(frame))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

    def _send(self, frame: Frame) -> None:
        self._on_frame({"jsonrpc": "2.0", **frame})

    def _emit(self, events: tuple[LegacyEvent, ...]) -> None:
        for event in events:
            callers = self._callers.get(event.thread_id)
            if callers:
                self._send({"method": "codex/event", "params": event.to_params(callers[-1])})

    def _translator(self, thread: str) -> LegacyEventTranslator:
        return self._translators.setdefault(thread, LegacyEventTranslator(thread))

    def _translate(self, method: str, params: JsonObject) -> tuple[LegacyEvent, ...]:
        """Translate for the thread that is named; rate limits are for every thread."""
        thread = params.get("threadId")
        if method == RATE_LIMITS:
            translators = tuple(self._translators.values())
        elif isinstance(thread, str):
            translators = (self._translator(thread),)
        else:
            translators = ()
        return tuple(
            event
            for translator in translators
            for event in translator.translate_notification(method, params)
        )

    async def _call(self, call: Any, tool: str, arguments: Frame) -> None:
        thread = arguments.get("threadId") or arguments.get("conversationId")
        if tool == "codex":
            options = {OPTIONS[name]: arguments[name] for name in OPTIONS if name in arguments}
            result = await self._app.call(
                "thread/start", {**options, "experimentalRawEvents": True}
            )
            thread = result["thread"]["id"]
            self._callers[thread] = [call]
            self._emit(self._translator(thread).translate_thread_start(result))
        else:
            self._callers.setdefault(thread, []).append(call)
        prompt = [{"type": "text", "text": arguments["prompt"]}]
        await self._app.call("turn/start", {"threadId": thread, "input": prompt})

    def _on_notification(self, method: str, params: JsonObject) -> None:
        self._emit(self._translate(method, params))
        thread: Any = params.get("threadId")
        match method, params:
            case "turn/started", {"turn": {"id": turn}}:
                self._turns[thread] = str(turn)
                self._messages[thread] = ""
            case "item/completed", {"item": {"type": "agentMessage", "text": text}}:
                self._messages[thread] = str(text)
            case "turn/completed", {"turn": {"error": error}}:
                self._end_calls(thread, error)

    def _end_calls(self, thread: str, error: Any) -> None:
        text = error["message"] if error else self._messages[thread]
        structured = {"threadId": thread, "content": text}
        result = {"structuredContent": structured, "content": [{"type": "text", "text": text}]}
        failed = {"isError": True} if error else {}
        for call in self._callers.pop(thread, []):
            if call not in self._cancelled:
                self._send({"id": call, "result": {**result, **failed}})

    def _on_request(self, request: RequestId, method: str, params: JsonObject) -> None:
        thread = str(params["threadId"])
        events, elicitation = self._translator(thread).translate_request(method, params)
        self._emit(events)
        if elicitation is None or not self._can_ask:
            return
        number = len(self._asked)
        self._asked[number] = (request, method, params)
        asked = elicitation.to_params(self._callers[thread][-1])
        self._send({"id": number, "method": "elicitation/create", "params": asked})

    async def _answer_request(self, frame: Frame) -> None:
        request, method, params = self._asked[frame["id"]]
        thread, turn = str(params["threadId"]), str(params["turnId"])
        decision = parse_elicit_result(frame["result"]) if "result" in frame else Declined()
        if isinstance(decision, Declined) and decision.message:
            prompt = {"input": [{"type": "text", "text": decision.message}]}
            place = {"threadId": thread, "expectedTurnId": turn}
            await self._app.call("turn/steer", {**prompt, **place})
        answer = encode_decision(method, params, decision)
        assert isinstance(answer, Answer)
        self._app.respond(request, answer.result)
        granted = answer.result["decision"] not in ("decline", "cancel")
        events = self._translator(thread).translate_decision(str(params["itemId"]), granted=granted)
        self._emit(events)

    async def _cancel(self, call: Any) -> None:
        self._cancelled.add(call)
        thread = next(name for name, calls in self._callers.items() if call in calls)
        place = {"threadId": thread, "turnId": self._turns[thread]}
        try:
            await self._app.call("turn/interrupt", place)
        except CodexFailed as error:
            print(error)
