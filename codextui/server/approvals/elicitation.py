"""Asks clients to decide approvals by `elicitation/create`: who is asked, and by which form."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from mcp_types import RequestId

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approval_text import format_elicitation
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    Question,
    QuestionsAsked,
    approval_scopes,
)
from codextui.protocol.decisions import (
    Aborted,
    Approved,
    Decision,
    Declined,
    decision_word,
    parse_elicit_result,
    says_no,
)
from codextui.protocol.extensions import APPROVAL_META
from codextui.server.approvals.broker import ApprovalBroker
from codextui.server.approvals.parties import CannotAnswer
from codextui.server.clients import Caller, Channel, ClientGone, ClientRefused

AUTO_DECLINERS = frozenset({"codex-mcp-client"})
"""Clients that decline by themselves where nobody can be asked, such as `codex exec`."""

AT_ONCE_S = 0.25
"""Seconds within which no person answers."""

_CHOICES = {
    "approved": "Yes, once",
    "approved_for_session": "Yes, for this session",
    "approved_always": "Always",
    "denied": "No",
    "abort": "No, and stop the turn",
}


@dataclass(eq=False, slots=True)
class ElicitationResponder:
    """A client that is asked by `elicitation/create` requests. An `ApprovalResponder`.

    Attributes:
        name: the client's name.
        channel: the channel to it.
        thread_id: the thread whose approvals it decides; empty for every thread.
        call_id: the id of its tool call; None where it supervises.
        decides_at_once: whether a decline that comes at once is a decision. That of a client which
            declines by itself only says that it has nobody to ask.
        is_sub_agent: whether the thread of an id is a sub-agent of `thread_id`, so that it decides
            that one's approvals too.
    """

    name: str
    channel: Channel
    thread_id: str = ""
    call_id: RequestId | None = None
    decides_at_once: bool = True
    is_sub_agent: Callable[[str], bool] = lambda _: False

    @property
    def supervises(self) -> bool:
        """Whether it decides the approvals of every thread."""
        return self.call_id is None

    def accepts(self, approval: Approval) -> bool:
        """Return whether this approval is one that it may decide."""
        asking = approval.thread_id
        return self.thread_id in ("", asking) or self.is_sub_agent(asking)

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        """Ask for a decision; None where the client is gone, or does not say one.

        Raises:
            CannotAnswer: the caller of the turn answers with an error, or declines by itself.
        """
        asked_at = time.monotonic()
        params = elicitation_params(approval, legacy, call_id=self.call_id)
        try:
            result = await self.channel.request("elicitation/create", params, for_call=self.call_id)
        except ClientGone:
            return None
        except ClientRefused as error:
            if self.call_id is None:
                return None  # a supervisor can still call `codex-answer`
            raise CannotAnswer(f"{self.name} could not ask anybody, so it was declined.") from error
        decision = parse_elicit_result(result, rule=proposed_rule(approval.asked))
        is_no = isinstance(decision, Declined | Aborted)
        if approval.origin and is_no and not says_no(result):
            return None  # doubt does not decline what another program's thread asks
        is_at_once = time.monotonic() - asked_at < AT_ONCE_S
        if is_at_once and not self.decides_at_once and isinstance(decision, Declined | Aborted):
            raise CannotAnswer(f"{self.name} declined at once, without asking anybody.")
        return decision


def supervisor_responder(caller: Caller) -> ElicitationResponder | None:
    """Return the responder that asks a supervisor about every thread; None for other callers."""
    if not caller.supervises or not caller.is_asked_by_request:
        return None
    return ElicitationResponder(caller.name, caller.channel)


def call_responder(
    caller: Caller,
    thread_id: str,
    *,
    decides_at_once: bool = False,
    is_sub_agent: Callable[[str], bool] = lambda _: False,
) -> ElicitationResponder | None:
    """Return the responder that asks a caller about its own thread and that one's sub-agents.

    None for a caller that is not asked by requests, and for a supervisor, which is asked about
    every thread already.

    Args:
        caller: the client.
        thread_id: the thread that its call runs on.
        decides_at_once: whether a decline counts that comes at once from a client that is known to
            decline by itself.
        is_sub_agent: whether the thread of an id is a sub-agent of that thread.
    """
    if caller.supervises or not caller.is_asked_by_request:
        return None
    return ElicitationResponder(
        caller.name,
        caller.channel,
        thread_id,
        caller.request_id,
        decides_at_once=decides_at_once or caller.client_name not in AUTO_DECLINERS,
        is_sub_agent=is_sub_agent,
    )


class CallResponders:
    """Attaches the responders of open calls to the broker: one per client and thread.

    However many calls a client has open on a thread, it is asked once, by the oldest of them, as
    `codex mcp-server` asked.
    """

    def __init__(self, broker: ApprovalBroker) -> None:
        self._broker = broker
        # By client and thread, the open calls in order; the inner dict is an ordered set.
        self._calls: dict[tuple[Hashable, str], dict[ElicitationResponder, None]] = {}

    def attach(self, responder: ElicitationResponder) -> None:
        """Add an open call."""
        calls = self._calls.setdefault(_key(responder), {})
        calls[responder] = None
        if len(calls) == 1:
            self._broker.attach(responder)

    def detach(self, responder: ElicitationResponder) -> None:
        """Remove a call that has ended. What it was asked, the next oldest call is asked."""
        key = _key(responder)
        calls = self._calls[key]
        was_oldest = next(iter(calls)) is responder
        del calls[responder]
        if not calls:
            del self._calls[key]
        elif was_oldest:
            self._broker.attach(next(iter(calls)))
        if was_oldest:
            self._broker.detach(responder)


def _key(responder: ElicitationResponder) -> tuple[Hashable, str]:
    return responder.channel.client_key, responder.thread_id


def elicitation_params(
    approval: Approval, legacy: LegacyElicitation | None = None, *, call_id: RequestId | None = None
) -> dict[str, object]:
    """Return the parameters of `elicitation/create`, for three kinds of clients at once.

    Any client finds a message and a form, the clients of `codex mcp-server` the fields that they
    know (`legacy`), and our own the whole approval in `_meta`.
    """
    form = _schema(approval.asked)
    question = "" if legacy is None else legacy.message
    params: JsonObject = {"threadId": approval.thread_id}
    if legacy is not None:
        params = legacy.to_params("" if call_id is None else call_id, form)
    return {
        **params,
        "message": format_elicitation(approval.asked, question),
        "requestedSchema": form,
        "_meta": {APPROVAL_META: approval.to_json()},
    }


def proposed_rule(asked: Asked) -> tuple[str, ...]:
    """Return the rule that approving a request for good accepts; empty where there is none."""
    return asked.rule if isinstance(asked, CommandAsked) else ()


def _schema(asked: Asked) -> dict[str, object]:
    match asked:
        case QuestionsAsked(questions):
            return {
                "type": "object",
                "properties": {q.question_id: _question_schema(q) for q in questions},
                "required": [q.question_id for q in questions],
            }
        case ElicitationAsked(schema=schema) if schema:
            return dict(schema)
        case _:
            return _decision_schema(_choices(asked))


def _choices(asked: Asked) -> list[str]:
    """Return the words of the decisions that are possible."""
    approving = [decision_word(Approved(scope)) for scope in approval_scopes(asked)]
    return [*approving, decision_word(Declined()), decision_word(Aborted())]


def _decision_schema(words: list[str]) -> dict[str, object]:
    """Return a form with one field, which every client can submit with one keystroke.

    Codex's own TUI cannot leave a text field empty. A `message` is read where a client sends one.
    """
    return {
        "type": "object",
        "properties": {
            "decision": {
                "type": "string",
                "title": "Decision",
                "enum": words,
                "enumNames": [_CHOICES[word] for word in words],
            },
        },
        "required": ["decision"],
    }


def _question_schema(question: Question) -> dict[str, object]:
    schema: dict[str, object] = {
        "type": "string",
        "title": question.header,
        "description": question.question,
    }
    if question.options and not question.other:
        schema["enum"] = [label for label, _ in question.options]
    return schema
