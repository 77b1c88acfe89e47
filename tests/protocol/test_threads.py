from __future__ import annotations

import json

import pytest
from hypothesis import given
from protocol import shapes

from codextui.errors import MessageInvalid
from codextui.protocol.threads import ThreadInfo, ThreadState


@given(shapes.thread)
def test_every_thread_comes_out_as_it_went_in(thread: ThreadInfo) -> None:
    assert ThreadInfo.from_json(json.loads(json.dumps(thread.to_json()))) == thread


def test_a_row_with_only_what_must_be_there_is_enough() -> None:
    row = {"thread_id": "t", "handle": "h", "state": "idle"}
    assert ThreadInfo.from_json(row) == ThreadInfo("t", "h", ThreadState.IDLE)


@pytest.mark.parametrize("missing", ["thread_id", "handle", "state"])
def test_a_row_without_its_name_or_state_is_refused(missing: str) -> None:
    row = {"thread_id": "t", "handle": "h", "state": "idle"}
    del row[missing]
    with pytest.raises(MessageInvalid, match=missing):
        ThreadInfo.from_json(row)


def test_a_turn_runs_in_exactly_these_states() -> None:
    running = {state.value for state in ThreadState if state.has_turn}
    assert running == {"starting", "running", "needs input"}


@pytest.mark.parametrize(
    ("state", "waits_for", "waits_since", "word", "since"),
    [
        (ThreadState.RUNNING, "", None, "running", 1.0),
        (ThreadState.NEEDS_INPUT, "approval", 5.0, "needs approval", 5.0),
        (ThreadState.NEEDS_INPUT, "answer", 5.0, "needs answer", 5.0),
        (ThreadState.NEEDS_INPUT, "", None, "needs input", 1.0),
        (ThreadState.WAITING, "tester", None, "waiting", 1.0),
    ],
)
def test_a_wait_has_one_word_and_one_clock(
    state: ThreadState, waits_for: str, waits_since: float | None, word: str, since: float
) -> None:
    info = ThreadInfo(
        "t", "h", state, turn_started_at=1.0, waits_for=waits_for, waits_since=waits_since
    )
    assert (info.state_word, info.state_since) == (word, since)
