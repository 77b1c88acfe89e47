"""Checks what is kept of the runs of teams, and whether their traces can be exported."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from codextui.config import paths
from codextui.config.schema import Export, TracesConfig
from codextui.config.tables import read_text
from codextui.config.toml_lines import line_of
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.doctor.network import why_unreachable
from codextui.doctor.provider import OPENAI_URL
from codextui.errors import ConfigInvalid
from codextui.installation import install_command
from codextui.text.figures import format_count

OLD_S = 30 * 24 * 3600.0
"""Seconds after which nobody is likely to look at a run any more."""

MANY_RUNS = 20
"""Old runs from which on they are mentioned."""

LARGE_BYTES = 256 * 1024 * 1024
"""Bytes of old runs from which on they are mentioned."""

_MAX_RUNS = 5_000
_OTLP_URL = "http://127.0.0.1:4318/v1/traces"


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What is kept of a run.

    Attributes:
        folder: its folder.
        changed_at: unix seconds of the last change.
        size: bytes of its files.
    """

    folder: Path
    changed_at: float
    size: int


def check_traces(machine: Machine) -> Iterator[Finding]:
    """Check for runs that nobody looks at, and the configured export."""
    yield _check_kept(list(kept_runs(paths.state_location() / "runs")))
    traces = machine.config.traces
    if traces.export is not Export.NONE:
        yield _check_export(traces, _place(machine.config_file))


def kept_runs(folder: Path) -> Iterator[KeptRun]:
    """Yield the recorded runs in a folder."""
    with suppress(OSError):
        for number, run in enumerate(folder.iterdir()):
            if number >= _MAX_RUNS:
                return
            with suppress(OSError):
                files = [entry.stat() for entry in os.scandir(run) if entry.is_file()]
                changed_at = max((one.st_mtime for one in files), default=run.stat().st_mtime)
                yield KeptRun(run, changed_at, sum(one.st_size for one in files))


def _check_kept(runs: list[KeptRun]) -> Finding:
    old = sorted(
        (run for run in runs if time.time() - run.changed_at > OLD_S), key=lambda run: -run.size
    )
    size = sum(run.size for run in old)
    if len(old) < MANY_RUNS and size < LARGE_BYTES:
        total = _megabytes(sum(run.size for run in runs))
        return fine("traces.kept", f"{format_count(len(runs))} runs of teams are kept, {total}")
    days = round((time.time() - min(run.changed_at for run in old)) / 86_400)
    largest = ", ".join(f"{run.folder.name} ({_megabytes(run.size)})" for run in old[:3])
    return Finding(
        Severity.ADVICE,
        "traces.kept",
        f"{format_count(len(old))} runs of teams older than 30 days are kept with their traces: "
        f"{_megabytes(size)}, the oldest of {days} days ago; the largest are {largest}",
        Place(old[0].folder.parent),
        advice="`codextui runs timeline RUN` shows where their time went, `runs export RUN FILE` "
        "takes one elsewhere.",
        command=shlex.join(["codextui", "runs", "remove", old[0].folder.name]),
    )


def _check_export(traces: TracesConfig, place: Place | None) -> Finding:
    problem, advice, command = _export_problem(traces)
    if not problem:
        return fine("traces.export", f'traces can be exported (export = "{traces.export}")')
    return Finding(
        Severity.PROBLEM,
        "traces.export",
        f'[traces] export = "{traces.export}" does not work: {problem}',
        place,
        advice=advice,
        command=command,
    )


def _export_problem(traces: TracesConfig) -> tuple[str, str, str]:
    """Return what prevents the export, what to do, and what to type; empty for nothing."""
    if traces.export is Export.OPENAI:
        if not os.environ.get("OPENAI_API_KEY"):
            return "OPENAI_API_KEY is not set", "", "export OPENAI_API_KEY=…"
        why = why_unreachable(OPENAI_URL)
        return (f"{OPENAI_URL} cannot be reached: {why}" if why else ""), _OTHERWISE, ""
    if find_spec("opentelemetry") is None:
        return "OpenTelemetry is not installed", "", install_command("otel")
    url = traces.endpoint or _otlp_endpoint()
    why = why_unreachable(url)
    return (f"the collector {url} cannot be reached: {why}" if why else ""), _OTHERWISE, ""


def _otlp_endpoint() -> str:
    environ = os.environ
    traces = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return traces or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or _OTLP_URL


def _place(file: Path) -> Place | None:
    try:
        return Place(file, line_of(read_text(file), "traces.export"))
    except ConfigInvalid:
        return None


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.1f} MB"


_OTHERWISE = 'Start it, correct `endpoint`, or leave the export out: export = "none".'
