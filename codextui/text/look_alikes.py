"""Finds letters and signs that pass for ASCII ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

LETTERS = {
    "A": "\u0391\u0410\u13aa",
    "B": "\u0392\u0412\u13f4",
    "C": "\u03f9\u0421\u13df\u216d",
    "D": "\u13a0\u216e",
    "E": "\u0395\u0415\u13ac",
    "G": "\u050c\u13c0",
    "H": "\u0397\u041d\u13bb",
    "I": "\u0399\u0406\u04c0\u2160",
    "J": "\u037f\u0408\u13ab",
    "K": "\u039a\u041a\u13e6",
    "L": "\u053c\u13de\u216c",
    "M": "\u039c\u041c\u13b7\u216f",
    "N": "\u039d",
    "O": "\u039f\u041e\u0555",
    "P": "\u03a1\u0420\u13e2",
    "R": "\u13d2",
    "S": "\u0405\u054f\u13da",
    "T": "\u03a4\u0422\u13a2",
    "U": "\u054d",
    "V": "\u0474\u13d9\u2164",
    "W": "\u051c\u13b3",
    "X": "\u03a7\u0425\u2169",
    "Y": "\u03a5\u04ae",
    "Z": "\u0396\u13c3",
    "a": "\u0251\u03b1\u0430",
    "c": "\u03f2\u0441\u217d",
    "d": "\u0501\u217e",
    "e": "\u0435\u212f",
    "g": "\u0261\u0581",
    "h": "\u04bb\u0570",
    "i": "\u03b9\u0456\u13a5\u2170",
    "j": "\u03f3\u0458",
    "l": "\u04cf\u217c",
    "m": "\u217f",
    "n": "\u0578",
    "o": "\u03bf\u043e\u0585\u2134",
    "p": "\u03c1\u0440",
    "q": "\u051b",
    "s": "\u0455",
    "u": "\u03c5\u057d",
    "v": "\u03bd\u0475\u2174",
    "w": "\u051d",
    "x": "\u0445\u2179",
    "y": "\u0443\u04af",
}
"""ASCII letter → letters of other scripts that most fonts draw the same."""

SIGNS = {
    "!": "\u01c3",
    "*": "\u2217",
    "-": "\u02d7\u2010\u2011\u2212",
    ".": "\u2024",
    "/": "\u2044\u2215\u29f8",
    ":": "\u2236\ua789",
    ";": "\u037e",
    "\\": "\u2216\u29f5",
    "|": "\u01c0\u2223",
    "~": "\u223c",
}
"""ASCII sign → signs that most fonts draw the same."""

_SCRIPTS = ("\u0370-\u03ff", "\u0400-\u052f", "\u0530-\u058f", "\u13a0-\u13ff", "\u2160-\u217f")
"""Greek, Cyrillic, Armenian, Cherokee, Roman numerals: scripts that have look-alikes."""

_ASCII_TWINS = frozenset(LETTERS)
_LETTERS = frozenset("".join(LETTERS.values()))
_SIGNS = frozenset("".join(SIGNS.values()))
_WORD = re.compile(r"\w+")


def may_look_alike(character: str) -> bool:
    """Return whether a character may pass for an ASCII one, or is of a script that has such."""
    return character in _SIGNS or character in _LETTERS or bool(_foreign().match(character))


def name_look_alikes(text: str, name: Callable[[str], str]) -> str:
    """Replace characters that pass for ASCII by their names.

    Signs are always named. In a word of ASCII letters the look-alikes of other scripts are named,
    in a word of another script the ASCII ones. A word of look-alikes alone is named if nothing else
    in its line is of their script. Words that are plainly Russian or Greek stay.

    Args:
        text: any text.
        name: returns the name of a character.
    """
    if text.isascii():
        return text
    return "\n".join(_name_in_line(line, name) for line in text.split("\n"))


def _name_in_line(text: str, name: Callable[[str], str]) -> str:
    if text.isascii():
        return text
    whole_words = _is_disguised(text)

    def name_in(match: re.Match[str]) -> str:
        named = _impostors(match[0], whole_words=whole_words)
        return "".join(name(c) if c in named else c for c in match[0]) if named else match[0]

    text = _WORD.sub(name_in, text)
    return _signs().sub(lambda match: name(match[0]), text)


def _impostors(word: str, *, whole_words: bool) -> frozenset[str]:
    """Return the characters of a word to name."""
    if word.isascii():
        return frozenset()
    ascii_letters = [c for c in word if c.isascii() and c.isalpha()]
    others = [c for c in word if not c.isascii() and c.isalpha()]
    doubles = _LETTERS.intersection(others)
    if not ascii_letters:
        is_disguise = whole_words and len(others) > 1 and len(doubles) == len(set(others))
        return doubles if is_disguise else frozenset()
    if len(others) <= len(ascii_letters):
        return doubles
    is_foreign = _foreign().search(word) is not None
    is_disguise = is_foreign and _ASCII_TWINS.issuperset(ascii_letters)
    return frozenset(ascii_letters) if is_disguise else frozenset()


def _is_disguised(text: str) -> bool:
    """Return whether all letters of other scripts in a text are look-alikes."""
    return all(c in _LETTERS for c in set(_foreign().findall(text)))


@cache
def _signs() -> re.Pattern[str]:
    return re.compile(f"[{''.join(_SIGNS)}]")


@cache
def _foreign() -> re.Pattern[str]:
    return re.compile(f"[{''.join(_SCRIPTS)}]")
