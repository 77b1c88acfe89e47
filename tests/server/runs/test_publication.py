from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from contract.team import BACKEND, RUN, run_event, said, thread_changed
from hypothesis import given
from hypothesis import strategies as st

from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.events import parse_msg
from codextui.protocol.runs import ThreadKind
from codextui.server.runs import publication
from codextui.server.runs.publication import json_chars, parse_publication
from codextui.server.threads.turn_state import MAX_NOTE

LONG = "x" * (publication.MAX_EVENT_CHARS + 1)
GATE = {"condition": "spec.md", "met": True}
SPAN = {"span_id": "s1", "role": "backend", "kind": "model"}


def read(*events: Any, run: str = RUN) -> list[ev.Msg]:
    _, read = parse_publication({"run": run, "events": list(events)})
    return [one.msg for one in read]


def refusal(*events: Any, run: str = RUN) -> str:
    with pytest.raises(ServerRefused) as caught:
        read(*events, run=run)
    return str(caught.value)


def test_the_server_sets_the_parent_of_a_role():
    (message,) = read(thread_changed(BACKEND, parent=BACKEND, forked_from=RUN))
    assert isinstance(message, ev.ThreadChanged)
    assert (message.thread.parent, message.thread.forked_from) == (RUN, "")
    assert message.thread.kind is ThreadKind.ROLE


def test_a_long_note_and_brief_are_shortened():
    (message,) = read(thread_changed(RUN, note="no\n" * 9_000, brief="b" * 20_000))
    assert isinstance(message, ev.ThreadChanged)
    assert len(message.thread.note) == MAX_NOTE
    assert "\n" not in message.thread.note
    assert len(message.thread.brief) == 2_000


@pytest.mark.parametrize(
    "event",
    [
        run_event(BACKEND, "task_started", "t1"),
        run_event(BACKEND, "item_started", "t1", item={"id": "i", "type": "reasoning"}),
        said(BACKEND, "t1", "Done."),
        run_event(BACKEND, "agent_message_content_delta", "t1", item_id="i", delta="D"),
        run_event(BACKEND, "reasoning_content_delta", "t1", item_id="i", delta="D"),
        run_event(BACKEND, "plan_delta", "t1", item_id="i", delta="D"),
        run_event(BACKEND, "exec_command_output_delta", "t1", item_id="i", delta="D"),
        run_event(BACKEND, "plan_update", "t1", plan=[]),
        run_event(BACKEND, "token_count", total={"total": 7}),
        run_event(BACKEND, "task_complete", "t1", last_agent_message="Done."),
        run_event(BACKEND, "turn_aborted", "t1", reason="failed"),
        run_event(BACKEND, "error", message="no"),
        run_event(BACKEND, "warning", message="no"),
        run_event(BACKEND, "handed_off", source="backend", target="tester"),
        run_event(BACKEND, "handoff_refused", source="backend", target="tester", missing=["x"]),
        run_event(RUN, "run_noted", kind="role_started", role="backend", text="began"),
        run_event(RUN, "gates_checked", gates=[GATE]),
        run_event(RUN, "span_changed", span=SPAN),
    ],
    ids=lambda event: event["msg"]["type"],
)
def test_every_kind_of_run_event_can_be_published(event: dict[str, Any]):
    (message,) = read(event)
    assert not isinstance(message, ev.UnknownEvent)


@pytest.mark.parametrize(
    "msg",
    [
        {"type": "role_requested", "action": "stop", "text": "", "by": "a person"},
        {"type": "approval_resolved", "approval_id": "a1", "outcome": "approved"},
        {"type": "codex_lost", "message": ""},
        {"type": "codex_ready", "version": "1"},
        {"type": "turn_diff", "unified_diff": ""},
        {"type": "patch_updated", "item_id": "i", "changes": []},
        {"type": "made_up"},
    ],
    ids=lambda msg: msg["type"],
)
def test_events_that_only_the_server_publishes_are_refused(msg: dict[str, Any]):
    event = {"threadId": BACKEND, "turnId": "t1", "msg": msg}
    assert refusal(event) == f"codex-publish: events.0: a program cannot tell {msg['type']!r}"


@pytest.mark.parametrize(
    "thread_id", ["run:bugs-10", "run:other", "run:bugs-1x/backend", "01a2-b3c4", "", "bugs-1"]
)
def test_events_of_another_runs_threads_are_refused(thread_id: str):
    assert f"is none of {RUN}" in refusal(run_event(thread_id, "warning", message=""))


