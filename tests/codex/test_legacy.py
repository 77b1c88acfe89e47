"""The order and the state behind what the clients of `codex mcp-server` are told."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.legacy.events import LegacyEvent, LegacyEvents

THREAD, TURN, ITEM = "thread-1", "turn-1", "item-1"
PLACE = {"threadId": THREAD, "turnId": TURN}

COMMAND = {
    "type": "commandExecution",
    "id": ITEM,
    "command": "/bin/bash -c 'cat a.py'",
    "cwd": "/work space",
    "processId": None,
    "source": "agent",
    "status": "inProgress",
    "commandActions": [
        {"type": "read", "command": "cat a.py", "name": "a.py", "path": "/work space/a.py"}
    ],
    "aggregatedOutput": None,
    "exitCode": None,
    "durationMs": None,
}
PATCH = {
    "type": "fileChange",
    "id": ITEM,
    "changes": [{"path": "/w/a.txt", "kind": {"type": "add"}, "diff": "one\n"}],
    "status": "inProgress",
}
ASK_COMMAND = {
    **PLACE,
    "itemId": ITEM,
    "kind": "command",
    "startedAtMs": 5,
    "command": COMMAND["command"],
    "cwd": COMMAND["cwd"],
    "commandActions": COMMAND["commandActions"],
    "reason": "why",
    "availableDecisions": [
        "accept",
        "acceptForSession",
        {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["cat"]}},
        "decline",
        "cancel",
    ],
}
ASK_PATCH = {**PLACE, "itemId": ITEM, "startedAtMs": 5, "reason": None, "grantRoot": None}
USAGE = {
    "total": {"totalTokens": 3, "cachedInputTokens": 1},
    "last": {"totalTokens": 2},
    "modelContextWindow": 1000,
}


def kinds(told: tuple[LegacyEvent, ...]) -> list[Any]:
    return [event.msg["type"] for event in told]


def started(item: dict[str, Any]) -> dict[str, Any]:
    return {**PLACE, "item": item, "startedAtMs": 5}


def completed(item: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**PLACE, "item": {**item, **members}, "completedAtMs": 9}


def waiting(*flags: str) -> dict[str, Any]:
    return {"threadId": THREAD, "status": {"type": "active", "activeFlags": list(flags)}}


def asked_about_a_command() -> LegacyEvents:
    """Events of a thread whose command is asked about: app-server starts the item before."""
    events = LegacyEvents(THREAD)
    events.notification("thread/status/changed", waiting("waitingOnApproval"))
    assert events.notification("item/started", started(COMMAND)) == ()
    told, _ = events.request("item/commandExecution/requestApproval", ASK_COMMAND)
    assert kinds(told) == ["exec_approval_request"]
    return events


def test_a_command_begins_at_once_where_nobody_is_asked() -> None:
    events = LegacyEvents(THREAD)
    told = events.notification("item/started", started({**COMMAND, "processId": "7"}))
    assert kinds(told) == ["item_started", "exec_command_begin"]
    assert told[1].msg["command"] == ["/bin/bash", "-c", "cat a.py"]
    assert told[1].msg["cwd"] == "file:///work%20space"
    assert told[1].msg["process_id"] == "7"
    assert told[1].msg["parsed_cmd"] == [
        {"type": "read", "cmd": "cat a.py", "name": "a.py", "path": "a.py"}
    ]


def test_a_command_that_is_asked_about_begins_when_it_is_granted() -> None:
    told = asked_about_a_command().answered(ITEM, granted=True)
    assert kinds(told) == ["item_started", "exec_command_begin"]
    assert [event.turn_id for event in told] == [TURN, TURN]


def test_a_command_that_is_granted_twice_begins_once() -> None:
    events = asked_about_a_command()
    events.answered(ITEM, granted=True)
    assert events.answered(ITEM, granted=True) == ()


def test_a_refused_command_never_was() -> None:
    events = asked_about_a_command()
    assert events.answered(ITEM, granted=False) == ()
    declined = completed(COMMAND, status="declined")
    assert events.notification("item/completed", declined) == ()


def test_a_command_whose_decision_was_not_heard_begins_with_its_output() -> None:
    events = asked_about_a_command()
    output = {**PLACE, "itemId": ITEM, "delta": "hi"}
    told = events.notification("item/commandExecution/outputDelta", output)
    assert kinds(told) == ["item_started", "exec_command_begin", "exec_command_output_delta"]
    assert base64.b64decode(str(told[2].msg["chunk"])) == b"hi"


def test_a_command_whose_decision_was_not_heard_begins_before_it_ends() -> None:
    events = asked_about_a_command()
    ended = completed(COMMAND, status="completed", exitCode=0, durationMs=1500, processId="7")
    told = events.notification("item/completed", ended)
    assert kinds(told) == [
        "item_started",
        "exec_command_begin",
        "item_completed",
        "exec_command_end",
    ]
    assert told[3].msg["duration"] == {"secs": 1, "nanos": 500_000_000}
    assert told[2].msg["started_at_ms"] == 5


def test_a_held_command_is_forgotten_with_its_turn() -> None:
    events = asked_about_a_command()
    turn = {"id": TURN, "status": "interrupted", "items": []}
    told = events.notification("turn/completed", {"threadId": THREAD, "turn": turn})
    assert kinds(told) == ["turn_aborted"]
    assert events.answered(ITEM, granted=True) == ()


def test_a_command_is_asked_about_in_the_old_words() -> None:
    events = LegacyEvents(THREAD)
    told, ask = events.request("item/commandExecution/requestApproval", ASK_COMMAND)
    assert ask is not None
    assert told[0].msg["available_decisions"] == [
        "approved",
        "approved_for_session",
        {"approved_execpolicy_amendment": {"proposed_execpolicy_amendment": ["cat"]}},
        "denied",
        "abort",
    ]
    assert "approval_id" not in told[0].msg
    assert ask.params(3) == {
        "message": "Allow Codex to run `/bin/bash -c 'cat a.py'` in `/work space`?",
        "requestedSchema": {"type": "object", "properties": {}},
        "threadId": THREAD,
        "codex_elicitation": "exec-approval",
        "codex_mcp_tool_call_id": "3",
        "codex_event_id": TURN,
        "codex_call_id": ITEM,
        "codex_command": ["/bin/bash", "-c", "cat a.py"],
        "codex_cwd": "/work space",
        "codex_parsed_cmd": [{"type": "read", "cmd": "cat a.py", "name": "a.py", "path": "a.py"}],
    }


def test_a_patch_that_nobody_is_asked_about_is_told_with_what_comes_next() -> None:
    events = LegacyEvents(THREAD)
    assert events.notification("item/started", started(PATCH)) == ()
    assert events.notification("rawResponse/completed", {**PLACE, "responseId": "r"}) != ()
    told = events.notification("item/completed", completed(PATCH, status="completed"))
    assert kinds(told) == [
        "item_started",
        "patch_apply_begin",
        "item_completed",
        "patch_apply_end",
    ]
    assert told[1].msg["auto_approved"] is True
    assert told[3].msg["success"] is True


def test_a_patch_that_is_asked_about_is_told_before_the_question() -> None:
    events = LegacyEvents(THREAD)
    events.notification("item/started", started(PATCH))
    assert events.notification("thread/status/changed", waiting("waitingOnApproval")) == ()
    told, ask = events.request("item/fileChange/requestApproval", ASK_PATCH)
    assert ask is not None
    assert kinds(told) == ["item_started", "patch_apply_begin", "apply_patch_approval_request"]
    assert told[1].msg["auto_approved"] is False
    changes = {"/w/a.txt": {"type": "add", "content": "one\n"}}
    assert ask.details["codex_changes"] == changes
    assert "codex_reason" not in ask.details


def test_a_patch_is_asked_about_with_its_reason() -> None:
    _, ask = LegacyEvents(THREAD).request(
        "item/fileChange/requestApproval", {**ASK_PATCH, "reason": "It is needed."}
    )
    assert ask is not None
    assert ask.message == "It is needed.\nAllow Codex to apply proposed code changes?"
    assert ask.details["codex_reason"] == "It is needed."


def test_another_kind_of_request_has_no_old_question() -> None:
    told, ask = LegacyEvents(THREAD).request("item/tool/requestUserInput", PLACE)
    assert (told, ask) == ((), None)


def test_tokens_are_told_with_the_limits_that_follow_them() -> None:
    events = LegacyEvents(THREAD)
    counted = {**PLACE, "tokenUsage": USAGE}
    assert events.notification("thread/tokenUsage/updated", counted) == ()
    limits = {"rateLimits": {"limitId": "codex", "planType": None}}
    assert events.notification("account/rateLimits/updated", limits) == ()
    told = events.notification("turn/diff/updated", {**PLACE, "diff": "d"})
    assert kinds(told) == ["token_count", "turn_diff"]
    assert told[0].msg["rate_limits"] == {"limit_id": "codex", "plan_type": None}
    assert told[0].msg["info"] == {
        "total_token_usage": {"total_tokens": 3, "cached_input_tokens": 1},
        "last_token_usage": {"total_tokens": 2},
        "model_context_window": 1000,
    }


def test_the_context_window_is_told_once_it_is_known() -> None:
    events = LegacyEvents(THREAD)
    turn = {"threadId": THREAD, "turn": {"id": TURN, "startedAt": 1}}
    first = events.notification("turn/started", turn)[-1]
    events.notification("thread/tokenUsage/updated", {**PLACE, "tokenUsage": USAGE})
    second = events.notification("turn/started", turn)[-1]
    assert (first.msg["model_context_window"], second.msg["model_context_window"]) == (None, 1000)


def test_the_end_of_a_turn_tells_its_last_message() -> None:
    events = LegacyEvents(THREAD)
    for text in ("first", "last"):
        item = {"type": "agentMessage", "id": text, "text": text}
        events.notification("item/completed", completed(item))
    turn = {"id": TURN, "status": "completed", "items": [], "startedAt": 1, "completedAt": 2}
    told = events.notification("turn/completed", {"threadId": THREAD, "turn": turn})
    assert told[0].msg["last_agent_message"] == "last"
    events.notification("turn/started", {"threadId": THREAD, "turn": turn})
    again = events.notification("turn/completed", {"threadId": THREAD, "turn": turn})
    assert again[0].msg["last_agent_message"] is None


def test_a_failed_turn_ends_with_its_error() -> None:
    error = {"message": "m", "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": 500}}}
    turn = {"id": TURN, "status": "failed", "items": [], "error": error}
    told = LegacyEvents(THREAD).notification("turn/completed", {"threadId": THREAD, "turn": turn})
    info = {"http_connection_failed": {"http_status_code": 500}}
    assert told[0].msg["error"] == {"message": "m", "codex_error_info": info}


def test_an_error_that_is_tried_again_is_a_stream_error() -> None:
    error = {"message": "m", "codexErrorInfo": "serverOverloaded", "additionalDetails": "d"}
    events = LegacyEvents(THREAD)
    again = events.notification("error", {**PLACE, "error": error, "willRetry": True})
    last = events.notification("error", {**PLACE, "error": error, "willRetry": False})
    assert again[0].msg == {
        "type": "stream_error",
        "message": "m",
        "codex_error_info": "server_overloaded",
        "additional_details": "d",
    }
    assert kinds(last) == ["error"]


def test_an_event_says_which_call_hears_it_and_keeps_the_type_of_its_id() -> None:
    event = LegacyEvent(THREAD, TURN, {"type": "x"})
    assert event.params(3) == {
        "_meta": {"requestId": 3, "threadId": THREAD},
        "msg": {"type": "x"},
        "id": TURN,
    }


def test_an_unknown_notification_tells_nothing() -> None:
    assert LegacyEvents(THREAD).notification("no/such", PLACE) == ()


def test_a_notification_of_a_wrong_shape_tells_nothing_and_holds_nothing_up() -> None:
    events = LegacyEvents(THREAD)
    events.notification("thread/tokenUsage/updated", {**PLACE, "tokenUsage": USAGE})
    assert kinds(events.notification("turn/diff/updated", {**PLACE, "diff": 3})) == ["token_count"]


def test_half_a_character_is_replaced() -> None:
    events = LegacyEvents(THREAD)
    output = {**PLACE, "itemId": ITEM, "delta": "\ud800"}
    told = events.notification("item/commandExecution/outputDelta", output)
    assert base64.b64decode(str(told[0].msg["chunk"])) == b"?"
    begun = events.notification("item/started", started({**COMMAND, "cwd": "/\ud800"}))
    assert begun[1].msg["cwd"] == "file:///%3F"


def test_a_very_deep_value_is_told() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [{"aB": deep}]
    item = {"type": "dynamicToolCall", "id": ITEM, "arguments": deep}
    told = LegacyEvents(THREAD).notification("item/started", started(item))
    assert kinds(told) == ["item_started"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "item", "status", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
METHODS = st.sampled_from(
    [
        "account/rateLimits/updated",
        "error",
        "item/commandExecution/outputDelta",
        "item/commandExecution/requestApproval",
        "item/completed",
        "item/fileChange/patchUpdated",
        "item/fileChange/requestApproval",
        "item/started",
        "mcpServer/startupStatus/updated",
        "rawResponse/completed",
        "thread/status/changed",
        "thread/tokenUsage/updated",
        "turn/completed",
        "turn/plan/updated",
        "turn/started",
    ]
)
GOOD: dict[str, Any] = {**ASK_COMMAND, "tokenUsage": USAGE, "turn": {"id": TURN, "items": []}}
MEMBERS = st.sampled_from([*GOOD, "item", "name", "error", "rateLimits", "delta"])


@given(st.lists(st.tuples(METHODS, MEMBERS, JSON), max_size=6), st.sampled_from([COMMAND, PATCH]))
def test_nothing_that_codex_sends_makes_it_raise(
    sent: list[tuple[str, str, Any]], item: dict[str, Any]
) -> None:
    events = LegacyEvents(THREAD)
    events.notification("item/started", started(item))
    for method, member, value in sent:
        params = {**GOOD, "item": item, member: value}
        told = events.notification(method, params)
        asked, _ = events.request(method, params)
        assert all(isinstance(event.msg["type"], str) for event in (*told, *asked))
    events.answered(ITEM, granted=True)
    events.configured({"thread": {"id": THREAD}, "sandbox": 3})
