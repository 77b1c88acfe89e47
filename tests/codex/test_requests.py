"""Requests of `codex app-server`: what they ask, and the results that answer them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.codex.requests import (
    Answer,
    ApprovalRequest,
    Refusal,
    encode_decision,
    grants,
    needs_interrupt,
    parse_request,
)
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope

COMMAND = "item/commandExecution/requestApproval"
PATCH = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
QUESTIONS = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"
OLD_COMMAND = "execCommandApproval"
OLD_PATCH = "applyPatchApproval"

PLACE = {"threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 1}
OLD_PLACE = {"conversationId": "t", "callId": "i"}
ONCE, SESSION, ALWAYS = Approved(), Approved(Scope.SESSION), Approved(Scope.ALWAYS)
NO, STOP = Declined("not so"), Aborted()

COMMAND_PARAMS = {
    **PLACE,
    "command": "/bin/bash -lc 'git status | grep x'",
    "cwd": "/w",
    "reason": "to look",
    "commandActions": [
        {"type": "read", "command": "cat a", "name": "a", "path": "a"},
        {"type": "listFiles", "command": "ls src", "path": "src"},
        {"type": "search", "command": "rg x", "query": "x", "path": None},
        {"type": "search", "command": "rg x src", "query": "x", "path": "src"},
        {"type": "unknown", "command": "git status"},
    ],
    "proposedExecpolicyAmendment": ["git", "status"],
}
NETWORK_PARAMS = {
    **PLACE,
    "command": "curl x",
    "networkApprovalContext": {"host": "example.org", "protocol": "https"},
    "proposedExecpolicyAmendment": ["curl"],
    "proposedNetworkPolicyAmendments": [
        {"action": "deny", "host": "example.org"},
        {"action": "allow", "host": "example.org"},
    ],
}
PERMISSIONS_PARAMS = {
    **PLACE,
    "cwd": "/w",
    "reason": "more",
    "permissions": {"network": {"enabled": True}, "fileSystem": None},
}
QUESTIONS_PARAMS = {
    **PLACE,
    "isBlocking": True,
    "questions": [
        {
            "id": "q1",
            "header": "Colour",
            "question": "Which one?",
            "options": [{"label": "Blue", "description": "as the sky"}],
            "isOther": True,
        },
        {"id": "q2", "header": "", "question": "Why?", "isSecret": True, "options": None},
    ],
}
FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORM_PARAMS = {
    "threadId": "t",
    "turnId": None,
    "serverName": "s",
    "mode": "form",
    "message": "Your name?",
    "requestedSchema": FORM,
}
TOOL_PARAMS = {
    **FORM_PARAMS,
    "message": "Allow the tool?",
    "requestedSchema": {"type": "object", "properties": {}},
    "_meta": {"codex_approval_kind": "mcp_tool_call", "persist": ["session"]},
}
URL_PARAMS = {
    "threadId": "t",
    "turnId": "u",
    "serverName": "s",
    "mode": "url",
    "message": "Log in.",
    "url": "https://example.org",
    "elicitationId": "e",
}
OLD_COMMAND_PARAMS = {
    **OLD_PLACE,
    "command": ["git", "log", "a b"],
    "cwd": "/w",
    "parsedCmd": [{"type": "list_files", "cmd": "ls", "path": None}],
}
OLD_PATCH_PARAMS = {
    **OLD_PLACE,
    "fileChanges": {
        "/w/a": {"type": "add", "content": "hello\n"},
        "/w/b": {"type": "update", "unified_diff": "@@", "move_path": "/w/c"},
    },
    "grantRoot": "/w",
}

ASKED: list[tuple[str, dict[str, Any], Asked]] = [
    (
        COMMAND,
        COMMAND_PARAMS,
        CommandAsked(
            command="/bin/bash -lc 'git status | grep x'",
            cwd="/w",
            reason="to look",
            parsed=("read a", "list src", "search 'x'", "search 'x' in src", "run git status"),
            rule=("git", "status"),
        ),
    ),
    (
        COMMAND,
        NETWORK_PARAMS,
        CommandAsked("curl x", rule=("allow", "example.org"), network="https://example.org"),
    ),
    (COMMAND, {**PLACE, "command": "y\n", "kind": "writeStdin"}, CommandAsked("y\n", stdin=True)),
    (
        COMMAND,
        {**PLACE, "command": None, "additionalPermissions": {"network": {"enabled": True}}},
        CommandAsked("", permissions={"network": {"enabled": True}}),
    ),
    (PATCH, {**PLACE, "reason": None, "grantRoot": "/w"}, PatchAsked((), grant_root="/w")),
    (
        PERMISSIONS,
        PERMISSIONS_PARAMS,
        PermissionsAsked(PERMISSIONS_PARAMS["permissions"], "/w", "more"),  # type: ignore[arg-type] # a table of any
    ),
    (
        QUESTIONS,
        QUESTIONS_PARAMS,
        QuestionsAsked(
            (
                Question("q1", "Colour", "Which one?", (("Blue", "as the sky"),), other=True),
                Question("q2", "", "Why?", secret=True),
            )
        ),
    ),
    (ELICITATION, FORM_PARAMS, ElicitationAsked("s", "form", "Your name?", FORM)),
    (
        ELICITATION,
        URL_PARAMS,
        ElicitationAsked("s", "url", "Log in.", url="https://example.org"),
    ),
    (
        ELICITATION,
        {
            "threadId": "t",
            "serverName": "s",
            "mode": "openai/userVerification",
            "title": "Who",
            "description": "are you",
            "challenge": "x",
        },
        ElicitationAsked("s", "openai/userVerification", "Who are you"),
    ),
    (
        OLD_COMMAND,
        OLD_COMMAND_PARAMS,
        CommandAsked("git log 'a b'", cwd="/w", parsed=("list ls",)),
    ),
    (
        OLD_PATCH,
        OLD_PATCH_PARAMS,
        PatchAsked(
            (
                FileChange("/w/a", "add", "hello\n"),
                FileChange("/w/b", "update", "@@", "/w/c"),
            ),
            grant_root="/w",
        ),
    ),
    ("item/teleport", PLACE, UnknownAsked("item/teleport", PLACE)),
    (COMMAND, {**PLACE, "command": 7}, UnknownAsked(COMMAND, {**PLACE, "command": 7})),
]


@pytest.mark.parametrize(("method", "params", "asked"), ASKED)
def test_a_request_is_parsed_into_what_it_asks(
    method: str, params: dict[str, Any], asked: Asked
) -> None:
    request = parse_request(method, params)
    assert isinstance(request, ApprovalRequest)
    assert request.asked == asked
    assert request.thread_id == "t"


def test_a_request_names_its_thread_turn_and_item() -> None:
    assert parse_request(PATCH, PLACE) == ApprovalRequest("t", "u", "i", PatchAsked(()))
    assert parse_request(OLD_COMMAND, OLD_COMMAND_PARAMS).item_id == "i"  # type: ignore[union-attr] # an ApprovalRequest
    assert parse_request("any", {"threadId": 7}) == ApprovalRequest(
        "", "", "", UnknownAsked("any", {"threadId": 7})
    )


EXEC_RULE = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["git", "status"]}}
HOST_RULE = {
    "applyNetworkPolicyAmendment": {
        "network_policy_amendment": {"action": "allow", "host": "example.org"}
    }
}
NO_FORM = {"action": "decline", "content": None, "_meta": None}

ANSWERS: list[tuple[str, dict[str, Any], Decision, dict[str, Any]]] = [
    (COMMAND, COMMAND_PARAMS, ONCE, {"decision": "accept"}),
    (COMMAND, COMMAND_PARAMS, SESSION, {"decision": "acceptForSession"}),
    (COMMAND, COMMAND_PARAMS, ALWAYS, {"decision": EXEC_RULE}),
    (COMMAND, COMMAND_PARAMS, NO, {"decision": "decline"}),
    (COMMAND, COMMAND_PARAMS, STOP, {"decision": "cancel"}),
    (COMMAND, COMMAND_PARAMS, Answered({"a": "b"}), {"decision": "decline"}),
    (COMMAND, PLACE, ALWAYS, {"decision": "decline"}),
    (COMMAND, NETWORK_PARAMS, ALWAYS, {"decision": HOST_RULE}),
    (
        COMMAND,
        {**NETWORK_PARAMS, "proposedNetworkPolicyAmendments": None},
        ALWAYS,
        {"decision": "decline"},
    ),
    (COMMAND, {"command": 7}, ONCE, {"decision": "decline"}),
    (COMMAND, {"command": 7}, STOP, {"decision": "cancel"}),
    (PATCH, PLACE, ONCE, {"decision": "accept"}),
    (PATCH, PLACE, SESSION, {"decision": "acceptForSession"}),
    (PATCH, PLACE, ALWAYS, {"decision": "decline"}),
    (PATCH, PLACE, NO, {"decision": "decline"}),
    (PATCH, PLACE, STOP, {"decision": "cancel"}),
    (
        PERMISSIONS,
        PERMISSIONS_PARAMS,
        ONCE,
        {"permissions": {"network": {"enabled": True}}, "scope": "turn"},
    ),
    (
        PERMISSIONS,
        PERMISSIONS_PARAMS,
        SESSION,
        {"permissions": {"network": {"enabled": True}}, "scope": "session"},
    ),
    (PERMISSIONS, PERMISSIONS_PARAMS, ALWAYS, {"permissions": {}, "scope": "turn"}),
    (PERMISSIONS, PERMISSIONS_PARAMS, NO, {"permissions": {}, "scope": "turn"}),
    (PERMISSIONS, PERMISSIONS_PARAMS, STOP, {"permissions": {}, "scope": "turn"}),
    (PERMISSIONS, {}, ONCE, {"permissions": {}, "scope": "turn"}),
    (
        QUESTIONS,
        QUESTIONS_PARAMS,
        Answered({"q1": "Blue", "q2": ["so", "there"], "q3": "not asked"}),
        {"answers": {"q1": {"answers": ["Blue"]}, "q2": {"answers": ["so", "there"]}}},
    ),
    (
        QUESTIONS,
        QUESTIONS_PARAMS,
        Answered({"q1": {"answers": ["Blue"]}, "q2": 7}),
        {"answers": {"q1": {"answers": ["Blue"]}}},
    ),
    (QUESTIONS, QUESTIONS_PARAMS, Answered({"q9": "x"}), {"answers": {}}),
    (QUESTIONS, QUESTIONS_PARAMS, ONCE, {"answers": {}}),
    (QUESTIONS, QUESTIONS_PARAMS, NO, {"answers": {}}),
    (QUESTIONS, QUESTIONS_PARAMS, STOP, {"answers": {}}),
    (
        ELICITATION,
        FORM_PARAMS,
        Answered({"name": "Ada"}),
        {"action": "accept", "content": {"name": "Ada"}, "_meta": None},
    ),
    (ELICITATION, FORM_PARAMS, ONCE, NO_FORM),
    (ELICITATION, FORM_PARAMS, NO, NO_FORM),
    (ELICITATION, FORM_PARAMS, STOP, {"action": "cancel", "content": None, "_meta": None}),
    (ELICITATION, TOOL_PARAMS, ONCE, {"action": "accept", "content": {}, "_meta": None}),
    (
        ELICITATION,
        TOOL_PARAMS,
        SESSION,
        {"action": "accept", "content": {}, "_meta": {"persist": "session"}},
    ),
    (ELICITATION, TOOL_PARAMS, ALWAYS, NO_FORM),
    (ELICITATION, URL_PARAMS, ONCE, {"action": "accept", "content": None, "_meta": None}),
    (ELICITATION, URL_PARAMS, Answered({"a": "b"}), NO_FORM),
    (ELICITATION, {**FORM_PARAMS, "mode": "openai/form"}, Answered({"a": "b"}), NO_FORM),
    (ELICITATION, {"mode": 7}, ONCE, NO_FORM),
    (OLD_COMMAND, OLD_COMMAND_PARAMS, ONCE, {"decision": "approved"}),
    (OLD_COMMAND, OLD_COMMAND_PARAMS, SESSION, {"decision": "approved_for_session"}),
    (OLD_COMMAND, OLD_COMMAND_PARAMS, NO, {"decision": {"denied": {"rejection": "not so"}}}),
    (OLD_COMMAND, OLD_COMMAND_PARAMS, STOP, {"decision": "abort"}),
    (
        OLD_PATCH,
        OLD_PATCH_PARAMS,
        ALWAYS,
        {"decision": {"denied": {"rejection": "The user declined."}}},
    ),
    (OLD_PATCH, {}, ONCE, {"decision": {"denied": {"rejection": "The user declined."}}}),
]


@pytest.mark.parametrize(("method", "params", "decision", "result"), ANSWERS)
def test_a_decision_is_encoded_in_the_shape_of_its_request(
    method: str, params: dict[str, Any], decision: Decision, result: dict[str, Any]
) -> None:
    assert encode_decision(method, params, decision) == Answer(result)


@pytest.mark.parametrize("decision", [ONCE, SESSION, ALWAYS, NO, STOP, Answered({"a": "b"})])
def test_an_unknown_request_can_only_be_refused(decision: Decision) -> None:
    assert isinstance(encode_decision("item/teleport", PLACE, decision), Refusal)


def test_a_request_that_needs_no_person_is_answered_at_once() -> None:
    clock = parse_request("currentTime/read", {"threadId": "t"})
    assert isinstance(clock, Answer)
    assert isinstance(clock.result["currentTimeAt"], int)
    tool = parse_request("item/tool/call", {"tool": "levitate", "threadId": "t"})
    assert isinstance(tool, Answer)
    assert tool.result["success"] is False
    assert "levitate" in str(tool.result["contentItems"])
    for method in ("account/chatgptAuthTokens/refresh", "attestation/generate"):
        assert isinstance(parse_request(method, {}), Refusal)
        assert isinstance(encode_decision(method, {}, ONCE), Refusal)


def test_an_abort_interrupts_the_turn_unless_the_answer_ends_it() -> None:
    for method, params, asked in ASKED:
        ends_it = method in (COMMAND, PATCH, OLD_COMMAND, OLD_PATCH)
        if not isinstance(asked, UnknownAsked):
            assert needs_interrupt(asked, STOP) is not ends_it, (method, params)
        assert needs_interrupt(asked, NO) is False


SAYS_YES = (
    '"accept"',
    '"acceptForSession"',
    '"approved"',
    '"approved_for_session"',
    "Amendment",
    '"enabled"',
)
DECISIONS = st.one_of(
    st.sampled_from([ONCE, SESSION, ALWAYS, NO, STOP]),
    st.dictionaries(st.sampled_from(["q1", "name"]), st.text(max_size=3) | st.none()).map(Answered),
)
METHODS = st.sampled_from(sorted({method for method, *_ in ASKED}))
KEYS = st.sampled_from(
    [
        "threadId",
        "turnId",
        "itemId",
        "command",
        "cwd",
        "reason",
        "permissions",
        "network",
        "questions",
        "id",
        "question",
        "options",
        "serverName",
        "mode",
        "message",
        "requestedSchema",
        "required",
        "_meta",
        "persist",
        "fileChanges",
        "parsedCmd",
        "proposedExecpolicyAmendment",
        "networkApprovalContext",
        "host",
        "protocol",
        "action",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("form"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PARAMS = st.one_of(
    st.sampled_from([params for _, params, _ in ASKED]),
    st.dictionaries(KEYS, VALUES, max_size=6),
)


@settings(deadline=None)
@given(METHODS, PARAMS, DECISIONS)
def test_only_a_yes_grants_anything(
    method: str, params: dict[str, Any], decision: Decision
) -> None:
    request = parse_request(method, params)
    assert isinstance(request, ApprovalRequest)
    answer = encode_decision(method, params, decision)
    sent = json.dumps(answer.result) if isinstance(answer, Answer) else ""
    granted = any(word in sent for word in SAYS_YES) or '"answers": [' in sent
    if not isinstance(request.asked, PermissionsAsked):
        assert granted == grants(request.asked, decision)
    if isinstance(decision, Declined | Aborted):
        assert not granted
        assert not grants(request.asked, decision)


@settings(deadline=None)
@given(METHODS | st.text(max_size=6), PARAMS, DECISIONS)
def test_every_request_gets_an_answer_that_is_valid_json(
    method: str, params: dict[str, Any], decision: Decision
) -> None:
    match encode_decision(method, params, decision):
        case Answer(result):
            json.dumps(result)
        case Refusal(code, message):
            assert code < 0
            assert message


EXEC_ALWAYS = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["git", "status"]}}
HOST_ALLOWED, HOST_DENIED = (
    {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"action": a, "host": "x.org"}}}
    for a in ("allow", "deny")
)
SCOPES_LISTED = [
    (COMMAND, {}, [ONCE, SESSION, ALWAYS]),
    (COMMAND, {"availableDecisions": None}, [ONCE, SESSION, ALWAYS]),
    (COMMAND, {"availableDecisions": ["accept", EXEC_ALWAYS, "cancel"]}, [ONCE, SESSION, ALWAYS]),
    (COMMAND, {"availableDecisions": ["accept", "cancel"]}, [ONCE, SESSION]),
    (COMMAND, {"availableDecisions": ["decline", "cancel"]}, []),
    (COMMAND, {"availableDecisions": ["acceptForever", "cancel"]}, []),
    (COMMAND, {"availableDecisions": []}, []),
    (COMMAND, {"availableDecisions": "accept"}, []),
    (COMMAND, {"availableDecisions": [{"accept": True}, 7, None]}, []),
    (COMMAND, {"kind": "writeStdin", "availableDecisions": ["accept", "cancel"]}, [ONCE]),
    (COMMAND, {"kind": "humanCommand"}, [ONCE]),
    (
        COMMAND,
        {"kind": "humanCommand", "availableDecisions": ["accept", "decline", "cancel"]},
        [ONCE],
    ),
    (
        COMMAND,
        {"kind": "humanCommand", "availableDecisions": ["acceptForSession", EXEC_ALWAYS]},
        [],
    ),
    (COMMAND, {"kind": "laserCommand", "availableDecisions": ["accept"]}, []),
    (COMMAND, {**NETWORK_PARAMS, "availableDecisions": ["accept", HOST_ALLOWED]}, None),
    (COMMAND, {**NETWORK_PARAMS, "availableDecisions": ["accept", HOST_DENIED]}, [ONCE, SESSION]),
    (PATCH, {"availableDecisions": ["accept", "decline"]}, [ONCE]),
    (PATCH, {"availableDecisions": ["accept", "acceptForSession"]}, [ONCE, SESSION]),
    (PATCH, {"availableDecisions": ["decline"]}, []),
    (PERMISSIONS, {"availableDecisions": ["accept", "decline"]}, [ONCE]),
]


@pytest.mark.parametrize(("method", "listed", "granted"), SCOPES_LISTED)
def test_only_what_codex_lists_can_be_granted_and_every_no_is_sent(
    method: str, listed: dict[str, Any], granted: list[Decision] | None
) -> None:
    base = {COMMAND: COMMAND_PARAMS, PATCH: PLACE, PERMISSIONS: PERMISSIONS_PARAMS}[method]
    params = {**base, **listed}
    request = parse_request(method, params)
    assert isinstance(request, ApprovalRequest)
    expected = [ONCE, SESSION, ALWAYS] if granted is None else granted
    for decision in (ONCE, SESSION, ALWAYS):
        assert grants(request.asked, decision) is (decision in expected), decision
        answer = encode_decision(method, params, decision)
        refused = encode_decision(method, params, NO)
        assert (answer == refused) is (decision not in expected), decision
    assert isinstance(encode_decision(method, params, STOP), Answer)


def test_a_command_that_a_policy_puts_to_a_person_says_so() -> None:
    request = parse_request(COMMAND, {**COMMAND_PARAMS, "kind": "humanCommand"})
    assert isinstance(request, ApprovalRequest)
    assert isinstance(request.asked, CommandAsked)
    assert request.asked.human
    assert request.asked.rule == ()
