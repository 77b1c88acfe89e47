"""The picker of Codex's history: finds, resumes, archives and names threads of any program."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import ClassVar, Protocol

from msgspec import structs
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from codextui.console.model.history import (
    History,
    HistoryPage,
    HistoryQuery,
    HistoryRequest,
    PastThread,
)
from codextui.console.render.history import past_title
from codextui.console.screens.paged_list import Hints, PagedListScreen, search_field
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.history_list import HistoryList
from codextui.errors import CodextuiError
from codextui.text.sanitize import one_line

MAX_SEARCH_LENGTH = 200
"""Characters of a text to look for."""

_SEARCH_KEYS: Hints = (
    ("open_thread", "open"),
    ("switch", "list"),
    ("archived", "archived"),
    ("close", "close"),
)
_LIST_KEYS: Hints = (
    ("open_thread", "open"),
    ("archive", "archive"),
    ("rename", "name"),
    ("search", "search"),
    ("close", "close"),
    ("archived", "archived ones"),
)
_ARCHIVE_KEYS: Hints = (
    ("open_thread", "open"),
    ("archive", "take out"),
    *_LIST_KEYS[2:5],
    ("archived", "the others"),
)
_NAME_KEYS: Hints = (("open_thread", "give it this name"), ("close", "back"))


class HistoryCalls(Protocol):
    """What the picker asks the server for. The methods raise CodextuiError."""

    async def fetch(self, request: HistoryRequest) -> HistoryPage:
        """Return a page of threads."""

    async def resume(self, thread_id: str) -> str:
        """Bring a thread back; return its id."""

    async def archive(self, thread_id: str, *, archived: bool) -> None:
        """Archive a thread, or take it out of the archive."""

    async def rename(self, thread_id: str, name: str) -> str:
        """Name a thread; return the name that it got."""


class HistoryScreen(PagedListScreen[PastThread, HistoryQuery, HistoryRequest]):
    """Searches as the user types. A thread that is not open is resumed before it is opened."""

    PLACE = "history"

    CSS_PATH: ClassVar = ["dialog.tcss", "history.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open it; resume it first if need be", id="history.open_thread"),
        Binding("up", "move(-1)", "Thread above", show=False, id="history.up"),
        Binding("down", "move(1)", "Thread below", show=False, id="history.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="history.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="history.page_down"),
        Binding("tab", "switch", "From the search to the list, and back", id="history.switch"),
        Binding("slash", "search", "Search", id="history.search"),
        Binding("a", "archive", "Archive it, or take it out", id="history.archive"),
        Binding("n", "rename", "Name it", id="history.rename"),
        Binding("ctrl+t", "toggle_archived", "Archived ones, or the others", id="history.archived"),
        Binding("ctrl+r", "retry", "Ask the server again", id="history.retry"),
        Binding("escape", "close", "Back, or close", id="history.close"),
    ]

    def __init__(
        self,
        calls: HistoryCalls,
        is_open: Callable[[str], bool],
        now: Callable[[], float],
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        """Create the picker.

        Args:
            calls: asks the server.
            is_open: whether a thread is in the tree, so that it need not be resumed.
            now: returns unix seconds.
            keymap: the result of `check_keymap`.
        """
        super().__init__(history := History(), HistoryList(), keymap)
        self._calls = calls
        self._is_open = is_open
        self._now = now
        self._history = history
        self._renamed: PastThread | None = None
        self._busy = ""
        self._warned_of = ""

    def compose(self) -> ComposeResult:
        """Yield the title, the search, the rows, a note and the keys."""
        with Vertical(classes="dialog"):
            yield Static(id="title", classes="dialog-title", markup=False)
            yield search_field("words of the conversation, or its name", MAX_SEARCH_LENGTH)
            yield LineInput(id="name", placeholder="its name", max_length=40, compact=True)
            yield self._list
            yield Static(id="note", markup=False)
            yield DialogKeys(id="keys", are_bound=True)

    def on_mount(self) -> None:
        """Ask for the first page."""
        self._search_input.focus()
        self.update_rows()

    # Loading.

    async def fetch(self, request: HistoryRequest) -> tuple[Sequence[PastThread], str]:
        """Return a page of threads."""
        page = await self._calls.fetch(request)
        return page.threads, page.cursor

    @property
    def search_text(self) -> str:
        """The words that the threads have."""
        return self._history.query.search

    @property
    def is_listing(self) -> bool:
        """Whether no thread is being named."""
        return self._renamed is None

    @on(Input.Changed, "#search")
    def _search(self, event: Input.Changed) -> None:
        self._query(HistoryQuery(event.value.strip(), self._history.query.archived))

    @on(HistoryList.Moved)
    def _withdraw_warning(self) -> None:
        self._warned_of = ""

    def action_toggle_archived(self) -> None:
        """Show the archived threads, or the others again."""
        query = self._history.query
        self._query(HistoryQuery(query.search, not query.archived))

    def _query(self, query: HistoryQuery) -> None:
        self._show_note("")
        self.look_for(query)

    # Keys.

    def action_close(self) -> None:
        """Go back from naming; otherwise close the picker."""
        if self._renamed is not None:
            self._end_renaming()
        elif self.is_active:
            self.dismiss("")

    @on(HistoryList.Chosen)
    @on(Input.Submitted, "#search")
    def action_open(self) -> None:
        """Open the thread of the cursor; resume it first if it is not open."""
        thread = self._list.current
        if thread is None:
            self._show_note("There is no thread to open." if not self._history.is_loading else "")
        elif self._is_open(thread.thread_id):
            self._close_with(thread.thread_id)
        else:
            self._run(self._resume(thread), f"resuming {past_title(thread)} …")

    def action_archive(self) -> None:
        """Archive the thread of the cursor, or take it out of the archive."""
        thread = self._list.current
        if thread is None:
            return
        if thread.loaded and not thread.archived and self._warned_of != thread.thread_id:
            self._warned_of = thread.thread_id
            where = one_line(thread.origin, 40) or "codextui"
            key = self._key_of("archive")
            self._show_note(f"It is open in {where}, which loses it: {key} again archives it.")
        else:
            self._warned_of = ""
            what = "taking out" if thread.archived else "archiving"
            self._run(self._archive(thread), f"{what} {past_title(thread)} …")

    def action_rename(self) -> None:
        """Ask for the name of the thread of the cursor."""
        thread = self._list.current
        if thread is None:
            return
        self._renamed = thread
        self._name_input.value = one_line(thread.name or thread.handle, 40)
        self.set_class(True, "-naming")
        self._name_input.focus()

    @on(Input.Submitted, "#name")
    def _submit_name(self, event: Input.Submitted) -> None:
        thread, name = self._renamed, event.value.strip()
        if thread is not None and name:
            self._end_renaming()
            self._run(self._rename(thread, name), f"naming it {one_line(name, 60)} …")

    def _end_renaming(self) -> None:
        self._renamed = None
        self.set_class(False, "-naming")
        self._list.focus()

    # Requests about one thread.

    def _run(self, request: Coroutine[object, object, str], doing: str) -> None:
        """Carry out a request, one at a time; it returns a note."""
        if self._busy:
            request.close()
            self._show_note(f"Not yet: {self._busy}")
            return
        self._busy = doing
        self._show_note(doing)
        self.run_worker(self._carry_out(request), group="history-request", exit_on_error=False)

    async def _carry_out(self, request: Coroutine[object, object, str]) -> None:
        note, is_error = "", False
        try:
            note = await request
        except CodextuiError as error:
            note, is_error = one_line(str(error), 300), True
        self._busy = ""
        self._show_note(note, is_error=is_error)
        self.update_rows()

    async def _resume(self, thread: PastThread) -> str:
        self._close_with(await self._calls.resume(thread.thread_id))
        return ""

    async def _archive(self, thread: PastThread) -> str:
        await self._calls.archive(thread.thread_id, archived=not thread.archived)
        self._history.remove(thread.thread_id)
        archive = f"in the archive: {self._key_of('archived')} shows it"
        where = "among the others again" if thread.archived else archive
        return f"{past_title(thread)} is {where}."

    async def _rename(self, thread: PastThread, name: str) -> str:
        given = await self._calls.rename(thread.thread_id, name)
        handle = given if thread.handle else ""
        self._history.replace(structs.replace(thread, name=given, handle=handle))
        return f"It is named {one_line(given, 60)}."

    def _close_with(self, thread_id: str) -> None:
        if self.is_active:
            self.dismiss(thread_id)

    # What is on the screen.

    @property
    def _name_input(self) -> Input:
        return self.query_one("#name", Input)

    def show_rows(self) -> None:
        """Show the rows, and their count in the title."""
        what = "Codex's archive" if self._history.query.archived else "Codex's history"
        count = self._count_rows()
        self.query_one("#title", Static).update(f"{what}  {count}" if count else what)
        self._list_rows(self._now())

    def describe_empty(self) -> str:
        """Say that there are no threads."""
        if self._history.query.archived:
            return "The archive is empty."
        return "There is no conversation yet."

    def show_keys(self) -> None:
        """Show the keys of the list, the search or the name, as many as fit."""
        if self._renamed is not None:
            keys = _NAME_KEYS
        elif not self._list.has_focus:
            keys = _SEARCH_KEYS
        else:
            keys = _ARCHIVE_KEYS if self._history.query.archived else _LIST_KEYS
        line = self.query_one("#keys", Static)
        line.update(_fit_keys(self._format_hints(keys), line.size.width))

    def _show_note(self, note: str, *, is_error: bool = False) -> None:
        shown = self.query_one("#note", Static)
        shown.update(note)
        shown.set_class(bool(note), "-shown")
        shown.set_class(is_error, "-error")


def _fit_keys(hints: Iterable[str], width: int) -> str:
    """Join as many hints as fit into `width` cells."""
    line = ""
    for hint in hints:
        longer = f"{line}   {hint}" if line else hint
        if len(longer) > width:
            break
        line = longer
    return line
