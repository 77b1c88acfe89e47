"""The history of decisions: who decided what, where, and how long it waited, with a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from codextui.console.model.decisions import (
    Decisions,
    DecisionsPage,
    DecisionsRequest,
    PastDecision,
)
from codextui.console.render.decisions import render_decision_details
from codextui.console.screens.paged_list import Hints, PagedListScreen, search_field
from codextui.console.widgets.decision_list import DecisionList
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.strip_view import StripView
from codextui.errors import CodextuiError
from codextui.protocol.approvals import Approval
from codextui.text.sanitize import one_line

MAX_FILTER_LENGTH = 300
"""Characters of a filter."""

FILTER_HINT = "words, outcome:declined, by:NAME, where:timeout, kind:patch, role:NAME, thread:ID"
"""Shown where the filter is empty."""

_SEARCH_KEYS: Hints = (("details", "details"), ("switch", "list"), ("close", "close"))
_LIST_KEYS: Hints = (
    ("details", "details"),
    ("open_thread", "its thread"),
    ("filter", "filter"),
    ("retry", "read again"),
    ("close", "close"),
)
_DETAILS_KEYS: Hints = (("open_thread", "its thread"), ("close", "back"))


class DecisionCalls(Protocol):
    """What the screen asks the server for. The methods raise CodextuiError."""

    async def fetch(self, request: DecisionsRequest) -> DecisionsPage:
        """Return a page of decisions."""

    async def read(self, approval_id: str) -> Approval | None:
        """Return what was asked, in full; None if the audit log does not have it."""


class DecisionsScreen(PagedListScreen[PastDecision, str, DecisionsRequest]):
    """Filters as the user types; shows a decision in full, and opens its thread."""

    PLACE = "decisions"

    CSS_PATH: ClassVar = ["dialog.tcss", "decisions.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "details", "All of a decision", id="decisions.details"),
        Binding("up", "move(-1)", "Decision above", show=False, id="decisions.up"),
        Binding("down", "move(1)", "Decision below", show=False, id="decisions.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="decisions.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="decisions.page_down"),
        Binding("tab", "switch", "From the filter to the list, and back", id="decisions.switch"),
        Binding("slash", "search", "Filter", id="decisions.filter"),
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
        super().__init__(Decisions(), DecisionList(), keymap)
        self._calls, self._now = calls, now
        self._details = StripView(lambda _width, _palette: [], id="details")
        self._shown: PastDecision | None = None

    def compose(self) -> ComposeResult:
        """Yield the title, the filter, the rows or one decision in full, and the keys."""
        with Vertical(classes="dialog"):
            yield Static(id="title", classes="dialog-title", markup=False)
            yield search_field(FILTER_HINT, MAX_FILTER_LENGTH)
            yield self._list
            yield self._details
            yield DialogKeys(id="keys", are_bound=True)

    def on_mount(self) -> None:
        """Ask for the first page."""
        self._list.focus()
        self.update_rows()

    # Loading.

    async def fetch(self, request: DecisionsRequest) -> tuple[Sequence[PastDecision], str]:
        """Return a page of decisions."""
        page = await self._calls.fetch(request)
        return page.decisions, page.cursor

    @property
    def search_text(self) -> str:
        """The filter."""
        return self._pages.query

    @property
    def is_listing(self) -> bool:
        """Whether no decision is shown in full."""
        return self._shown is None

    @on(Input.Changed, "#search")
    def _filter(self, event: Input.Changed) -> None:
        self.look_for(event.value.strip())

    # Keys.

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
            self.show_rows()
            self.show_keys()
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

    def _show_details(self, decision: PastDecision, approval: Approval | None) -> None:
        self._shown = decision
        self.set_class(True, "-details")
        self._details.show(partial(render_decision_details, decision, approval))
        self._details.focus()
        self._set_title(f"Decision {decision.approval_id}")
        self.show_keys()

    def show_rows(self) -> None:
        """Show the rows, and their count in the title."""
        self._list_rows(self._now())
        if self._shown is None:
            count = self._count_rows()
            self._set_title(f"Decisions{f' · {count}' if count else ''}")

    def _set_title(self, title: str) -> None:
        self.query_one("#title", Static).update(one_line(title, 300))

    def describe_empty(self) -> str:
        """Say that there are no decisions."""
        return "Nothing was decided yet."

    def show_keys(self) -> None:
        """Show the keys of the list, the filter or the decision."""
        keys = _LIST_KEYS if self._list.has_focus else _SEARCH_KEYS
        keys = _DETAILS_KEYS if self._shown is not None else keys
        self.query_one("#keys", Static).update("   ".join(self._format_hints(keys)))

    def _key_of(self, name: str) -> str:
        """Return the first key of a binding only."""
        return super()._key_of(name).partition(" ")[0]
