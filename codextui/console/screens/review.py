"""The dialog that starts a review."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from codextui.console.screens.new_thread import choice_row, text_row
from codextui.console.widgets.choice_list import ChoiceList
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.jsonrpc.fields import Json
from codextui.protocol.threads import ThreadInfo
from codextui.text.sanitize import one_line

_TARGETS = ("uncommitted changes", "against a branch", "a commit", "in words")
_ARGUMENTS = ("", "base", "commit", "instructions")
_ASKED = ("", "Name the branch.", "Name the commit.", "Write what to review.")
_PLACES = ("a new thread", "this thread")


class ReviewScreen(ModalScreen[dict[str, Json] | None]):
    """Asks what to review, and where; returns arguments of `codex-review`, None if cancelled."""

    CSS_PATH: ClassVar = ["dialog.tcss", "settings.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "start", "Start", id="review.start"),
        Binding("escape", "cancel", "Cancel", id="review.cancel"),
    ]

    def __init__(self, info: ThreadInfo) -> None:
        """Review the folder of the thread `info`."""
        super().__init__()
        self._info = info

    def compose(self) -> ComposeResult:
        """Yield the choices."""
        info = self._info
        with Vertical(classes="dialog"):
            title = f"Review the changes in {one_line(info.cwd, 200) or one_line(info.handle, 60)}"
            yield Static(title, classes="dialog-title", markup=False)
            with VerticalScroll(can_focus=False):
                yield from choice_row("target", "What", _TARGETS, _TARGETS[0])
                yield from text_row("name", "Which", "", "branch, commit or words")
                yield from choice_row("place", "Where", _PLACES, _PLACES[0])
                yield Static("", id="place-problem", classes="field-problem", markup=False)
            keys = "^s start   tab next field   esc cancel"
            yield DialogKeys(keys)

    def on_mount(self) -> None:
        """Focus the choice of what to review."""
        self.query_one("#target").focus()

    @on(Input.Submitted)
    @on(ChoiceList.Submitted)
    def _next_field(self) -> None:
        self.focus_next()

    def action_start(self) -> None:
        """Close with the choice, unless it is not complete."""
        at = self._selected("target")
        name = self.query_one("#name", Input).value.strip()
        is_here = self._selected("place") == 1
        running = is_here and self._info.state.has_turn
        problem = _ASKED[at] if not name else ""
        self._show_problem("name", problem)
        self._show_problem("place", "A turn runs there: choose a new thread." if running else "")
        if problem or running:
            self.query_one("#name" if problem else "#place").focus()
        elif self.is_active:
            chosen: dict[str, Json] = {_ARGUMENTS[at]: name} if at else {}
            self.dismiss(chosen if is_here else {**chosen, "detached": True})

    def action_cancel(self) -> None:
        """Close without a review."""
        if self.is_active:
            self.dismiss(None)

    def _selected(self, name: str) -> int:
        selected = self.query_one(f"#{name}", ChoiceList).selected
        return selected[0] if selected else 0

    def _show_problem(self, name: str, problem: str) -> None:
        line = self.query_one(f"#{name}-problem", Static)
        line.update(problem)
        line.set_class(bool(problem), "-shown")
