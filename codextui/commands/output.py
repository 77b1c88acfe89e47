"""What commands print: text that cannot harm a terminal, or JSON lines."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject


def show(text: str = "") -> None:
    """Print a line on standard output. The text is safe already."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Print a line on standard error, where it is not mixed with results."""
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def emit(value: JsonObject) -> None:
    """Print a JSON object on one line, in ASCII, so that no terminal is told anything by it."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def event_line(event: JsonObject) -> JsonObject:
    """An event as `--json` prints it, with the names that threads and approvals have there.

    Args:
        event: as `codex/event` has it. What its message says is left as it is: items are Codex's
            own. Raises WireInvalid.
    """
    meta = fields.as_object(event.get("_meta"), "_meta")
    return {
        "seq": fields.integer_or(meta, "seq"),
        "thread_id": fields.text_or(meta, "threadId"),
        "turn_id": fields.text_or(event, "id"),
        "at": fields.number_or(meta, "at"),
        "msg": fields.as_object(event.get("msg"), "msg"),
    }


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; on a terminal the last one ends at its edge."""
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for row in (header, *rows):
        cells = [set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        show(set_cell_size(line, room).rstrip() if 0 < room < cell_len(line) else line)


def show_indented(text: str, indent: str = "  ") -> None:
    """Print every line of a safe text behind `indent`."""
    for line in text.split("\n"):
        show(f"{indent}{line}".rstrip())


def read_prompt(given: str) -> str:
    """The prompt as typed, or standard input for `-`. Raises ConfigInvalid where it is empty."""
    prompt = sys.stdin.read() if given == "-" else given
    if not prompt.strip():
        raise ConfigInvalid("the prompt is empty: say what the agent is to do")
    return prompt
