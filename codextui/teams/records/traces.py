"""What the Agents SDK traces of a run: kept in its folder, and sent where the user says so.

Unless `[traces]` says otherwise nothing leaves the machine: the SDK's own exporter, which would
send everything to OpenAI, is not even made.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents import RunConfig
from agents.tracing import (
    ResponseSpanData,
    Span,
    Trace,
    TracingProcessor,
    set_trace_processors,
    set_trace_provider,
)
from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor
from agents.tracing.provider import DefaultTraceProvider

from codextui.config.schema import Export, TracesConfig
from codextui.errors import ConfigInvalid
from codextui.teams.records.files import LineFile

FILE = "traces.jsonl"
"""The file of traces in a run's folder."""

_DATA = ("input", "output")


@contextmanager
def kept_traces(
    base: RunConfig,
    folder: Path,
    config: TracesConfig,
    *,
    run_id: str,
    team: str,
    on_trouble: Callable[[str], None] | None = None,
) -> Iterator[RunConfig]:
    """Trace what is run in this context; yields the configuration to run it with.

    Args:
        base: how it runs otherwise.
        folder: the run's folder; `traces.jsonl` in it gets the spans.
        config: what else becomes of them.
        run_id: groups the traces of a run, also where several processes ran it.
        team: names the traces.
        on_trouble: is told why traces are missing in the folder from now on.

    Raises:
        ConfigInvalid: they are to be sent, and what that needs is not there.
    """
    with LineFile(folder / FILE, on_trouble) as file:
        processors: list[TracingProcessor] = [LocalTraces(file, include_data=config.include_data)]
        processors += _exporters(config, run_id, team)
        provider = DefaultTraceProvider()
        provider.set_processors(processors)
        set_trace_provider(provider)
        try:
            yield dataclasses.replace(
                base,
                tracing_disabled=False,
                trace_include_sensitive_data=config.include_data,
                workflow_name=team,
                group_id=run_id,
            )
        finally:
            provider.shutdown()
            set_trace_processors([])


class LocalTraces(TracingProcessor):
    """Writes traces when they begin and spans when they are over.

    Args:
        file: takes them, as the SDK exports them.
        include_data: whether what was asked, answered and given to tools is part of them.
    """

    def __init__(self, file: LineFile, *, include_data: bool) -> None:
        self._file = file
        self._include_data = include_data

    def on_trace_start(self, trace: Trace) -> None:
        """Write that a trace began."""
        self._file.append(trace.export() or {})

    def on_trace_end(self, trace: Trace) -> None:
        """Nothing more is to be told."""

    def on_span_start(self, span: Span[Any]) -> None:
        """Wait for its end."""

    def on_span_end(self, span: Span[Any]) -> None:
        """Write a span."""
        exported = span.export() or {}
        data = {**exported.get("span_data", {}), **data_of(span)}
        error = exported.get("error")
        if not self._include_data:
            data = {key: value for key, value in data.items() if key not in _DATA}
            error = {"message": error.get("message")} if error else None
        self._file.append({**exported, "span_data": data, "error": error})

    def shutdown(self) -> None:
        """Nothing waits to be written."""

    def force_flush(self) -> None:
        """Nothing waits to be written."""


def data_of(span: Span[Any]) -> dict[str, object]:
    """What a model was asked and answered, where the SDK leaves it out of what it exports."""
    data = span.span_data
    if not isinstance(data, ResponseSpanData) or data.response is None:
        return {}
    output = [item.model_dump(mode="json") for item in data.response.output]
    return {"model": data.response.model, "input": data.input, "output": output}


def _exporters(config: TracesConfig, run_id: str, team: str) -> list[TracingProcessor]:
    match config.export:
        case Export.NONE:
            return []
        case Export.OPENAI:
            if not os.environ.get("OPENAI_API_KEY"):
                raise ConfigInvalid('traces.export = "openai" needs OPENAI_API_KEY; set it')
            return [BatchTraceProcessor(BackendSpanExporter())]
        case Export.OTLP:
            return [_otlp(config, run_id, team)]


def _otlp(config: TracesConfig, run_id: str, team: str) -> TracingProcessor:
    try:
        from codextui.teams.records.otel import OtelTraces  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ConfigInvalid(
            f'traces.export = "otlp" needs OpenTelemetry ({error}): '
            "type `pip install 'codextui[otel]'`"
        ) from error
    return OtelTraces(config, run_id=run_id, team=team, contents_of=data_of)
