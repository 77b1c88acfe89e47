"""Search over transcripts: the console's own, the journal's, and the threads of Codex's history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from codextui.console.model.history import PastThread
from codextui.console.model.item_text import item_texts
from codextui.console.model.items import (
    AgentMessage,
    CommandExecution,
    FileChanges,
    Reasoning,
    ToolCall,
    TranscriptItem,
    UserMessage,
)
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.text.sanitize import one_line

MAX_FOUND = 1_000
"""Items that a search lists."""

MAX_LINE = 300
"""Characters of a line that is listed."""

_BEFORE = 40
"""Characters that a cut line has before the text."""


class Source(StrEnum):
    """Where an item was found."""

    LIVE = "live"
    JOURNAL = "journal"
    CODEX = "codex"


class Found(msgspec.Struct, frozen=True):
    """An item with the text, or a thread of Codex's history. Its texts are sanitized.

    Attributes:
        source: where it was found.
        thread_id: its thread.
        turn_id: its turn.
        item_id: its id; empty for a thread.
        handle: the name of its thread.
        at: unix seconds, 0 where unknown.
        kind: what it is, in a word.
        line: the first line with the text.
        lines: how many lines have the text.
    """

    source: Source
    thread_id: str
    turn_id: str
    item_id: str
    handle: str
    at: float
    kind: str
    line: str
    lines: int = 1

    @property
    def key(self) -> tuple[str, str, str]:
        """What it shares with the same item found elsewhere."""
        return self.thread_id, self.turn_id, self.item_id


class FoundPage(msgspec.Struct, frozen=True):
    """A page of the journal's matches; `cursor` is where the next begins, empty for the end."""

    found: Sequence[Found]
    cursor: str = ""

    @classmethod
    def read(cls, source: JsonObject) -> FoundPage:
        """Read the result of `codex-search`; matches that cannot be read are left out."""
        found: list[Found] = []
        for row in fields.objects(source, "matches"):
            try:
                found.append(_read_match(row))
            except MessageInvalid:
                continue
        return cls(found, fields.text_or(source, "cursor"))


def search_arguments(text: str, cursor: str) -> dict[str, Json]:
    """Return the arguments of `codex-search`."""
    return {"text": text, "limit": 100} | ({"cursor": cursor} if cursor else {})


def found_in_codex(thread: PastThread) -> Found:
    """Return a thread of Codex's history that has the text."""
    name = one_line(thread.name or thread.brief, 60) or thread.thread_id[:8]
    line = one_line(thread.brief, MAX_LINE)
    thread_id = thread.thread_id
    return Found(Source.CODEX, thread_id, "", "", name, thread.at, "in Codex's history", line)


def search_live(state: ConsoleState, text: str) -> Iterator[Found | None]:
    """Yield the items of all transcripts that have a text, in any case; None for each without.

    The transcripts may change between two steps.
    """
    wanted = text.lower()
    for view in list(state.threads.values()):
        started = {turn.turn_id: turn.started_at or 0.0 for turn in view.transcript.turns}
        for item in reversed(view.transcript.items[:]):
            hit = _find_line(item, wanted)
            if hit is None:
                yield None
                continue
            line, count = hit
            yield Found(
                Source.LIVE,
                view.thread_id,
                item.turn_id,
                item.item_id,
                one_line(view.info.handle, 60),
                started.get(item.turn_id, 0.0),
                kind_word(item),
                _clip_line(line, wanted),
                count,
            )


def find_item(view: ThreadView | None, found: Found) -> TranscriptItem | None:
    """Return the item of a transcript that was found; None if the transcript has it no more."""
    items = () if view is None else view.transcript.items
    of_turn = [item for item in items if item.turn_id == found.turn_id]
    if found.item_id or not of_turn:
        return next((item for item in of_turn if item.item_id == found.item_id), None)
    # An error or a warning, which the console gives an id of its own.
    line = found.line.lower()
    return next((item for item in of_turn if _find_line(item, line)), of_turn[-1])


def kind_word(item: TranscriptItem) -> str:
    """Return what an item is, in a word."""
    match item.content:
        case AgentMessage():
            return "answer"
        case UserMessage():
            return "prompt"
        case CommandExecution():
            return "command"
        case FileChanges():
            return "changes"
        case Reasoning():
            return "reasoning"
        case ToolCall():
            return "tool"
        case _:
            return "note"


class SearchResults:
    """What was found so far, the newest first, each item once, and the one that is looked at.

    Attributes:
        found: the rows.
        index: the row of the cursor.
        is_full: whether more was found than is listed.
    """

    def __init__(self, *, max_found: int = MAX_FOUND) -> None:
        """Create empty results of at most `max_found` rows."""
        self.found: list[Found] = []
        self.index = 0
        self.is_full = False
        self._max_found = max_found
        self._keys: set[tuple[str, str, str]] = set()

    @property
    def current(self) -> Found | None:
        """The row of the cursor."""
        return self.found[self.index] if self.index < len(self.found) else None

    def add(self, found: Iterable[Found]) -> None:
        """Add rows; the cursor stays on its own."""
        new = {one.key: one for one in found if one.key not in self._keys}
        room = self._max_found - len(self.found)
        self.is_full |= len(new) > room
        kept = list(new.values())[: max(0, room)]
        if not kept:
            return
        current = self.current if self.index else None
        self._keys |= {one.key for one in kept}
        self.found = sorted([*self.found, *kept], key=lambda one: -one.at)
        if current is not None:
            self.index = self.found.index(current)

    def move(self, step: int) -> bool:
        """Move the cursor; return false if there is no row in that direction."""
        index = max(0, min(len(self.found) - 1, self.index + step))
        has_moved, self.index = index != self.index, index
        return has_moved


def _find_line(item: TranscriptItem, wanted: str) -> tuple[str, int] | None:
    """Return the first line of an item with the text, and how many lines have it."""
    first: str | None = None
    count = 0
    for text in item_texts(item.content):
        lowered = text.lower()
        at = lowered.find(wanted)
        while at >= 0:
            count += 1
            if first is None:  # lowering may change the length of a line, but not their number
                first = text.split("\n")[lowered.count("\n", 0, at)]
            end = lowered.find("\n", at)
            at = lowered.find(wanted, end) if end >= 0 else -1
    return None if first is None else (first, count)


def _clip_line(line: str, wanted: str) -> str:
    at = line.lower().find(wanted)
    start = max(0, at - _BEFORE) if at > 2 * _BEFORE else 0
    shown = one_line(line[start:], MAX_LINE)
    return f"…{shown}" if start else shown


def _read_match(row: JsonObject) -> Found:
    thread_id = fields.text(row, "thread_id")
    return Found(
        Source.JOURNAL,
        thread_id,
        fields.text_or(row, "turn_id"),
        fields.text_or(row, "item_id"),
        one_line(fields.text_or(row, "handle") or thread_id[:8], 60),
        fields.number_or(row, "at"),
        _KINDS.get(fields.text_or(row, "kind"), "note"),
        one_line(fields.text_or(row, "line"), MAX_LINE),
        fields.integer_or(row, "lines", 1),
    )


_KINDS = {
    "agentMessage": "answer",
    "userMessage": "prompt",
    "commandExecution": "command",
    "fileChange": "changes",
    "reasoning": "reasoning",
    "mcpToolCall": "tool",
    "dynamicToolCall": "tool",
    "error": "error",
    "warning": "warning",
}
