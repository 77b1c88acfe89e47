"""The output of commands: text for people, or JSON lines."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.text.sanitize import dump_json

_MIN_COLUMNS = 40


def print_line(text: str = "") -> None:
    """Print a line on standard output. The text must be sanitized."""
    sys.stdout.write(f"{text}\n")


def wrap_line(text: str, indent: int) -> str:
    """Return a line as it is, and where a terminal shows it broken between words.

    Args:
        text: the line, sanitized.
        indent: the columns that further lines are indented by.
    """
    if not sys.stdout.isatty():
        return text
    return textwrap.fill(
        text,
        max(_MIN_COLUMNS, shutil.get_terminal_size().columns),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_note(text: str) -> None:
    """Print a line on standard error, apart from results. The text must be sanitized."""
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_json(value: JsonObject) -> None:
    """Print a JSON object on one line, with nothing in it that controls a terminal."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write((dump_json(value) if is_unicode else json.dumps(value)) + "\n")
    sys.stdout.flush()


def event_to_json(event: JsonObject) -> JsonObject:
    """Return an event as `--json` prints it: with flat keys in snake case.

    Args:
        event: the parameters of a `codex/event`. Its message is not changed; items are Codex's.

    Raises:
        MessageInvalid: it is not an event.
    """
    meta = fields.as_object(event.get("_meta"), "_meta")
    return {
        "seq": fields.integer_or(meta, "seq"),
        "thread_id": fields.text_or(meta, "threadId"),
        "turn_id": fields.text_or(event, "id"),
        "at": fields.number_or(meta, "at"),
        "msg": fields.as_object(event.get("msg"), "msg"),
    }


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns of sanitized text, cut off at the edge of a terminal."""
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for row in (header, *rows):
        cells = [set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        print_line(set_cell_size(line, room).rstrip() if 0 < room < cell_len(line) else line)


def print_indented(text: str, indent: str = "  ") -> None:
    """Print the lines of a sanitized text, each after `indent`."""
    for line in text.split("\n"):
        print_line(f"{indent}{line}".rstrip())


def read_prompt(argument: str) -> str:
    """Return the prompt; `-` is standard input. Raises ConfigInvalid if it is empty."""
    prompt = sys.stdin.read() if argument == "-" else argument
    if not prompt.strip():
        raise ConfigInvalid("the prompt is empty: say what the agent is to do")
    return prompt
