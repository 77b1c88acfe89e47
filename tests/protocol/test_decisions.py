from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol import shapes

from codextui.protocol.decisions import (
    Aborted,
    Answered,
    Approved,
    Decision,
    Declined,
    Scope,
    decision_word,
    parse_elicit_result,
    to_elicit_result,
)


@given(shapes.decision)
def test_every_decision_comes_out_as_it_went_in(decision: Decision) -> None:
    assert parse_elicit_result(json.loads(json.dumps(to_elicit_result(decision)))) == decision


@pytest.mark.parametrize(
    ("result", "decision"),
    [
        # As MCP's own clients answer.
        ({"action": "accept"}, Approved()),
        ({"action": "decline"}, Declined()),
        ({"action": "cancel"}, Aborted()),
        ({"action": "accept", "content": {"decision": "approved"}}, Approved()),
        (
            {"action": "accept", "content": {"decision": "approved_for_session"}},
            Approved(Scope.SESSION),
        ),
        ({"action": "accept", "content": {"decision": "approved_always"}}, Approved(Scope.ALWAYS)),
        ({"action": "accept", "content": {"decision": "denied"}}, Declined()),
        ({"action": "accept", "content": {"decision": "abort"}}, Aborted()),
        ({"action": "decline", "content": {"message": "no, use make"}}, Declined("no, use make")),
        ({"action": "accept", "content": {"name": "x"}}, Answered({"name": "x"})),
        (
            {"action": "accept", "_meta": {"decision": "approved_for_session"}},
            Approved(Scope.SESSION),
        ),
        # As the clients of `codex mcp-server` answered.
        ({"action": "accept", "decision": "approved"}, Approved()),
        ({"decision": "approved"}, Approved()),
        ({"decision": "approved_for_session"}, Approved(Scope.SESSION)),
        ({"decision": "denied"}, Declined()),
        ({"decision": "abort"}, Aborted()),
        ({"decision": {"denied": {"rejection": "too risky"}}}, Declined("too risky")),
        (
            {"decision": {"approved_execpolicy_amendment": {"proposed": ["git"]}}},
            Approved(Scope.ALWAYS),
        ),
        # The top level goes before the content, and that before `_meta`.
        (
            {"action": "accept", "decision": "denied", "content": {"decision": "approved"}},
            Declined(),
        ),
        (
            {
                "action": "accept",
                "content": {"decision": "denied"},
                "_meta": {"decision": "approved"},
            },
            Declined(),
        ),
    ],
)
def test_decisions_are_read_as_every_kind_of_client_says_them(
    result: dict[str, Any], decision: Decision
) -> None:
    assert parse_elicit_result(result) == decision


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"action": None},
        {"action": "ACCEPT"},
        {"action": ["accept"]},
        {"action": "approve"},
        {"decision": "yes"},
        {"decision": "Approved"},
        {"decision": True},
        {"decision": 1},
        {"decision": ["approved"]},
        {"decision": {"approved": True}},
        {"decision": {"denied": "no"}},
        {"action": "decline", "decision": "approved"},
        {"action": "decline", "decision": "approved_always"},
        {"action": "decline", "content": {"decision": "approved"}},
        {"action": "decline", "_meta": {"decision": "approved"}},
        {"action": "accept", "content": {"decision": "maybe"}},
        {"action": "accept", "decision": "", "content": {"decision": "approved"}},
    ],
)
def test_doubt_declines(result: dict[str, Any]) -> None:
    assert isinstance(parse_elicit_result(result), Declined)


@pytest.mark.parametrize("decision", ["approved", "approved_for_session", "approved_always"])
def test_a_cancel_is_never_a_yes(decision: str) -> None:
    for place in ({"decision": decision}, {"content": {"decision": decision}}):
        assert parse_elicit_result({"action": "cancel", **place}) == Aborted()


_YES_WORDS = {"approved", "accept", "approved_for_session", "acceptForSession", "approved_always"}


@given(shapes.json_object, st.sampled_from(["decline", "cancel", "no", "", None, 7]))
def test_nothing_but_accept_grants_anything_whatever_else_is_said(
    rest: dict[str, Any], action: object
) -> None:
    result = rest | {"action": action, "decision": rest.get("decision", "approved")}
    decision = parse_elicit_result(result)
    assert action is None or isinstance(decision, Declined | Aborted)


@given(shapes.json_object)
def test_whatever_arrives_becomes_a_decision_and_a_yes_was_said_in_so_many_words(
    result: dict[str, Any],
) -> None:
    decision = parse_elicit_result(result)
    if isinstance(decision, Approved | Answered):
        said = json.dumps(result)
        assert any(word in said for word in _YES_WORDS | {"answered"})


@given(shapes.decision)
def test_the_word_of_a_decision_is_read_back_as_the_same_kind(decision: Decision) -> None:
    again = parse_elicit_result({"action": None, "decision": decision_word(decision)})
    assert type(again) is type(decision)
    if isinstance(decision, Approved):
        assert again == decision
