"""`codextui runs`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands.command_line import EVIL

from codextui.cli import main
from codextui.commands.run_text import format_timeline, format_totals, format_waits
from codextui.config.prices import Price, Prices
from codextui.protocol.runs import RunEventKind, Span, SpanKind
from codextui.protocol.threads import Usage
from codextui.teams.config.team import Limits
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunLog
from codextui.teams.records.spans import SpanFile
from codextui.teams.records.store import RunStore

STARTED = RunEvent(RunEventKind.RUN_STARTED, "", "run")
ENDED = RunEvent(RunEventKind.RUN_ENDED, "", f"done: all {EVIL}", {"outcome": "done"})
REFUSED = RunEvent(
    RunEventKind.HANDOFF_REFUSED, "boss", "to maker:\n- plan.md: is not there", {"to": "maker"}
)
HANDED = RunEvent(RunEventKind.HANDED_OFF, "boss", "to maker", {"to": "maker"})

SPANS = (
    Span("1", "boss", SpanKind.ROLE, "", 100.0, 200.0),
    Span("2", "boss", SpanKind.MODEL, "m", 100.0, 120.0),
    Span("3", "boss", SpanKind.CODEX, "boss-codex", 120.0, 200.0),
    Span("4", "boss", SpanKind.PERSON, "a1", 150.0, 190.0),
    Span("5", f"maker{EVIL}", SpanKind.GATE, "plan.md", 100.0, 200.0, ("boss",)),
    Span("6", f"maker{EVIL}", SpanKind.ROLE, "", 200.0, None),
)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("COLUMNS", "100")


def record_run(*events: RunEvent, prices: Prices | None = None) -> RunStore:
    """Record a run of two roles."""
    store = RunStore.create("duo")
    about = {"team": f"duo{EVIL}", "mode": "handoffs", "project": "/p", "task": f"Do {EVIL}\nit."}
    store.write("run", about)
    if prices is not None:
        models = {
            name: {"input": one.input, "output": one.output, "cached_input": one.cached_input}
            for name, one in prices.models.items()
        }
        store.write("prices", {"currency": prices.currency, "models": models})
    budget = Budget(Limits())
    budget.begin_model_call()
    budget.begin_role_turn("boss", "t1")
    budget.add_model_usage("boss", Usage(1_000_000, input=1_000_000), "strong")
    budget.record_handoff("boss", "maker")
    budget.begin_role_turn("maker", "t1")
    for total, turn in ((5, "u1"), (9, "u2")):
        budget.count_thread_usage(
            f"thread{EVIL}",
            Usage(total),
            lambda _: None,
            role="maker",
            model=f"m{EVIL}",
            turn_id=turn,
        )
    store.write("spent", budget.to_json())
    with RunLog(store) as log:
        for at, event in enumerate(events, 1000):
            log.record(dataclasses.replace(event, at=float(at)))
    with SpanFile(store.folder) as file:
        for span in SPANS:
            file.write(span)
    return store


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command line, and check that its output cannot control a terminal."""

    def call(*arguments: str, code: int = 0) -> str:
        assert main(list(arguments)) == code
        captured = capsys.readouterr()
        for harmful in ("\x1b", "\x07", "\x9b", "\u202e"):
            assert harmful not in captured.out + captured.err
        return captured.out + captured.err

    return call


def test_without_runs_the_command_that_starts_one_is_printed(run: Callable[..., str]) -> None:
    assert "codextui run TEAM" in run("runs")


def test_runs_are_listed_with_state_tokens_and_money(run: Callable[..., str]) -> None:
    prices = Prices("EUR", {"strong": Price(2.0, 8.0)})
    store = record_run(STARTED, ENDED, prices=prices)
    header, row = run("runs").splitlines()
    assert header.split() == ["RUN", "TEAM", "STATE", "BEGAN", "TOKENS", "COST", "TASK"]
    assert row.startswith(f"{store.run_id}  duo")
    assert "  done  " in row
    assert "1.0M" in row
    assert "2.00 EUR" in row
    told = json.loads(run("runs", "--json"))
    assert (told["run"], told["state"], told["cost"]) == (store.run_id, "done", 2.0)
    assert told["usage"]["total"] == 1_000_009


def test_a_run_without_an_end_is_cut_off_unless_it_is_running(
    run: Callable[..., str],
) -> None:
    store = record_run(STARTED, ENDED, RunEvent(RunEventKind.RUN_RESUMED, "", "again"))
    assert "cut off" in run("runs")
    with store.locked():
        assert json.loads(run("runs", "--json"))["state"] == "running"
        assert "being run by another process" in run("runs", "remove", store.run_id, code=2)
    assert json.loads(run("runs", "--json"))["ended_at"] is None


def test_the_current_prices_are_used_for_a_run_without_prices(
    run: Callable[..., str], tmp_path: Path
) -> None:
    record_run(STARTED)
    config = tmp_path / "c.toml"
    config.write_text('[prices]\ncurrency = "CHF"\n[prices.strong]\ninput = 3\noutput = 3\n')
    assert "3.00 CHF" in run("runs", "--config", str(config))
    assert "CHF" not in run("runs")


