"""Lines of a text that is changed in places: their ends, their indentation, and cutting."""

from __future__ import annotations


def line_end_at(text: str, position: int) -> str:
    r"""Return the end of the lines around an offset: "\n" or "\r\n".

    It is that of the line before, or of the line itself where there is none before.
    """
    found = text.rfind("\n", 0, position)
    if found < 0:
        found = text.find("\n", position)
    return "\r\n" if found > 0 and text[found - 1] == "\r" else "\n"


def indent_at(text: str, position: int) -> str:
    """Return the blanks at the beginning of the line of an offset."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def is_first_on_line(text: str, position: int) -> bool:
    """Return whether only blanks precede an offset on its line."""
    return not text[text.rfind("\n", 0, position) + 1 : position].strip(" \t")


def line_of(text: str, position: int) -> int:
    """Return the number of the line of an offset; the first one is 1."""
    return text.count("\n", 0, position) + 1


def cut(text: str, start: int, end: int) -> str:
    """Return a text without `text[start:end]`, nor the line if nothing else stands on it."""
    line_start = text.rfind("\n", 0, start) + 1
    line_stop = text.find("\n", end) + 1 or len(text)
    before, after = text[line_start:start], text[end:line_stop]
    if not before.strip(" \t") and not after.strip(" \t\r\n"):
        return text[:line_start] + text[line_stop:]
    if not after.strip(" \t\r\n"):
        return text[:start].rstrip(" \t") + text[end:]
    return text[:start] + text[end:].lstrip(" \t")
