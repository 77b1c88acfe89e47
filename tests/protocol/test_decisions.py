from __future__ import annotations

import itertools
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
    parse_decision_fields,
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


@pytest.mark.parametrize(
    ("named", "decision"),
    [
        (["git", "status"], Approved(Scope.ALWAYS)),
        (["git"], Declined()),
        ([], Declined()),
        ("git status", Declined()),
        (None, Declined()),
    ],
)
def test_a_client_that_names_another_rule_has_not_accepted_the_proposed_one(
    named: object, decision: Decision
) -> None:
    said = {"approved_execpolicy_amendment": {"proposed_execpolicy_amendment": named}}
    for result in ({"decision": said}, {"action": "accept", "content": {"decision": said}}):
        assert parse_elicit_result(result, rule=("git", "status")) == decision


_MISSING = object()
_PLACES = ("action", "decision", "content", "content.decision", "_meta", "_meta.decision")
_VALUES: tuple[object, ...] = (
    _MISSING,
    None,
    "",
    "accept",
    "decline",
    "cancel",
    "approved",
    "approved_for_session",
    "approved_always",
    "answered",
    "denied",
    "abort",
    "maybe",
    True,
    False,
    0,
    1,
    1.5,
    [],
    ["approved"],
    ["denied"],
    {},
    {"decision": "approved"},
    {"decision": "denied"},
    {"message": "no"},
    {"message": 7},
    {"denied": {"rejection": "no"}},
    {"approved_execpolicy_amendment": {"proposed": ["git"]}},
    {"approved_execpolicy_amendment": ["git"]},
    {"approved_execpolicy_amendment": {}, "denied": {"rejection": "no"}},
)


def _result(said: dict[str, object]) -> dict[str, Any]:
    """Build a result that says every value in its place (`content.decision` within `content`)."""
    result: dict[str, Any] = {}
    for place, value in said.items():
        outer, _, inner = place.partition(".")
        if value is _MISSING:
            continue
        if not inner:
            result[outer] = value
        else:
            holder = result.get(outer)
            result[outer] = {**(holder if isinstance(holder, dict) else {}), inner: value}
    return result


def _yes_of(value: object) -> str | None:
    """Return the scope that a `decision` says yes to; None for everything else. The oracle."""
    match value:
        case "approved" | "accept":
            return "once"
        case "approved_for_session" | "acceptForSession":
            return "session"
        case "approved_always":
            return "always"
        case {"approved_execpolicy_amendment": dict()} if len(value) == 1:
            return "always"
        case _:
            return None


def _says_yes_throughout(result: dict[str, Any], decision: Approved) -> bool:
    """Return whether every source that is there says this yes, each in its right type."""
    content, meta = result.get("content"), result.get("_meta")
    if not isinstance(content, dict | None) or not isinstance(meta, dict | None):
        return False
    if result.get("action") not in (None, "accept") or isinstance(result.get("action"), bool):
        return False
    said = [source.get("decision") for source in (result, meta or {})]
    said = [value for value in said if value is not None]
    if content is not None and "decision" in content:
        said.append(content["decision"])
    if not isinstance((content or {}).get("message"), str | None):
        return False
    if not said:
        return result.get("action") == "accept" and not content and decision == Approved()
    return all(_yes_of(value) == decision.scope.value for value in said)


@pytest.mark.parametrize(("first", "second"), itertools.combinations(_PLACES, 2))
def test_no_two_sources_approve_unless_both_say_the_same_yes(first: str, second: str) -> None:
    for one, other in itertools.product(_VALUES, repeat=2):
        for action in (_MISSING, "accept"):
            said = {"action": action, first: one, second: other}
            result = _result(said)
            decision = parse_elicit_result(result)
            match decision:
                case Approved():
                    assert _says_yes_throughout(result, decision), result
                case Answered():  # is no yes to a command or a patch
                    assert result.get("action") in (None, "accept"), result
                    assert isinstance(result.get("content"), dict | None), result
                    assert isinstance(result.get("_meta"), dict | None), result


@pytest.mark.parametrize(
    "result",
    [
        {"action": "accept", "content": "denied"},
        {"action": "accept", "content": ["denied"]},
        {"action": "accept", "content": []},
        {"action": "accept", "content": ""},
        {"action": "accept", "content": False},
        {"action": "accept", "content": 0},
        {"action": "accept", "_meta": "denied"},
        {"action": "accept", "_meta": ["denied"]},
        {"action": "accept", "decision": "approved", "content": "denied"},
        {"action": "accept", "decision": "approved", "content": {"decision": "denied"}},
        {"action": "accept", "decision": "approved", "content": {"decision": "abort"}},
        {"action": "accept", "decision": "approved", "content": {"decision": None}},
        {"action": "accept", "decision": "approved", "content": {"message": ["no"]}},
        {"action": "accept", "decision": "approved", "_meta": {"decision": "denied"}},
        {"action": "accept", "decision": "approved", "_meta": {"decision": False}},
        {
            "action": "accept",
            "content": {"decision": "approved"},
            "_meta": {"decision": "denied"},
        },
        {
            "action": "accept",
            "decision": "approved",
            "content": {"decision": "approved_for_session"},
        },
        {"action": "accept", "content": {"decision": None}},
        {"action": "accept", "content": {"decision": "answered", "answers": ["yes"]}},
        {"action": True, "decision": "approved"},
        {"decision": {"approved_execpolicy_amendment": None}},
        {"decision": {"approved_execpolicy_amendment": {}, "denied": {"rejection": "no"}}},
    ],
)
def test_contradictions_and_wrong_types_decline(result: dict[str, Any]) -> None:
    assert isinstance(parse_elicit_result(result), Declined)


_anything = shapes.json_value | st.sampled_from([value for value in _VALUES if value != _MISSING])
_with_decision = st.fixed_dictionaries({}, optional={"decision": _anything, "message": _anything})
_any_result = st.fixed_dictionaries(
    {},
    optional={
        "action": _anything,
        "decision": _anything,
        "content": _with_decision | _anything,
        "_meta": _with_decision | _anything,
    },
)


@given(_any_result)
def test_any_json_approves_only_where_every_present_source_says_the_same_yes(
    result: dict[str, Any],
) -> None:
    decision = parse_elicit_result(result)
    if isinstance(decision, Approved):
        assert _says_yes_throughout(result, decision)


@pytest.mark.parametrize("message", [7, False, ["no"], {"text": "no"}])
def test_fields_with_a_message_that_is_no_text_decline(message: object) -> None:
    fields = {"decision": "approved", "message": message}
    assert parse_decision_fields(fields) == Declined()
    assert parse_decision_fields({"decision": "approved", "message": None}) == Approved()
