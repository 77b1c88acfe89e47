"""The rows of the picker of Codex's history, with a cursor, and a line on what is missing."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from codextui.console.model.history import PastThread
from codextui.console.render.history import render_past_thread
from codextui.console.render.palette import Palette
from codextui.console.widgets.row_list import RowList


class HistoryList(RowList[PastThread]):
    """The threads of Codex's history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Next thread", show=False, id="history.next"),
        Binding("k", "move(-1)", "Previous thread", show=False, id="history.previous"),
        Binding("home", "move(-1000000)", "First thread", show=False, id="history.first"),
        Binding("end,G", "move(1000000)", "Last thread so far", show=False, id="history.last"),
    ]

    def __init__(self) -> None:
        """Create an empty list."""
        super().__init__(id="history-list")

    def id_of(self, row: PastThread) -> str:
        """Return the thread's id."""
        return row.thread_id

    def render_row(
        self, row: PastThread, width: int, palette: Palette, *, now: float, selected: bool
    ) -> Strip:
        """Render a thread."""
        return render_past_thread(row, width, palette, now=now, selected=selected)
