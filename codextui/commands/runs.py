"""`codextui runs`: lists, shows, exports and removes recorded runs of teams."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from codextui.commands.config import load_whole
from codextui.commands.output import print_indented, print_json, print_line, print_note, print_table
from codextui.commands.run_names import find_run
from codextui.commands.run_text import (
    TOTALS_HEADER,
    format_cost,
    format_timeline,
    format_totals,
    format_waits,
    print_costs,
)
from codextui.config import paths
from codextui.config.prices import Prices
from codextui.errors import CodextuiError, ConfigInvalid, MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import RunEventKind
from codextui.teams.records.archive import RecordedRun, read_run
from codextui.teams.records.store import RunStore, list_runs
from codextui.text.figures import format_elapsed, format_tokens
from codextui.text.sanitize import dump_json, one_line, sanitize

_HEADER = ("RUN", "TEAM", "STATE", "BEGAN", "TOKENS", "COST", "TASK")

_VERBS = {
    RunEventKind.HANDED_OFF: "handed off ",
    RunEventKind.HANDOFF_REFUSED: "was refused to hand off ",
}


def list_recorded_runs(options: argparse.Namespace) -> int:
    """Print the recorded runs, newest first."""
    prices = _load_prices(options)
    runs = [run for run_id in list_runs() if (run := _try_to_read(run_id, prices)) is not None]
    if options.json:
        for run in runs:
            costs = run.budget.report()
            print_json(
                {**run.to_json(), **{key: costs[key] for key in ("usage", "cost", "currency")}}
            )
    elif runs:
        print_table(_HEADER, [_format_run(run) for run in runs])
    else:
        print_note('there are no runs; `codextui run TEAM "task"` makes one')
    return 0


def show_run(options: argparse.Namespace) -> int:
    """Print a run: its outcome, handoffs and costs."""
    run = _read_named_run(options)
    handoffs = run.handoffs()
    if options.json:
        print_json({**run.to_json(), "handoffs": handoffs, "costs": run.budget.report()})
        return 0
    print_line(f"{one_line(run.run_id)}: {one_line(run.state)}")
    if run.end_text:
        print_indented(sanitize(run.end_text))
    print_line(f"{one_line(run.team)} ({one_line(run.mode)}) in {one_line(run.project)}")
    took = "" if run.ended_at is None else f", took {format_elapsed(run.ended_at - run.started_at)}"
    print_line(f"began {_format_time(run.started_at)}{took}")
    print_line("task:")
    print_indented(sanitize(run.task))
    print_line("handoffs:" if handoffs else "no handoffs")
    for handoff in handoffs:
        print_indented(_format_handoff(handoff))
    print_line()
    print_costs(run.budget.report())
    return 0


def show_timeline(options: argparse.Namespace) -> int:
    """Print when each role worked and waited, and for whom."""
    run = _read_named_run(options)
    spans = run.spans()
    if options.json:
        for span in spans:
            print_json(span.to_json())
        return 0
    if not spans:
        print_note(f"{one_line(run.run_id)} has kept nothing of what its time went into")
        return 0
    now = time.time()
    for line in format_timeline(spans, shutil.get_terminal_size().columns, now):
        print_line(line)
    print_line()
    print_table(TOTALS_HEADER, format_totals(spans, now))
    for line in format_waits(spans, now):
        print_line(line)
    return 0


def export_run(options: argparse.Namespace) -> int:
    """Write a run's spans and events as JSON lines to a new file or standard output."""
    run = _read_named_run(options)
    if str(options.file) == "-":
        for line in run.export():
            print_json(line)
        return 0
    count = _write_lines(options.file, run.export())
    if options.json:
        print_json({"run": run.run_id, "file": str(options.file), "lines": count})
    else:
        print_line(f"wrote {count} lines to {one_line(str(options.file))}")
    return 0


def remove_run(options: argparse.Namespace) -> int:
    """Remove the records of a run, which cannot be resumed afterwards."""
    store = find_run(options, options.run)
    with store.locked():
        try:
            shutil.rmtree(store.folder)
        except OSError as error:
            raise ConfigInvalid(f"{store.folder} cannot be removed: {error}") from error
    if options.json:
        print_json({"run": store.run_id, "removed": True})
    else:
        print_line(f"removed {one_line(store.run_id)}")
    return 0


def _read_named_run(options: argparse.Namespace) -> RecordedRun:
    return read_run(find_run(options, options.run), _load_prices(options))


def _try_to_read(run_id: str, prices: Prices) -> RecordedRun | None:
    try:
        return read_run(RunStore.open(run_id), prices)
    except CodextuiError as error:
        print_note(f"{one_line(run_id)} cannot be read: {sanitize(str(error))}")
        return None


def _load_prices(options: argparse.Namespace) -> Prices:
    config, _ = load_whole(options.config or paths.config_path())
    return config.prices


def _format_run(run: RecordedRun) -> tuple[str, ...]:
    cost = run.budget.ledger.cost(run.budget.prices).amount
    return (
        one_line(run.run_id),
        one_line(run.team),
        one_line(run.state),
        _format_time(run.started_at),
        format_tokens(run.budget.usage.total),
        format_cost(cost, run.budget.prices.currency),
        one_line(run.task, 200),
    )


def _format_handoff(handoff: JsonObject) -> str:
    try:
        at = _format_time(fields.number_or(handoff, "at"))[-8:]
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
                file.write(f"{dump_json(line)}\n")
                count += 1
    except FileExistsError:
        raise ConfigInvalid(f"{path} is there already: name another file") from None
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be written: {error.strerror}") from error
    return count


def _format_time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "-"
