"""What a program asks people on behalf of a role."""

from __future__ import annotations

import asyncio

from codextui.codex.requests import answers_by_question
from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Asked, QuestionsAsked, parse_asked
from codextui.protocol.decisions import Answered, Approved, Decision, Declined, decision_word
from codextui.server.core import Core
from codextui.server.mcp.session import Session
from codextui.server.runs.publication import MAX_EVENT_CHARS, weigh
from codextui.server.threads.registry import ThreadRecord

MAX_OPEN = 100
"""Questions that may be open on one row."""

MAX_QUESTIONS = 50


def read_asked(kind: str, source: JsonObject) -> Asked:
    """What is asked, held to bounds. Raises ServerRefused, WireInvalid."""
    chars = weigh(source)
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


async def ask(core: Core, record: ThreadRecord, asked: Asked, *, by: Session) -> Decision:
    """Ask people, and wait for the first answer. Cancelling this takes the question back.

    Raises ServerRefused where it is none of the caller's rows, or where nobody decided before
    the question was withdrawn.
    """
    core.runs.check_owner(record, by)
    thread_id = record.info.thread_id
    if len(core.broker.approvals_of(thread_id)) >= MAX_OPEN:
        raise ServerRefused(f"{record.info.handle} asks {MAX_OPEN} questions already")
    decided: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()

    async def answer(decision: Decision) -> bool:
        if decided.done():
            return False
        decided.set_result(decision)
        return True

    def give_up() -> None:
        if not decided.done():
            decided.set_exception(ServerRefused("the question was withdrawn: nobody decided it"))

    key = ("asked by a program", id(decided))
    core.broker.ask(
        asked,
        key=key,
        thread_id=thread_id,
        turn_id=record.running or record.info.turn_id,
        item_id="",
        handle=record.info.handle,
        answer=answer,
        on_withdrawn=give_up,
    )
    try:
        return await decided
    finally:
        core.broker.withdraw(key=key)


def tell_decision(asked: Asked, decision: Decision) -> dict[str, object]:
    """A decision as `codex-ask` returns it."""
    told: dict[str, object] = {"decision": decision_word(decision)}
    match decision:
        case Approved(scope):
            told["scope"] = scope.value
        case Declined(message) if message:
            told["message"] = message
        case Answered() if isinstance(asked, QuestionsAsked):
            told["answers"] = answers_by_question(asked, decision)
        case _:
            pass
    return told
