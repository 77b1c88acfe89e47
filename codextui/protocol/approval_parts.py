"""The parts that every request for a decision is made of, and their text. Pure.

`approval_text` makes the parts of each kind of request. A view lays them out itself, or shows the
text that `format_parts` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import FileChange, Question
from codextui.protocol.changes import (
    change_lines,
    count_lines,
    fold_blank_lines,
    summarize_changes,
)
from codextui.protocol.diff import Line
from codextui.text.figures import format_count
from codextui.text.sanitize import (
    fold_blanks,
    format_json,
    hidden_characters,
    one_revealed_line,
    reveal,
    show_tabs,
    to_json,
)


class Script(msgspec.Struct, frozen=True):
    """A script for a shell, or the input for a running command."""

    prompt: str
    text: str


class Caution(msgspec.Struct, frozen=True):
    """Something to look at twice."""

    text: str


class Field(msgspec.Struct, frozen=True):
    """A value with its name."""

    name: str
    text: str


class Said(msgspec.Struct, frozen=True):
    """A text that somebody else wrote."""

    text: str


class Data(msgspec.Struct, frozen=True):
    """Values with their names, as one JSON object: no text in it can look like another part."""

    name: str
    values: JsonObject


class Files(msgspec.Struct, frozen=True):
    """The changes of a patch."""

    changes: tuple[FileChange, ...]


class Asking(msgspec.Struct, frozen=True):
    """A question with its number, from 1."""

    number: int
    question: Question


Part: TypeAlias = Script | Caution | Field | Said | Data | Files | Asking
"""A part of a request. Its texts are not sanitized."""


def format_parts(parts: Iterable[Part]) -> str:
    """Return the text of parts. Sanitized; no text in a part looks like another part's line."""
    return "\n".join(map(_format_part, parts))


def _format_part(part: Part) -> str:
    match part:
        case Script(prompt, text):
            return prompt + indent_rest(fold_blanks(reveal(text)))
        case Caution(text):
            return f"! {indent_rest(reveal(text))}"
        case Field(name, text):
            return f"{name}: {indent_rest(fold_blanks(reveal(text)))}"
        case Said(text):
            return indent_rest(fold_blanks(reveal(text)))
        case Data(name, values):
            shown = fold_blanks(reveal(format_json(values)))
            return f"{name}:\n  {indent_rest(shown)}" if values else f"{name}: none"
        case Files(changes):
            return _format_files(changes)
        case Asking(number, question):
            return _format_asking(number, question)


def _format_files(changes: Sequence[FileChange]) -> str:
    lines = [f"changes: {count_changes(changes)}"] if len(changes) > 1 else []
    for change in changes:
        diff = fold_blanks("\n".join(_show_lines(change_lines(change))))
        lines += (
            [describe_change(change), f"  {indent_rest(diff)}"]
            if diff
            else [describe_change(change)]
        )
    return "\n".join(lines)


def _show_lines(lines: Sequence[Line]) -> Iterator[str]:
    for index, count in fold_blank_lines(lines):
        sign, text = lines[index].sign, lines[index].text
        if count > 1:
            yield f"{sign}⋯ {format_count(count)} blank lines ⋯"
        else:
            yield _show_line(sign, text)


def _show_line(sign: str, text: str) -> str:
    kept = text.rstrip(" \t") if sign in ("+", "-") else text
    tail = text[len(kept) :].replace(" ", "·")
    mark = " \\" if sign == "\\" else sign if sign in ("+", "-", " ") else ""
    return mark + show_tabs(f"{kept}{tail}")


def count_changes(changes: Sequence[FileChange]) -> str:
    """Return how much a patch changes, and below it the list of its files. Sanitized."""
    files = "".join(f"\n  {describe_change(change)}" for change in changes)
    return f"{summarize_changes(changes)}{files}"


def describe_change(change: FileChange) -> str:
    """Return the kind, the path and the counts of a change: `update a.py, +3 -1`. Sanitized."""
    added, removed = count_lines(change_lines(change))
    what = f"{one_revealed_line(change.kind, 20)} {one_revealed_line(name_paths(change), 4096)}"
    return f"{what}, +{format_count(added)} -{format_count(removed)}"


def name_paths(change: FileChange) -> str:
    """Return the path of a change, and where the file is moved to. Not sanitized."""
    return f"{change.path} -> {change.move_path}" if change.move_path else change.path


def _format_asking(number: int, question: Question) -> str:
    title = f"{number}. {one_revealed_line(question.header)}".rstrip()
    name = one_revealed_line(question.question_id)
    lines = [title, f"{name}: {indent_rest(reveal(question.question))}"]
    for label, description in question.options:
        about = f": {indent_rest(reveal(description))}" if description else ""
        lines.append(f"  - {one_revealed_line(label)}{about}")
    notes = [*(["another answer is welcome"] if question.other else [])]
    notes += ["the answer stays hidden"] if question.secret else []
    return "\n".join([*lines, *(f"  ({note})" for note in notes)])


def name_hidden(parts: Iterable[Part]) -> str:
    """Name the characters that cannot be seen, or pass for others: `<U+200B> (3), ␛`."""
    counts = hidden_characters("\n".join(_raw_texts(parts)))
    names = [f"{name} ({count})" if count > 1 else name for name, count in counts.most_common(8)]
    return ", ".join([*names, "…"] if len(counts) > len(names) else names)


def _raw_texts(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Script(_, text) | Field(_, text) | Said(text):
                yield text
            case Data(_, values):
                yield to_json(values)
            case Files(changes):
                for change in changes:
                    yield from (change.path, change.move_path, change.diff)
            case Asking(_, question):
                yield question.question
                yield from (text for option in question.options for text in option)
            case Caution():
                pass


def indent_rest(text: str) -> str:
    """Return the text with every line but the first indented."""
    return text.replace("\n", "\n  ")
