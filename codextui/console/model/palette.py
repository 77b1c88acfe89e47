"""The entries of the command palette, and how what is typed finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import msgspec

MAX_ENTRIES = 200
"""Entries that are listed at most; typing more finds the others."""

_AT_START, _AT_WORD, _WITHIN, _SCATTERED = 100.0, 80.0, 60.0, 30.0
_MAX_DETRACTION = 25.0


class EntryKind(StrEnum):
    """What an entry is; the value is shown."""

    APPROVAL = "asks"
    THREAD = "thread"
    RUN = "run"
    ACTION = "action"
    FILE = "file"


class PaletteEntry(msgspec.Struct, frozen=True):
    """Something that the palette goes to or does. Its texts are sanitized.

    Attributes:
        kind: what it is.
        title: its name, which counts most when it is looked for.
        detail: the key of an action, the state and the brief of a thread.
        run: goes there, or does it.
        reason: why it cannot be done now, empty where it can.
    """

    kind: EntryKind
    title: str
    detail: str
    run: Callable[[], object]
    reason: str = ""


def find_entries(
    entries: Iterable[PaletteEntry], query: str, *, limit: int = MAX_ENTRIES
) -> list[PaletteEntry]:
    """Return the entries that a query finds, the best first; without one, all in their order.

    Every word has to be in the title or in the detail, or its letters in the title in their order.
    What cannot be done now comes last among equals.
    """
    words = query.casefold().split()
    scored = [(_score(entry, words), at, entry) for at, entry in enumerate(entries)]
    found = [(-score, at, entry) for score, at, entry in scored if score > 0]
    return [entry for _, _, entry in sorted(found, key=lambda row: row[:2])][:limit]


def _score(entry: PaletteEntry, words: Sequence[str]) -> float:
    title, detail = entry.title.casefold(), f"{entry.kind.value} {entry.detail}".casefold()
    total = 1.0
    for word in words:
        score = max(word_score(word, title), word_score(word, detail, scattered=False) * 0.6)
        if score <= 0:
            return 0.0
        total += score
    return total - (1.0 if entry.reason and words else 0.0)


def word_score(word: str, text: str, *, scattered: bool = True) -> float:
    """Return how well a word is found in a text, 0 for not at all; both in one case.

    Args:
        word: not empty.
        text: where it is looked for.
        scattered: whether the word's letters may be apart from each other.
    """
    at = text.find(word)
    if at == 0:
        return _AT_START + len(word) / (len(text) + 1)
    if at > 0:
        starts_word = any(not text[i - 1].isalnum() for i in _places(word, text, at))
        return (_AT_WORD if starts_word else _WITHIN) - min(at, _MAX_DETRACTION) / 2
    span = _scattered_span(word, text) if scattered else 0
    if not span:
        return 0.0
    return max(1.0, _SCATTERED - min(span - len(word), _MAX_DETRACTION))


def _places(word: str, text: str, at: int) -> Iterable[int]:
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _scattered_span(word: str, text: str) -> int:
    """Return over how many characters the letters of a word are found in order; 0 for nowhere."""
    first = at = text.find(word[0])
    for letter in word[1:]:
        if at < 0:
            return 0
        at = text.find(letter, at + 1)
    return at - first + 1 if at >= 0 else 0
