"""What roles ask people: whether a tool may be called, and questions of their own (`codex-ask`)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TypeAlias

from codextui.errors import ServerRefused, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Question, QuestionsAsked, ToolAsked, asked_to_json
from codextui.teams.records.store import RunStore

Ask: TypeAlias = Callable[[str, str, JsonObject], Awaitable[JsonObject]]
"""Asks on behalf of a role: its name, the kind, what is asked; returns what `codex-ask` does."""

DECLINED = "The user declined."
_PART = "decisions"
_ATTEMPTS = 5
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decided.

    Attributes:
        word: `approved`, `approved_for_session`, `denied`, `abort` or `answered`.
        message: with a decline, for the model to read.
        answers: with `answered`, the texts.
    """

    word: str
    message: str = ""
    answers: tuple[str, ...] = field(default=())

    @property
    def approved(self) -> bool:
        """Whether that is a yes. Whatever is not understood is none."""
        return self.word in ("approved", "approved_for_session", "approved_always")

    @property
    def stops(self) -> bool:
        """Whether that is a no which the role is to stop at."""
        return self.word == "abort"


class People:
    """Asks people, each thing once: what they decided is kept with the run.

    An approval for the session holds for the same tool of the same role for the rest of the run.
    """

    def __init__(self, ask: Ask, store: RunStore) -> None:
        self._ask = ask
        self._store = store
        kept = store.read(_PART) or {}
        self._allowed = set(fields.texts(kept, "allowed"))
        calls = fields.as_object(kept.get("calls", {}), "calls")
        self._decided = {key: _parse(fields.as_object(calls[key], key)) for key in calls}

    async def may_call(self, role: str, key: str, asked: ToolAsked) -> Verdict:
        """Whether a role may call a tool; `key` is the call's id.

        What was decided holds for the same call only: a model may give an id to two.
        """
        tool = f"{role}: {asked.server}/{asked.tool}"
        key = f"{key} {_digest(role, asked)}"
        if tool in self._allowed:
            return Verdict("approved")
        if key in self._decided:
            return self._decided[key]
        verdict = await self._decide(role, "tool", asked_to_json(asked))
        if verdict.word in ("approved_for_session", "approved_always"):
            self._allowed.add(tool)
        # A role that goes on after a stop must not be stopped by the same decision again.
        self._keep(key, replace(verdict, word="denied") if verdict.stops else verdict)
        return verdict

    async def answer(self, role: str, key: str, question: str, options: tuple[str, ...]) -> str:
        """The answer to a question, in words for the model."""
        choices = tuple((option, "") for option in options)
        asked = QuestionsAsked((Question("answer", role, question, choices, other=True),))
        key = f"{key} {_digest(role, asked)}"
        verdict = self._decided.get(key)
        if verdict is None:
            verdict = await self._decide(role, "questions", asked_to_json(asked))
            self._keep(key, verdict)
        if verdict.answers:
            return "\n".join(verdict.answers)
        return verdict.message or "The user did not answer."

    async def _decide(self, role: str, kind: str, asked: JsonObject) -> Verdict:
        why = ""
        for _ in range(_ATTEMPTS):
            try:
                return _read(await self._ask(role, kind, asked))
            except (ServerRefused, ServerUnreachable) as error:
                # It may be going away, and whoever is at the one that follows is asked again.
                why = str(error)
                await asyncio.sleep(_PAUSE_S)
        return Verdict("denied", f"Nobody decided: {why}")

    def _keep(self, key: str, verdict: Verdict) -> None:
        self._decided[key] = verdict
        calls = {key: asdict(one) for key, one in self._decided.items()}
        self._store.write(_PART, {"allowed": sorted(self._allowed), "calls": calls})


def _digest(role: str, asked: ToolAsked | QuestionsAsked) -> str:
    text = json.dumps([role, asked_to_json(asked)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(answer: JsonObject) -> Verdict:
    given = fields.as_object(answer.get("answers", {}), "answers")
    texts = fields.texts(given, "answer")
    return Verdict(fields.text(answer, "decision"), fields.text_or(answer, "message"), texts)


def _parse(source: JsonObject) -> Verdict:
    return Verdict(
        word=fields.text(source, "word"),
        message=fields.text_or(source, "message"),
        answers=fields.texts(source, "answers"),
    )
