"""What Codex's notifications come to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.codex import thread_notifications as fact
from codextui.codex.items import file_changes
from codextui.codex.notifications import IGNORED, WARNINGS, Translated, translate, translate_history
from codextui.codex.thread_notifications import parse_fact
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
        ev.ErrorRaised("lost\ntry", will_retry=True),
    ),
    ("guardianWarning", {"message": "careful"}, ev.Warned("careful")),
    (
        "thread/levitated",
        {"height": 3},
        ev.UnknownEvent("thread/levitated", {**PLACE, "height": 3}),
    ),
]

FACTS: list[tuple[str, dict[str, Any], fact.Fact]] = [
    (
        "thread/status/changed",
        {"threadId": "t", "status": {"type": "active", "activeFlags": ["waitingOnApproval"]}},
        fact.StatusChanged("t", "active", "approval"),
    ),
    (
        "thread/status/changed",
        {"threadId": "t", "status": {"type": "active", "activeFlags": ["waitingOnUserInput"]}},
        fact.StatusChanged("t", "active", "answer"),
    ),
    (
        "thread/status/changed",
        {"threadId": "t", "status": {"type": "systemError"}},
        fact.StatusChanged("t", "systemError"),
    ),
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
        fact.SettingsChanged("t", "/w", "m", "workspace-write", "granular"),
    ),
    (
        "thread/started",
        {"thread": {"id": "t", "cwd": "/w", "forkedFromId": "s", "parentThreadId": None}},
        fact.ThreadAnnounced("t", "/w", "s", ""),
    ),
    (
        "thread/name/updated",
        {"threadId": "t", "threadName": "backend"},
        fact.ThreadNamed("t", "backend"),
    ),
    ("thread/name/updated", {"threadId": "t"}, fact.ThreadNamed("t", "")),
    ("thread/archived", {"threadId": "t"}, fact.ThreadGone("t", "archived")),
    ("thread/deleted", {"threadId": "t"}, fact.ThreadGone("t", "deleted")),
    ("thread/closed", {"threadId": "t"}, fact.ThreadGone("t", "closed")),
    ("thread/unarchived", {"threadId": "t"}, fact.ThreadRestored("t")),
    ("thread/reverted", {"threadId": "t"}, fact.ThreadReverted("t")),
    (
        "serverRequest/resolved",
        {"threadId": "t", "requestId": 7},
        fact.RequestResolved("t", 7),
    ),
    (
        "serverRequest/resolved",
        {"threadId": "t", "requestId": "7"},
        fact.RequestResolved("t", "7"),
    ),
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
    notice = translate(method, {**PLACE, **params})
    assert isinstance(notice, Translated)
    assert (notice.thread_id, notice.turn_id) == ("t", "u")
    assert notice.msg == msg


@pytest.mark.parametrize(("method", "params", "expected"), FACTS)
def test_a_notification_about_a_thread_becomes_a_fact(
    method: str, params: dict[str, Any], expected: fact.Fact
) -> None:
    assert translate(method, params) == expected


@pytest.mark.parametrize(("method", "params", "said"), WARNED)
def test_a_warning_is_a_sentence_where_there_is_something_to_warn_of(
    method: str, params: dict[str, Any], said: str | None
) -> None:
    notice = translate(method, params)
    if said is None:
        assert notice is None
    else:
        assert isinstance(notice, Translated)
        assert isinstance(notice.msg, ev.Warned)
        assert said in notice.msg.message


@pytest.mark.parametrize("method", sorted(IGNORED))
def test_noise_is_nothing(method: str) -> None:
    assert translate(method, PLACE) is None


# They have nothing that must be there.
SHAPELESS = {"windows/worldWritableWarning"}


@pytest.mark.parametrize("params", [{}, {"threadId": 7}, {"itemId": "i"}, {"turn": []}], ids=str)
@pytest.mark.parametrize("method", sorted({m for m, *_ in EVENTS + FACTS + WARNED} - SHAPELESS))
def test_a_wrong_shape_stays_visible_with_all_of_it(method: str, params: dict[str, Any]) -> None:
    unknown = (
        ev.UnknownEvent(f"malformed {method}", params),
        ev.UnknownEvent("thread/levitated", params),
    )
    assert translate(method, params) in [Translated("", "", msg) for msg in unknown]


KNOWN = sorted({method for method, *_ in EVENTS + FACTS + WARNED} | set(WARNINGS) | IGNORED)
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
def test_whatever_comes_is_never_an_error_and_can_be_sent_on(
    method: str, params: dict[str, Any]
) -> None:
    notice = translate(method, params)
    if isinstance(notice, Translated):
        assert parse_msg(dict(notice.msg.to_json())) == notice.msg


@settings(deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=4))
def test_whatever_history_says_is_never_an_error(turns: list[dict[str, Any]]) -> None:
    for event in translate_history("t", turns):
        assert event.thread_id == "t"
        assert parse_msg(dict(event.msg.to_json())) == event.msg


def test_history_tells_turns_as_they_were_heard() -> None:
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


def test_no_method_means_two_things() -> None:
    warned, events = set(WARNINGS), {method for method, *_ in EVENTS} - set(WARNINGS)
    facts = {method for method in KNOWN if method in {name for name, *_ in FACTS}}
    assert not warned & IGNORED
    assert not facts & (warned | IGNORED | events)
    assert parse_fact("thread/levitated", {}) is None
