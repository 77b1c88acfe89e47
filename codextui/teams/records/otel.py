"""Exports the Agents SDK's spans as OpenTelemetry spans, by OTLP over HTTP.

Names and attributes follow OpenTelemetry's semantic conventions for generative AI where there
are any.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agents.tracing import Span, Trace, TracingProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from codextui.config.schema import TracesConfig
from codextui.text.sanitize import dump_json

_TIMEOUT_S = 5.0
_MAX_CONTENT = 32_000


class OtlpTraceProcessor(TracingProcessor):
    """Exports every ended span, under the ids that it has in the SDK.

    Args:
        config: the endpoint, and whether prompts and answers are included.
        run_id: the run's id, an attribute of the resource.
        team: the team's name, an attribute of the resource.
        contents_of: returns the contents of a response, which a span's export leaves out.
    """

    def __init__(
        self,
        config: TracesConfig,
        *,
        run_id: str,
        team: str,
        contents_of: Callable[[Span[Any]], Mapping[str, object]],
    ) -> None:
        exporter = OTLPSpanExporter(endpoint=config.endpoint, timeout=_TIMEOUT_S)
        self._batch = BatchSpanProcessor(exporter)
        self._include_data = config.include_data
        self._contents_of = contents_of
        self._scope = InstrumentationScope("codextui")
        self._resource = Resource.create(
            {"service.name": "codextui", "codextui.run": run_id, "codextui.team": team}
        )

    def on_trace_start(self, trace: Trace) -> None:
        """Do nothing: OpenTelemetry has no message for traces, only for spans."""

    def on_trace_end(self, trace: Trace) -> None:
        """Do nothing: OpenTelemetry has no message for traces, only for spans."""

    def on_span_start(self, span: Span[Any]) -> None:
        """Do nothing: spans are exported at their end."""

    def on_span_end(self, span: Span[Any]) -> None:
        """Export a span."""
        data = {**span.span_data.export(), **self._contents_of(span)}
        if data.get("type") == "custom":
            data = {**data, **_object(data.get("data"))}
        name, attributes = _describe(data)
        if self._include_data:
            attributes |= _contents(data)
        error = span.error
        self._batch.on_end(
            ReadableSpan(
                name=name,
                context=_context(span.trace_id, span.span_id),
                parent=_context(span.trace_id, span.parent_id) if span.parent_id else None,
                resource=self._resource,
                attributes=attributes,
                kind=SpanKind.CLIENT if name.startswith("chat") else SpanKind.INTERNAL,
                instrumentation_scope=self._scope,
                status=Status(StatusCode.ERROR, error["message"]) if error else Status(),
                start_time=_nanoseconds(span.started_at),
                end_time=_nanoseconds(span.ended_at),
            )
        )

    def shutdown(self) -> None:
        """Export what is buffered, and stop."""
        self._batch.shutdown()  # type: ignore[no-untyped-call] # not annotated

    def force_flush(self) -> None:
        """Export what is buffered."""
        self._batch.force_flush()


def _describe(data: Mapping[str, Any]) -> tuple[str, dict[str, str | int]]:
    name = str(data.get("name") or "")
    model = str(data.get("model") or "")
    match data.get("type"):
        case "agent":
            return f"invoke_agent {name}", _genai("invoke_agent", agent=name)
        case "generation" | "response":
            chat = _genai("chat", request_model=model) | _usage(_object(data.get("usage")))
            return f"chat {model}".rstrip(), chat
        case "function":
            return f"execute_tool {name}", _genai("execute_tool", tool=name)
        case "handoff":
            source, target = str(data.get("from_agent")), str(data.get("to_agent"))
            roles = {"codextui.handoff.from": source, "codextui.handoff.to": target}
            return f"handoff {source} to {target}", dict(roles)
        case kind:
            return f"{kind} {name}".rstrip(), _usage(_object(data.get("usage")))


def _genai(
    operation: str, *, agent: str = "", request_model: str = "", tool: str = ""
) -> dict[str, str | int]:
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.agent.name": agent,
        "gen_ai.request.model": request_model,
        "gen_ai.tool.name": tool,
    }
    return {key: value for key, value in attributes.items() if value}


def _usage(usage: Mapping[str, Any]) -> dict[str, str | int]:
    return {
        f"gen_ai.usage.{key}": usage[key]
        for key in ("input_tokens", "output_tokens")
        if isinstance(usage.get(key), int)
    }


def _contents(data: Mapping[str, Any]) -> dict[str, str | int]:
    return {
        f"codextui.{key}": dump_json(data[key], default=str)[:_MAX_CONTENT]
        for key in ("input", "output")
        if data.get(key) is not None
    }


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(
        trace_id=_number(trace_id, 32),
        span_id=_number(span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _number(sdk_id: str, digits: int) -> int:
    # The SDK's ids are `trace_` and 32 hexadecimal digits, `span_` and 24.
    tail = sdk_id.rpartition("_")[2]
    try:
        if len(tail) == digits:
            return int(tail, 16)
    except ValueError:
        pass  # a custom id
    return int(hashlib.sha256(sdk_id.encode()).hexdigest()[:digits], 16)


def _nanoseconds(stamp: str | None) -> int | None:
    return None if stamp is None else round(datetime.fromisoformat(stamp).timestamp() * 1e6) * 1000
