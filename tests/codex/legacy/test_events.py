"""The order of the legacy events of a thread, and the state behind them."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.legacy.events import LegacyEvent, LegacyEventTranslator

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


def kinds(events: tuple[LegacyEvent, ...]) -> list[Any]:
    return [event.msg["type"] for event in events]


def started(item: dict[str, Any]) -> dict[str, Any]:
    return {**PLACE, "item": item, "startedAtMs": 5}


def completed(item: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**PLACE, "item": {**item, **members}, "completedAtMs": 9}


def waiting(*flags: str) -> dict[str, Any]:
    return {"threadId": THREAD, "status": {"type": "active", "activeFlags": list(flags)}}


def thread_waiting_for_approval() -> LegacyEventTranslator:
    """Return the translator of a thread that waits for the approval of a command it has started."""
    translator = LegacyEventTranslator(THREAD)
    translator.translate_notification("thread/status/changed", waiting("waitingOnApproval"))
    assert translator.translate_notification("item/started", started(COMMAND)) == ()
    events, _ = translator.translate_request("item/commandExecution/requestApproval", ASK_COMMAND)
    assert kinds(events) == ["exec_approval_request"]
    return translator


def test_a_command_without_an_approval_begins_at_once() -> None:
    translator = LegacyEventTranslator(THREAD)
    events = translator.translate_notification(
        "item/started", started({**COMMAND, "processId": "7"})
    )
    assert kinds(events) == ["item_started", "exec_command_begin"]
    assert events[1].msg["command"] == ["/bin/bash", "-c", "cat a.py"]
    assert events[1].msg["cwd"] == "file:///work%20space"
    assert events[1].msg["process_id"] == "7"
    assert events[1].msg["parsed_cmd"] == [
        {"type": "read", "cmd": "cat a.py", "name": "a.py", "path": "a.py"}
    ]


def test_a_command_begins_when_it_is_approved() -> None:
    events = thread_waiting_for_approval().translate_decision(ITEM, granted=True)
    assert kinds(events) == ["item_started", "exec_command_begin"]
    assert [event.turn_id for event in events] == [TURN, TURN]


def test_a_command_that_is_approved_twice_begins_once() -> None:
    translator = thread_waiting_for_approval()
    translator.translate_decision(ITEM, granted=True)
    assert translator.translate_decision(ITEM, granted=True) == ()


def test_a_declined_command_neither_begins_nor_ends() -> None:
    translator = thread_waiting_for_approval()
    assert translator.translate_decision(ITEM, granted=False) == ()
    declined = completed(COMMAND, status="declined")
    assert translator.translate_notification("item/completed", declined) == ()


def test_a_command_with_an_unseen_decision_begins_with_its_output() -> None:
    translator = thread_waiting_for_approval()
    output = {**PLACE, "itemId": ITEM, "delta": "hi"}
    events = translator.translate_notification("item/commandExecution/outputDelta", output)
    assert kinds(events) == ["item_started", "exec_command_begin", "exec_command_output_delta"]
    assert base64.b64decode(str(events[2].msg["chunk"])) == b"hi"


def test_a_command_with_an_unseen_decision_begins_before_it_ends() -> None:
    translator = thread_waiting_for_approval()
    ended = completed(COMMAND, status="completed", exitCode=0, durationMs=1500, processId="7")
    events = translator.translate_notification("item/completed", ended)
    assert kinds(events) == [
        "item_started",
        "exec_command_begin",
        "item_completed",
        "exec_command_end",
    ]
    assert events[3].msg["duration"] == {"secs": 1, "nanos": 500_000_000}
    assert events[2].msg["started_at_ms"] == 5


def test_an_undecided_command_is_forgotten_with_its_turn() -> None:
    translator = thread_waiting_for_approval()
    turn = {"id": TURN, "status": "interrupted", "items": []}
    events = translator.translate_notification("turn/completed", {"threadId": THREAD, "turn": turn})
    assert kinds(events) == ["turn_aborted"]
    assert translator.translate_decision(ITEM, granted=True) == ()


def test_the_approval_of_a_command_has_the_old_decisions_and_members() -> None:
    translator = LegacyEventTranslator(THREAD)
    events, elicitation = translator.translate_request(
        "item/commandExecution/requestApproval", ASK_COMMAND
    )
    assert elicitation is not None
    assert events[0].msg["available_decisions"] == [
        "approved",
        "approved_for_session",
        {"approved_execpolicy_amendment": {"proposed_execpolicy_amendment": ["cat"]}},
        "denied",
        "abort",
    ]
    assert "approval_id" not in events[0].msg
    assert elicitation.to_params(3) == {
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


def test_a_patch_without_an_approval_begins_with_the_next_notification() -> None:
    translator = LegacyEventTranslator(THREAD)
    assert translator.translate_notification("item/started", started(PATCH)) == ()
    assert (
        translator.translate_notification("rawResponse/completed", {**PLACE, "responseId": "r"})
        != ()
    )
    events = translator.translate_notification(
        "item/completed", completed(PATCH, status="completed")
    )
    assert kinds(events) == [
        "item_started",
        "patch_apply_begin",
        "item_completed",
        "patch_apply_end",
    ]
    assert events[1].msg["auto_approved"] is True
    assert events[3].msg["success"] is True


def test_a_patch_begins_before_its_approval_request() -> None:
    translator = LegacyEventTranslator(THREAD)
    translator.translate_notification("item/started", started(PATCH))
    assert (
        translator.translate_notification("thread/status/changed", waiting("waitingOnApproval"))
        == ()
    )
    events, elicitation = translator.translate_request("item/fileChange/requestApproval", ASK_PATCH)
    assert elicitation is not None
    assert kinds(events) == ["item_started", "patch_apply_begin", "apply_patch_approval_request"]
    assert events[1].msg["auto_approved"] is False
    changes = {"/w/a.txt": {"type": "add", "content": "one\n"}}
    assert elicitation.details["codex_changes"] == changes
    assert "codex_reason" not in elicitation.details


def test_the_approval_of_a_patch_has_its_reason() -> None:
    _, elicitation = LegacyEventTranslator(THREAD).translate_request(
        "item/fileChange/requestApproval", {**ASK_PATCH, "reason": "It is needed."}
    )
    assert elicitation is not None
    assert elicitation.message == "It is needed.\nAllow Codex to apply proposed code changes?"
    assert elicitation.details["codex_reason"] == "It is needed."


def test_other_requests_have_no_legacy_elicitation() -> None:
    events, elicitation = LegacyEventTranslator(THREAD).translate_request(
        "item/tool/requestUserInput", PLACE
    )
    assert (events, elicitation) == ((), None)


def test_a_token_count_has_the_rate_limits_that_follow_it() -> None:
    translator = LegacyEventTranslator(THREAD)
    counted = {**PLACE, "tokenUsage": USAGE}
    assert translator.translate_notification("thread/tokenUsage/updated", counted) == ()
    limits = {"rateLimits": {"limitId": "codex", "planType": None}}
    assert translator.translate_notification("account/rateLimits/updated", limits) == ()
    events = translator.translate_notification("turn/diff/updated", {**PLACE, "diff": "d"})
    assert kinds(events) == ["token_count", "turn_diff"]
    assert events[0].msg["rate_limits"] == {"limit_id": "codex", "plan_type": None}
    assert events[0].msg["info"] == {
        "total_token_usage": {"total_tokens": 3, "cached_input_tokens": 1},
        "last_token_usage": {"total_tokens": 2},
        "model_context_window": 1000,
    }


def test_task_started_has_the_context_window_once_it_is_known() -> None:
    translator = LegacyEventTranslator(THREAD)
    turn = {"threadId": THREAD, "turn": {"id": TURN, "startedAt": 1}}
    first = translator.translate_notification("turn/started", turn)[-1]
    translator.translate_notification("thread/tokenUsage/updated", {**PLACE, "tokenUsage": USAGE})
    second = translator.translate_notification("turn/started", turn)[-1]
    assert (first.msg["model_context_window"], second.msg["model_context_window"]) == (None, 1000)


def test_the_end_of_a_turn_has_its_last_message() -> None:
    translator = LegacyEventTranslator(THREAD)
    for text in ("first", "last"):
        item = {"type": "agentMessage", "id": text, "text": text}
        translator.translate_notification("item/completed", completed(item))
    turn = {"id": TURN, "status": "completed", "items": [], "startedAt": 1, "completedAt": 2}
    events = translator.translate_notification("turn/completed", {"threadId": THREAD, "turn": turn})
    assert events[0].msg["last_agent_message"] == "last"
    translator.translate_notification("turn/started", {"threadId": THREAD, "turn": turn})
    again = translator.translate_notification("turn/completed", {"threadId": THREAD, "turn": turn})
    assert again[0].msg["last_agent_message"] is None


def test_a_failed_turn_ends_with_its_error() -> None:
    error = {"message": "m", "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": 500}}}
    turn = {"id": TURN, "status": "failed", "items": [], "error": error}
    events = LegacyEventTranslator(THREAD).translate_notification(
        "turn/completed", {"threadId": THREAD, "turn": turn}
    )
    info = {"http_connection_failed": {"http_status_code": 500}}
    assert events[0].msg["error"] == {"message": "m", "codex_error_info": info}


def test_an_error_that_is_retried_is_a_stream_error() -> None:
    error = {"message": "m", "codexErrorInfo": "serverOverloaded", "additionalDetails": "d"}
    translator = LegacyEventTranslator(THREAD)
    again = translator.translate_notification("error", {**PLACE, "error": error, "willRetry": True})
    last = translator.translate_notification("error", {**PLACE, "error": error, "willRetry": False})
    assert again[0].msg == {
        "type": "stream_error",
        "message": "m",
        "codex_error_info": "server_overloaded",
        "additional_details": "d",
    }
    assert kinds(last) == ["error"]


def test_an_event_names_its_call_with_the_type_of_its_id() -> None:
    event = LegacyEvent(THREAD, TURN, {"type": "x"})
    assert event.to_params(3) == {
        "_meta": {"requestId": 3, "threadId": THREAD},
        "msg": {"type": "x"},
        "id": TURN,
    }


def test_an_unknown_notification_gives_no_events() -> None:
    assert LegacyEventTranslator(THREAD).translate_notification("no/such", PLACE) == ()


def test_a_malformed_notification_does_not_hold_pending_events() -> None:
    translator = LegacyEventTranslator(THREAD)
    translator.translate_notification("thread/tokenUsage/updated", {**PLACE, "tokenUsage": USAGE})
    assert kinds(translator.translate_notification("turn/diff/updated", {**PLACE, "diff": 3})) == [
        "token_count"
    ]


def test_lone_surrogates_are_replaced() -> None:
    translator = LegacyEventTranslator(THREAD)
    output = {**PLACE, "itemId": ITEM, "delta": "\ud800"}
    events = translator.translate_notification("item/commandExecution/outputDelta", output)
    assert base64.b64decode(str(events[0].msg["chunk"])) == b"?"
    begun = translator.translate_notification(
        "item/started", started({**COMMAND, "cwd": "/\ud800"})
    )
    assert begun[1].msg["cwd"] == "file:///%3F"


def test_a_deeply_nested_value_is_translated() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [{"aB": deep}]
    item = {"type": "dynamicToolCall", "id": ITEM, "arguments": deep}
    events = LegacyEventTranslator(THREAD).translate_notification("item/started", started(item))
    assert kinds(events) == ["item_started"]


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
def test_no_message_of_codex_raises(sent: list[tuple[str, str, Any]], item: dict[str, Any]) -> None:
    translator = LegacyEventTranslator(THREAD)
    translator.translate_notification("item/started", started(item))
    for method, member, value in sent:
        params = {**GOOD, "item": item, member: value}
        events = translator.translate_notification(method, params)
        before, _ = translator.translate_request(method, params)
        assert all(isinstance(event.msg["type"], str) for event in (*events, *before))
    translator.translate_decision(ITEM, granted=True)
    translator.translate_thread_start({"thread": {"id": THREAD}, "sandbox": 3})
