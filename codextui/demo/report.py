"""What the demo tells on stdout where there is no screen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from codextui.wire.fields import Json


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    Attributes:
        kind: a word for it, such as `said` or `ran`: `kind` in JSON.
        text: what to print, of one or more lines.
        thread: the handle of the thread that did it; empty where it was none.
        data: more members of the JSON object.
    """

    kind: str
    text: str
    thread: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)


class Report:
    """Prints lines, as text or as one JSON object each, and flushes after every one."""

    def __init__(self, out: TextIO, *, json_lines: bool) -> None:
        self._out = out
        self._json_lines = json_lines

    def tell(self, line: Line) -> None:
        """Prints a line."""
        print(self._as_json(line) if self._json_lines else _as_text(line), file=self._out)
        self._out.flush()

    def _as_json(self, line: Line) -> str:
        thread = {"thread": line.thread} if line.thread else {}
        return json.dumps({"kind": line.kind, **thread, "text": line.text, **line.data})


def _as_text(line: Line) -> str:
    first, *rest = [printable(part) for part in line.text.splitlines()] or [""]
    head = f"{printable(line.thread) or 'demo':<8} {first}"
    return "\n".join([head, *(f"{'':<8} {part}" for part in rest)]).rstrip()


def printable(text: str) -> str:
    r"""Returns the text with everything that could steer a terminal written out (`\x1b`)."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text.expandtabs()
    )
