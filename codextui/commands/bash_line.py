"""A command line of bash up to the cursor: its words, and the quoting of what is put there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BLANKS: Final = " \t\n"
_NEEDS_ESCAPE = re.compile(r"[^\w@%+=:,./-]")
_NEEDS_ESCAPE_IN_QUOTES = re.compile(r'["$`\\]')


@dataclass(frozen=True, slots=True)
class BashLine:
    """What stands before the cursor.

    Attributes:
        words: the whole words before the one at the cursor, without quotes and redirections.
        current: the beginning of the word at the cursor, without quotes.
        kept: the part of `current` that readline leaves in the line when it inserts.
        quote: the quote that is open at the cursor, empty where none is.
        redirects: whether the word at the cursor is the file of a redirection.
    """

    words: tuple[str, ...]
    current: str
    kept: str
    quote: str
    redirects: bool

    def insertion(self, value: str) -> str:
        """Return what readline has to insert so that the word at the cursor is `value`."""
        return quote(value[len(self.kept) :], self.quote)


def split_line(line: str, breaks: str) -> BashLine:
    """Split a line as bash does.

    Args:
        line: the command line up to the cursor.
        breaks: bash's COMP_WORDBREAKS, after which readline completes apart.
    """
    splitter = _Splitter(breaks)
    characters = iter(line)
    for character in characters:
        if character == "\\" and splitter.quote != "'":
            splitter.add_escaped(next(characters, ""))
        else:
            splitter.add(character)
    return splitter.finish()


def quote(text: str, open_quote: str = "") -> str:
    """Return text quoted for bash, inside of the quote that is open; it has no line ends."""
    match open_quote:
        case "'":
            return text.replace("'", r"'\''")
        case '"':
            escaped = _NEEDS_ESCAPE_IN_QUOTES.sub(r"\\\g<0>", text)
            # History is expanded in double quotes, and a backslash before its sign stays there.
            return escaped.replace("!", r'"\!"')
        case _:
            return _NEEDS_ESCAPE.sub(r"\\\g<0>", text)


class _Splitter:
    def __init__(self, breaks: str) -> None:
        self.quote = ""
        self._breaks = breaks
        self._words: list[str] = []
        self._word: str | None = None
        self._kept = ""
        self._redirects = False

    def add(self, character: str) -> None:
        if self.quote:
            self._add_quoted(character)
        elif character in _BLANKS:
            self._end_word()
        elif character in "<>":
            self._end_word()
            self._redirects = True
        elif character in "'\"":
            self._word = self._word or ""
            self.quote, self._kept = character, self._word
        else:
            self._word = (self._word or "") + character
            if character in self._breaks:
                self._kept = self._word

    def add_escaped(self, character: str) -> None:
        stays = self.quote == '"' and character not in '"$`\\'
        self._word = (self._word or "") + ("\\" if stays else "") + character

    def finish(self) -> BashLine:
        current = self._word or ""
        return BashLine(tuple(self._words), current, self._kept, self.quote, self._redirects)

    def _add_quoted(self, character: str) -> None:
        self._word = self._word or ""
        if character == self.quote:
            self.quote, self._kept = "", self._word
        else:
            self._word += character

    def _end_word(self) -> None:
        if self._word is not None:
            if not self._redirects:
                self._words.append(self._word)
            self._redirects = False
        self._word, self._kept = None, ""
