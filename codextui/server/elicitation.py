"""An approval as `elicitation/create` asks it, of any client."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from codextui.server.peer import Peer, PeerGone, PeerRefused
from codextui.wire.approval import (
    Approval,
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
from codextui.wire.decision import Decision, parse_elicit_result
from codextui.wire.tools import APPROVAL_META

_CHOICES = {
    "approved": "Yes, once",
    "approved_for_session": "Yes, for this session",
    "approved_always": "Always",
    "denied": "No",
    "abort": "No, and stop the turn",
}


@dataclass(eq=False, slots=True)
class ElicitingClient:
    """A client that can be asked by `elicitation/create`.

    Attributes:
        name: the client's name.
        peer: its connection.
        thread_id: the thread whose approvals it decides; empty for those of every thread.
        call_id: the id of its tool call, empty where it supervises.
    """

    name: str
    peer: Peer
    thread_id: str = ""
    call_id: str = ""

    def wants(self, approval: Approval) -> bool:
        """Whether this approval is for it to decide."""
        return self.thread_id in ("", approval.thread_id)

    async def ask(self, approval: Approval) -> Decision | None:
        """Ask; None where it cannot answer: it refuses, or hung up."""
        params = elicitation_params(approval, call_id=self.call_id)
        try:
            return parse_elicit_result(await self.peer.request("elicitation/create", params))
        except (PeerRefused, PeerGone):
            return None


def elicitation_params(approval: Approval, *, call_id: str = "") -> dict[str, object]:
    """The parameters of the elicitation.

    They are for a generic form, for the clients of `codex mcp-server` and, in `_meta`, for our
    own.
    """
    return {
        "message": _message(approval.asked),
        "requestedSchema": _schema(approval.asked),
        "threadId": approval.thread_id,
        **_legacy(approval, call_id),
        "_meta": {APPROVAL_META: approval.to_wire()},
    }


def _message(asked: Asked) -> str:
    match asked:
        case CommandAsked(command, cwd):
            return f"Allow Codex to run `{command}` in `{cwd}`?"
        case PatchAsked():
            return "Allow Codex to apply proposed code changes?"
        case PermissionsAsked(reason=reason):
            return f"Allow Codex more permissions? {reason}".strip()
        case QuestionsAsked(questions):
            return "\n".join(question.question for question in questions)
        case ElicitationAsked(server, message=message):
            return f"{server}: {message}"
        case UnknownAsked(method):
            return f"Codex asks something that can only be declined: {method}"


def _schema(asked: Asked) -> dict[str, object]:
    match asked:
        case QuestionsAsked(questions):
            return {
                "type": "object",
                "properties": {q.question_id: _question(q) for q in questions},
                "required": [q.question_id for q in questions],
            }
        case ElicitationAsked(schema=schema) if schema:
            return dict(schema)
        case _:
            return _choice(_choices(asked))


def _choices(asked: Asked) -> list[str]:
    match asked:
        case CommandAsked(rule=rule):
            return [word for word in _CHOICES if word != "approved_always" or rule]
        case PatchAsked() | PermissionsAsked():
            return [word for word in _CHOICES if word != "approved_always"]
        case QuestionsAsked() | ElicitationAsked():
            return ["approved", "denied", "abort"]
        case UnknownAsked():
            return ["denied", "abort"]


def _choice(words: list[str]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {
            "decision": {
                "type": "string",
                "title": "Decision",
                "enum": words,
                "enumNames": [_CHOICES[word] for word in words],
            },
            "message": {
                "type": "string",
                "title": "Message",
                "description": "With a no: what the agent is told.",
            },
        },
        "required": ["decision"],
    }


def _question(question: Question) -> dict[str, object]:
    schema: dict[str, object] = {
        "type": "string",
        "title": question.header,
        "description": question.question,
    }
    if question.options and not question.other:
        schema["enum"] = [label for label, _ in question.options]
    return schema


def _legacy(approval: Approval, call_id: str) -> dict[str, object]:
    """The fields that the clients of `codex mcp-server` know."""
    common = {
        "codex_mcp_tool_call_id": call_id,
        "codex_event_id": approval.turn_id,
        "codex_call_id": approval.item_id,
    }
    match approval.asked:
        case CommandAsked() as asked:
            return {
                "codex_elicitation": "exec-approval",
                **common,
                "codex_command": _split(asked.command),
                "codex_cwd": asked.cwd,
                "codex_parsed_cmd": [_parsed(part) for part in asked.parsed],
            }
        case PatchAsked() as asked:
            return {
                "codex_elicitation": "patch-approval",
                **common,
                "codex_reason": asked.reason or None,
                "codex_grant_root": asked.grant_root or None,
                "codex_changes": {change.path: _change(change) for change in asked.changes},
            }
        case _:
            return {}


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return [command]


def _parsed(part: str) -> dict[str, str]:
    kind, _, rest = part.partition(" ")
    return {"type": kind, "cmd": rest}


def _change(change: FileChange) -> dict[str, object]:
    if change.kind == "update":
        moved = change.move_path or None
        return {"type": "update", "unified_diff": change.diff, "move_path": moved}
    return {"type": change.kind, "content": change.diff}
