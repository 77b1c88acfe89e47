"""Sanitizes untrusted text for a terminal.

Sanitizing the lines of a text one by one gives the same result as sanitizing the text.
"""

from __future__ import annotations

import re

TAB = 4
"""Columns between tab stops."""

MAX_MARKS = 4
"""Maximum of combining marks on one character."""

_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"

# Characters without width, and those that change the direction.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ODD_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"

_SUSPECT = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f{_INVISIBLE}\ud800-\udfff{_MARKS}]")
_SUSPECT_TO_REVEAL = re.compile(_SUSPECT.pattern[:-1] + _ODD_SPACES + "]")

# No part of a sequence contains a line end: an unfinished one hides no further line.
_ANSI = re.compile(
    r"""
      (?: \x1b\[ | \x9b ) [0-?]{0,64} [ -/]{0,8} [@-~]                      # CSI
    | (?: \x1b[\]PX^_] | [\x90\x98\x9d-\x9f] ) [^\x07\x1b\x80-\x9f\n]{0,4096}
      (?: \x07 | \x1b\\ | \x9c )                                            # OSC, DCS …
    | \x1b [ -/]{0,4} [0-OQ-WYZ\\`-~]                                       # two characters
    """,
    re.VERBOSE,
)
_EMOJI_VARIANT = re.compile(f"(?<=[{_EMOJI}#*0-9])[\ufe0e\ufe0f]+")
_EMOJI_JOINER = re.compile(f"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])")
_HIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_INVISIBLE}\ud800-\udfff]")
_HIDDEN_TO_REVEAL = re.compile(_HIDDEN.pattern[:-1] + _ODD_SPACES + "]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TOO_MANY_MARKS = re.compile(f"([{_MARKS}]{{{MAX_MARKS}}})([{_MARKS}]+)")


def sanitize(text: str) -> str:
    """Return the text without anything that controls a terminal or is invisible on it.

    ANSI sequences and joiners of emoji are removed. Other control characters, bidirectional
    overrides, invisible characters and lone surrogates are replaced by visible ones. Tabs become
    spaces, line ends stay, and carriage returns before a line end are removed.
    """
    if not _SUSPECT.search(text):
        return text
    text = _ANSI.sub("", text.replace("\r\n", "\n"))
    text = _EMOJI_JOINER.sub("", _EMOJI_VARIANT.sub("", text))
    text = _TOO_MANY_MARKS.sub(r"\1", text)
    return _HIDDEN.sub(_show, text).expandtabs(TAB)


def reveal(text: str) -> str:
    """Return the text as `sanitize` does, but without removing anything.

    For what a person decides on. ANSI sequences are shown as text, and unusual spaces too.
    """
    if not _SUSPECT_TO_REVEAL.search(text):
        return text
    text = _TOO_MANY_MARKS.sub(lambda m: m[1] + "".join(map(_name, m[2])), text)
    return _HIDDEN_TO_REVEAL.sub(_show, text).expandtabs(TAB)


def clean_paste(text: str) -> str:
    """Return pasted text without control sequences and characters; a newline ends each line."""
    text = _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROL.sub("", text)


def one_line(text: str, limit: int = 500) -> str:
    """Return sanitized text in one line of at most `limit` characters."""
    safe = " ".join(sanitize(text[: limit * 4]).split())
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def replace_surrogates(text: str) -> str:
    """Return the text with every lone surrogate replaced by U+FFFD, so that it can be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _show(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return _name(match[0])


def _name(character: str) -> str:
    return f"<U+{ord(character):04X}>"
