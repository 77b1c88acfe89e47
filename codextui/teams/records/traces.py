"""Traces of the Agents SDK: recorded in the run's folder, and exported if configured.

Unless `[traces]` says otherwise nothing leaves the machine: the SDK's own exporter, which would
send everything to OpenAI, is not even created.
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
from codextui.installation import install_command
from codextui.teams.records.store import JsonLinesFile

TRACES_FILE = "traces.jsonl"
"""The file of traces in a run's folder."""

_CONTENT_KEYS = ("input", "output")


@contextmanager
def record_traces(
    base: RunConfig,
    folder: Path,
    config: TracesConfig,
    *,
    run_id: str,
    team: str,
    on_error: Callable[[str], None] | None = None,
) -> Iterator[RunConfig]:
    """Trace the runs of the Agents SDK within the context, which yields their configuration.

    Args:
        base: the configuration to which tracing is added.
        folder: the run's folder, which gets `traces.jsonl`.
        config: whether contents are recorded, and where traces are exported to.
        run_id: the group of the traces, also if several processes run the same run.
        team: the name of the traces.
        on_error: called once, with the reason why traces are missing from now on.

    Raises:
        ConfigInvalid: an export is configured, and what it needs is missing.
    """
    with JsonLinesFile(folder / TRACES_FILE, on_error) as file:
        processors: list[TracingProcessor] = [
            LocalTraceProcessor(file, include_data=config.include_data)
        ]
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


class LocalTraceProcessor(TracingProcessor):
    """Writes traces when they begin, and spans when they end, to a file.

    Args:
        file: gets them in the SDK's export format.
        include_data: whether prompts, answers and the arguments of tools are included.
    """

    def __init__(self, file: JsonLinesFile, *, include_data: bool) -> None:
        self._file = file
        self._include_data = include_data

    def on_trace_start(self, trace: Trace) -> None:
        """Write a trace."""
        self._file.append(trace.export() or {})

    def on_trace_end(self, trace: Trace) -> None:
        """Do nothing: the trace was written at its start."""

    def on_span_start(self, span: Span[Any]) -> None:
        """Do nothing: spans are written at their end."""

    def on_span_end(self, span: Span[Any]) -> None:
        """Write a span."""
        exported = span.export() or {}
        data = {**exported.get("span_data", {}), **response_contents(span)}
        error = exported.get("error")
        if not self._include_data:
            data = {key: value for key, value in data.items() if key not in _CONTENT_KEYS}
            error = {"message": error.get("message")} if error else None
        self._file.append({**exported, "span_data": data, "error": error})

    def shutdown(self) -> None:
        """Do nothing: nothing is buffered."""

    def force_flush(self) -> None:
        """Do nothing: nothing is buffered."""


def response_contents(span: Span[Any]) -> dict[str, object]:
    """Return the model, input and output of a response span, which its export leaves out."""
    data = span.span_data
    if not isinstance(data, ResponseSpanData) or data.response is None:
        return {}
    output = [item.model_dump(mode="json") for item in data.response.output]
    return {"model": data.response.model, "input": data.input, "output": output}


def export_problem(config: TracesConfig) -> str:
    """Return what the configured export needs and does not have; empty if nothing."""
    match config.export:
        case Export.OPENAI if not os.environ.get("OPENAI_API_KEY"):
            return 'traces.export = "openai" needs OPENAI_API_KEY; set it'
        case Export.OTLP:
            try:
                import codextui.teams.records.otel  # noqa: F401, PLC0415 - optional
            except ImportError as error:
                return (
                    f'traces.export = "otlp" needs OpenTelemetry ({error}): '
                    f"type `{install_command('otel')}`"
                )
    return ""


def _exporters(config: TracesConfig, run_id: str, team: str) -> list[TracingProcessor]:
    if problem := export_problem(config):
        raise ConfigInvalid(problem)
    match config.export:
        case Export.NONE:
            return []
        case Export.OPENAI:
            return [BatchTraceProcessor(BackendSpanExporter())]
        case Export.OTLP:
            return [_otlp_processor(config, run_id, team)]


def _otlp_processor(config: TracesConfig, run_id: str, team: str) -> TracingProcessor:
    from codextui.teams.records.otel import OtlpTraceProcessor  # noqa: PLC0415 - optional

    return OtlpTraceProcessor(config, run_id=run_id, team=team, contents_of=response_contents)
