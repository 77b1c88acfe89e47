"""The events with which OpenAI's Responses API streams an answer, made of steps.

Item shapes and event names are those of `POST /v1/responses` with `stream: true`; Codex reads
`response.output_item.added`, the deltas, `response.output_item.done`, `response.completed` and
`response.failed`.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from codextui.demo.steps import Call, Fail, Patch, Run, Say, Step, Think

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator

    from codextui.demo.request import ModelRequest

Event = dict[str, Any]
"""One server-sent event's data; its `type` is the event's name."""

WORD = re.compile(r"\S+\s*|\s+")
CHARACTERS_PER_TOKEN = 4


def encode_event(event: Event) -> bytes:
    """Returns an event as it goes over the wire."""
    data = json.dumps(event, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


class ResponseWriter:
    """Turns the steps of one answer into events.

    Attributes:
        id: the response's id; its items' and calls' ids are made of it, so it must be unique.
        output: the finished items so far.
    """

    def __init__(self, response_id: str, request: ModelRequest) -> None:
        self.id = response_id
        self.output: list[dict[str, Any]] = []
        self._model = request.model
        self._input_characters = len(json.dumps([request.instructions, request.input]))
        self._output_characters = 0
        self._reasoning_characters = 0

    async def events(self, steps: AsyncIterable[Step]) -> AsyncIterator[Event]:
        """Yields every event of the answer, to the one that completes or fails it."""
        yield {"type": "response.created", "response": self.response("in_progress")}
        async for step in steps:
            if isinstance(step, Fail):
                yield self.failed(step)
                return
            async for event in self._step_events(step):
                yield event
        yield {"type": "response.completed", "response": self.response("completed")}

    def response(self, status: str) -> dict[str, Any]:
        """Returns the `response` object with the items so far."""
        return {
            "id": self.id,
            "object": "response",
            "created_at": 0,
            "status": status,
            "model": self._model,
            "output": list(self.output),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "error": None,
            "usage": self._usage() if status == "completed" else None,
        }

    def failed(self, failure: Fail) -> Event:
        """Returns the event `response.failed`."""
        error = {"code": failure.code, "message": failure.message}
        return {
            "type": "response.failed",
            "response": {**self.response("failed"), "error": error},
        }

    def _usage(self) -> dict[str, Any]:
        sent, received = (
            -(-characters // CHARACTERS_PER_TOKEN)
            for characters in (self._input_characters, self._output_characters)
        )
        return {
            "input_tokens": sent,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": received,
            "output_tokens_details": {
                "reasoning_tokens": self._reasoning_characters // CHARACTERS_PER_TOKEN
            },
            "total_tokens": sent + received,
        }

    def _step_events(self, step: Say | Think | Run | Patch | Call) -> AsyncIterator[Event]:
        index = len(self.output)
        match step:
            case Say():
                return self._message(step, index)
            case Think():
                return self._reasoning(step, index)
            case Run():
                return self._function_call("exec_command", _exec_arguments(step), None, index)
            case Call(name, arguments, namespace):
                return self._function_call(name, json.dumps(dict(arguments)), namespace, index)
            case Patch(text):
                return self._custom_call("apply_patch", text, index)

    async def _message(self, step: Say, index: int) -> AsyncIterator[Event]:
        item_id = f"msg_{self.id}_{index}"
        place = {"item_id": item_id, "output_index": index, "content_index": 0}
        item = {"type": "message", "id": item_id, "role": "assistant"}
        part = {"type": "output_text", "text": step.text, "annotations": []}
        yield _added(index, {**item, "status": "in_progress", "content": []})
        yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
        async for delta in _deltas(step):
            yield {"type": "response.output_text.delta", **place, "delta": delta}
        yield {"type": "response.output_text.done", **place, "text": step.text}
        yield {"type": "response.content_part.done", **place, "part": part}
        yield self._done({**item, "status": "completed", "content": [part]}, len(step.text))

    async def _reasoning(self, step: Think, index: int) -> AsyncIterator[Event]:
        item_id = f"rs_{self.id}_{index}"
        place = {"item_id": item_id, "output_index": index, "summary_index": 0}
        item = {"type": "reasoning", "id": item_id}
        part = {"type": "summary_text", "text": step.text}
        name = "response.reasoning_summary"
        yield _added(index, {**item, "summary": []})
        yield {"type": f"{name}_part.added", **place, "part": {**part, "text": ""}}
        async for delta in _deltas(step):
            yield {"type": f"{name}_text.delta", **place, "delta": delta}
        yield {"type": f"{name}_text.done", **place, "text": step.text}
        yield {"type": f"{name}_part.done", **place, "part": part}
        self._reasoning_characters += len(step.text)
        yield self._done({**item, "summary": [part]}, len(step.text))

    async def _function_call(
        self, name: str, arguments: str, namespace: str | None, index: int
    ) -> AsyncIterator[Event]:
        item = {
            "type": "function_call",
            "id": f"fc_{self.id}_{index}",
            "call_id": f"call_{self.id}_{index}",
            "name": name,
            **({"namespace": namespace} if namespace else {}),
        }
        yield _added(index, {**item, "status": "in_progress", "arguments": ""})
        yield self._done({**item, "status": "completed", "arguments": arguments}, len(arguments))

    async def _custom_call(self, name: str, text: str, index: int) -> AsyncIterator[Event]:
        item = {
            "type": "custom_tool_call",
            "id": f"ctc_{self.id}_{index}",
            "call_id": f"call_{self.id}_{index}",
            "name": name,
        }
        yield _added(index, {**item, "status": "in_progress", "input": ""})
        yield self._done({**item, "status": "completed", "input": text}, len(text))

    def _done(self, item: dict[str, Any], characters: int) -> Event:
        index = len(self.output)
        self.output.append(item)
        self._output_characters += characters
        return {"type": "response.output_item.done", "output_index": index, "item": item}


def _added(index: int, item: dict[str, Any]) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _exec_arguments(step: Run) -> str:
    arguments: dict[str, Any] = {"cmd": step.cmd}
    if step.workdir is not None:
        arguments["workdir"] = step.workdir
    if step.yield_ms is not None:
        arguments["yield_time_ms"] = step.yield_ms
    if step.escalate:
        arguments["sandbox_permissions"] = "require_escalated"
    if step.justification is not None:
        arguments["justification"] = step.justification
    return json.dumps(arguments)


async def _deltas(step: Say | Think) -> AsyncIterator[str]:
    """Yields the pieces of a text at the pace that the step asks for, held by its gate."""
    for sent, piece in enumerate(pieces(step.text, step.chunk)):
        if step.gate is not None and sent >= step.open_deltas:
            await step.gate.wait()
        if step.delay_s > 0 and sent > 0:
            await asyncio.sleep(step.delay_s)
        yield piece
    if step.gate is not None:
        await step.gate.wait()


def pieces(text: str, chunk: int) -> Iterator[str]:
    """Cuts a text into pieces of `chunk` characters; with 0, into words."""
    if chunk > 0:
        return (text[start : start + chunk] for start in range(0, len(text), chunk))
    return (match.group() for match in WORD.finditer(text))
