"""The first line: which server, how it is, what all threads do together."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from codextui.model.board import Link
from codextui.render.figures import format_tokens
from codextui.render.palette import Palette
from codextui.render.sanitize import one_line
from codextui.render.state import mark_state
from codextui.widgets.line_widget import LineWidget
from codextui.wire.thread import ThreadState

OFFLINE = Link()
"""Before the first connection."""


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
    link: Link = OFFLINE
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
        return not self._status.link.online and bool(self._status.link.reason)

    def line(self, y: int) -> Strip:  # noqa: ARG002 - there is one
        """The line."""
        if self._palettes is None:
            return Strip.blank(self.size.width, self.rich_style)
        palette = self._palettes[1 if self._is_lost else 0]
        left = [Segment(" codextui", palette.strong)]
        left.append(Segment(f"  {one_line(self._status.name)}", palette.muted))
        right = self._lost(palette) if self._is_lost else self._figures(palette)
        room = self.size.width - Segment.get_line_length(left) - 2
        right_strip = Strip(right)
        if right_strip.cell_length > room:
            right_strip = right_strip.crop(0, max(0, room))
        gap = self.size.width - Segment.get_line_length(left) - right_strip.cell_length - 1
        strip = Strip([*left, Segment(" " * max(0, gap), palette.text), *right_strip])
        return strip.adjust_cell_length(self.size.width, palette.text)

    def _lost(self, palette: Palette) -> list[Segment]:
        link = self._status.link
        again = "" if link.retry_in is None else "  trying again"
        return [
            Segment("✕ disconnected  ", palette.bad),
            Segment(one_line(link.reason), palette.text),
            Segment(again, palette.muted),
        ]

    def _figures(self, palette: Palette) -> list[Segment]:
        status, parts = self._status, []
        if status.codex_problem:
            parts.append(Segment(f"✕ {one_line(status.codex_problem)}", palette.bad))
        if status.asking:
            mark = mark_state(ThreadState.NEEDS_INPUT, palette)
            verb = "needs" if status.asking == 1 else "need"
            parts.append(Segment(f"{mark.glyph} {status.asking} {verb} you", mark.style))
        if status.running:
            parts.append(Segment(f"{status.running} running", palette.running))
        if status.tokens:
            parts.append(Segment(f"{format_tokens(status.tokens)} tokens", palette.muted))
        if status.codex_version:
            parts.append(Segment(f"codex {one_line(status.codex_version)}", palette.muted))
        parts.append(self._connection(palette))
        joined: list[Segment] = []
        for part in parts:
            joined += [Segment("   ", palette.text), part] if joined else [part]
        return joined

    def _connection(self, palette: Palette) -> Segment:
        link = self._status.link
        if not link.online:
            return Segment("… connecting", palette.muted)
        if not link.caught_up:
            return Segment("… catching up", palette.muted)
        return Segment("● connected", palette.good)