@pytest.mark.parametrize(
    "run", ["", "run:", "bugs", "run:a/b", "run:a b", "run:\x1b[31m", "run:" + "x" * 121, "run:.."]
)
def test_an_invalid_run_id_is_refused(run: str):
    assert "a run's id is" in refusal(run=run)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (thread_changed(RUN, kind="role"), "the kind of 'run:bugs-1' is 'run'"),
        (thread_changed(BACKEND, kind="run"), "the kind of 'run:bugs-1/backend' is 'role'"),
        (thread_changed(BACKEND, kind="codex"), "the kind of 'run:bugs-1/backend' is 'role'"),
        (thread_changed(BACKEND, kind="god"), "Invalid enum value 'god' - at `$.thread.kind`"),
        (
            thread_changed(BACKEND, state="dreaming"),
            "Invalid enum value 'dreaming' - at `$.thread.state`",
        ),
        (thread_changed(BACKEND, thread_id=RUN), "is told on"),
        (thread_changed(BACKEND, model="m" * publication.MAX_INFO_CHARS), "a row of"),
        (thread_changed(BACKEND, turn_id="t" * 201), "turn_id must be up to"),
        (thread_changed(BACKEND, created_at=-1), "unix seconds"),
        (thread_changed(BACKEND, turn_started_at=1e12), "unix seconds"),
        (thread_changed(BACKEND, handle=7), "Expected `str`, got `int` - at `$.thread.handle`"),
        (thread_changed(BACKEND, usage=[]), "Expected `object`, got `array` - at `$.thread.usage`"),
        (run_event(BACKEND, "task_started"), "needs its turnId"),
        (run_event(BACKEND, "task_started", "t" * 201), "turnId must be up to"),
        (run_event(BACKEND, "task_started", "t\n1"), "turnId must be up to"),
        (run_event(f"{RUN}/\u202ekcab", "warning", message=""), "threadId must be up to"),
        (run_event(f"{RUN}/\ud800", "warning", message=""), "threadId must be up to"),
        (run_event(BACKEND, "item_completed", "t1", item={"id": "i"}), "type must be a string"),
        (run_event(BACKEND, "item_completed", "t1", item=[]), "item must be an object"),
        (
            run_event(BACKEND, "item_completed", "t1", item={"id": "i" * 201, "type": "x"}),
            "item.id",
        ),
        (run_event(BACKEND, "warning", message=LONG), "1048576 may be"),
        (run_event(BACKEND, "warning", message=7), "Expected `str`, got `int` - at `$.message`"),
        (run_event(BACKEND, "gates_checked", gates=[]), "is told on the run's own row"),
        (run_event(BACKEND, "span_changed", span=SPAN), "is told on the run's own row"),
        (
            run_event(RUN, "gates_checked", gates=["x"]),
            "Expected `object`, got `str` - at `$.gates[0]`",
        ),
        (
            run_event(RUN, "gates_checked", gates=[GATE | {"since": 1e300}]),
            "number that is too large",
        ),
        (
            run_event(RUN, "span_changed", span=SPAN | {"kind": "x"}),
            "Invalid enum value 'x'",
        ),
        (run_event(RUN, "span_changed", span=SPAN | {"ended_at": -5}), "unix seconds"),
        (run_event(RUN, "span_changed", span=SPAN | {"started_at": float("inf")}), "does not have"),
        (
            run_event(RUN, "span_changed", span=SPAN | {"tokens": 10**400}),
            "number that is too large",
        ),
    ],
)
def test_an_invalid_event_is_refused_with_its_place(event: dict[str, Any], why: str):
    fine = run_event(RUN, "warning", message="")
    message = refusal(fine, event)
    assert message.startswith("codex-publish: events.1: ")
    assert why in message


def test_too_many_events_are_refused():
    events = [run_event(RUN, "warning", message="")] * (publication.MAX_EVENTS + 1)
    assert "1001 events in one call" in refusal(*events)


def test_too_many_characters_are_refused():
    event = run_event(RUN, "warning", message="x" * 1_000_000)
    assert "characters in one call" in refusal(*[event] * 9)


def test_a_value_nested_too_deep_is_refused():
    deep: Any = "bottom"
    for _ in range(publication.MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(ServerRefused, match="deep"):
        json_chars(deep)


@pytest.mark.parametrize("value", ["", "words", 7, None, True, [1, "two"], {"three": [4.5]}])
def test_the_size_of_a_value_is_about_its_characters(value: Any):
    assert json_chars(value) >= len(str(value)) - 6


VALID = [
    thread_changed(BACKEND, usage={"total": 7}, turn_started_at=5.0),
    said(BACKEND, "t1", "Done."),
    run_event(BACKEND, "reasoning_content_delta", "t1", item_id="i", delta="D", part=1, raw=True),
    run_event(BACKEND, "token_count", total={"total": 7}, last={}, context_window=9),
    run_event(
        BACKEND, "plan_update", "t1", explanation="", plan=[{"step": "s", "status": "pending"}]
    ),
    run_event(RUN, "gates_checked", gates=[{**GATE, "makers": ["backend"], "since": 5.0}]),
    run_event(RUN, "span_changed", span={**SPAN, "waits_for": ["tester"], "tokens": 5}),
    run_event(RUN, "handoff_refused", source="a", target="b", missing=["c"]),
]
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.data())
def test_any_event_is_either_accepted_or_refused(data: st.DataObject):
    event = copy.deepcopy(data.draw(st.sampled_from(VALID)))
    place: Any = event
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else [0]))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(ANYTHING)
    messages: list[ev.Msg] = []
    with suppress(ServerRefused):  # nothing else may come of it
        messages = read(event)
    assert [parse_msg(one.to_json()) for one in messages] == messages
