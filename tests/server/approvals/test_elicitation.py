from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonschema
import pytest
from msgspec import structs

from codextui.codex.legacy.requests import build_elicitation
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Approved, Decision, Declined, Scope
from codextui.server.approvals.elicitation import call_responder, elicitation_params
from codextui.server.approvals.parties import CannotAnswer
from codextui.server.clients import Caller, Session

COMMAND = CommandAsked("/bin/bash -lc 'rm -r build'", "/work", parsed=("unknown rm -r build",))
PATCH = PatchAsked(
    (
        FileChange("a.py", "add", "print()\n"),
        FileChange("b.py", "update", "@@ -1 +1 @@\n", move_path="c.py"),
        FileChange("d.py", "delete", "gone\n"),
    )
)


def params(asked: Asked) -> dict[str, object]:
    approval = Approval("a1", "t", "u", "i", "backend", 1.0, asked)
    built = elicitation_params(approval)
    meta = json.loads(json.dumps(built["_meta"]))
    assert json.loads(json.dumps(built)) == built | {"_meta": meta}
    assert Approval.from_json(meta["codextui/approval"]) == approval
    return built


def test_an_elicitation_has_the_legacy_fields_and_a_form():
    approval = Approval("a1", "t", "u", "i", "backend", 1.0, COMMAND)
    request = {"threadId": "t", "turnId": "u", "itemId": "i", "command": "rm -r build", "cwd": "/w"}
    legacy = build_elicitation("item/commandExecution/requestApproval", request)
    built = elicitation_params(approval, legacy, call_id=7)
    assert built["message"] == "Allow Codex to run `rm -r build` in `/w`?\n! deletes"
    assert built["threadId"] == "t"
    assert {key: built[key] for key in built if key.startswith("codex_")} == {
        "codex_elicitation": "exec-approval",
        "codex_mcp_tool_call_id": "7",
        "codex_event_id": "u",
        "codex_call_id": "i",
        "codex_command": ["rm", "-r", "build"],
        "codex_cwd": "/w",
        "codex_parsed_cmd": [],
    }
    assert built["requestedSchema"] == params(COMMAND)["requestedSchema"]


def test_the_elicitation_for_a_patch_has_its_changes():
    request = {"threadId": "t", "turnId": "u", "itemId": "i"}
    legacy = build_elicitation("item/fileChange/requestApproval", request, PATCH.changes)
    built = elicitation_params(Approval("a1", "t", "u", "i", "b", 1.0, PATCH), legacy)
    assert built["codex_changes"] == {
        "a.py": {"type": "add", "content": "print()\n"},
        "b.py": {"type": "update", "unified_diff": "@@ -1 +1 @@\n", "move_path": "c.py"},
        "d.py": {"type": "delete", "content": "gone\n"},
    }


@pytest.mark.parametrize(
    ("asked", "choices"),
    [
        (COMMAND, ["approved", "approved_for_session", "denied", "abort"]),
        (
            CommandAsked("git status", rule=("git",)),
            ["approved", "approved_for_session", "approved_always", "denied", "abort"],
        ),
        (
            CommandAsked("make", available=(Scope.ONCE,), human=True),
            ["approved", "denied", "abort"],
        ),
        (CommandAsked("make", available=()), ["denied", "abort"]),
        (PATCH, ["approved", "approved_for_session", "denied", "abort"]),
        (PermissionsAsked({}), ["approved", "approved_for_session", "denied", "abort"]),
        (ElicitationAsked("srv", "url", "Open", url="https://x"), ["approved", "denied", "abort"]),
        (UnknownAsked("new/kind", {}), ["denied", "abort"]),
    ],
)
def test_a_form_offers_only_possible_decisions(asked: Asked, choices: list[str]):
    schema = params(asked)["requestedSchema"]
    assert isinstance(schema, dict)
    decision = schema["properties"]["decision"]
    assert decision["enum"] == choices
    assert len(decision["enumNames"]) == len(choices)
    assert list(schema["properties"]) == ["decision"]  # one keystroke submits it in every client
    jsonschema.Draft202012Validator.check_schema(schema)


class AnsweringChannel:
    """A client that answers every elicitation after a while."""

    def __init__(self, result: dict[str, object], after_s: float = 0.0) -> None:
        self.result = result
        self.after_s = after_s

    async def request(self, method: str, params: object, **_: object) -> dict[str, object]:
        await asyncio.sleep(self.after_s)
        return self.result


async def answer_of(
    client: str, channel: AnsweringChannel, *, decides_at_once: bool = False
) -> Decision | None:
    session: Any = Session(channel, client)  # type: ignore[arg-type] # only asks
    caller = Caller(session, 7, supervises=False, elicits=True)
    responder = call_responder(caller, "t", decides_at_once=decides_at_once)
    assert responder is not None
    approval = Approval("a1", "t", "u", "i", "backend", 1.0, COMMAND)
    return await responder.ask(approval, None)


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_client_that_declines_by_itself_has_not_decided(action: str):
    with pytest.raises(CannotAnswer, match="at once"):
        await answer_of("codex-mcp-client", AnsweringChannel({"action": action}))


async def test_a_decision_is_a_persons_where_it_took_time_or_says_yes_or_is_another_clients():
    no, late = AnsweringChannel({"action": "decline"}), AnsweringChannel({"action": "decline"}, 0.3)
    assert await answer_of("codex-mcp-client", late) == Declined()
    assert await answer_of("other", no) == Declined()
    assert await answer_of("codex-mcp-client", no, decides_at_once=True) == Declined()
    yes = AnsweringChannel({"action": "accept"})
    assert await answer_of("codex-mcp-client", yes) == Approved()


def test_each_question_becomes_a_field_of_the_form():
    questions = (
        Question("q1", "Colour", "Which colour?", (("Blue", "calm"), ("Red", "loud"))),
        Question("q2", "Name", "Which name?", (("Ann", ""),), other=True),
    )
    schema = params(QuestionsAsked(questions))["requestedSchema"]
    assert isinstance(schema, dict)
    assert schema["properties"]["q1"]["enum"] == ["Blue", "Red"]
    assert "enum" not in schema["properties"]["q2"]
    assert schema["required"] == ["q1", "q2"]


def test_the_form_of_an_mcp_server_is_passed_on():
    form = {"type": "object", "properties": {"n": {"type": "number"}}}
    assert params(ElicitationAsked("srv", "form", "How many?", form))["requestedSchema"] == form


def test_the_message_for_a_tool_shows_all_that_is_allowed():
    arguments = {"path": "/srv", "force": True, "said": "ja\u00df"}
    message = params(ToolAsked("delete", arguments, "files", "It is old."))["message"]
    assert message == (
        'Allow the tool "files.delete" to be called with '
        '{"path": "/srv", "force": true, "said": "ja\u00df"}?\nReason given: "It is old."'
    )


@pytest.mark.parametrize(
    "hidden", ["\n", "\x1b[8m", "\u202e", "\u200b", "\x9b", "\ud800", "\U000e0041"]
)
@pytest.mark.parametrize("place", ["tool", "server", "reason", "arguments"])
def test_nothing_in_a_tools_message_hides_or_looks_like_another_line(hidden: str, place: str):
    asked = ToolAsked("delete", {"path": "/srv"}, "files", "It is old.")
    bad = {"path": hidden} if place == "arguments" else f"x{hidden}y"
    built = elicitation_params(
        Approval("a1", "t", "u", "i", "backend", 1.0, structs.replace(asked, **{place: bad}))
    )
    first, *rest = str(built["message"]).split("\n")
    assert len(rest) == 1
    assert first.isprintable()
    assert rest[0].isprintable()
