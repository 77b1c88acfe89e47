"""The status line: the server, its connection, and a summary of all threads."""

from __future__ import annotations

import msgspec
from rich.segment import Segment
from textual.strip import Strip

from codextui.console.model.state import ConnectionState
from codextui.console.render.layout import fit_row, row_width, truncate, truncate_left
from codextui.console.render.palette import Palette
from codextui.console.render.thread import state_label
from codextui.console.widgets.drawing import LineWidget
from codextui.protocol.threads import ThreadState
from codextui.text.figures import format_tokens
from codextui.text.sanitize import one_line

_NOT_CONNECTED = ConnectionState()

GAP = "   "
"""Separates the parts of the line."""

PROBLEM_WIDTH = 42
"""Cells for a problem with Codex, so that it fits into 80 columns."""

ADDRESS_WIDTH = 32
"""Cells for the address of the app-server that the server has joined."""


class ServerStatus(msgspec.Struct, frozen=True):
    """The contents of the line.

    Attributes:
        name: the server's name (`-L`).
        connection: the state of the connection.
        codex_version: version of the Codex process, empty if unknown.
        attached: what the server has joined (`daemon`, an address); empty for a Codex of its own.
        followed: threads of other programs that are followed, None if there are none.
        codex_problem: why Codex cannot be used, empty if it can.
        running: threads with a running turn.
        waiting: threads that wait for the user.
        tokens: tokens of all threads.
    """

    name: str
    connection: ConnectionState = _NOT_CONNECTED
    codex_version: str = ""
    attached: str = ""
    followed: int | None = None
    codex_problem: str = ""
    running: int = 0
    waiting: int = 0
    tokens: int = 0


class StatusLine(LineWidget):
    """Shows the status; while the server is out of reach, a banner with the reason."""

    def __init__(self, name: str) -> None:
        """Show the server's name at first."""
        super().__init__()
        self._status = ServerStatus(name)
        self._palettes: tuple[Palette, Palette] | None = None

    def show(self, status: ServerStatus, online: Palette, offline: Palette) -> None:
        """Show a status, in the palette for its connection."""
        if status != self._status or self._palettes != (online, offline):
            self._status, self._palettes = status, (online, offline)
            self.set_class(self._is_offline, "-lost")
            self.refresh()

    @property
    def _is_offline(self) -> bool:
        return not self._status.connection.connected and bool(self._status.connection.reason)

    def draw_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        """Return the only line."""
        if self._palettes is None:
            return Strip.blank(self.size.width, self.rich_style)
        palette = self._palettes[1 if self._is_offline else 0]
        left = [
            Segment(" codextui", palette.strong),
            Segment(f"  {one_line(self._status.name)}   ", palette.muted),
        ]
        room = self.size.width - row_width(left) - 1
        if self._is_offline:
            row = _join_parts(self._offline_parts(palette), palette)
        else:
            row = _fit_parts(self._online_parts(palette), room, palette)
        before = Segment(" " * max(0, room - row_width(row)), palette.text)
        right = fit_row([before, *row], room, palette.text)
        return Strip([*left, *right, Segment(" ", palette.text)], self.size.width)

    def _offline_parts(self, palette: Palette) -> list[Segment]:
        """Return the parts of the banner, the most important first."""
        link = self._status.connection
        mark = state_label(ThreadState.DISCONNECTED, palette)
        return [
            Segment(f"{mark.glyph} {mark.word}", palette.error),
            Segment(one_line(link.reason), palette.text),
            *([] if link.retry_in is None else [Segment("trying again", palette.muted)]),
        ]

    def _online_parts(self, palette: Palette) -> list[Segment]:
        """Return the parts of the status, the most important first."""
        status, parts = self._status, [self._connection_part(palette)]
        if status.codex_problem:
            problem = truncate(one_line(status.codex_problem), PROBLEM_WIDTH)
            parts.append(Segment(f"✗ {problem}", palette.error))
        if status.waiting:
            mark = state_label(ThreadState.NEEDS_INPUT, palette)
            verb = "needs" if status.waiting == 1 else "need"
            parts.append(Segment(f"{mark.glyph} {status.waiting} {verb} you", mark.style))
        if status.running:
            parts.append(Segment(f"{status.running} running", palette.running))
        if status.followed is not None:
            parts.append(Segment(f"{status.followed} followed", palette.muted))
        codex, tokens = self._codex_parts(palette), self._token_parts(palette)
        parts += [*codex, *tokens] if status.attached else [*tokens, *codex]
        return parts

    def _codex_parts(self, palette: Palette) -> list[Segment]:
        status = self._status
        if not status.codex_version:
            return []
        codex = truncate_left(one_line(status.attached, 200), ADDRESS_WIDTH) or "codex"
        return [Segment(f"{codex} {one_line(status.codex_version)}", palette.muted)]

    def _token_parts(self, palette: Palette) -> list[Segment]:
        tokens = self._status.tokens
        return [Segment(f"{format_tokens(tokens)} tokens", palette.muted)] if tokens else []

    def _connection_part(self, palette: Palette) -> Segment:
        link = self._status.connection
        if not link.connected:
            return Segment("… connecting", palette.muted)
        if not link.caught_up:
            return Segment("… catching up", palette.muted)
        return Segment("● connected", palette.success)


def _fit_parts(parts: list[Segment], room: int, palette: Palette) -> list[Segment]:
    """Join as many of the first parts as fit into `room` cells, in reverse order."""
    count = len(parts)
    while count > 1 and row_width(_join_parts(parts[:count], palette)) > room:
        count -= 1
    return _join_parts(parts[:count][::-1], palette)


def _join_parts(parts: list[Segment], palette: Palette) -> list[Segment]:
    gap = Segment(GAP, palette.text)
    return [piece for part in parts for piece in (gap, part)][1:]
