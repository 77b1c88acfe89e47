"""The status line: the server, its connection, and a summary of all threads."""

from __future__ import annotations

from collections import Counter

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
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

COUNTED = (
    ThreadState.NEEDS_INPUT,
    ThreadState.FAILED,
    ThreadState.RUNNING,
    ThreadState.STARTING,
    ThreadState.PAUSED,
    ThreadState.INTERRUPTED,
    ThreadState.WAITING,
    ThreadState.IDLE,
    ThreadState.DONE,
    ThreadState.DISCONNECTED,
    ThreadState.KILLED,
)
"""States of threads that are counted where there is no room for cells, the most urgent first."""

PROBLEM_WIDTH = 42
"""Cells for a problem with Codex, so that it fits into 80 columns; half of a wider line."""

ADDRESS_WIDTH = 32
"""Cells for the address of the app-server that the server has joined."""


NARROW_WIDTH = 60
"""Cells of the line below which it shows only what matters most."""


class FleetCell(msgspec.Struct, frozen=True):
    """The cell of a thread or a role in the line.

    Attributes:
        thread_id: which.
        state: its state, shown as a glyph.
        begins: whether a gap before it sets it apart from what does not belong to it.
    """

    thread_id: str
    state: ThreadState
    begins: bool = False


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
        failed: threads that failed and were not looked at since.
        cells: the threads and roles in the order of the tree.
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
    failed: int = 0
    cells: tuple[FleetCell, ...] = ()


class StatusLine(LineWidget):
    """Shows the fleet as cells and the status; or why the server is out of reach.

    A click on a cell opens its thread.
    """

    class ThreadChosen(Message):
        """The cell of a thread was clicked."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    def __init__(self, name: str) -> None:
        """Show the server's name at first."""
        super().__init__()
        self._status = ServerStatus(name)
        self._palettes: tuple[Palette, Palette] | None = None
        self._places: dict[int, str] = {}

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
        self._places = {}
        left = self._left(palette)
        room = self.size.width - row_width(left) - 1
        if self._is_offline:
            parts = self._offline_parts(palette)
            while len(parts) > 2 and row_width(_join_parts(parts, palette)) > room:
                parts.pop()
            row = _join_parts(parts, palette)
        else:
            parts = self._online_parts(palette)
            needed = row_width(_join_parts(parts[: self._urgent_count], palette)) + len(GAP)
            left += self._fit_cells(row_width(left), room - needed, palette)
            room = self.size.width - row_width(left) - 1
            row = _fit_parts(parts, room, palette)
        before = Segment(" " * max(0, room - row_width(row)), palette.text)
        right = fit_row([before, *row], room, palette.text)
        return Strip([*left, *right, Segment(" ", palette.text)], self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Post the thread whose cell was clicked."""
        if thread_id := self._places.get(event.x):
            self.post_message(self.ThreadChosen(thread_id))

    def _left(self, palette: Palette) -> list[Segment]:
        name = one_line(self._status.name)
        if self.size.width < NARROW_WIDTH and not self._is_offline:
            return [Segment(f" {name}  ", palette.muted)]
        return [Segment(" codextui", palette.strong), Segment(f"  {name}   ", palette.muted)]

    def _fit_cells(self, x: int, room: int, palette: Palette) -> list[Segment]:
        """Return the cells of the fleet, or if there is no room for them their counts."""
        cells = self._status.cells
        if len(cells) + sum(cell.begins for cell in cells) <= room:
            row: list[Segment] = []
            for cell in cells:
                mark = state_label(cell.state, palette)
                row += [Segment(" ", palette.text)] if cell.begins else []
                x += cell.begins
                row.append(Segment(mark.glyph, mark.style))
                self._places[x] = cell.thread_id
                x += 1
            return row
        counts = Counter(cell.state for cell in cells)
        states = [state for state in COUNTED if counts[state]]
        while states:
            marks = [(state_label(state, palette), counts[state]) for state in states]
            row = [Segment(f"{mark.glyph}{count} ", mark.style) for mark, count in marks]
            if row_width(row) <= room:
                return row
            states.pop()
        return []

    @property
    def _urgent_count(self) -> int:
        """How many of the first parts stay, whatever the width."""
        status = self._status
        first = 0 if self._leaves_out_connection else 1
        return first + bool(status.codex_problem) + bool(status.waiting)

    @property
    def _leaves_out_connection(self) -> bool:
        status = self._status
        is_plain = status.connection.caught_up and bool(status.waiting or status.codex_problem)
        return is_plain and self.size.width < NARROW_WIDTH

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
        status = self._status
        parts = [] if self._leaves_out_connection else [self._connection_part(palette)]
        if status.codex_problem:
            room = max(PROBLEM_WIDTH, self.size.width // 2)
            problem = truncate(one_line(status.codex_problem), room)
            parts.append(Segment(f"✗ {problem}", palette.error))
        if status.waiting:
            mark = state_label(ThreadState.NEEDS_INPUT, palette)
            verb = "needs" if status.waiting == 1 else "need"
            parts.append(Segment(f"{mark.glyph} {status.waiting} {verb} you", mark.style))
        if status.running:
            parts.append(Segment(f"{status.running} running", palette.running))
        if status.failed:
            parts.append(Segment(f"✗ {status.failed} failed", palette.failed))
        if status.followed is not None:
            parts.append(Segment(f"{status.followed} followed", palette.muted))
        codex, tokens = self._codex_parts(palette), self._token_parts(palette)
        parts += [*codex, *tokens] if status.attached else [*tokens, *codex]
        return parts

    def _codex_parts(self, palette: Palette) -> list[Segment]:
        status = self._status
        if not status.codex_version:
            return []
        codex = short_address(one_line(status.attached, 200)) or "codex"
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


def short_address(attached: str) -> str:
    """Return what the server has joined in a few cells: of a socket the end of its path."""
    path = attached.removeprefix("unix://")
    if path == attached or cell_len(path) <= ADDRESS_WIDTH:
        return truncate_left(path, ADDRESS_WIDTH)
    return truncate_left("…/" + "/".join(path.rsplit("/", 2)[1:]), ADDRESS_WIDTH)


def _fit_parts(parts: list[Segment], room: int, palette: Palette) -> list[Segment]:
    """Join as many of the first parts as fit into `room` cells, in reverse order."""
    count = len(parts)
    while count > 1 and row_width(_join_parts(parts[:count], palette)) > room:
        count -= 1
    return _join_parts(parts[:count][::-1], palette)


def _join_parts(parts: list[Segment], palette: Palette) -> list[Segment]:
    gap = Segment(GAP, palette.text)
    return [piece for part in parts for piece in (gap, part)][1:]
