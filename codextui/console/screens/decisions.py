"""The history of decisions: who decided what, where, and how long it waited, with a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, Protocol, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from codextui.console.bindings import format_keys
from codextui.console.model.decisions import (
    Decisions,
    DecisionsPage,
    DecisionsRequest,
    PastDecision,
)
from codextui.console.render.decisions import render_decision_details
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.decision_list import DecisionList
from codextui.console.widgets.strip_view import StripView
from codextui.errors import CodextuiError
from codextui.protocol.approvals import Approval
from codextui.text.sanitize import one_line

MAX_FILTER_LENGTH = 300
"""Characters of a filter."""

FILTER_HINT = "words, outcome:declined, by:NAME, where:timeout, kind:patch, role:NAME, thread:ID"
"""Shown where the filter is empty."""

_SHORT = 18
"""Rows of a terminal below which margins are left out."""

_Keys: TypeAlias = tuple[tuple[str, str], ...]
"""The last parts of bindings' ids and what they do, the most important first."""

_SEARCH_KEYS: _Keys = (("details", "details"), ("switch", "list"), ("close", "close"))
_LIST_KEYS: _Keys = (
    ("details", "details"),
    ("open_thread", "its thread"),
    ("filter", "filter"),
    ("close", "close"),
    ("retry", "read again"),
)
_DETAILS_KEYS: _Keys = (("open_thread", "its thread"), ("close", "back"))


class DecisionCalls(Protocol):
    """What the screen asks the server for. The methods raise CodextuiError."""

    async def fetch(self, request: DecisionsRequest) -> DecisionsPage:
        """Return a page of decisions."""

    async def read(self, approval_id: str) -> Approval | None:
        """Return what was asked, in full; None if the audit log does not have it."""


