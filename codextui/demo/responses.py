"""The events of OpenAI's Responses API, made from the steps of an answer.

Items and events have the shapes of `POST /v1/responses` with `stream: true`. Codex reads
`response.output_item.added`, the deltas, `response.output_item.done`, `response.completed` and
`response.failed`.
"""

from __future__ import annotations

import asyncio
import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from codextui.demo.script import Call, Fail, Patch, Run, Say, Search, Step, Think

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence

    from codextui.demo.request import ModelRequest

Event = dict[str, Any]
"""The data of one server-sent event; its `type` is the event's name."""

CHARACTERS_PER_TOKEN = 4
"""How tokens are estimated."""

DELTAS_PER_GROUP = 64
"""Deltas sent together where none has to wait."""

_WORD = re.compile(r"\S+\s*|\s+")
_to_json = json.JSONEncoder(separators=(",", ":")).encode


def encode_events(events: Sequence[Event]) -> bytes:
    """Return the events as a `text/event-stream`."""
    return "".join(f"event: {e['type']}\ndata: {_to_json(e)}\n\n" for e in events).encode()


class ResponseBuilder:
    """Turns the steps of one answer into events.

    Args:
        response_id: the response's id. Items and calls get theirs from it: it must be unique.
        request: the request that is answered.
    """

    def __init__(self, response_id: str, request: ModelRequest) -> None:
        self._id = response_id
        self._output: list[dict[str, Any]] = []
        self._model = request.model
        self._input_characters = len(json.dumps([request.instructions, request.input]))
        self._output_characters = 0
        self._reasoning_characters = 0

    async def events(self, steps: AsyncIterable[Step]) -> AsyncIterator[Sequence[Event]]:
        """Yield all events of the answer, in groups to be sent together.

        The last one is `response.completed` or `response.failed`, whose `response` holds every
        item.
        """
        yield [{"type": "response.created", "response": self._response("in_progress")}]
        async for step in steps:
            if isinstance(step, Fail):
                yield [self._failed(step)]
                return
            async for group in self._step_events(step):
                yield group
        yield [{"type": "response.completed", "response": self._response("completed")}]

    async def _step_events(
        self, step: Say | Think | Run | Patch | Call | Search
    ) -> AsyncIterator[Sequence[Event]]:
        match step:
            case Say():
                async for group in self._message(step):
                    yield group
            case Think():
                async for group in self._reasoning(step):
                    yield group
            case Run():
                yield self._function_call("exec_command", _exec_arguments(step), None)
            case Call(name, arguments, namespace):
                yield self._function_call(name, json.dumps(dict(arguments)), namespace)
            case Patch(text):
                yield self._custom_call("apply_patch", text)
            case Search(query):
                yield self._web_search(query)

    async def _message(self, step: Say) -> AsyncIterator[Sequence[Event]]:
        index = len(self._output)
        item_id = f"msg_{self._id}_{index}"
        place = {"item_id": item_id, "output_index": index, "content_index": 0}
        item = {"type": "message", "id": item_id, "role": "assistant"}
        part = {"type": "output_text", "text": step.text, "annotations": []}
        yield [
            self._added({**item, "status": "in_progress", "content": []}),
            {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        ]
        async for deltas in _deltas(step):
            yield [
                {"type": "response.output_text.delta", **place, "delta": delta} for delta in deltas
            ]
        yield [
            {"type": "response.output_text.done", **place, "text": step.text},
            {"type": "response.content_part.done", **place, "part": part},
            self._done({**item, "status": "completed", "content": [part]}, len(step.text)),
        ]

    async def _reasoning(self, step: Think) -> AsyncIterator[Sequence[Event]]:
        index = len(self._output)
        item_id = f"rs_{self._id}_{index}"
        place = {"item_id": item_id, "output_index": index, "summary_index": 0}
        item = {"type": "reasoning", "id": item_id}
        part = {"type": "summary_text", "text": step.text}
        name = "response.reasoning_summary"
        yield [
            self._added({**item, "summary": []}),
            {"type": f"{name}_part.added", **place, "part": {**part, "text": ""}},
        ]
        async for deltas in _deltas(step):
            yield [{"type": f"{name}_text.delta", **place, "delta": delta} for delta in deltas]
        self._reasoning_characters += len(step.text)
        yield [
            {"type": f"{name}_text.done", **place, "text": step.text},
            {"type": f"{name}_part.done", **place, "part": part},
            self._done({**item, "summary": [part]}, len(step.text)),
        ]

    def _function_call(self, name: str, arguments: str, namespace: str | None) -> list[Event]:
        item = {
            **self._call("function_call", "fc", name),
            **({"namespace": namespace} if namespace else {}),
        }
        return [
            self._added({**item, "status": "in_progress", "arguments": ""}),
            self._done({**item, "status": "completed", "arguments": arguments}, len(arguments)),
        ]

    def _custom_call(self, name: str, text: str) -> list[Event]:
        item = self._call("custom_tool_call", "ctc", name)
        return [
            self._added({**item, "status": "in_progress", "input": ""}),
            self._done({**item, "status": "completed", "input": text}, len(text)),
        ]

    def _web_search(self, query: str) -> list[Event]:
        item = {"type": "web_search_call", "id": f"ws_{self._id}_{len(self._output)}"}
        action = {"type": "search", "query": query}
        return [
            self._added({**item, "status": "in_progress"}),
            self._done({**item, "status": "completed", "action": action}, len(query)),
        ]

    def _call(self, kind: str, prefix: str, name: str) -> dict[str, Any]:
        place = f"{self._id}_{len(self._output)}"
        return {"type": kind, "id": f"{prefix}_{place}", "call_id": f"call_{place}", "name": name}

    def _added(self, item: dict[str, Any]) -> Event:
        index = len(self._output)
        return {"type": "response.output_item.added", "output_index": index, "item": item}

    def _done(self, item: dict[str, Any], characters: int) -> Event:
        index = len(self._output)
        self._output.append(item)
        self._output_characters += characters
        return {"type": "response.output_item.done", "output_index": index, "item": item}

    def _failed(self, failure: Fail) -> Event:
        error = {"code": failure.code, "message": failure.message}
        return {
            "type": "response.failed",
            "response": {**self._response("failed"), "error": error},
        }

    def _response(self, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "response",
            "created_at": 0,
            "status": status,
            "model": self._model,
            "output": list(self._output),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "error": None,
            "usage": self._usage() if status == "completed" else None,
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


async def _deltas(step: Say | Think) -> AsyncIterator[list[str]]:
    """Yield the text in groups of deltas, held by the step's gate and slowed by its delay."""
    deltas = split_text(step.text, step.chunk)
    size = 1 if step.delay_s > 0 else DELTAS_PER_GROUP
    sent = 0
    for gate, part in ((None, islice(deltas, step.open_deltas)), (step.gate, deltas)):
        if gate is not None:
            await gate.wait()
        while group := list(islice(part, size)):
            if step.delay_s > 0 and sent > 0:
                await asyncio.sleep(step.delay_s)
            sent += len(group)
            yield group


def split_text(text: str, chunk: int) -> Iterator[str]:
    """Split a text into pieces of `chunk` characters, or into words where `chunk` is 0."""
    if chunk > 0:
        return (text[start : start + chunk] for start in range(0, len(text), chunk))
    return (match.group() for match in _WORD.finditer(text))
