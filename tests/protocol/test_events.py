from __future__ import annotations

import contextlib
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol import shapes

from codextui.errors import MessageInvalid
from codextui.protocol import events as ev
from codextui.protocol.events import Event, parse_msg
from codextui.protocol.runs import Gate, RoleAction, Span, SpanKind
from codextui.protocol.threads import Usage


def travel(value: object) -> object:
    return json.loads(json.dumps(value))


@given(shapes.event)
def test_every_event_comes_out_as_it_went_in(event: ev.Event) -> None:
    assert Event.from_json(travel(event.to_json())) == event


def test_every_kind_of_message_has_its_own_word() -> None:
    thread = shapes.ThreadInfo("t", "h", shapes.ThreadState.IDLE)
    approval = shapes.Approval("a1", "t", "u", "i", "h", 1.0, shapes.CommandAsked("ls"))
    examples: dict[type, ev.Msg] = {
        ev.ThreadChanged: ev.ThreadChanged(thread),
        ev.TurnStarted: ev.TurnStarted(),
        ev.ItemStarted: ev.ItemStarted({"id": "i", "type": "t"}),
        ev.ItemCompleted: ev.ItemCompleted({"id": "i", "type": "t"}),
        ev.TextDelta: ev.TextDelta("i", "d"),
        ev.ReasoningDelta: ev.ReasoningDelta("i", "d"),
        ev.ThreadLeft: ev.ThreadLeft(),
        ev.PlanDelta: ev.PlanDelta("i", "d"),
        ev.OutputDelta: ev.OutputDelta("i", "d"),
        ev.PatchUpdated: ev.PatchUpdated("i", ()),
        ev.TokensCounted: ev.TokensCounted(shapes.Usage(), shapes.Usage()),
        ev.DiffUpdated: ev.DiffUpdated("d"),
        ev.PlanUpdated: ev.PlanUpdated("", ()),
        ev.TurnCompleted: ev.TurnCompleted(),
        ev.TurnAborted: ev.TurnAborted("failed"),
        ev.ErrorRaised: ev.ErrorRaised("m"),
        ev.Warned: ev.Warned("m"),
        ev.ApprovalAsked: ev.ApprovalAsked(approval),
        ev.ApprovalResolved: ev.ApprovalResolved("a1", "denied"),
        ev.ApprovalCorrected: ev.ApprovalCorrected("a1", "approved"),
        ev.CodexLost: ev.CodexLost("m"),
        ev.CodexReady: ev.CodexReady("1"),
        ev.HandedOff: ev.HandedOff("pm", "designer"),
        ev.HandoffRefused: ev.HandoffRefused("pm", "tester", ("spec.md is missing",)),
        ev.RunNoted: ev.RunNoted("role_started", "pm", "is at work"),
        ev.GatesChecked: ev.GatesChecked((Gate("spec.md"),)),
        ev.SpanChanged: ev.SpanChanged(Span("s1", "pm", SpanKind.MODEL)),
        ev.RoleRequested: ev.RoleRequested(RoleAction.PAUSE, "", "console"),
        ev.UnknownEvent: ev.UnknownEvent("new"),
    }
    assert set(examples) == set(get_args(ev.Msg))
    words = [message.to_json()["type"] for message in examples.values()]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (ev.TurnStarted(2.5), {"type": "task_started", "started_at": 2.5}),
        (
            ev.TextDelta("i", "d"),
            {"type": "agent_message_content_delta", "item_id": "i", "delta": "d"},
        ),
        (
            ev.OutputDelta("i", "d"),
            {"type": "exec_command_output_delta", "item_id": "i", "delta": "d"},
        ),
        (
            ev.ItemCompleted({"id": "i", "type": "plan"}),
            {"type": "item_completed", "item": {"id": "i", "type": "plan"}},
        ),
        (
            ev.TurnCompleted("done", Usage(total=9)),
            {
                "type": "task_complete",
                "last_agent_message": "done",
                "usage": Usage(total=9).to_json(),
                "codex_usage": None,
            },
        ),
        (
            ev.TurnAborted("interrupted"),
            {
                "type": "turn_aborted",
                "reason": "interrupted",
                "message": "",
                "usage": None,
                "codex_usage": None,
                "details": "",
            },
        ),
    ],
)
def test_the_words_are_those_that_clients_of_codex_know(
    message: ev.Msg, wire: dict[str, object]
) -> None:
    assert message.to_json() == wire


def test_an_event_is_framed_as_codex_mcp_server_framed_it() -> None:
    event = ev.Event(7, "t1", "u1", 1.5, ev.TurnStarted())
    assert event.to_json() == {
        "_meta": {"seq": 7, "threadId": "t1", "at": 1.5},
        "id": "u1",
        "msg": {"type": "task_started", "started_at": 0.0},
    }


def test_a_message_of_an_unknown_kind_is_kept_whole() -> None:
    assert parse_msg({"type": "brand_new", "a": 1}) == ev.UnknownEvent("brand_new", {"a": 1})


@given(shapes.json_object)
def test_whatever_arrives_is_an_event_or_a_clear_error(params: dict[str, object]) -> None:
    with contextlib.suppress(MessageInvalid):  # any other error fails
        assert isinstance(Event.from_json(params), ev.Event)


@given(shapes.event, st.data())
def test_a_damaged_event_is_an_event_or_a_clear_error(event: ev.Event, data: st.DataObject) -> None:
    wire = travel(event.to_json())
    assert isinstance(wire, dict)
    message = wire["msg"]
    key = data.draw(st.sampled_from(sorted(message)))
    message[key] = data.draw(shapes.json_value)
    with contextlib.suppress(MessageInvalid):  # any other error fails
        assert isinstance(Event.from_json(wire), ev.Event)


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({}, "type must be a string, not null"),
        ({"type": "item_started", "item": {"type": "x"}}, "id must be a string"),
        ({"type": "item_started", "item": []}, "item must be an object, not an array"),
        ({"type": "exec_command_output_delta", "item_id": "i"}, "missing required field `delta`"),
        ({"type": "thread_changed", "thread": {"state": "asleep"}}, "Invalid enum value 'asleep'"),
        ({"type": "approval_asked", "approval": {"kind": "?"}}, "asked must be an object"),
    ],
)
def test_a_known_kind_in_a_wrong_shape_says_what_is_wrong(
    message: dict[str, object], complaint: str
) -> None:
    with pytest.raises(MessageInvalid, match=complaint):
        parse_msg(message)
