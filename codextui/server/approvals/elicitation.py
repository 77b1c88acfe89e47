"""An approval as `elicitation/create` asks it, of any client."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mcp_types import RequestId

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Decision, parse_elicit_result
from codextui.protocol.tools import APPROVAL_META
from codextui.server.approvals.broker import CannotAnswer
from codextui.server.mcp.channel import Channel, PeerGone, PeerRefused

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
        channel: the way to it.
        thread_id: the thread whose approvals it decides; empty for those of every thread.
        call_id: the id of its tool call, None where it supervises.
    """

    name: str
    channel: Channel
    thread_id: str = ""
    call_id: RequestId | None = None

    def wants(self, approval: Approval) -> bool:
        """Whether this approval is for it to decide."""
        return self.thread_id in ("", approval.thread_id)

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        """Ask; None where it hung up. Raises CannotAnswer where it answers with an error."""
        params = elicitation_params(approval, legacy, call_id=self.call_id)
        try:
            return parse_elicit_result(
                await self.channel.request("elicitation/create", params, for_call=self.call_id)
            )
        except PeerGone:
            return None
        except PeerRefused as error:
            if self.call_id is None:
                return None  # a supervisor has other ways to answer
            raise CannotAnswer(f"{self.name} could not ask anybody, so it was declined.") from error


def elicitation_params(
    approval: Approval, legacy: LegacyElicitation | None = None, *, call_id: RequestId | None = None
) -> dict[str, object]:
    """The parameters of the elicitation.

    They are for a generic form, for the clients of `codex mcp-server` (`legacy`: the question
    as they know it) and, in `_meta`, for our own.
    """
    form = _schema(approval.asked)
    known: JsonObject = {"message": _message(approval.asked), "threadId": approval.thread_id}
    if legacy is not None:
        known = legacy.to_params("" if call_id is None else call_id, form)
    return {**known, "requestedSchema": form, "_meta": {APPROVAL_META: approval.to_json()}}


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
        case ToolAsked():
            return _tool_message(asked)
        case UnknownAsked(method):
            return f"Codex asks something that can only be declined: {method}"


def _tool_message(asked: ToolAsked) -> str:
    """All that is approved: nothing in it can look like another line of the message."""
    tool = f"{asked.server}.{asked.tool}" if asked.server else asked.tool
    lines = [f"Allow the tool {_shown(tool)} to be called with {_shown(asked.arguments)}?"]
    if asked.reason:
        lines.append(f"Reason given: {_shown(asked.reason)}")
    return "\n".join(lines)


def _shown(value: Json) -> str:
    """A value as JSON in one line, every character of it visible."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


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
        case PatchAsked() | PermissionsAsked() | ToolAsked():
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
