"""What Codex says about a thread as a whole: facts for the server, which owns the thread's row.

They are not events: the server turns them into a `ThreadChanged`, or withdraws an approval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codextui.codex.threads import policy_word, sandbox_word
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A thread does something else now (`thread/status/changed`).

    Attributes:
        thread_id: whose.
        status: `notLoaded`, `idle`, `systemError`, `active`, or a word of a newer Codex.
        waits_for: `approval`, `answer`, or empty.
    """

    thread_id: str
    status: str
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """A thread's settings are others now (`thread/settings/updated`); the whole of them."""

    thread_id: str
    cwd: str
    model: str
    sandbox: str
    approval_policy: str


@dataclass(frozen=True, slots=True)
class ThreadNamed:
    """A thread has a name, or none any more (`thread/name/updated`)."""

    thread_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ThreadAnnounced:
    """A thread was started, forked or loaded by somebody (`thread/started`)."""

    thread_id: str
    cwd: str
    forked_from: str
    parent: str


@dataclass(frozen=True, slots=True)
class ThreadGone:
    """A thread is no longer loaded: `why` is `archived`, `deleted` or `closed`."""

    thread_id: str
    why: str


@dataclass(frozen=True, slots=True)
class ThreadRestored:
    """A thread came back from the archive (`thread/unarchived`)."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class ThreadReverted:
    """Somebody took back turns of a thread (`thread/reverted`): read its history again."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class RequestResolved:
    """A request of Codex's is over, whoever answered (`serverRequest/resolved`)."""

    thread_id: str
    request_id: RequestId


Fact: TypeAlias = (
    StatusChanged
    | SettingsChanged
    | ThreadNamed
    | ThreadAnnounced
    | ThreadGone
    | ThreadRestored
    | ThreadReverted
    | RequestResolved
)
"""One kind of fact."""


def parse_fact(method: str, params: JsonObject) -> Fact | None:
    """Return the fact that a notification tells, None where it tells none. Raises WireInvalid."""
    parse = _FACTS.get(method)
    return None if parse is None else parse(params)


def _status(params: JsonObject) -> StatusChanged:
    status = fields.as_object(params.get("status"), "status")
    flags = fields.texts(status, "activeFlags")
    waits_for = next((_WAITS[flag] for flag in flags if flag in _WAITS), "")
    return StatusChanged(_thread(params), fields.text(status, "type"), waits_for)


def _settings(params: JsonObject) -> SettingsChanged:
    settings = fields.as_object(params.get("threadSettings"), "threadSettings")
    return SettingsChanged(
        thread_id=_thread(params),
        cwd=fields.text_or(settings, "cwd"),
        model=fields.text_or(settings, "model"),
        sandbox=sandbox_word(settings.get("sandboxPolicy")),
        approval_policy=policy_word(settings.get("approvalPolicy")),
    )


def _announced(params: JsonObject) -> ThreadAnnounced:
    thread = fields.as_object(params.get("thread"), "thread")
    return ThreadAnnounced(
        thread_id=fields.text(thread, "id"),
        cwd=fields.text_or(thread, "cwd"),
        forked_from=fields.text_or(thread, "forkedFromId"),
        parent=fields.text_or(thread, "parentThreadId"),
    )


def _resolved(params: JsonObject) -> RequestResolved:
    request_id = params.get("requestId")
    if isinstance(request_id, bool) or not isinstance(request_id, int | str):
        raise MessageInvalid("requestId must be an integer or a string")
    return RequestResolved(_thread(params), request_id)


def _gone(why: str) -> Callable[[JsonObject], ThreadGone]:
    return lambda params: ThreadGone(_thread(params), why)


def _thread(params: JsonObject) -> str:
    return fields.text(params, "threadId")


_WAITS = {"waitingOnApproval": "approval", "waitingOnUserInput": "answer"}

_FACTS: Mapping[str, Callable[[JsonObject], Fact]] = {
    "thread/started": _announced,
    "thread/status/changed": _status,
    "thread/settings/updated": _settings,
    "thread/name/updated": lambda params: ThreadNamed(
        _thread(params), fields.text_or(params, "threadName")
    ),
    "thread/archived": _gone("archived"),
    "thread/deleted": _gone("deleted"),
    "thread/closed": _gone("closed"),
    "thread/unarchived": lambda params: ThreadRestored(_thread(params)),
    "thread/reverted": lambda params: ThreadReverted(_thread(params)),
    "serverRequest/resolved": _resolved,
}
"""Every notification that tells a fact, and how it is read."""
