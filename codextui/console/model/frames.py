"""The frames that the inspector shows: requests paired with their answers, and filtered."""

from __future__ import annotations

import shlex
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TypeAlias

import msgspec

from codextui.jsonrpc.fields import Json
from codextui.jsonrpc.frames import decode_json
from codextui.protocol.extensions import INSPECT_METHOD, SUBSCRIBE_METHOD
from codextui.protocol.frames import APP_SERVER, MCP, Frame, FrameKind

MAX_ENTRIES = 5_000
"""Frames that are remembered."""

MAX_CHARS = 32 * 1024 * 1024
"""Characters of all their bodies that are remembered."""

MAX_WAITING = 1_000
"""Requests without an answer that are remembered beyond that."""

MAX_NAMELESS = 50
"""Frames of a connection whose other side is named later."""

OPEN_METHODS = frozenset({SUBSCRIBE_METHOD, INSPECT_METHOD})
"""Requests that are not answered while all is well."""

NameOf: TypeAlias = Callable[[str], str]
"""Returns the name of a thread by its id."""


class Outcome(StrEnum):
    """What became of a request."""

    OUTSTANDING = "outstanding"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CLOSED = "closed"


class Entry(msgspec.Struct, eq=False):
    """A frame, and what is known of it.

    Attributes:
        frame: the frame.
        thread: the id of its thread, which may be known from what it belongs to.
        outcome: what became of a request; None of anything else.
        partner: the answer of a request, or the request of an answer; None where it has none.
        ended_at: when a request ended, in unix seconds; 0 before.
        arrival: count of the frames that had come before it.
        peer: the name of the other side, which may be known from a later frame.
    """

    frame: Frame
    thread: str = ""
    outcome: Outcome | None = None
    partner: Entry | None = None
    ended_at: float = 0.0
    arrival: int = 0
    peer: str = ""

    @property
    def method(self) -> str:
        """The method, also of an answer whose request is known."""
        if not self.frame.method and self.partner is not None:
            return self.partner.frame.method
        return self.frame.method

    @property
    def tool(self) -> str:
        """The tool that is called, also of an answer."""
        if not self.frame.tool and self.partner is not None:
            return self.partner.frame.tool
        return self.frame.tool

    @property
    def is_error(self) -> bool:
        """Whether it is an error, or a request that was answered with one."""
        kinds = (FrameKind.ERROR, FrameKind.INVALID)
        return self.frame.kind in kinds or self.outcome is Outcome.FAILED

    def age(self, now: float) -> float:
        """Return for how many seconds a request waits, or has waited for its answer."""
        until = self.ended_at or now
        return max(0.0, until - self.frame.at)


_Key: TypeAlias = tuple[int, bool, bool, int | float | str]