def test_a_run_that_cannot_be_read_does_not_hide_the_others(run: Callable[..., str]) -> None:
    broken, good = record_run(STARTED), record_run(STARTED)
    (broken.folder / "spent.json").write_text('{"ledger": 3}')
    out = run("runs")
    assert f"{broken.run_id} cannot be read" in out
    assert any(line.startswith(good.run_id) for line in out.splitlines())


def test_show_prints_the_handoffs_and_costs_of_a_run(run: Callable[..., str]) -> None:
    store = record_run(
        STARTED, REFUSED, HANDED, ENDED, prices=Prices("EUR", {"strong": Price(2.0, 8.0)})
    )
    out = run("runs", "show", store.run_id)
    assert f"{store.run_id}: done" in out
    assert "boss was refused to hand off to maker:" in out
    assert "- plan.md: is not there" in out
    assert "boss handed off to maker" in out
    assert "1 model calls of roles; 1,000,009 tokens" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["boss", "strong", "1.0M", "1.0M", "2.00", "EUR"] in lines
    assert ["boss", "t1", "maker", "1.0M", "2.00", "EUR"] in lines
    assert ["u1", "5", "-"] in lines
    assert ["u2", "4", "-"] in lines
    assert "without a price, and not in the cost: m" in out


def test_show_as_json_prints_one_object(run: Callable[..., str]) -> None:
    store = record_run(STARTED, HANDED, ENDED)
    told: dict[str, Any] = json.loads(run("runs", "show", store.run_id, "--json"))
    assert [one["kind"] for one in told["handoffs"]] == ["handed_off"]
    assert told["costs"]["role_turns"][0]["handed_off_to"] == "maker"
    assert told["ended_at"] == 1002.0
    assert told["began_at"] == 1000.0


def test_the_timeline_shows_who_worked_and_who_waited(run: Callable[..., str]) -> None:
    out = run("runs", "timeline", record_run(STARTED).run_id)
    assert "boss" in out
    assert "waited 40s for a person" in out
    assert "waited 1m 40s for boss" in out
    assert len(run("runs", "timeline", record_run(STARTED).run_id, "--json").splitlines()) == len(
        SPANS
    )


def test_a_timeline_fills_the_width_and_draws_the_innermost_span() -> None:
    maker = Span("5", "maker", SpanKind.GATE, "plan.md", 100.0, 200.0, ("boss",))
    lines = format_timeline([*SPANS[:4], maker], 27, 200.0)
    assert lines[:3] == ["boss   mmmmCCCCCC????????CC", "maker  ....................", ""]
    assert all(len(line) <= 27 for line in lines)
    assert "waits for a person" in " ".join(lines)


def test_a_timeline_can_be_drawn_without_duration_or_width() -> None:
    moment = Span("1", "boss", SpanKind.TOOL, "t", 100.0, 100.0)
    assert format_timeline([moment], 0, 0.0)[0] == "boss  t"


def test_the_totals_add_up_the_spans() -> None:
    boss, maker = format_totals(SPANS, 220.0)
    assert boss == ("boss", "1m 00s", "20s", "40s", "-", "-", "40s", "-")
    assert maker[1:] == ("20s", "-", "-", "-", "1m 40s", "-", "-")
    assert format_waits((), 0.0) == []


def test_the_timeline_of_a_run_without_spans_is_a_note(run: Callable[..., str]) -> None:
    store = RunStore.create("duo")
    store.write("run", {})
    assert "has kept nothing" in run("runs", "timeline", store.run_id)


def test_a_run_is_exported_as_json_lines_to_a_new_file(
    run: Callable[..., str], tmp_path: Path
) -> None:
    store = record_run(STARTED, ENDED)
    file = tmp_path / "out.jsonl"
    assert "wrote 9 lines" in run("runs", "export", store.run_id, str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["run", *["span"] * 6, *["happening"] * 2]
    assert lines[6]["failed"] is True  # nobody runs it: what went on was cut off
    assert "is there already" in run("runs", "export", store.run_id, str(file), code=2)
    assert len(run("runs", "export", store.run_id, "-").splitlines()) == 9


def test_a_failed_export_is_an_error(run: Callable[..., str], tmp_path: Path) -> None:
    store = record_run(STARTED)
    assert "cannot be written" in run(
        "runs", "export", store.run_id, str(tmp_path / "no" / "f"), code=2
    )


def test_a_removed_run_is_gone(run: Callable[..., str]) -> None:
    store = record_run(STARTED)
    assert json.loads(run("runs", "remove", store.run_id, "--json"))["removed"]
    assert not store.folder.exists()
    for action in ("show", "timeline", "remove"):
        assert "there is no run" in run("runs", action, store.run_id, code=2)


@pytest.mark.parametrize("name", ["../../etc", "", "/", ".", "x" * 300])
def test_only_runs_can_be_removed(run: Callable[..., str], name: str) -> None:
    assert "there is no run" in run("runs", "remove", name, code=2)


def test_broken_lines_of_a_record_are_skipped(run: Callable[..., str]) -> None:
    store = record_run(STARTED, HANDED)
    with (store.folder / "happenings.jsonl").open("a") as file:
        file.write('{"kind": "handed_off", "at": "x"}\n{"kind": ["handed_off"]}\n{"kind": "han')
    out = run("runs", "show", store.run_id)
    assert "boss handed off to maker" in out
    assert "cannot be read" in out
