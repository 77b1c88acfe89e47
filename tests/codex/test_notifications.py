"""Notifications of `codex app-server`, translated into events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.codex.items import file_changes
from codextui.codex.notifications import (
    IGNORED,
    WARNINGS,
    TranslatedEvent,
    translate,
    translate_history,
)
from codextui.codex.thread_notifications import (
    RequestResolved,
    SettingsChanged,
    ThreadNotification,
    ThreadReverted,
    ThreadStarted,
    ThreadUnloaded,
    parse_thread_notification,
)
from codextui.protocol import events as ev
from codextui.protocol.approvals import FileChange
from codextui.protocol.events import parse_msg
from codextui.protocol.threads import Usage

PLACE = {"threadId": "t", "turnId": "u"}
ITEM = {"id": "i", "type": "agentMessage", "text": "Hello."}
TOKENS = {
    "totalTokens": 15,
    "inputTokens": 10,
    "cachedInputTokens": 4,
    "outputTokens": 5,
    "reasoningOutputTokens": 2,
}
CHANGES = [
    {"path": "/w/a", "kind": {"type": "add"}, "diff": "hello\n"},
    {"path": "/w/b", "kind": {"type": "update", "move_path": "/w/c"}, "diff": "@@\n-x\n+y\n"},
]
READ_CHANGES = (
    FileChange("/w/a", "add", "hello\n"),
    FileChange("/w/b", "update", "@@\n-x\n+y\n", "/w/c"),
)

EVENTS: list[tuple[str, dict[str, Any], ev.Msg]] = [
    ("turn/started", {"turn": {"id": "u", "items": [], "status": "inProgress"}}, ev.TurnStarted()),
    (
        "turn/completed",
        {"turn": {"id": "u", "items": [ITEM], "status": "completed"}},
        ev.TurnCompleted("Hello."),
    ),
    ("turn/completed", {"turn": {"id": "u", "status": "completed"}}, ev.TurnCompleted()),
    (
        "turn/completed",
        {"turn": {"id": "u", "status": "interrupted"}},
        ev.TurnAborted("interrupted"),
    ),
    (
        "turn/completed",
        {"turn": {"id": "u", "status": "failed", "error": {"message": "no model"}}},
        ev.TurnAborted("failed", "no model"),
    ),
    ("item/started", {"item": ITEM}, ev.ItemStarted(ITEM)),
    ("item/completed", {"item": ITEM}, ev.ItemCompleted(ITEM)),
    ("item/agentMessage/delta", {"itemId": "i", "delta": "He"}, ev.TextDelta("i", "He")),
    ("item/plan/delta", {"itemId": "i", "delta": "1."}, ev.PlanDelta("i", "1.")),
    (
        "item/reasoning/summaryTextDelta",
        {"itemId": "i", "delta": "Hm", "summaryIndex": 2},
        ev.ReasoningDelta("i", "Hm", 2),
    ),
    (
        "item/reasoning/textDelta",
        {"itemId": "i", "delta": "Hm", "contentIndex": 1},
        ev.ReasoningDelta("i", "Hm", 1, raw=True),
    ),
    (
        "item/commandExecution/outputDelta",
        {"itemId": "i", "delta": "out\n"},
        ev.OutputDelta("i", "out\n"),
    ),
    (
        "item/mcpToolCall/progress",
        {"itemId": "i", "message": "half way"},
        ev.OutputDelta("i", "half way\n"),
    ),
    (
        "item/fileChange/patchUpdated",
        {"itemId": "i", "changes": CHANGES},
        ev.PatchUpdated("i", READ_CHANGES),
    ),
    (
        "thread/tokenUsage/updated",
        {"tokenUsage": {"total": TOKENS, "last": TOKENS, "modelContextWindow": 1000}},
        ev.TokensCounted(Usage(15, 10, 4, 5, 2), Usage(15, 10, 4, 5, 2), 1000),
    ),
    ("turn/diff/updated", {"diff": "--- a"}, ev.DiffUpdated("--- a")),
    (
        "turn/plan/updated",
        {"explanation": None, "plan": [{"step": "Look", "status": "inProgress"}]},
        ev.PlanUpdated("", (ev.PlanStep("Look", "inProgress"),)),
    ),
    (
        "error",
        {"error": {"message": "lost", "additionalDetails": "try"}, "willRetry": True},
        ev.ErrorRaised("lost\ntry", will_retry=True, details="try"),
    ),
    ("guardianWarning", {"message": "careful"}, ev.Warned("careful", "guardianWarning")),
    (
        "thread/levitated",
        {"height": 3},
        ev.UnknownEvent("thread/levitated", {**PLACE, "height": 3}),
    ),
]

THREAD_NOTIFICATIONS: list[tuple[str, dict[str, Any], ThreadNotification]] = [
    (
        "thread/settings/updated",
        {
            "threadId": "t",
            "threadSettings": {
                "cwd": "/w",
                "model": "m",
                "sandboxPolicy": {"type": "workspaceWrite"},
                "approvalPolicy": {"granular": {"rules": True}},
            },
        },
        SettingsChanged("t", "/w", "m", "workspace-write", "granular"),
    ),
    (
        "thread/started",
        {"thread": {"id": "t", "cwd": "/w", "forkedFromId": "s", "parentThreadId": None}},
        ThreadStarted("t", "/w", "s", ""),
    ),
    ("thread/archived", {"threadId": "t"}, ThreadUnloaded("t")),
    ("thread/deleted", {"threadId": "t"}, ThreadUnloaded("t")),
    ("thread/closed", {"threadId": "t"}, ThreadUnloaded("t")),
    ("thread/reverted", {"threadId": "t"}, ThreadReverted("t")),
    ("serverRequest/resolved", {"threadId": "t", "requestId": 7}, RequestResolved(7, "t")),
    ("serverRequest/resolved", {"threadId": "t", "requestId": "7"}, RequestResolved("7", "t")),
]

WARNED = [
    ("warning", {"message": "careful"}, "careful"),
    ("deprecationNotice", {"summary": "old", "details": "use new"}, "old use new"),
    ("configWarning", {"summary": "odd", "path": "/c", "details": None}, "odd (/c)"),
    ("mcpServer/startupStatus/updated", {"name": "s", "status": "failed", "error": "e"}, "s"),
    ("mcpServer/startupStatus/updated", {"name": "s", "status": "ready"}, None),
    ("mcpServer/oauthLogin/completed", {"name": "s", "success": True}, None),
    ("mcpServer/oauthLogin/completed", {"name": "s", "success": False}, "s"),
    ("account/rateLimits/updated", {"rateLimits": {"primary": {"usedPercent": 3}}}, None),
    (
        "account/rateLimits/updated",
        {"rateLimits": {"rateLimitReachedType": "rate_limit_reached"}},
        "rate limit reached",
    ),
    ("hook/completed", {"run": {"status": "completed", "entries": []}}, None),
    (
        "hook/completed",
        {"run": {"status": "blocked", "eventName": "stop", "entries": [{"text": "no"}]}},
        "A hook on stop blocked: no",
    ),
    (
        "item/autoApprovalReview/completed",
        {"review": {"status": "denied", "rationale": "odd"}, "action": {"command": "rm"}},
        "denied: rm (odd)",
    ),
    ("autoApprovalReview/strictReviewRequired", {"threadId": "t"}, "reviews every"),
    ("thread/environment/disconnected", {"threadId": "t", "environmentId": "e"}, "e"),
    ("windows/worldWritableWarning", {"samplePaths": ["c:/x"]}, "c:/x"),
    ("model/rerouted", {"fromModel": "a", "toModel": "b", "reason": "c"}, "on b instead of a"),
    ("modelProvider/authRecoveryStarted", {"message": "again"}, "again"),
]


@pytest.mark.parametrize(("method", "params", "msg"), EVENTS)
def test_a_notification_becomes_its_event(method: str, params: dict[str, Any], msg: ev.Msg) -> None:
    translation = translate(method, {**PLACE, **params})
    assert isinstance(translation, TranslatedEvent)
    assert (translation.thread_id, translation.turn_id) == ("t", "u")
    assert translation.msg == msg


@pytest.mark.parametrize(("method", "params", "expected"), THREAD_NOTIFICATIONS)
def test_a_notification_for_the_server_alone_is_parsed(
    method: str, params: dict[str, Any], expected: ThreadNotification
) -> None:
    assert translate(method, params) == expected


@pytest.mark.parametrize(("method", "params", "text"), WARNED)
def test_a_notification_of_a_problem_becomes_a_warning(
    method: str, params: dict[str, Any], text: str | None
) -> None:
    translation = translate(method, params)
    if text is None:
        assert translation is None
    else:
        assert isinstance(translation, TranslatedEvent)
        assert isinstance(translation.msg, ev.Warned)
        assert text in translation.msg.message


@pytest.mark.parametrize("method", sorted(IGNORED))
def test_an_ignored_notification_becomes_nothing(method: str) -> None:
    assert translate(method, PLACE) is None


# They have no required member.
SHAPELESS = {"windows/worldWritableWarning"}


@pytest.mark.parametrize("params", [{}, {"threadId": 7}, {"itemId": "i"}, {"turn": []}], ids=str)
@pytest.mark.parametrize(
    "method", sorted({m for m, *_ in EVENTS + THREAD_NOTIFICATIONS + WARNED} - SHAPELESS)
)
def test_a_malformed_notification_stays_visible_as_a_whole(
    method: str, params: dict[str, Any]
) -> None:
    unknown = (
        ev.UnknownEvent(f"malformed {method}", params),
        ev.UnknownEvent("thread/levitated", params),
    )
    assert translate(method, params) in [TranslatedEvent("", "", msg) for msg in unknown]


KNOWN = sorted(
    {method for method, *_ in EVENTS + THREAD_NOTIFICATIONS + WARNED} | set(WARNINGS) | IGNORED
)
KEYS = st.sampled_from(
    [
        "threadId",
        "turnId",
        "itemId",
        "item",
        "id",
        "type",
        "turn",
        "status",
        "error",
        "message",
        "delta",
        "changes",
        "kind",
        "path",
        "diff",
        "tokenUsage",
        "total",
        "last",
        "plan",
        "step",
        "thread",
        "threadSettings",
        "requestId",
        "run",
        "entries",
        "review",
        "action",
        "name",
        "summary",
        "samplePaths",
        "rateLimits",
        "items",
        "codexErrorInfo",
        "activeFlags",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("failed"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(KNOWN) | st.text(max_size=10), st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_notification_raises_and_every_event_survives_json(
    method: str, params: dict[str, Any]
) -> None:
    translation = translate(method, params)
    if isinstance(translation, TranslatedEvent):
        assert parse_msg(dict(translation.msg.to_json())) == translation.msg


@settings(deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=4))
def test_no_history_raises_and_every_event_survives_json(turns: list[dict[str, Any]]) -> None:
    for event in translate_history("t", turns):
        assert event.thread_id == "t"
        assert parse_msg(dict(event.msg.to_json())) == event.msg


def test_history_becomes_the_events_of_its_turns() -> None:
    running = {"id": "c", "type": "commandExecution", "status": "inProgress"}
    turns = [
        {"id": "u1", "status": "completed", "items": [ITEM]},
        {"id": "u2", "status": "failed", "items": [], "error": {"message": "no model"}},
        {"id": "u3", "status": "inProgress", "items": [running, ITEM]},
        {"status": "completed"},
    ]
    assert [(event.turn_id, event.msg) for event in translate_history("t", turns)] == [
        ("u1", ev.TurnStarted()),
        ("u1", ev.ItemCompleted(ITEM)),
        ("u1", ev.TurnCompleted("Hello.")),
        ("u2", ev.TurnStarted()),
        ("u2", ev.TurnAborted("failed", "no model")),
        ("u3", ev.TurnStarted()),
        ("u3", ev.ItemStarted(running)),
        ("u3", ev.ItemCompleted(ITEM)),
        ("", ev.UnknownEvent("malformed turn", {"status": "completed"})),
    ]


def test_changes_are_read_from_a_file_change_and_from_nothing_else() -> None:
    item = {"id": "i", "type": "fileChange", "changes": CHANGES}
    assert file_changes(item) == READ_CHANGES
    assert file_changes({**item, "type": "other"}) == ()
    assert file_changes({**item, "changes": [{"path": 7}]}) == ()


def test_no_method_is_translated_in_two_ways() -> None:
    warned, events = set(WARNINGS), {method for method, *_ in EVENTS} - set(WARNINGS)
    for_server = {method for method, *_ in THREAD_NOTIFICATIONS}
    assert not warned & IGNORED
    assert not for_server & (warned | IGNORED | events)
    assert parse_thread_notification("thread/levitated", {}) is None
