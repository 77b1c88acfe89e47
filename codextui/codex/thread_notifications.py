"""Notifications of `codex app-server` that the server acts on instead of publishing. Pure.

They are about a thread as a whole, or about a pending request. The server updates the thread's
`ThreadInfo` or withdraws the approval, and publishes what follows from that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from codextui.codex.threads import (
    MAX_NAME,
    ThreadStatus,
    approval_policy_name,
    sandbox_mode,
)
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.text.sanitize import one_line


@dataclass(frozen=True, slots=True)
class ThreadStarted:
    """Any client started, forked or loaded a thread, or Codex did itself (`thread/started`).

    Attributes:
        thread_id: the thread.
        cwd: its working folder.
        forked_from: the thread it was forked from, empty otherwise.
        parent: the thread whose agent started it, empty otherwise.
        thread: the whole `Thread`.
    """

    thread_id: str
    cwd: str
    forked_from: str
    parent: str
    thread: JsonObject = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """All settings of a thread, after a change (`thread/settings/updated`).

    Attributes:
        thread_id: the thread.
        cwd: its working folder.
        model: the model's name.
        sandbox: see `codextui.codex.threads.sandbox_mode`.
        approval_policy: see `codextui.codex.threads.approval_policy_name`.
        effort: the reasoning effort, empty for the model's own.
    """

    thread_id: str
    cwd: str
    model: str
    sandbox: str
    approval_policy: str
    effort: str = ""


@dataclass(frozen=True, slots=True)
class ThreadUnloaded:
    """Codex has unloaded a thread (`thread/closed`, `thread/archived`, `thread/deleted`)."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """What a thread does has changed (`thread/status/changed`)."""

    thread_id: str
    status: ThreadStatus


@dataclass(frozen=True, slots=True)
class NameChanged:
    """A client named a thread; an empty name is none (`thread/name/updated`)."""

    thread_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ThreadReverted:
    """Another client removed the last turns of a thread (`thread/reverted`)."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class RequestResolved:
    """A request of Codex was answered, by us or by another client (`serverRequest/resolved`)."""

    request_id: RequestId
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """Any client changed the queue of a thread, or Codex did (`thread/queue/changed`)."""

    thread_id: str


ThreadChange: TypeAlias = (
    SettingsChanged | StatusChanged | NameChanged | ThreadUnloaded | ThreadReverted | QueueChanged
)
"""What concerns a thread as a whole."""

ThreadNotification: TypeAlias = ThreadStarted | ThreadChange | RequestResolved


def parse_thread_notification(method: str, params: JsonObject) -> ThreadNotification | None:
    """Read a notification, None where its method is none of these. Raises MessageInvalid."""
    match method:
        case "thread/started":
            return _started(params)
        case "thread/settings/updated":
            return _settings(params)
        case "thread/closed" | "thread/archived" | "thread/deleted":
            return ThreadUnloaded(_thread_id(params))
        case "thread/status/changed":
            return StatusChanged(_thread_id(params), ThreadStatus.parse(params.get("status")))
        case "thread/name/updated":
            name = one_line(fields.text_or(params, "threadName"), MAX_NAME)
            return NameChanged(_thread_id(params), name)
        case "thread/reverted":
            return ThreadReverted(_thread_id(params))
        case "thread/queue/changed":
            return QueueChanged(_thread_id(params))
        case "serverRequest/resolved":
            return _resolved(params)
        case _:
            return None


def _started(params: JsonObject) -> ThreadStarted:
    thread = fields.as_object(params.get("thread"), "thread")
    return ThreadStarted(
        thread_id=fields.text(thread, "id"),
        cwd=fields.text_or(thread, "cwd"),
        forked_from=fields.text_or(thread, "forkedFromId"),
        parent=(
            fields.text_or(thread, "parentThreadId") or fields.text_or(thread, "attachedToThreadId")
        ),
        thread=thread,
    )


def _settings(params: JsonObject) -> SettingsChanged:
    settings = fields.as_object(params.get("threadSettings"), "threadSettings")
    return SettingsChanged(
        thread_id=_thread_id(params),
        cwd=fields.text_or(settings, "cwd"),
        model=fields.text_or(settings, "model"),
        sandbox=sandbox_mode(settings.get("sandboxPolicy")),
        approval_policy=approval_policy_name(settings.get("approvalPolicy")),
        effort=fields.text_or(settings, "effort"),
    )


def _resolved(params: JsonObject) -> RequestResolved:
    request_id = params.get("requestId")
    if isinstance(request_id, bool) or not isinstance(request_id, int | str):
        raise MessageInvalid("requestId must be an integer or a string")
    return RequestResolved(request_id, fields.text_or(params, "threadId"))


def _thread_id(params: JsonObject) -> str:
    return fields.text(params, "threadId")
