"""What the newest Codex can send, by the JSON schema that it generates, compared with what we know.

A failure names every kind that is unknown, and says where it has to be handled or knowingly left.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from contract.codex_schema import CodexSchema

import codextui
from codextui.codex import notifications, requests
from codextui.codex.requests import Answer, ApprovalRequest, encode_decision, parse_request
from codextui.codex.thread_notifications import parse_thread_notification
from codextui.codex.threads import approval_policy_name, sandbox_mode
from codextui.console.model import item_reading
from codextui.console.model.item_reading import read_item
from codextui.console.model.items import UnknownItem
from codextui.errors import MessageInvalid
from codextui.protocol.approvals import UnknownAsked
from codextui.protocol.decisions import Aborted, Answered, Approved, Declined, Scope
from codextui.protocol.events import UnknownEvent

pytestmark = pytest.mark.contract

OF_THE_WORKER = {"account/chatgptAuthTokens/refresh", "attestation/generate"}
"""Requests whose answer we refuse, so that its shape does not matter."""

UNLISTED_NOTIFICATIONS = {
    "rawResponse/completed": "sent on `experimentalRawEvents`, and in no schema",
    "rawResponseItem/completed": "sent on `experimentalRawEvents`, and in no schema",
}


@pytest.fixture(scope="module")
def newest(newest_codex: Path) -> CodexSchema:
    return CodexSchema.generate(newest_codex)


@pytest.fixture(scope="module")
def tested(newest: CodexSchema, oldest_codex: Path) -> list[CodexSchema]:
    """The schemas of the versions that the tests run with."""
    import codex_cli_bin  # noqa: PLC0415 - a package of the extra `codex`

    bundled = CodexSchema.generate(Path(codex_cli_bin.bundled_codex_path()))
    return [CodexSchema.generate(oldest_codex), bundled, newest]


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def is_translated(method: str) -> bool:
    known = {*notifications._EVENTS, *notifications._TURNS, *notifications.WARNINGS}
    if method in known | notifications.IGNORED:
        return True
    try:
        return parse_thread_notification(method, {}) is not None
    except MessageInvalid:
        return True


def test_every_request_of_codex_is_known(newest: CodexSchema, tested: list[CodexSchema]) -> None:
    known = {*requests._KINDS, *requests._ANSWERED_AT_ONCE}
    unknown = newest.methods("ServerRequest").keys() - known
    assert not unknown, (
        f"Codex sends requests that codextui does not know: {listed(unknown)}. Add a row to _KINDS "
        "in codextui/codex/requests.py (CONTRIBUTING.md: a kind of request), or an answer to "
        "_ANSWERED_AT_ONCE if no person is needed."
    )
    gone = known - {method for schema in tested for method in schema.methods("ServerRequest")}
    assert not gone, f"no tested Codex sends {listed(gone)}: remove them"


def test_every_notification_of_codex_is_known(
    newest: CodexSchema, tested: list[CodexSchema]
) -> None:
    unknown = {one for one in newest.methods("ServerNotification") if not is_translated(one)}
    assert not unknown, (
        f"Codex sends notifications that codextui does not know: {listed(unknown)}. Translate each "
        "in codextui/codex/notifications.py or thread_notifications.py, or add it to IGNORED "
        "there, below the reason."
    )
    known = {*notifications._EVENTS, *notifications.WARNINGS, *notifications.IGNORED}
    sent = {method for schema in tested for method in schema.methods("ServerNotification")}
    gone = known - sent - set(UNLISTED_NOTIFICATIONS)
    assert not gone, f"no tested Codex sends {listed(gone)}: remove them"


def test_every_sample_of_a_notification_is_translated(newest: CodexSchema) -> None:
    """So a value that we do not know, and a member that may be missing, are found."""
    wrong: dict[str, Any] = {}
    for method, schema in newest.methods("ServerNotification").items():
        for params in newest.samples(schema):
            if method == "turn/completed" and params["turn"]["status"] == "inProgress":
                continue  # what has ended does not run
            translation = notifications.translate(method, params)
            msg = getattr(translation, "msg", None)
            if isinstance(msg, UnknownEvent):
                wrong.setdefault(method, params)
    assert not wrong, f"notifications that are not understood, each with an example: {wrong}"


def test_every_kind_of_item_is_read(newest: CodexSchema) -> None:
    wrong: dict[str, Any] = {}
    for kind, schema in newest.kinds("ThreadItem").items():
        for item in newest.samples(schema):
            if isinstance(read_item(item), UnknownItem):
                wrong.setdefault(kind, item)
    assert not wrong, (
        f"Codex has items that the console shows as they come: {listed(wrong)}. Read each in "
        "codextui/console/model/item_reading.py (CONTRIBUTING.md: a kind of item). Examples: "
        f"{wrong}"
    )


def test_every_sample_of_a_request_is_read_and_each_answer_is_of_its_shape(
    newest: CodexSchema,
) -> None:
    unread: dict[str, Any] = {}
    misshaped: dict[str, Any] = {}
    for method, schema in newest.methods("ServerRequest").items():
        response = newest.definitions[response_name(schema)]
        for params in newest.samples(schema):
            parsed = parse_request(method, params)
            if isinstance(parsed, ApprovalRequest) and isinstance(parsed.asked, UnknownAsked):
                unread.setdefault(method, params)
            for decision in (
                *(Approved(scope) for scope in Scope),
                Declined(""),
                Declined("no"),
                Aborted(),
                Answered({"text": ["a"]}),
            ):
                answer = encode_decision(method, params, decision)
                if isinstance(answer, Answer):
                    problems = newest.problems(response, dict(answer.result))
                    if problems:
                        misshaped.setdefault(method, (decision, answer.result, problems))
                else:
                    assert method in OF_THE_WORKER, method
    assert not unread, f"requests that are not understood, each with an example: {unread}"
    assert not misshaped, f"answers that Codex would not understand: {misshaped}"


def response_name(params: dict[str, Any]) -> str:
    """The name of the answer's definition: Codex names both after the request."""
    return str(params["$ref"].rpartition("/")[2]).replace("Params", "Response")


