"""A model whose last answer is kept, so that it is not asked again after a crash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextvars import ContextVar
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

from codextui.teams.budget import Budget, usage_of
from codextui.teams.run_store import RunStore

STRAND: ContextVar[str] = ContextVar("STRAND", default="")
"""The strand that asks. In another one the same question is a new one."""


class KeptModel(Model):
    """Asks another model, within the budget, and keeps what it answered before anybody acts on it.

    Asked the same once more by the same strand, it gives the same answer again.

    Args:
        model: who is asked.
        role: whose model it is.
        store: where the last answer is kept.
        budget: counts the calls and tokens.
        name: what the configuration calls the model, for its price; empty where it does not.
    """

    def __init__(
        self, model: Model, role: str, store: RunStore, budget: Budget, name: str = ""
    ) -> None:
        self._model = model
        self._role = role
        self._store = store
        self._budget = budget
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
        asked = _digest(system_instructions, input)
        kept = self._store.read(self._part)
        if kept is not None and kept.get("asked") == asked:
            yield _completed(kept["response"])
            return
        self._budget.begin_turn()
        async for event in self._model.stream_response(
            system_instructions,
            input,
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
            yield event

    @property
    def _part(self) -> str:
        return f"answer-{STRAND.get()}-{self._role}"

    def _keep(self, asked: str, response: Response) -> None:
        if response.usage is not None:
            model = self._name or str(response.model or "")
            self._budget.add(self._role, usage_of(response.usage), model)
        answer = response.to_dict(mode="json", warnings=False)
        self._store.write(self._part, {"asked": asked, "response": answer})
        self._store.write("spent", self._budget.to_wire())


def _digest(instructions: str | None, given: object) -> str:
    text = json.dumps([instructions, given], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _completed(response: object) -> ResponseCompletedEvent:
    # As the SDK reads a server's answer: what a server left out is no mistake here.
    values = cast("dict[str, Any]", response)
    return ResponseCompletedEvent.construct(
        type="response.completed", sequence_number=0, response=Response.construct(**values)
    )
