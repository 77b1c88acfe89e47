"""The rows of the history of decisions, with a cursor, and a line on what is missing."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from codextui.console.model.decisions import PastDecision
from codextui.console.render.decisions import render_past_decision
from codextui.console.render.palette import Palette
from codextui.console.widgets.row_list import RowList


class DecisionList(RowList[PastDecision]):
    """The decisions of the audit log."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Next decision", show=False, id="decisions.next"),
        Binding("k", "move(-1)", "Previous decision", show=False, id="decisions.previous"),
        Binding("home", "move(-1000000)", "Newest decision", show=False, id="decisions.first"),
        Binding("end,G", "move(1000000)", "Last one so far", show=False, id="decisions.last"),
    ]

    def __init__(self) -> None:
        """Create an empty list."""
        super().__init__(id="decision-list")

    def id_of(self, row: PastDecision) -> str:
        """Return the approval's id."""
        return row.approval_id

    def render_row(
        self, row: PastDecision, width: int, palette: Palette, *, now: float, selected: bool
    ) -> Strip:
        """Render a decision."""
        return render_past_decision(row, width, palette, now=now, selected=selected)
