"""A model whose last response is recorded, so that it is not asked again after a crash."""

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
from codextui.protocol.runs import RunEventKind
from codextui.protocol.threads import Usage
from codextui.teams.codex.calls import CURRENT_CONVERSATION
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget, read_usage
from codextui.teams.records.events import RunEvent
from codextui.teams.records.store import RunStore
from codextui.teams.runner.controls import RunControls

_RESPONSE_KEY_CHARS = 16


class RecordedModel(Model):
    """Calls another model within the budget, and records the response before anything acts on it.

    The same request in the same conversation gets the recorded response. A paused role waits here
    before the call, and here its unread messages are added to the conversation.
    """

    def __init__(
        self,
        model: Model,
        role: str,
        *,
        store: RunStore,
        budget: Budget,
        controls: RunControls,
        publisher: RunPublisher,
        on_event: Callable[[RunEvent], None],
        name: str = "",
    ) -> None:
        """Wrap a model.

        Args:
            model: the model that is called.
            role: the role whose model it is.
            store: records the last response.
            budget: counts the calls and tokens.
            controls: pauses the role, and has messages for it.
            publisher: publishes the responses as they are streamed.
            on_event: called when a message is read.
            name: the model's name in the configuration, by which its price is found; empty for
                the name in the response.
        """
        self._model = model
        self._role = role
        self._store = store
        self._budget = budget
        self._controls = controls
        self._publisher = publisher
        self._on_event = on_event
        self._name = name

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """Return the advice of the wrapped model."""
        return self._model.get_retry_advice(request)

    async def close(self) -> None:
        """Close the wrapped model."""
        await self._model.close()

    async def get_response(self, *args: Any, **options: Any) -> ModelResponse:
        """Call the model without recording; runs of teams always stream."""
        self._budget.begin_model_call()
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
        """Stream the model's response, or the recorded one. Raises RunStopped."""
        items = _as_list(input)
        digest = self._digest(system_instructions, items)
        publisher = self._publisher.roles[self._role]
        with self._store.reading(self._part) as recorded:
            known = recorded.get("asked") == digest
            response = fields.as_object(recorded.get("response"), "response") if known else None
        if response is not None:
            completed = _completed_event(response)
            publisher.replay_response(digest[:_RESPONSE_KEY_CHARS])
            publisher.handle_response_event(completed)
            yield completed
            return
        await self._wait_and_read_messages(items)
        digest = self._digest(system_instructions, items)
        self._budget.begin_model_call()
        publisher.begin_model_call(digest[:_RESPONSE_KEY_CHARS], self._name)
        async for event in self._model.stream_response(
            system_instructions,
            self._controls.insert_messages(CURRENT_CONVERSATION.get().name, items),
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
                self._record(digest, event.response)
            publisher.handle_response_event(event)
            if isinstance(event, ResponseCompletedEvent):
                self._publisher.end_model_call(self._role, _usage(event.response))
            yield event

    async def _wait_and_read_messages(self, items: list[TResponseInputItem]) -> None:
        conversation, publisher = CURRENT_CONVERSATION.get(), self._publisher.roles[self._role]
        self._record_turn_start(items)
        if self._controls.is_paused(self._role):
            publisher.pause()
            await self._controls.wait_while_paused(self._role)
            publisher.resume()
        for message in self._controls.deliver_messages(self._role, conversation.name, len(items)):
            publisher.thread.publish_input(message.message_id, message.text)
            text = f"reads what {message.by or 'a person'} says"
            self._on_event(RunEvent(RunEventKind.MESSAGE_READ, self._role, text))

    def _record_turn_start(self, items: list[TResponseInputItem]) -> None:
        """Record the conversation as it was when the role began its turn, for a rerun."""
        length = _turn_start(items)
        part = turn_start_part(CURRENT_CONVERSATION.get().name, self._role)
        with self._store.reading(part) as recorded:
            is_known = bool(recorded) and len(fields.objects(recorded, "input")) == length
        if not is_known:
            self._store.write(part, {"input": items[:length]})

    def _digest(self, instructions: str | None, items: list[TResponseInputItem]) -> str:
        """Return a digest of a request, which identifies its response."""
        conversation = CURRENT_CONVERSATION.get()
        with_messages = self._controls.insert_messages(conversation.name, items)
        request = [str(conversation), instructions, with_messages]
        text = json.dumps(request, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def _part(self) -> str:
        return f"answer-{CURRENT_CONVERSATION.get()}-{self._role}"

    def _record(self, digest: str, response: Response) -> None:
        if response.usage is not None:
            model = self._name or str(response.model or "")
            self._budget.add_model_usage(self._role, read_usage(response.usage), model)
        content = response.to_dict(mode="json", warnings=False)
        self._store.write(self._part, {"asked": digest, "response": content})
        self._store.write("spent", self._budget.to_json())


def turn_start_part(conversation: str, role: str) -> str:
    """Return the part of the store with a conversation as of the start of a role's last turn."""
    return f"start-{conversation}-{role}"


def _turn_start(items: list[TResponseInputItem]) -> int:
    """Return how many items the conversation had when the current turn of a role began.

    A turn begins with a user message, or an accepted handoff.
    """
    for index in reversed(range(len(items))):
        match items[index]:
            case {"role": "user"}:
                return index + 1
            case {"type": "function_call_output", "output": str(output)} if _is_handoff(output):
                return _end_of_outputs(items, index)
            case _:
                pass
    return 0


def _end_of_outputs(items: list[TResponseInputItem], index: int) -> int:
    """Return the index after the adjacent outputs: those of one response stay together."""
    while index < len(items) and items[index].get("type") == "function_call_output":
        index += 1
    return index


def _is_handoff(output: str) -> bool:
    try:
        parsed = json.loads(output)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and set(parsed) == {"assistant"}


def _as_list(input_: str | list[TResponseInputItem]) -> list[TResponseInputItem]:
    return [{"role": "user", "content": input_}] if isinstance(input_, str) else list(input_)


def _usage(response: Response) -> Usage:
    return read_usage(response.usage) if response.usage is not None else Usage()


def _completed_event(response: object) -> ResponseCompletedEvent:
    # `construct` does not validate, as the SDK does not validate a server's responses.
    values = cast("dict[str, Any]", response)
    return ResponseCompletedEvent.construct(
        type="response.completed", sequence_number=0, response=Response.construct(**values)
    )