class DecisionsScreen(ModalScreen[str]):
    """Filters as the user types; returns the id of the thread to open, empty for none."""

    CSS_PATH: ClassVar = ["dialog.tcss", "decisions.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "details", "All of a decision", id="decisions.details"),
        Binding("up", "move(-1)", "Decision above", show=False, id="decisions.up"),
        Binding("down", "move(1)", "Decision below", show=False, id="decisions.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="decisions.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="decisions.page_down"),
        Binding("tab", "switch", "From the filter to the list, and back", id="decisions.switch"),
        Binding("slash", "filter", "Filter", id="decisions.filter"),
        Binding("o", "open", "Open its thread", id="decisions.open_thread"),
        Binding("ctrl+r", "retry", "Ask the server again", id="decisions.retry"),
        Binding("escape,q", "close", "Back, or close", id="decisions.close"),
    ]

    def __init__(
        self,
        calls: DecisionCalls,
        now: Callable[[], float],
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        """Create the screen.

        Args:
            calls: asks the server.
            now: returns unix seconds.
            keymap: the result of `check_keymap`.
        """
        super().__init__()
        self._calls, self._now, self._keymap = calls, now, keymap or {}
        self._decisions = Decisions()
        self._list = DecisionList()
        self._details = StripView(lambda _width, _palette: [], id="details")
        self._shown: PastDecision | None = None

    def compose(self) -> ComposeResult:
        """Yield the title, the filter, the rows or one decision in full, and the keys."""
        with Vertical(classes="dialog"):
            yield Static(id="title", classes="dialog-title", markup=False)
            yield LineInput(
                id="search",
                placeholder=FILTER_HINT,
                max_length=MAX_FILTER_LENGTH,
                select_on_focus=False,
                compact=True,
            )
            yield self._list
            yield self._details
            yield Static(id="keys", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Ask for the first page."""
        self._list.focus()
        self._update()

    def on_resize(self, event: events.Resize) -> None:
        """Leave margins out where there is little room."""
        self.set_class(event.size.height < _SHORT, "-short")
        self.call_after_refresh(self._show_keys)

    def on_descendant_focus(self) -> None:
        """Show the keys of what has the focus."""
        self._show_keys()

    # Loading.

    @on(Input.Changed, "#search")
    def _look_for(self, event: Input.Changed) -> None:
        self._decisions.look_for(event.value.strip())
        self._update()

    @on(DecisionList.Moved)
    def _look_at(self, event: DecisionList.Moved) -> None:
        self._decisions.look_at(event.index)
        self._update()

    def action_retry(self) -> None:
        """Ask the server again."""
        self._decisions.retry()
        self._update()

    def _update(self) -> None:
        """Send the request that is due, and show the rows."""
        if (request := self._decisions.take_request()) is not None:
            self.run_worker(self._load(request), group="decisions", exit_on_error=False)
        self._show()

    async def _load(self, request: DecisionsRequest) -> None:
        was_current = self._decisions.is_current
        try:
            page = await self._calls.fetch(request)
        except CodextuiError as error:
            self._decisions.on_error(one_line(str(error), 300) or "the server did not say why")
        else:
            self._decisions.add_rows(page.decisions, page.cursor)
        if not was_current and self._decisions.is_current:
            self._list.go_to_start()
        self._decisions.look_at(self._list.index)
        self._update()

    # Keys.

    def action_move(self, rows: int) -> None:
        """Move the cursor, also while the filter has the focus."""
        self._list.move(rows)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self._list.page(direction)

    def action_switch(self) -> None:
        """Move the focus from the filter to the list, or back."""
        if self._shown is None:
            (self._filter_input if self._list.has_focus else self._list).focus()

    def action_filter(self) -> None:
        """Focus the filter."""
        if self._shown is None:
            self._filter_input.focus()

    @on(DecisionList.Chosen)
    @on(Input.Submitted, "#search")
    def action_details(self) -> None:
        """Show the decision of the cursor in full."""
        decision = self._list.current
        if decision is not None and self._shown is None:
            self._show_details(decision, None)
            work = self._load_details(decision)
            self.run_worker(work, group="decision", exclusive=True, exit_on_error=False)

    def action_open(self) -> None:
        """Close, and show the thread that asked."""
        decision = self._shown or self._list.current
        if decision is not None and self.is_active:
            self.dismiss(decision.thread_id)

    def action_close(self) -> None:
        """Go back to the list; from there, close."""
        if self._shown is not None:
            self._shown = None
            self.set_class(False, "-details")
            self._list.focus()
            self._show()
        elif self.is_active:
            self.dismiss("")

    async def _load_details(self, decision: PastDecision) -> None:
        try:
            approval = await self._calls.read(decision.approval_id)
        except CodextuiError as error:
            if self._shown == decision:
                self._set_title(f"Decision {one_line(decision.approval_id, 20)}: {error}")
            return
        if self._shown == decision and approval is not None:
            self._show_details(decision, approval)

    # What is on the screen.

    @property
    def _filter_input(self) -> Input:
        return self.query_one("#search", Input)

    def _show_details(self, decision: PastDecision, approval: Approval | None) -> None:
        self._shown = decision
        self.set_class(True, "-details")
        self._details.show(partial(render_decision_details, decision, approval))
        self._details.focus()
        self._set_title(f"Decision {decision.approval_id}")
        self._show_keys()

    def _show(self) -> None:
        decisions = self._decisions
        note, is_error = self._describe_rest()
        self._list.show(decisions.rows, note, now=self._now(), is_error=is_error)
        if self._shown is None:
            count = f" · {len(decisions.rows)}{'' if decisions.is_complete else '+'}"
            self._set_title(f"Decisions{count if decisions.rows and decisions.is_current else ''}")
        self._show_keys()

    def _set_title(self, title: str) -> None:
        self.query_one("#title", Static).update(one_line(title, 300))

    def _describe_rest(self) -> tuple[str, bool]:
        """Return what stands below the rows, and whether it is an error."""
        decisions = self._decisions
        if decisions.error:
            return f"✗ {decisions.error}   {self._key_of('retry')} asks again", True
        if decisions.is_loading:
            return ("… searching" if decisions.query else "… loading"), False
        if decisions.rows:
            return "", False
        if decisions.query:
            return f"Nothing has “{one_line(decisions.query, 60)}”.", False
        return "Nothing was decided yet.", False

    def _show_keys(self) -> None:
        keys = _LIST_KEYS if self._list.has_focus else _SEARCH_KEYS
        keys = _DETAILS_KEYS if self._shown is not None else keys
        hints = [f"{key} {label}" for name, label in keys if (key := self._key_of(name))]
        self.query_one("#keys", Static).update("   ".join(hints))

    def _key_of(self, name: str) -> str:
        """Return the key of a `decisions.` binding, formatted; empty if the keymap unbinds it."""
        binding_id = f"decisions.{name}"
        bindings = (b for b in self.BINDINGS if isinstance(b, Binding) and b.id == binding_id)
        keys = self._keymap.get(binding_id) or next(bindings).key
        return format_keys(keys).partition(" ")[0]
