"""Finds the lines of a TOML text: where each key begins, and where and why it is no TOML.

`tomllib` reports no positions of keys. So the text is cut into its statements, each the fewest
lines that are TOML by themselves.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_PATH = re.compile(r"\((('[^']*',? ?)+)\)")
_NAME = re.compile(r"'([^']*)'")
_HEADER = re.compile(r"\s*\[")
_VALUE = re.compile(r"(?P<key>[^=#]*?)\s*=\s*(?P<value>.*)")
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb", '"'))
_ENDS = ('"""', "'''", "]", "}")
"""What the last line of a statement of several lines has in it."""


def line_of(text: str, key: str) -> int:
    """Return the line, from 1, where a dotted key first appears in a TOML text.

    Where there is no such key it is the line of the nearest table around it that is there.
    """
    lines = _lines_of(text)
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return lines.get(key, 1)


@functools.lru_cache(maxsize=2)
def _lines_of(text: str) -> Mapping[str, int]:
    """Return the line of every dotted key; keys in arrays of tables have none."""
    found: dict[str, int] = {}
    table, is_in_array = "", False
    for line, statement, content in _statements(text):
        keys = []
        if _HEADER.match(statement):
            keys = list(_dotted_keys(content, ""))
            table, is_in_array = f"{keys[-1]}.", statement.lstrip().startswith("[[")
        elif not is_in_array:
            keys = list(_dotted_keys(content, table))
        for key in keys:
            found.setdefault(key, line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield the line, the text and the content of every statement, up to the first that has no end.

    Blank lines and comments are statements without a content.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    start = 0
    for end, last in enumerate(lines):
        if end > start and not any(one in last for one in _ENDS):
            continue
        statement = "\n".join(lines[start : end + 1])
        try:
            content = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        yield start + 1, statement, content
        start = end + 1


def _dotted_keys(table: Mapping[str, object], prefix: str) -> Iterator[str]:
    for name, value in table.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _dotted_keys(value, f"{prefix}{name}.")


def describe_syntax_error(text: str, error: Exception) -> tuple[int, str]:
    """Return the line of what tomllib has refused, and why it is no TOML, with what would be right.

    Args:
        text: the text.
        error: what `tomllib.loads` has raised for it.
    """
    said = str(error)
    found = _PLACE.search(said)
    lines = text.replace("\r\n", "\n").split("\n")
    line = int(found[1]) if found and found[1] else len(lines)
    reason = _PATH.sub(lambda path: f"[{'.'.join(_NAME.findall(path[1]))}]", _PLACE.sub("", said))
    if "twice" in reason or "overwrite" in reason:
        return line, f"is no TOML: {reason}; it stands further up already"
    begun = 1
    for start, statement, _ in _statements(text):
        begun = start + statement.count("\n") + 1
    if not found or not found[1]:
        return begun, f"is no TOML: {reason}: what begins here has no end"
    if begun < line:
        return line, f"is no TOML: {reason}; what begins in line {begun} may have no end"
    remedy = _remedy(lines[line - 1])
    return line, f"is no TOML: {reason}{f'; {remedy}' if remedy else ''}"


def _remedy(line: str) -> str:
    """Return what would probably be right instead of a line; empty if nothing is known."""
    if line.translate(_QUOTES) != line:
        return "write straight quotes"
    found = _VALUE.fullmatch(line.strip())
    if found is None:
        return "" if line.lstrip().startswith("[") else "write KEY = VALUE, or a table as [NAME]"
    value = found["value"].partition("#")[0].strip()
    if not value:
        return "write a value after ="
    if value.lower() in ("true", "false"):
        return f"write {value.lower()}"
    if value[0] in "\"'":
        return "end the text with the quote that it begins with"
    return "write a text in quotes" if value[0].isalpha() or value[0] in "~/._-" else ""
