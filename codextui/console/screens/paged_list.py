"""A dialog that searches rows of the server as the user types, and loads them by the page."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import ClassVar, Generic, TypeAlias, TypeVar

from textual import events, on
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Input

from codextui.console.bindings import format_keys
from codextui.console.model.paging import Pages
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.row_list import RowList
from codextui.errors import CodextuiError
from codextui.text.sanitize import one_line

Hints: TypeAlias = tuple[tuple[str, str], ...]
"""The last parts of bindings' ids and what they do, the most important first."""

_SHORT = 18
"""Rows of a terminal below which margins are left out."""

_Row = TypeVar("_Row")
_Query = TypeVar("_Query", bound=Hashable)
_Request = TypeVar("_Request")


class PagedListScreen(ModalScreen[str], Generic[_Row, _Query, _Request]):
    """Searches as the user types; returns the id of the thread to open, empty for none.

    Keys work while the server has not answered yet.

    Attributes:
        PLACE: the first part of the ids of its bindings.
    """

    PLACE: ClassVar[str]

    def __init__(
        self,
        pages: Pages[_Row, _Query, _Request],
        rows: RowList[_Row],
        keymap: Mapping[str, str] | None,
    ) -> None:
        """Create the screen.

        Args:
            pages: the rows that were loaded.
            rows: shows them.
            keymap: the result of `check_keymap`.
        """
        super().__init__()
        self._pages, self._list, self._keymap = pages, rows, keymap or {}

    # What a screen fills in.

    @abstractmethod
    async def fetch(self, request: _Request) -> tuple[Sequence[_Row], str]:
        """Return a page of rows, and where the next one begins.

        Raises:
            CodextuiError: the server cannot be asked, or refused.
        """

    @property
    @abstractmethod
    def search_text(self) -> str:
        """What the user looks for; empty for everything."""

    @property
    @abstractmethod
    def is_listing(self) -> bool:
        """Whether the rows have the keys, and no single one of them."""

    @abstractmethod
    def describe_empty(self) -> str:
        """Return what stands in place of the rows if there are none without a search."""

    @abstractmethod
    def show_rows(self) -> None:
        """Show the rows and their count."""

    @abstractmethod
    def show_keys(self) -> None:
        """Show the keys of what has the focus."""

    # Events.

    def on_resize(self, event: events.Resize) -> None:
        """Leave margins out where there is little room."""
        self.set_class(event.size.height < _SHORT, "-short")
        self.call_after_refresh(self.show_keys)

    def on_descendant_focus(self) -> None:
        """Show the keys of what has the focus."""
        self.show_keys()

    @on(RowList.Moved)
    def _look_at(self, event: RowList.Moved) -> None:
        self._pages.look_at(event.index)
        self.update_rows()

    # Actions.

    def action_retry(self) -> None:
        """Ask the server again."""
        self._pages.retry()
        self.update_rows()

    def action_move(self, rows: int) -> None:
        """Move the cursor, also while the search has the focus."""
        self._list.move(rows)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self._list.page(direction)

    def action_switch(self) -> None:
        """Move the focus from the search to the list, or back."""
        if self.is_listing:
            (self._search_input if self._list.has_focus else self._list).focus()

    def action_search(self) -> None:
        """Focus the search."""
        if self.is_listing:
            self._search_input.focus()

    # Loading.

    def look_for(self, query: _Query) -> None:
        """Change what is looked for."""
        self._pages.look_for(query)
        self.update_rows()

    def update_rows(self) -> None:
        """Send the request that is due, and show the rows."""
        if (request := self._pages.take_request()) is not None:
            self.run_worker(self._load(request), group="pages", exit_on_error=False)
        self.show_rows()
        self.show_keys()

    async def _load(self, request: _Request) -> None:
        was_current = self._pages.is_current
        try:
            rows, cursor = await self.fetch(request)
        except CodextuiError as error:
            self._pages.on_error(one_line(str(error), 300) or "the server did not say why")
        else:
            self._pages.add_rows(rows, cursor)
        if not was_current and self._pages.is_current:
            self._list.go_to_start()
        self._pages.look_at(self._list.index)
        self.update_rows()

    # What is on the screen.

    @property
    def _search_input(self) -> Input:
        return self.query_one("#search", Input)

    def _count_rows(self) -> str:
        """Return how many rows are there; empty if none, or none of this search yet."""
        pages = self._pages
        if not (pages.rows and pages.is_current):
            return ""
        return f"{len(pages.rows)}{'' if pages.is_complete else '+'}"

    def _list_rows(self, now: float) -> None:
        """Show the rows, and what is missing below them."""
        note, is_error = self._describe_rest()
        self._list.show(self._pages.rows, note, now=now, is_error=is_error)

    def _describe_rest(self) -> tuple[str, bool]:
        """Return what stands below the rows, and whether it is an error."""
        pages = self._pages
        if pages.error:
            return f"✗ {pages.error}   {self._key_of('retry')} asks again", True
        if pages.is_loading:
            return ("… searching" if self.search_text else "… loading"), False
        if pages.rows:
            return "", False
        if self.search_text:
            return f"Nothing has “{one_line(self.search_text, 60)}”.", False
        return self.describe_empty(), False

    def _format_hints(self, hints: Hints) -> Iterable[str]:
        """Yield the keys of the hints that are bound, with what they do."""
        for name, label in hints:
            if key := self._key_of(name):
                yield f"{key} {label}"

    def _key_of(self, name: str) -> str:
        """Return the keys of a binding, formatted; empty if the keymap unbinds it."""
        binding_id = f"{self.PLACE}.{name}"
        bindings = (b for b in self.BINDINGS if isinstance(b, Binding) and b.id == binding_id)
        return format_keys(self._keymap.get(binding_id) or next(bindings).key)


def search_field(placeholder: str, max_length: int) -> Input:
    """Create the field of the search."""
    return LineInput(
        id="search",
        placeholder=placeholder,
        max_length=max_length,
        select_on_focus=False,
        compact=True,
    )
