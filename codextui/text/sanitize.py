"""Sanitizes untrusted text for a terminal.

`sanitize` is for text that is read, `reveal` for text that is decided on. Sanitizing the lines of a
text one by one gives the same result as sanitizing the text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from codextui.text.look_alikes import may_look_alike, name_look_alikes

TAB = 4
"""Columns between tab stops."""

MAX_MARKS = 4
"""Maximum of combining marks on one character."""

LINE_END = "\u240a"
"""Stands for a line end in texts of one row."""

_MAX_REMEMBERED = 20_000
"""Maximum of characters in a cache."""

_HIDDEN_CATEGORIES = frozenset(["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"])
"""Control, format, unassigned, private, surrogates, line and paragraph separators."""

_MARK_CATEGORIES = frozenset(["Mn", "Me"])

_BLANKS = frozenset(
    map(
        chr,
        [
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810)),  # joiners, fillers
            *(0x2800, 0x2D7F, 0x3164, *range(0xFE00, 0xFE10), 0xFFA0, 0xFFFC),
            *(0x1107F, *range(0x13430, 0x13460), 0x16FE4, *range(0x1BCA0, 0x1BCA4)),
            *(0x1D159, *range(0xE0000, 0xE1000)),
        ],
    )
)
"""Characters without a shape that Unicode counts as letters, marks or symbols."""

_SIGNS_AROUND_NUMBERS = frozenset(
    map(chr, [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD])
)
"""Format characters that have a shape (Unicode's Prepended_Concatenation_Mark)."""

_BLANK_LINES = re.compile(r"(?:^ *\n){5,}", re.MULTILINE)
MANY_SPACES = " " * 41
"""Spaces from which on a run of them is counted."""

_SPACES = re.compile(rf"(?<! ){MANY_SPACES} *")
_NAMES = re.compile(r"(<U\+[0-9A-F]{4,6}>)\1{7,}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_PIECE = re.compile(r"(?:[ \t]|\r?\n)+|(?:(?!\r\n)[^ \t\n]){1,256}")
_STACK = re.compile(rf"[^\w\s\x00-\x7f]{{{MAX_MARKS + 1},}}")
_ORPHANS = re.compile(r"(?:(?<=\s)|^)[^\w\s\x00-\x7f]+", re.MULTILINE)


_MAX_OVERWRITTEN = 65_536
"""Characters at the end of a line among which its last frame is searched for."""


def sanitize(text: str) -> str:
    """Return the text without anything that controls a terminal or is invisible on it.

    ANSI sequences and joiners of emoji are removed. Control and format characters, variation
    selectors, lone surrogates, blank letters, private and unassigned characters are replaced by
    visible ones. Tabs become spaces, line ends stay, and carriage returns before a line end are
    removed.
    """
    if not _SANITIZED.may_change(text):
        return text
    text = _ansi().sub("", text.replace("\r\n", "\n"))
    if not text.isascii():
        text = _join_emoji(text)
        text = _STACK.sub(lambda match: _limit_marks(match[0], lambda _: ""), text)
    return text.translate(_SANITIZED).expandtabs(TAB)


def reveal(text: str, *, keep_tabs: bool = False) -> str:
    """Return the text as `sanitize` does, but without removing anything.

    For what a person decides on. ANSI sequences are shown as text. Unusual spaces, combining marks
    without a base, and letters of other scripts that pass for ASCII ones are named.

    Args:
        text: any text.
        keep_tabs: do not replace tabs by spaces.
    """
    if not _REVEALED.may_change(text):
        return text
    text = _name_in_context(text, _name).translate(_REVEALED)
    return text if keep_tabs else text.expandtabs(TAB)


def show_tabs(text: str, column: int = 0) -> str:
    """Return text as `reveal` does, with every tab as `→` up to the next tab stop.

    Args:
        text: a line, or a part of one.
        column: where it begins.
    """
    first, *rest = reveal(text, keep_tabs=True).split("\t")
    shown = first
    for part in rest:
        room = TAB - (column + len(shown)) % TAB
        shown += "→" + " " * (room - 1) + part
    return shown


def hidden_characters(text: str) -> Counter[str]:
    """Count the characters that `reveal` names, by name (`<U+200B>`, `␛`), without tabs."""
    counts: Counter[str] = Counter()

    def count(character: str) -> str:
        counts[_name(character)] += 1
        return ""

    text = text.replace("\r\n", "\n").replace("\t", "")
    if _REVEALED.may_change(text):
        rest = Counter(_name_in_context(text, count))
        counts.update({_REVEALED[ord(c)]: n for c, n in rest.items() if _REVEALED[ord(c)] != c})
    return counts


def fold_blanks(text: str) -> str:
    """Return revealed text with long runs of blanks and of hidden characters counted.

    A line `⋯ 243 blank lines ⋯` stands for the lines; spaces and names are counted in place.
    """
    if "\n" in text:
        text = _BLANK_LINES.sub(lambda m: f"⋯ {m[0].count(chr(10)):,} blank lines ⋯\n", text)
    if MANY_SPACES in text:
        text = _SPACES.sub(lambda match: f" ⋯ {len(match[0]):,} spaces ⋯ ", text)
    if "<U+" not in text:
        return text
    return _NAMES.sub(lambda match: f"{match[1]}({len(match[0]) // len(match[1]):,} times)", text)


def clean_paste(text: str) -> str:
    """Return pasted text without control sequences and characters; a newline ends each line."""
    text = _ansi().sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _pasted_control().sub("", text)


def last_frames(text: str) -> str:
    """Return what a terminal shows of lines that carriage returns and backspaces overwrite.

    Of a progress bar, that is its last state. The text is not sanitized otherwise.
    """
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(map(_last_frame, text.split("\n")))


def _last_frame(line: str) -> str:
    frames = line[-_MAX_OVERWRITTEN:].rstrip("\r").split("\r")
    visible = (frame for frame in reversed(frames) if sanitize(frame).strip())
    frame = next(visible, frames[-1]) if len(frames) > 1 else line.rstrip("\r")
    return _without_erased(frame) if "\b" in frame else frame


def _without_erased(text: str) -> str:
    """Apply backspaces."""
    kept: list[str] = []
    for character in text:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)


def one_line(text: str, limit: int = 500) -> str:
    """Return sanitized text in one line of at most `limit` characters.

    Each run of blanks becomes a space, and `␊` where it has line ends. `…` marks a shortened text.
    """
    return _fit(text, limit, sanitize)


def one_revealed_line(text: str, limit: int = 500) -> str:
    """Return text as `reveal` does, in one line as `one_line` makes it."""
    return _fit(text, limit, reveal)


def replace_surrogates(text: str) -> str:
    """Return the text with every lone surrogate replaced by U+FFFD, so that it can be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _fit(text: str, limit: int, make_safe: Callable[[str], str]) -> str:
    start, is_whole = _squeeze(text, 4 * limit)
    safe = " ".join(make_safe(start).split())
    safe = safe if is_whole else f"{safe}…"
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def _squeeze(text: str, size: int) -> tuple[str, bool]:
    """Return about the first `size` characters as one line, and whether that is all of it."""
    if len(text) <= size and text.isprintable():
        return text, True
    text = text.strip(" \t\r\n")
    pieces: list[str] = []
    room = size
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece.isspace() and piece[0] in " \t\r\n":
            piece = f" {LINE_END} " if "\n" in piece else " "
        pieces.append(piece)
        room -= len(piece)
        if room <= 0:
            return "".join(pieces), match.end() == len(text)
    return "".join(pieces), True


def _name_in_context(text: str, name: Callable[[str], str]) -> str:
    """Name what is hidden by its context: look-alikes and combining marks."""
    if text.isascii():
        return text
    text = name_look_alikes(text, name)
    text = _ORPHANS.sub(lambda match: _name_first_marks(match[0], name), text)
    return _STACK.sub(lambda match: _limit_marks(match[0], name), text)


def _name_first_marks(run: str, name: Callable[[str], str]) -> str:
    """Name the combining marks at the start of `run`, before which there is no character."""
    rest = run.lstrip("".join(c for c in set(run) if _is_mark(c)))
    return "".join(map(name, run[: len(run) - len(rest)])) + rest


def _limit_marks(run: str, name: Callable[[str], str]) -> str:
    """Name the combining marks above `MAX_MARKS` on one character."""
    shown: list[str] = []
    marks = 0
    for character in run:
        marks = marks + 1 if _is_mark(character) else 0
        shown.append(character if marks <= MAX_MARKS else name(character))
    return "".join(shown)


def _join_emoji(text: str) -> str:
    """Remove selectors of an emoji's look, and joiners between two."""
    variant, joiner = _emoji_glue()
    return joiner.sub("", variant.sub("", text))


def _name(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in _MARK_CATEGORIES


def _is_hidden(character: str) -> bool:
    """Return whether a character has no shape, or none that is known."""
    if character in _BLANKS:
        return True
    if unicodedata.category(character) not in _HIDDEN_CATEGORIES:
        return False
    return character not in _SIGNS_AROUND_NUMBERS and not _is_new_emoji(character)


def _is_new_emoji(character: str) -> bool:
    """Return whether it is reserved for emoji, which a Unicode newer than Python's may define."""
    return "\U0001f000" <= character <= "\U0001faff" and unicodedata.category(character) == "Cn"


def _is_hidden_or_space(character: str) -> bool:
    """Return whether a character is hidden, or a space other than the ASCII one."""
    category = unicodedata.category(character)
    return (
        character in _BLANKS
        or category in _HIDDEN_CATEGORIES
        or (category == "Zs" and character != " ")
    )


class _Table(dict[int, str]):
    """A table for `str.translate` that names hidden characters; filled on demand."""

    def __init__(self, is_hidden: Callable[[str], bool], *, look_alikes: bool) -> None:
        super().__init__({ord("\t"): "\t", ord("\n"): "\n"})
        self._is_hidden = is_hidden
        self._look_alikes = look_alikes
        self._plain = {"\n"}

    def __missing__(self, code: int) -> str:
        character = chr(code)
        shown = _name(character) if self._is_hidden(character) else character
        if len(self) < _MAX_REMEMBERED:
            self[code] = shown
        return shown

    def may_change(self, text: str) -> bool:
        """Return whether a text has characters that are not always shown as they are."""
        if text.isascii():
            return _CONTROL.search(text) is not None
        for character in set(text) - self._plain:
            if not self._is_plain(character):
                return True
            if len(self._plain) < _MAX_REMEMBERED:
                self._plain.add(character)
        return False

    def _is_plain(self, character: str) -> bool:
        return (
            character != "\t"
            and not self._is_hidden(character)
            and not _is_mark(character)
            and not (self._look_alikes and may_look_alike(character))
        )


_SANITIZED = _Table(_is_hidden, look_alikes=False)
_REVEALED = _Table(_is_hidden_or_space, look_alikes=True)


@cache
def _ansi() -> re.Pattern[str]:
    """Match what terminals obey, within a line: an unfinished sequence hides no further line."""
    return re.compile(
        r"""
          (?: \x1b\[ | \x9b ) [0-?]{0,64} [ -/]{0,8} [@-~]                      # CSI
        | (?: \x1b[\]PX^_] | [\x90\x98\x9d-\x9f] ) [^\x07\x1b\x80-\x9f\n]{0,4096}
          (?: \x07 | \x1b\\ | \x9c )                                            # OSC, DCS …
        | \x1b [ -/]{0,4} [0-OQ-WYZ\\`-~]                                       # two characters
        """,
        re.VERBOSE,
    )


@cache
def _emoji_glue() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Match selectors of an emoji's look, and joiners between two."""
    emoji = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
    variant = re.compile(f"(?<=[{emoji}#*0-9])[\ufe0e\ufe0f]+")
    return variant, re.compile(f"(?<=[{emoji}])\u200d(?=[{emoji}])")


@cache
def _pasted_control() -> re.Pattern[str]:
    return re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def format_json(value: Any) -> str:
    """Return a value as indented JSON; in one line if it is nested too deeply. Not sanitized."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except (RecursionError, ValueError):
        return to_json(value)


def to_json(value: Any) -> str:
    """Return a value as JSON in one line, or its `repr` if JSON cannot express it."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        return repr(value)


def dump_json(
    value: Any,
    *,
    indent: int | None = None,
    default: Callable[[Any], Any] | None = None,
    compact: bool = False,
) -> str:
    """Return a value as JSON in its own script, not in escapes.

    Escaped is only what is not printable: what controls a terminal, is invisible, or cannot be
    encoded, such as a lone surrogate.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(
        value, ensure_ascii=False, indent=indent, default=default, separators=separators
    )
    if text.isprintable():
        return text
    return "".join(char if _stays_in_json(char) else json.dumps(char)[1:-1] for char in text)


def _stays_in_json(char: str) -> bool:
    return char == "\n" or char.isprintable() or unicodedata.category(char) == "Zs"
