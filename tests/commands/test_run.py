"""The output of `codextui run --headless`."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from codextui.commands.run_output import RunInterrupted, RunOutput, print_event, run_interruptibly
from codextui.protocol.runs import RunEventKind
from codextui.teams.records.events import EVENTS_FILE, RunEvent, RunLog
from codextui.teams.records.store import RunStore, read_json_lines


@pytest.mark.parametrize(
    ("asks", "how"),
    [
        ("command", "`codextui approve a1` says yes"),
        ("tool", "`codextui approve a1` says yes"),
        ("questions", "`codextui answer a1 ANSWER` answers"),
    ],
)
def test_a_headless_run_prints_how_to_decide(
    capsys: pytest.CaptureFixture[str], asks: str, how: str
) -> None:
    data = {"approval": "a1", "asks": asks}
    print_event(RunEvent(RunEventKind.PERSON_NEEDED, "one", "needs a person", data), as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["asks"] == asks
    assert how in err
    assert "`codextui decline a1` says no" in err


def test_a_request_of_a_person_is_printed_as_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_event(
        RunEvent(RunEventKind.ROLE_DIRECTED, "one", "is stopped by \x1b[31mann"), as_json=False
    )
    out, _ = capsys.readouterr()
    assert " one is stopped by " in out
    assert "\x1b" not in out


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore.create("duo", tmp_path)


ENDED = RunEvent(RunEventKind.RUN_ENDED, "", "done: all of it", {"outcome": "done"}, at=90_061.5)


@pytest.mark.parametrize("kind", list(RunEventKind))
def test_every_event_has_its_time_in_json_in_the_log_and_in_text(
    capsys: pytest.CaptureFixture[str], store: RunStore, kind: RunEventKind
) -> None:
    event = RunEvent(kind, "one", "a text", at=90_061.5)
    for as_json in (True, False):
        with RunLog(store) as log:
            RunOutput(log, as_json=as_json).handle(event)
    first, *text = capsys.readouterr().out.splitlines()
    assert json.loads(first)["at"] == 90_061.5
    assert next(line for line in text if line)[2:9] == ":01:01 "
    for logged in read_json_lines(store.folder / EVENTS_FILE):
        assert (logged["at"], logged["kind"]) == (90_061.5, kind)


def test_nothing_comes_after_the_end(capsys: pytest.CaptureFixture[str], store: RunStore) -> None:
    with RunLog(store) as log:
        output = RunOutput(log, as_json=True)
        for kind in (RunEventKind.TROUBLE, RunEventKind.RUN_ENDED, *RunEventKind):
            output.handle(RunEvent(kind))
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["trouble", "run_ended"]
    assert [line["kind"] for line in read_json_lines(store.folder / EVENTS_FILE)] == kinds


def test_an_end_that_cannot_be_stored_is_told_and_ends_nothing_else(
    capsys: pytest.CaptureFixture[str], store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    problems: list[str] = []
    monkeypatch.setattr(RunStore, "write", refuse)
    with RunLog(store, problems.append) as log:
        RunOutput(log, as_json=True).handle(ENDED)
    assert json.loads(capsys.readouterr().out)["kind"] == "run_ended"
    assert problems == ["how the run ended cannot be stored: No space left on device"]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("ok", ["one is answered: ok"]),
        ("", ["one is answered:"]),
        ("first\nsecond \x1b[31m", ["one is answered:", "  first", "  second"]),
        (
            "\n".join(map(str, range(20))),
            ["one is answered:", *(f"  {n}" for n in range(8)), "  … (12 more lines)"],
        ),
    ],
)
def test_the_answer_of_a_tool_is_printed_as_lines(
    capsys: pytest.CaptureFixture[str], text: str, printed: list[str]
) -> None:
    answered = RunEvent(RunEventKind.TOOL_ANSWERED, "one", text)
    print_event(answered, as_json=False, with_time=False)
    assert capsys.readouterr().out.splitlines() == printed


def test_the_end_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    resume = {"resume": "codextui run --resume duo-1"}
    print_event(RunEvent(RunEventKind.RUN_ENDED, "", "failed: x", resume), as_json=True)
    assert capsys.readouterr().err == "`codextui run --resume duo-1` goes on with it\n"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
async def test_a_signal_lets_the_run_end_in_order(
    store: RunStore, number: signal.Signals, code: int
) -> None:
    steps: list[str] = []

    async def run() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    with RunLog(store) as log, pytest.raises(RunInterrupted) as interrupted:
        await run_interruptibly(run(), RunOutput(log, as_json=True))
    assert interrupted.value.exit_code == code
    assert steps == ["cleaned up"]
    # The next one ends the process.
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


async def test_an_ignored_signal_stays_ignored(store: RunStore) -> None:
    async def run() -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        return "went on"

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with RunLog(store) as log:
            assert await run_interruptibly(run(), RunOutput(log, as_json=True)) == "went on"
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_run_ends_when_nobody_reads_its_output_and_is_recorded_to_its_end(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with RunLog(store) as log, os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        output = RunOutput(log, as_json=False)

        async def run() -> None:
            for number in itertools.count():
                output.handle(RunEvent(RunEventKind.ROLE_SAID, "one", str(number)))
                await asyncio.sleep(0)

        with pytest.raises(RunInterrupted) as interrupted:
            await run_interruptibly(run(), output)
        output.handle(ENDED)
        assert interrupted.value.exit_code == 141
        os.dup2(os.open(os.devnull, os.O_WRONLY), closed.fileno())
    assert [*read_json_lines(store.folder / EVENTS_FILE)][-1]["kind"] == "run_ended"