class FrameLog:
    """Remembers frames, pairs requests with their answers, and finds the threads of both.

    Attributes:
        entries: the frames, the oldest first.
        waiting: the requests without an answer, the oldest first.
        received: count of all frames.
        lost: count of the frames that never came, because the inspector was too slow.
        dropped: count of the frames that are not remembered any more.
    """

    def __init__(self, max_entries: int = MAX_ENTRIES, max_chars: int = MAX_CHARS) -> None:
        self.entries: deque[Entry] = deque()
        self.waiting: OrderedDict[_Key, Entry] = OrderedDict()
        self.received = 0
        self.lost = 0
        self.dropped = 0
        self._max_entries = max_entries
        self._max_chars = max_chars
        self._chars = 0
        self._tokens: OrderedDict[tuple[int, Json], Entry] = OrderedDict()
        self._nameless: dict[int, list[Entry]] = {}

    def add(self, frames: Iterable[Frame], lost: int = 0) -> list[Entry]:
        """Add frames in their order, and return what they became."""
        self.lost += lost
        added = [self._add(frame) for frame in frames]
        self._trim()
        return added

    def clear(self) -> None:
        """Forget the frames; the requests that wait stay."""
        self.dropped += len(self.entries)
        self.entries.clear()
        self._chars = 0

    def end_waiting(self, at: float) -> None:
        """End what waits, as the server is out of reach since then: another one counts anew."""
        for entry in self.waiting.values():
            entry.outcome, entry.ended_at = Outcome.CLOSED, at
        self.waiting.clear()
        self._tokens.clear()
        self._nameless.clear()

    @property
    def outstanding(self) -> list[Entry]:
        """The requests that wait for an answer, the oldest first."""
        return list(self.waiting.values())

    def _add(self, frame: Frame) -> Entry:
        entry = Entry(frame, frame.thread, arrival=self.received, peer=frame.peer)
        self._name(entry)
        self.received += 1
        match frame.kind:
            case FrameKind.REQUEST:
                self._open(entry)
            case FrameKind.ANSWER | FrameKind.ERROR:
                self._settle(entry)
            case FrameKind.NOTIFICATION:
                self._notice(entry)
            case FrameKind.CLOSED:
                self._close(frame)
            case FrameKind.INVALID:
                pass
        self.entries.append(entry)
        self._chars += len(frame.body)
        return entry

    def _name(self, entry: Entry) -> None:
        """Name a connection's first frames when it is known whose they are."""
        link = entry.frame.link
        if entry.peer:
            for other in self._nameless.pop(link, ()):
                other.peer = entry.peer
        elif len(nameless := self._nameless.setdefault(link, [])) < MAX_NAMELESS:
            nameless.append(entry)
        if entry.frame.kind is FrameKind.CLOSED:
            self._nameless.pop(link, None)

    def _open(self, entry: Entry) -> None:
        frame = entry.frame
        entry.outcome = Outcome.OUTSTANDING
        key = _key(frame, sent=frame.sent)
        if key is None or frame.method in OPEN_METHODS:
            return
        self.waiting[key] = entry
        if len(self.waiting) > MAX_WAITING:
            self.waiting.popitem(last=False)
        if frame.tool and (token := _inner(frame, "params", "_meta", "progressToken")) is not None:
            self._tokens[frame.link, str(token)] = entry
            if len(self._tokens) > MAX_WAITING:
                self._tokens.popitem(last=False)

    def _settle(self, entry: Entry) -> None:
        frame = entry.frame
        key = _key(frame, sent=not frame.sent)
        request = self.waiting.pop(key, None) if key is not None else None
        if request is None:
            return
        request.partner, entry.partner = entry, request
        failed = frame.kind is FrameKind.ERROR
        request.outcome = Outcome.FAILED if failed else Outcome.ANSWERED
        request.ended_at = frame.at
        entry.thread = request.thread = request.thread or entry.thread

    def _notice(self, entry: Entry) -> None:
        """Learn from a notification what it says of a request."""
        frame = entry.frame
        match frame.method:
            case "notifications/cancelled":
                self._end(frame, frame.sent, _inner(frame, "params", "requestId"))
            case "serverRequest/resolved":
                self._end(frame, frame.sent, _inner(frame, "params", "requestId"))
            case "notifications/progress":
                token = _inner(frame, "params", "progressToken")
                request = self._tokens.get((frame.link, str(token)))
                entry.thread = entry.thread or (request.thread if request is not None else "")
            case "codex/event":
                self._learn_thread(frame)

    def _learn_thread(self, frame: Frame) -> None:
        """Take the thread of a call from the first event that belongs to it."""
        calls = [e for e in self.waiting.values() if e.frame.link == frame.link and not e.thread]
        if not calls:
            return
        request_id = _inner(frame, "params", "_meta", "requestId")
        for call in calls:
            if call.frame.id == request_id:
                call.thread = frame.thread

    def _end(self, frame: Frame, sent: bool, request_id: Json) -> None:
        if isinstance(request_id, bool) or not isinstance(request_id, int | float | str):
            return
        request = self.waiting.pop(
            (frame.link, sent, isinstance(request_id, str), request_id), None
        )
        if request is not None:
            request.outcome, request.ended_at = Outcome.CANCELLED, frame.at

    def _close(self, frame: Frame) -> None:
        for key in [key for key in self.waiting if key[0] == frame.link]:
            request = self.waiting.pop(key)
            request.outcome, request.ended_at = Outcome.CLOSED, frame.at

    def _trim(self) -> None:
        while len(self.entries) > self._max_entries or self._chars > self._max_chars:
            self._chars -= len(self.entries.popleft().frame.body)
            self.dropped += 1


def _key(frame: Frame, *, sent: bool) -> _Key | None:
    if frame.id is None:
        return None
    return frame.link, sent, isinstance(frame.id, str), frame.id


def _inner(frame: Frame, *path: str) -> Json:
    try:
        value = decode_json(frame.body.encode())
    except (ValueError, RecursionError):
        return None
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


class FilterInvalid(ValueError):
    """A filter that cannot be understood; the message says why."""


class Term(msgspec.Struct, frozen=True):
    """A part of a filter.

    Attributes:
        key: what is looked at; empty for any text.
        value: what it must be, in lower case.
        negated: whether it must not be that.
    """

    key: str
    value: str
    negated: bool = False


class FrameFilter(msgspec.Struct, frozen=True):
    """Which frames are shown: those that fit all of its terms."""

    terms: tuple[Term, ...] = ()

    @property
    def is_lasting(self) -> bool:
        """Whether what fits now fits for ever; requests get answers, and threads are learned."""
        return all(term.key in ("dir", "proto", "id", "") for term in self.terms)

    def fits(self, entry: Entry, name_of: NameOf) -> bool:
        """Return whether a frame is shown."""
        return all(_fits(term, entry, name_of) != term.negated for term in self.terms)


