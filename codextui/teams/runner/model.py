"""A model whose last answer is kept, so that it is not asked again after a crash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from agents.agent_output import AgentOutputSchemaBase
from agents.handoffs import Handoff
from agents.items import ModelResponse, TResponseInputItem, TResponseStreamEvent
from agents.model_settings import ModelSettings
from agents.models.interface import Model, ModelTracing
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from agents.tool import Tool
from openai.types.responses import Response, ResponseCompletedEvent
from openai.types.responses.response_prompt_param import ResponsePromptParam

from codextui.jsonrpc import fields
from codextui.protocol.threads import Usage
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget, usage_of
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.records.store import RunStore
from codextui.teams.runner.controls import RunControls
from codextui.teams.runner.conversation_key import CONVERSATION

_NAME = 16
"""Characters by which an answer is known among others of the run."""


class KeptModel(Model):
    """Asks another model, within the budget, and keeps what it answered before anybody acts on it.

    Asked the same once more by the same strand, it gives the same answer again. A role that a
    person holds waits here before it asks, and reads here what people have said to it.
    """

    def __init__(
        self,
        model: Model,
        role: str,
        *,
        store: RunStore,
        budget: Budget,
        direction: RunControls,
        telling: RunPublisher,
        tell: Callable[[RunEvent], None],
        name: str = "",
    ) -> None:
        """Keep the answers of a model.

        Args:
            model: who is asked.
            role: whose model it is.
            store: where the last answer is kept.
            budget: counts the calls and tokens.
            direction: holds the role, and knows what people have said to it.
            telling: is told what the model says, as it says it.
            tell: is told what happens.
            name: what the configuration calls the model, for its price; empty where it does not.
        """
        self._model = model
        self._role = role
        self._store = store
        self._budget = budget
        self._direction = direction
        self._telling = telling
        self._tell = tell
        self._name = name

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """What the model itself advises."""
        return self._model.get_retry_advice(request)

    async def close(self) -> None:
        """Close the model itself."""
        await self._model.close()

    async def get_response(self, *args: Any, **options: Any) -> ModelResponse:
        """Ask without keeping; a run of a team always streams."""
        self._budget.begin_turn()
        return await self._model.get_response(*args, **options)

    async def stream_response(  # noqa: PLR0917 - the SDK's signature
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the SDK's signature
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff[Any, Any]],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: ResponsePromptParam | None,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Stream the model's answer, or the kept one to the same input. Raises RunStopped."""
        given = _as_list(input)
        asked = self._digest(system_instructions, given)
        telling = self._telling.roles[self._role]
        kept = self._store.read(self._part)
        if kept is not None and kept.get("asked") == asked:
            again = _completed(kept["response"])
            telling.recall(asked[:_NAME])
            telling.hear(again)
            yield again
            return
        await self._wait_and_read(given)
        asked = self._digest(system_instructions, given)
        self._budget.begin_turn()
        telling.ask(asked[:_NAME], self._name)
        async for event in self._model.stream_response(
            system_instructions,
            self._direction.weave(CONVERSATION.get().name, given),
            model_settings,
            tools,
            output_schema,
            handoffs,
            tracing,
            previous_response_id=previous_response_id,
            conversation_id=conversation_id,
            prompt=prompt,
        ):
            if isinstance(event, ResponseCompletedEvent):
                self._keep(asked, event.response)
            telling.hear(event)
            if isinstance(event, ResponseCompletedEvent):
                self._telling.counted(self._role, _usage(event.response))
            yield event

    async def _wait_and_read(self, given: list[TResponseInputItem]) -> None:
        """Wait while the role is held; then let it read what was said to it."""
        strand, telling = CONVERSATION.get(), self._telling.roles[self._role]
        self._keep_start(given)
        if self._direction.is_paused(self._role):
            telling.pause()
            await self._direction.hold(self._role)
            telling.go_on()
        for message in self._direction.hand_over(self._role, strand.name, len(given)):
            telling.row.give(message.message_id, message.text)
            text = f"reads what {message.by or 'a person'} says"
            self._tell(RunEvent(RunEventKind.MESSAGE_READ, self._role, text))

    def _keep_start(self, given: list[TResponseInputItem]) -> None:
        """Keep the conversation as it was when the role began, for a rerun."""
        start = _start_of_stint(given)
        part = start_part(CONVERSATION.get().name, self._role)
        kept = self._store.read(part)
        if kept is None or len(fields.as_array(kept.get("input"), "input")) != start:
            self._store.write(part, {"input": given[:start]})

    def _digest(self, instructions: str | None, given: list[TResponseInputItem]) -> str:
        woven = self._direction.weave(CONVERSATION.get().name, given)
        return _digest(str(CONVERSATION.get()), instructions, woven)

    @property
    def _part(self) -> str:
        return f"answer-{CONVERSATION.get()}-{self._role}"

    def _keep(self, asked: str, response: Response) -> None:
        if response.usage is not None:
            model = self._name or str(response.model or "")
            self._budget.add(self._role, usage_of(response.usage), model)
        answer = response.to_dict(mode="json", warnings=False)
        self._store.write(self._part, {"asked": asked, "response": answer})
        self._store.write("spent", self._budget.to_wire())


def start_part(strand: str, role: str) -> str:
    """The part of the store with a conversation as it was when a role began to work last."""
    return f"start-{strand}-{role}"


def _start_of_stint(given: list[TResponseInputItem]) -> int:
    """How many items of a conversation the role that is at work found there when it began.

    It began with what it was asked to do, or with a handoff that was let in.
    """
    for index in reversed(range(len(given))):
        match given[index]:
            case {"role": "user"}:
                return index + 1
            case {"type": "function_call_output", "output": str(output)} if _lets_in(output):
                return _after_outputs(given, index)
            case _:
                pass
    return 0


def _after_outputs(given: list[TResponseInputItem], index: int) -> int:
    """Behind an output and those next to it: what was called together stays together."""
    while index < len(given) and given[index].get("type") == "function_call_output":
        index += 1
    return index


def _lets_in(output: str) -> bool:
    try:
        told = json.loads(output)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and set(told) == {"assistant"}


def _as_list(given: str | list[TResponseInputItem]) -> list[TResponseInputItem]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)


def _usage(response: Response) -> Usage:
    return usage_of(response.usage) if response.usage is not None else Usage()


def _digest(strand: str, instructions: str | None, given: object) -> str:
    text = json.dumps([strand, instructions, given], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _completed(response: object) -> ResponseCompletedEvent:
    # As the SDK reads a server's answer: what a server left out is no mistake here.
    values = cast("dict[str, Any]", response)
    return ResponseCompletedEvent.construct(
        type="response.completed", sequence_number=0, response=Response.construct(**values)
    )
