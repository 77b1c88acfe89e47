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