def test_every_sandbox_and_approval_policy_has_a_name_for_people(newest: CodexSchema) -> None:
    policies = newest.samples(newest.definitions["AskForApproval"])
    assert {approval_policy_name(one) for one in policies} == {
        "untrusted",
        "on-request",
        "never",
        "granular",
    }
    modes = {sandbox_mode(one) for one in newest.samples(newest.definitions["SandboxPolicy"])}
    offered = set(newest.definitions["SandboxMode"]["enum"])
    # Where something else than Codex confines the agents; there is no mode that asks for it.
    assert modes == offered | {"externalSandbox"}


def calls_in(folder: Path) -> dict[str, str]:
    """The methods of app-server that our code names in a call, with the place."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            first, function = node.args[0], node.func
            is_call = isinstance(function, ast.Attribute) and function.attr in ("call", "notify")
            if is_call and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[first.value] = f"{path.name}:{node.lineno}"
    return found


def test_every_call_that_we_make_exists(tested: list[CodexSchema]) -> None:
    calls = calls_in(Path(codextui.__file__).parent / "codex")
    assert {"thread/start", "turn/start", "initialize"} <= calls.keys()
    newest = tested[-1]
    methods = {*newest.methods("ClientRequest"), *newest.methods("ClientNotification")}
    missing = {method: place for method, place in calls.items() if method not in methods}
    assert not missing, f"the newest Codex does not have {missing}"


def test_a_kind_that_is_new_fails_by_its_name(
    newest: CodexSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_KINDS", {})
    with pytest.raises(AssertionError, match=r"item/fileChange/requestApproval.*to _KINDS"):
        test_every_request_of_codex_is_known(newest, [newest])
    monkeypatch.setattr(notifications, "IGNORED", frozenset())
    with pytest.raises(AssertionError, match=r"thread/search/partial.*add it to IGNORED"):
        test_every_notification_of_codex_is_known(newest, [newest])
    monkeypatch.setattr(item_reading, "_READERS", {})
    with pytest.raises(AssertionError, match=r"sleep.*item_reading"):
        test_every_kind_of_item_is_read(newest)
