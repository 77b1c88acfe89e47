"""`codextui runs`: the runs of teams that are kept."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from codextui.commands.output import emit, note, show, show_indented, show_table
from codextui.commands.run_text import (
    TOTALS_HEADER,
    money_text,
    show_costs,
    timeline_lines,
    total_rows,
    wait_lines,
)
from codextui.config import paths
from codextui.config.prices import Prices
from codextui.config.schema import load_config
from codextui.errors import CodextuiError, ConfigInvalid, MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import RunEventKind
from codextui.teams.records.archive import RecordedRun, read_run
from codextui.teams.records.store import RunStore, list_runs
from codextui.text.figures import format_elapsed, format_tokens
from codextui.text.sanitize import one_line, sanitize

_HEADER = ("RUN", "TEAM", "STATE", "BEGAN", "TOKENS", "COST", "TASK")

_VERBS = {
    RunEventKind.HANDED_OFF: "handed off ",
    RunEventKind.HANDOFF_REFUSED: "was refused to hand off ",
}


def list_kept_runs(options: argparse.Namespace) -> int:
    """Print the runs, the youngest first."""
    prices = _configured_prices(options)
    runs = [run for run_id in list_runs() if (run := _try_to_read(run_id, prices)) is not None]
    if options.json:
        for run in runs:
            costs = run.budget.report()
            emit({**run.to_json(), **{key: costs[key] for key in ("usage", "cost", "currency")}})
    elif runs:
        show_table(_HEADER, [_row(run) for run in runs])
    else:
        note('there are no runs; `codextui run TEAM "task"` makes one')
    return 0


def show_run(options: argparse.Namespace) -> int:
    """Explain one run: how it went, who handed off to whom, what it cost."""
    run = _named_run(options)
    handoffs = run.handoffs()
    if options.json:
        emit({**run.to_json(), "handoffs": handoffs, "costs": run.budget.report()})
        return 0
    show(f"{one_line(run.run_id)}: {one_line(run.state)}")
    if run.end_text:
        show_indented(sanitize(run.end_text))
    show(f"{one_line(run.team)} ({one_line(run.mode)}) in {one_line(run.project)}")
    took = "" if run.ended_at is None else f", took {format_elapsed(run.ended_at - run.started_at)}"
    show(f"began {_moment(run.started_at)}{took}")
    show("task:")
    show_indented(sanitize(run.task))
    show("handoffs:" if handoffs else "no handoffs")
    for handoff in handoffs:
        show_indented(_handoff_text(handoff))
    show()
    show_costs(run.budget.report())
    return 0


def show_timeline(options: argparse.Namespace) -> int:
    """Show who worked when, who waited for whom, and who for a person."""
    run = _named_run(options)
    spans = run.spans()
    if options.json:
        for span in spans:
            emit(span.to_json())
        return 0
    if not spans:
        note(f"{one_line(run.run_id)} has kept nothing of what its time went into")
        return 0
    now = time.time()
    for line in timeline_lines(spans, shutil.get_terminal_size().columns, now):
        show(line)
    show()
    show_table(TOTALS_HEADER, total_rows(spans, now))
    for line in wait_lines(spans, now):
        show(line)
    return 0


def export_run(options: argparse.Namespace) -> int:
    """Write a run's spans and happenings as JSON lines to a new file, or to standard output."""
    run = _named_run(options)
    if str(options.file) == "-":
        for line in run.export():
            emit(line)
        return 0
    count = _write_lines(options.file, run.export())
    if options.json:
        emit({"run": run.run_id, "file": str(options.file), "lines": count})
    else:
        show(f"wrote {count} lines to {one_line(str(options.file))}")
    return 0


def remove_run(options: argparse.Namespace) -> int:
    """Remove what is kept of a run; it cannot be gone on with any more."""
    store = RunStore.open(options.run)
    with store.locked():
        try:
            shutil.rmtree(store.folder)
        except OSError as error:
            raise ConfigInvalid(f"{store.folder} cannot be removed: {error}") from error
    if options.json:
        emit({"run": store.run_id, "removed": True})
    else:
        show(f"removed {one_line(store.run_id)}")
    return 0


def _named_run(options: argparse.Namespace) -> RecordedRun:
    return read_run(RunStore.open(options.run), _configured_prices(options))


def _try_to_read(run_id: str, prices: Prices) -> RecordedRun | None:
    try:
        return read_run(RunStore.open(run_id), prices)
    except CodextuiError as error:
        note(f"{one_line(run_id)} cannot be read: {sanitize(str(error))}")
        return None


def _configured_prices(options: argparse.Namespace) -> Prices:
    return load_config(options.config or paths.config_path()).prices


def _row(run: RecordedRun) -> tuple[str, ...]:
    cost = run.budget.ledger.cost(run.budget.prices).amount
    return (
        one_line(run.run_id),
        one_line(run.team),
        one_line(run.state),
        _moment(run.started_at),
        format_tokens(run.budget.usage.total),
        money_text(cost, run.budget.prices.currency),
        one_line(run.task, 200),
    )


def _handoff_text(handoff: JsonObject) -> str:
    try:
        at = _moment(fields.number_or(handoff, "at"))[-8:]
        role, text = fields.text_or(handoff, "role"), fields.text_or(handoff, "text")
    except MessageInvalid as error:
        return f"what is kept of it cannot be read: {one_line(str(error))}"
    verb = _VERBS.get(RunEventKind(str(handoff["kind"])), "")
    return f"{at} {one_line(role)} {verb}{sanitize(text)}"


def _write_lines(path: Path, lines: Iterator[JsonObject]) -> int:
    count = 0
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for line in lines:
                file.write(f"{json.dumps(line)}\n")
                count += 1
    except FileExistsError:
        raise ConfigInvalid(f"{path} is there already: name another file") from None
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be written: {error.strerror}") from error
    return count


def _moment(at: float) -> str:
    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "-"
