"""Asks people on behalf of the roles of a program (`codex-ask`)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from codextui.codex.forms import answers_by_question
from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Asked, QuestionsAsked, parse_asked
from codextui.protocol.decisions import Answered, Approved, Decision, Declined, decision_word
from codextui.server.approvals.broker import ApprovalBroker
from codextui.server.clients import Session
from codextui.server.options import DEFAULT_LIMITS, RunLimits
from codextui.server.runs.publication import MAX_EVENT_CHARS, json_chars
from codextui.server.runs.runs import Runs
from codextui.server.threads.registry import ThreadRecord

MAX_QUESTIONS = 50
"""Questions of one call."""


@dataclass(frozen=True, slots=True)
class RoleQuestions:
    """Asks people on behalf of roles.

    Attributes:
        runs: checks that a client asks for a role of its own.
        broker: asks people.
        limits: how many questions may be open.
    """

    runs: Runs
    broker: ApprovalBroker
    limits: RunLimits = DEFAULT_LIMITS.runs

    async def ask(self, record: ThreadRecord, asked: Asked, *, session: Session) -> Decision:
        """Ask people and wait for the first answer. Cancelling this withdraws the question.

        Raises:
            ServerRefused: the client does not run the role, too much is open, or the question
                was withdrawn before anybody decided.
        """
        self.runs.check_owner(record, session)
        thread_id = record.thread_id
        if len(self.broker.approvals_of(thread_id)) >= self.limits.open_questions:
            raise ServerRefused(
                f"{record.info.handle} asks {self.limits.open_questions} questions already"
            )
        decided: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()

        async def on_decision(decision: Decision) -> bool:
            if decided.done():
                return False
            decided.set_result(decision)
            return True

        def on_withdrawn() -> None:
            if not decided.done():
                why = "the question was withdrawn: nobody decided it"
                decided.set_exception(ServerRefused(why))

        key = ("codex-ask", id(decided))
        self.broker.ask(
            asked,
            key=key,
            thread_id=thread_id,
            turn_id=record.turn.running_id or record.info.turn_id,
            item_id="",
            handle=record.info.handle,
            on_decision=on_decision,
            on_withdrawn=on_withdrawn,
        )
        try:
            return await decided
        finally:
            self.broker.withdraw(key=key)


def parse_question(kind: str, source: JsonObject) -> Asked:
    """Return what `codex-ask` asks.

    Raises:
        ServerRefused: it is too large, has too many questions, or repeats a question id.
        MessageInvalid: it does not have the shape of its kind.
    """
    chars = json_chars(source)
    if chars > MAX_EVENT_CHARS:
        raise ServerRefused(f"codex-ask: {chars} characters are asked; {MAX_EVENT_CHARS} may be")
    asked = parse_asked(kind, source)
    if isinstance(asked, QuestionsAsked):
        ids = [question.question_id for question in asked.questions]
        if not 0 < len(ids) <= MAX_QUESTIONS or len(set(ids)) < len(ids):
            raise ServerRefused(
                f"codex-ask: ask 1 to {MAX_QUESTIONS} questions, each with an id of its own"
            )
    return asked


def decision_result(asked: Asked, decision: Decision) -> dict[str, object]:
    """Return a decision as the result of `codex-ask`."""
    result: dict[str, object] = {"decision": decision_word(decision)}
    match decision:
        case Approved(scope):
            result["scope"] = scope.value
        case Declined(message) if message:
            result["message"] = message
        case Answered() if isinstance(asked, QuestionsAsked):
            result["answers"] = answers_by_question(asked, decision)
        case _:
            pass
    return result
