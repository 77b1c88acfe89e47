"""Separates pasted text from keys in the input of a terminal.

Textual's parser reads escape sequences inside a bracketed paste as keys, so a coloured log line in
the clipboard can press any key. Here nothing inside a paste is a key, whatever bytes it holds, and
a paste without brackets is recognised by its speed: what arrives together is text, which a text
field takes as if it were typed and which does nothing anywhere else. Pure: the time is passed in.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import msgspec

PASTE_START: Final = "\x1b[200~"
"""The sequence before a bracketed paste."""

PASTE_END: Final = "\x1b[201~"
"""The sequence after a bracketed paste."""

ESC: Final = "\x1b"


class InputLimits(msgspec.Struct, frozen=True):
    """Times in seconds and sizes in characters by which pastes are recognised.

    Attributes:
        escape_s: how long an escape may be the beginning of a sequence.
        end_s: silence after which a paste without an end is over.
        after_paste_s: how long after the end of a paste text still belongs to it, so that text
            with an end of its own in it presses no keys.
        max_paste: characters of a paste; the rest is dropped.
    """

    escape_s: float = 0.1
    end_s: float = 3.0
    after_paste_s: float = 0.1
    max_paste: int = 1_000_000


class Keys(msgspec.Struct, frozen=True):
    """Keys, mouse events and answers of the terminal, for Textual's parser.

    Attributes:
        text: as the terminal sent it.
        complete: whether an escape at its end stands alone, as nothing followed in time.
    """

    text: str
    complete: bool = False


class Pasted(msgspec.Struct, frozen=True):
    """Text that was pasted, as the terminal sent it."""

    text: str


Part: TypeAlias = Keys | Pasted
"""A piece of the terminal's input."""

# A control sequence (CSI), a function key (SS3), an answer of the terminal (OSC, DCS).
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~] | \x1bO. | \x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)", re.VERBOSE
)
# What programs print and no terminal sends: colours, erasing, modes, hyperlinks. It was copied.
_PRINTED = re.compile(r"\x1b\[(?!<)[0-?]*[ -/]*[JKhlm] | \x1b\]8;", re.VERBOSE)
_TAIL = len(PASTE_END) - 1


class InputSplitter:
    """Splits the terminal's input into keys and pastes.

    Call `feed` with everything that arrives together, and `tick` regularly in between.
    """

    def __init__(self, limits: InputLimits | None = None) -> None:
        self._limits = limits or InputLimits()
        self._held = ""
        self._broken_off = ""
        self._in_paste = False
        self._content: list[str] = []
        self._size = 0
        self._tail = ""
        self._fed_at = float("-inf")
        self._paste_ended_at = float("-inf")

    @property
    def is_waiting(self) -> bool:
        """Whether a call of `tick` may be due soon."""
        return bool(self._held) or self._in_paste

    def feed(self, data: str, now: float) -> list[Part]:
        """Return the parts that `data`, received at `now`, completes."""
        data = self._continue_marker(data, now)
        self._fed_at = now
        parts: list[Part] = []
        while data:
            if self._in_paste:
                data = self._feed_paste(data, now, parts)
            else:
                data = self._feed_keys(data, now, parts)
        return parts

    def tick(self, now: float) -> list[Part]:
        """Return what is complete because nothing followed it in time."""
        silence = now - self._fed_at
        if self._in_paste:
            return [self._end_paste(now)] if silence >= self._limits.end_s else []
        # The longer beginnings of a marker are no keys of anybody's: they wait for their rest.
        if self._held in (ESC, ESC + "[") and silence >= self._limits.escape_s:
            held, self._held = self._held, ""
            self._broken_off = held
            return [Keys(held, complete=True)]
        return []

    def _continue_marker(self, data: str, now: float) -> str:
        """Join `data` to a marker that it continues, also where its escape was taken for a key."""
        held, self._held = self._held, ""
        broken_off, self._broken_off = self._broken_off, ""
        if broken_off and now - self._fed_at < self._limits.end_s:
            for marker in (PASTE_START, PASTE_END):
                if data.startswith(marker[len(broken_off) :]):
                    return broken_off + data
        return held + data

    def _feed_paste(self, data: str, now: float, parts: list[Part]) -> str:
        text = self._tail + data
        end = text.find(PASTE_END)
        if end < 0:
            self._add(text[:-_TAIL])
            self._tail = text[-_TAIL:]
            return ""
        self._add(text[:end])
        self._tail = ""
        parts.append(self._end_paste(now))
        return text[end + len(PASTE_END) :]

    def _add(self, text: str) -> None:
        self._content.append(text[: self._limits.max_paste - self._size])
        self._size += len(self._content[-1])

    def _end_paste(self, now: float) -> Pasted:
        self._add(self._tail)
        text = "".join(self._content)
        self._in_paste = False
        self._content, self._size, self._tail = [], 0, ""
        self._paste_ended_at = now
        return Pasted(text)

    def _feed_keys(self, data: str, now: float, parts: list[Part]) -> str:
        start, end = data.find(PASTE_START), data.find(PASTE_END)
        if end >= 0 and not 0 <= start < end:
            # The end of a paste whose beginning is long ago, or never came.
            if end:
                parts.append(Pasted(data[:end]))
            self._paste_ended_at = now
            return data[end + len(PASTE_END) :]
        if start >= 0:
            self._add_keys(data[:start], now, parts)
            self._in_paste = True
            return data[start + len(PASTE_START) :]
        held = _beginning_of_marker(data)
        self._held = held
        self._add_keys(data[: len(data) - len(held)], now, parts)
        return ""

    def _add_keys(self, text: str, now: float, parts: list[Part]) -> None:
        if not text:
            return
        typed = _SEQUENCE.sub("", text)
        # Nobody types two characters at once; one that is held down may come several times.
        is_burst = len(set(typed)) > 1 or (bool(typed) and bool(_PRINTED.search(text)))
        follows_paste = bool(typed) and now - self._paste_ended_at < self._limits.after_paste_s
        parts.append(Pasted(text) if is_burst or follows_paste else Keys(text))


def _beginning_of_marker(data: str) -> str:
    """Return the longest end of `data` that may become a marker."""
    for size in range(min(_TAIL, len(data)), 0, -1):
        end = data[-size:]
        if PASTE_START.startswith(end) or PASTE_END.startswith(end):
            return end
    return ""
