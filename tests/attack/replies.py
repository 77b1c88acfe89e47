"""Random replies to approvals, and what each may lead to.

What a reply means is said here in words of its own, without the code under attack: a yes only where
every source that is there says the same yes, and everything has the type that it must have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

ONCE, SESSION, ALWAYS = "approved", "approved_for_session", "approved_always"
YESES = frozenset({ONCE, SESSION, ALWAYS})
DENIED, ABORT = "denied", "abort"
NOES = frozenset({DENIED, ABORT})
OPEN = ""
"""The approval is still open: the reply decided nothing."""

_WORDS = {
    "approved": ONCE,
    "accept": ONCE,
    "approved_for_session": SESSION,
    "acceptForSession": SESSION,
    "approved_always": ALWAYS,
}
_NO_WORDS = ["denied", "abort", "cancel", "decline"]
_ODD: list[Any] = [
    *("", "yes", "APPROVED", "approved ", "approve", "true", "answered"),
    *(True, False, 0, 1, 1.5, [], ["approved"], {}, {"approved": True}, {"decision": "approved"}),
    *({"approved_execpolicy_amendment": []}, {"denied": {"rejection": "no"}}),
]
_ABSENT = object()


@dataclass(frozen=True)
class Reply:
    """A reply.

    Attributes:
        value: the result of the elicitation, or the arguments of `codex-answer`; None where the
            client answers with an error.
        outcomes: what the audit log may have because of it, if it wins; OPEN where it may decide
            nothing.
    """

    value: Mapping[str, Any] | None
    outcomes: frozenset[str]


def random_result(random: Random) -> Reply:
    """Return a result of `elicitation/create`: often a plain one, else a mixture of anything."""
    chance = random.random()
    if chance < 0.35:
        word = random.choice(sorted(_WORDS))
        return _reply(random.choice(_plain(word)))
    if chance < 0.5:
        return _reply(random.choice([*_plain("denied"), *_plain("abort"), *_PLAIN_NOES]))
    if chance < 0.55:
        return Reply(None, frozenset({OPEN}))
    return _reply(_mixture(random))


def random_arguments(random: Random) -> Reply:
    """Return the arguments of `codex-answer` beside the approval's id."""
    chance = random.random()
    if chance < 0.5:
        word = random.choice(sorted(YESES))
        return Reply({"decision": word}, frozenset({word}))
    if chance < 0.7:
        return Reply({"decision": DENIED, "message": "why"}, frozenset({DENIED}))
    if chance < 0.8:
        return Reply({"decision": ABORT}, frozenset({ABORT}))
    value: dict[str, Any] = {"decision": random.choice(_ODD)}
    if random.random() < 0.5:
        value = {"decision": ONCE, "message": random.choice([0, True, [], {}, ["approved"]])}
    return Reply(value, NOES | {OPEN})


def outcomes_of(value: Mapping[str, Any]) -> frozenset[str]:
    """Return what a result of `elicitation/create` may lead to, if it wins."""
    content, meta = value.get("content", _ABSENT), value.get("_meta", _ABSENT)
    if any(part is not _ABSENT and not isinstance(part, dict) for part in (content, meta)):
        return NOES
    form = content if isinstance(content, dict) else {}
    if not isinstance(form.get("message", ""), str):
        return NOES
    parts = [part for part in (value, form, meta) if isinstance(part, dict)]
    said = [part["decision"] for part in parts if "decision" in part]
    scopes = {_WORDS.get(word) if isinstance(word, str) else None for word in said}
    action = value.get("action", _ABSENT)
    if action == "accept":
        scopes = scopes or {ONCE}
    elif action is not _ABSENT:
        return NOES
    scope = scopes.pop() if len(scopes) == 1 else None
    if scope is None:
        return NOES
    # A form that was filled in differently is no yes by itself.
    if form and "decision" not in form:
        return NOES | {scope} if said else NOES
    return frozenset({scope})


def _reply(value: Mapping[str, Any]) -> Reply:
    return Reply(value, outcomes_of(value))


def _plain(word: str) -> list[dict[str, Any]]:
    action = "accept" if word in _WORDS else "cancel" if word == "abort" else "decline"
    return [
        {"decision": word},
        {"action": action, "decision": word},
        {"action": action, "content": {"decision": word}},
        {"action": action, "content": {"decision": word, "message": ""}},
        {"action": action, "_meta": {"decision": word}},
        {"action": action, "content": {"decision": word}, "_meta": {"decision": word}},
    ]


_PLAIN_NOES: list[dict[str, Any]] = [
    {"action": "decline"},
    {"action": "cancel"},
    {"action": "decline", "content": {"message": "why"}},
    {"action": "accept", "content": {"decision": "denied"}},
]


def _mixture(random: Random) -> dict[str, Any]:
    """Return a result whose sources say different things, or nothing, or nonsense."""

    def word() -> Any:
        return random.choice([*_WORDS, *_NO_WORDS, random.choice(_ODD)])

    def part() -> Any:
        if random.random() < 0.25:
            return random.choice([*_ODD, *_WORDS])
        named = {"decision": word()} if random.random() < 0.8 else {}
        if random.random() < 0.2:
            named["message"] = random.choice(["", "why", 0, True, [], {}])
        return named

    value: dict[str, Any] = {}
    if random.random() < 0.8:
        actions = ["accept", "accept", "accept", "decline", "cancel"]
        value["action"] = random.choice([*actions, random.choice(_ODD), "ACCEPT"])
    if random.random() < 0.4:
        value["decision"] = word()
    if random.random() < 0.6:
        value["content"] = part()
    if random.random() < 0.4:
        value["_meta"] = part()
    return value