FILTER_KEYS = ("method", "tool", "dir", "thread", "client", "proto", "id", "is")
"""What a term of a filter can begin with."""

IS_VALUES = ("error", "outstanding", "request", "answer", "notification", "cut")
DIR_VALUES = ("in", "out")
PROTO_VALUES = ("app", "mcp")

_CHOICES = {"is": IS_VALUES, "dir": DIR_VALUES, "proto": PROTO_VALUES}


def parse_filter(text: str) -> FrameFilter:
    """Parse `method:turn/ -is:answer thread:tester "any words"`. Raises FilterInvalid."""
    try:
        lexer = shlex.shlex(text, posix=True)
        lexer.whitespace_split = True
        lexer.commenters = lexer.escape = ""
        lexer.quotes = '"'
        parts = list(lexer)
    except ValueError as error:
        raise FilterInvalid("a quotation mark is missing") from error
    return FrameFilter(tuple(_parse_term(part) for part in parts))


def cycle_protocol(filter_text: str) -> str:
    """Return a filter with both protocols, then app-server's, then MCP's instead of its own."""
    words = filter_text.split()
    shown = next((word for word in words if word in _PROTOCOLS), "")
    following = _PROTOCOLS[(_PROTOCOLS.index(shown) + 1) % len(_PROTOCOLS)]
    rest = [word for word in words if word not in _PROTOCOLS]
    return " ".join([*rest, following]).strip()


_PROTOCOLS = ["", "proto:app", "proto:mcp"]


def _parse_term(part: str) -> Term:
    negated = len(part) > 1 and part.startswith("-")
    part = part.removeprefix("-") if negated else part
    key, colon, value = part.partition(":")
    if not colon or key not in FILTER_KEYS:
        return Term("", part.lower(), negated)
    if not value:
        raise FilterInvalid(f"{key}: wants a value")
    choices = _CHOICES.get(key)
    if choices is not None and value.lower() not in choices:
        raise FilterInvalid(f"{key}: is one of {', '.join(choices)}")
    return Term(key, value.lower(), negated)


def _fits(term: Term, entry: Entry, name_of: NameOf) -> bool:
    frame, value = entry.frame, term.value
    match term.key:
        case "method":
            return value in entry.method.lower()
        case "tool":
            return value in entry.tool.lower()
        case "dir":
            return frame.sent == (value == "out")
        case "thread":
            return bool(entry.thread) and (
                entry.thread.lower().startswith(value) or value in name_of(entry.thread).lower()
            )
        case "client":
            return value in entry.peer.lower()
        case "proto":
            return frame.protocol == (MCP if value == "mcp" else APP_SERVER)
        case "id":
            return frame.id is not None and str(frame.id).lower() == value
        case "is":
            return _is(value, entry)
        case _:
            return contains(entry, value)


def _is(value: str, entry: Entry) -> bool:
    match value:
        case "error":
            return entry.is_error
        case "outstanding":
            return entry.outcome is Outcome.OUTSTANDING
        case "answer":
            return entry.frame.kind in (FrameKind.ANSWER, FrameKind.ERROR)
        case "cut":
            return entry.frame.cut
        case _:
            return entry.frame.kind.value == value


def contains(entry: Entry, text: str) -> bool:
    """Return whether a frame has a text, which is in lower case."""
    frame = entry.frame
    return any(text in part.lower() for part in (entry.method, entry.tool, entry.peer, frame.body))


class FrameView:
    """The frames of a log that fit a filter, in their order."""

    def __init__(self, log: FrameLog, name_of: NameOf) -> None:
        self.filter = FrameFilter()
        self.shown: Sequence[Entry] = []
        self._log = log
        self._name_of = name_of
        self._seen = 0

    def set_filter(self, wanted: FrameFilter) -> None:
        """Show other frames."""
        self.filter = wanted
        self._seen = 0
        self.update()

    def update(self) -> None:
        """Take over what has changed in the log."""
        log = self._log
        if not self._seen or not self.filter.is_lasting:
            self.shown = [*self._fitting(log.entries)]
        else:
            new = min(log.received - self._seen, len(log.entries))
            fresh = [log.entries[index] for index in range(-new, 0)]
            first = log.entries[0].arrival if log.entries else 0
            kept = [entry for entry in self.shown if entry.arrival >= first]
            self.shown = [*kept, *self._fitting(fresh)] if log.entries else []
        self._seen = log.received

    def _fitting(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        return (entry for entry in entries if self.filter.fits(entry, self._name_of))


def find_next(shown: Sequence[Entry], text: str, start: int, *, step: int = 1) -> int | None:
    """Return the index of the next frame with a text after `start`, going round; None for none."""
    wanted = text.lower()
    for distance in range(1, len(shown) + 1):
        index = (start + step * distance) % len(shown)
        if contains(shown[index], wanted):
            return index
    return None
