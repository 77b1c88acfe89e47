"""The first line: which server, how it is, what all threads do together."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from codextui.console.model.state import ConnectionState
from codextui.console.render.layout import fit_row, row_width, truncate
from codextui.console.render.palette import Palette
from codextui.console.render.thread import state_label
from codextui.console.widgets.drawing import LineWidget
from codextui.protocol.threads import ThreadState
from codextui.text.figures import format_tokens
from codextui.text.sanitize import one_line

OFFLINE = ConnectionState()
"""Before the first connection."""


GAP = "   "
"""Between two parts of the line."""


PROBLEM_WIDTH = 42
"""Cells that a problem of Codex's may take: it fits even 80 columns."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What the line says.

    Attributes:
        name: the server's name (`-L`).
        link: the connection.
        codex_version: of the Codex process, empty where unknown.
        codex_problem: why there is none, empty where there is.
        running: threads with a turn that is at work.
        asking: threads that wait for a person.
        tokens: of all threads.
    """

    name: str
    link: ConnectionState = OFFLINE
    codex_version: str = ""
    codex_problem: str = ""
    running: int = 0
    asking: int = 0
    tokens: int = 0


class StatusLine(LineWidget):
    """One line, in words; while the server cannot be reached it is a banner that says why."""

    def __init__(self, name: str) -> None:
        """Take the server's name."""
        super().__init__()
        self._status = ServerStatus(name)
        self._palettes: tuple[Palette, Palette] | None = None

    def show(self, status: ServerStatus, calm: Palette, alarmed: Palette) -> None:
        """Say this; `alarmed` is for when the server is gone."""
        if status != self._status or self._palettes != (calm, alarmed):
            self._status, self._palettes = status, (calm, alarmed)
            self.set_class(self._is_lost, "-lost")
            self.refresh()

    @property
    def _is_lost(self) -> bool:
        return not self._status.link.connected and bool(self._status.link.reason)

    def line(self, y: int) -> Strip:  # noqa: ARG002 - there is one
        """The line."""
        if self._palettes is None:
            return Strip.blank(self.size.width, self.rich_style)
        palette = self._palettes[1 if self._is_lost else 0]
        left = [
            Segment(" codextui", palette.strong),
            Segment(f"  {one_line(self._status.name)}   ", palette.muted),
        ]
        room = self.size.width - row_width(left) - 1
        if self._is_lost:
            row = _joined(self._lost(palette), palette)
        else:
            row = _fitting(self._figures(palette), room, palette)
        before = Segment(" " * max(0, room - row_width(row)), palette.text)
        right = fit_row([before, *row], room, palette.text)
        return Strip([*left, *right, Segment(" ", palette.text)], self.size.width)

    def _lost(self, palette: Palette) -> list[Segment]:
        """What is wrong, the most important first."""
        link = self._status.link
        mark = state_label(ThreadState.DISCONNECTED, palette)
        return [
            Segment(f"{mark.glyph} {mark.word}", palette.error),
            Segment(one_line(link.reason), palette.text),
            *([] if link.retry_in is None else [Segment("trying again", palette.muted)]),
        ]

    def _figures(self, palette: Palette) -> list[Segment]:
        """What is to be told, the most important first."""
        status, parts = self._status, [self._connection(palette)]
        if status.codex_problem:
            problem = truncate(one_line(status.codex_problem), PROBLEM_WIDTH)
            parts.append(Segment(f"✗ {problem}", palette.error))
        if status.asking:
            mark = state_label(ThreadState.NEEDS_INPUT, palette)
            verb = "needs" if status.asking == 1 else "need"
            parts.append(Segment(f"{mark.glyph} {status.asking} {verb} you", mark.style))
        if status.running:
            parts.append(Segment(f"{status.running} running", palette.running))
        if status.tokens:
            parts.append(Segment(f"{format_tokens(status.tokens)} tokens", palette.muted))
        if status.codex_version:
            parts.append(Segment(f"codex {one_line(status.codex_version)}", palette.muted))
        return parts

    def _connection(self, palette: Palette) -> Segment:
        link = self._status.link
        if not link.connected:
            return Segment("… connecting", palette.muted)
        if not link.caught_up:
            return Segment("… catching up", palette.muted)
        return Segment("● connected", palette.success)


def _fitting(parts: list[Segment], room: int, palette: Palette) -> list[Segment]:
    """As many of the first parts as fit `room` cells; the first one stands at the right end."""
    count = len(parts)
    while count > 1 and row_width(_joined(parts[:count], palette)) > room:
        count -= 1
    return _joined(parts[:count][::-1], palette)


def _joined(parts: list[Segment], palette: Palette) -> list[Segment]:
    gap = Segment(GAP, palette.text)
    return [piece for part in parts for piece in (gap, part)][1:]
