"""Whom to tell of approvals, and when: each once, and only what a person has to decide. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from codextui.config.notices import ALWAYS, NEVER
from codextui.console.model.labels import UNKNOWN_ASKER, Asker, who_asks
from codextui.protocol.approvals import Approval
from codextui.text.sanitize import one_line

MAX_TITLE = 80
"""Characters of a title."""

MAX_BODY = 200
"""Characters of a notification's text."""

MAX_TOLD = 10_000
"""Approvals that are remembered as told, so that a lost connection tells none again."""


class Alert(msgspec.Struct, frozen=True):
    """What is told of approvals that have just become due. Sanitized, and of bounded size.

    Attributes:
        title: which server it is, and how many need somebody.
        body: who asks for what.
        count: how many approvals wait in all.
        handle: who asks; of several, the first.
        kind: the kind of request; of several, that of the first.
    """

    title: str
    body: str
    count: int
    handle: str
    kind: str


class Attention:
    """Decides which approvals are due to be told: each once, after `delay` seconds of waiting.

    What is decided within the delay, by a policy or a client that answers for somebody, is never
    told. One that the console showed before, and that returns with the connection, is not new.
    """

    def __init__(self, delay: float) -> None:
        """Start without approvals."""
        self._delay = delay
        self._since: dict[str, float] = {}
        self._told: dict[str, None] = {}
        self._is_open: tuple[Approval, ...] = ()

    @property
    def due(self) -> tuple[Approval, ...]:
        """The open approvals that were told: those that somebody is needed for."""
        return tuple(approval for approval in self._is_open if _key(approval) in self._told)

    def update(self, approvals: Sequence[Approval], now: float) -> tuple[Approval, ...]:
        """Replace the open approvals; return those that are due and were not told before.

        Args:
            approvals: all that wait for a person here.
            now: monotonic seconds.
        """
        self._is_open = tuple(approvals)
        keys = {_key(approval) for approval in approvals}
        self._since = {key: at for key, at in self._since.items() if key in keys}
        fresh: list[Approval] = []
        for approval in approvals:
            key = _key(approval)
            since = self._since.setdefault(key, now)
            if key not in self._told and now - since >= self._delay:
                self._told[key] = None
                fresh.append(approval)
        for oldest in list(self._told)[: max(0, len(self._told) - MAX_TOLD)]:
            del self._told[oldest]
        return tuple(fresh)

    def next_check(self, now: float) -> float | None:
        """Return the seconds until another approval is due; None if all that wait were told."""
        waits = [
            self._delay - (now - at) for key, at in self._since.items() if key not in self._told
        ]
        return max(0.0, min(waits)) if waits else None


def describe_alert(
    fresh: Sequence[Approval], due: Collection[Approval], askers: Mapping[str, Asker], server: str
) -> Alert:
    """Describe approvals that have become due, for a notification.

    Args:
        fresh: the new ones, at least one.
        due: all that wait.
        askers: thread id → whose thread it is.
        server: the server's name.
    """
    # The first frame has no approvals and need not wait for this import.
    from codextui.protocol.approval_text import summarize_request  # noqa: PLC0415

    first = fresh[0]
    who = who_asks(first, askers.get(first.thread_id, UNKNOWN_ASKER))
    more = f" (and {len(fresh) - 1} more)" if len(fresh) > 1 else ""
    body = one_line(f"{who} asks to {summarize_request(first.asked)}", MAX_BODY - len(more)) + more
    return Alert(describe_title(len(due), server), body, len(due), one_line(who, 60), first.kind)


def describe_title(count: int, server: str) -> str:
    """Return the terminal's title: `? 3 need you · codextui`, or `codextui` alone."""
    name = "codextui" if server == "default" else f"codextui {server}"
    needs = f"? {count} {'needs' if count == 1 else 'need'} you · " if count else ""
    return one_line(f"{needs}{name}", MAX_TITLE)


def pops_up(approval: Approval, popup: str | Sequence[str]) -> bool:
    """Return whether the dialog opens by itself for an approval, as `[approvals] popup` says."""
    if popup == ALWAYS:
        return True
    if popup == NEVER:
        return False
    return any(_meets(approval, condition) for condition in popup)


def _meets(approval: Approval, condition: str) -> bool:
    what, _, name = condition.partition(":")
    match what:
        case "risk":
            from codextui.protocol.approval_risks import risks_of  # noqa: PLC0415 - as above

            risks = risks_of(approval.asked)
            return name in risks if name else bool(risks)
        case "kind":
            return approval.kind == name
        case _:
            return fnmatchcase(approval.handle, name)


def _key(approval: Approval) -> str:
    return f"{approval.approval_id} {approval.thread_id} {approval.asked_at}"
