"""The search in all transcripts: results while one types, each shown in its pane."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from msgspec import structs
from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Click
from textual.message import Message
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input, Static

from codextui.console.model.search import (
    Found,
    FoundPage,
    SearchResults,
    Source,
    find_item,
    search_live,
)
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.render.layout import Row, fit_row, truncate
from codextui.console.render.palette import Palette
from codextui.console.screens.pager import PagerScreen
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.drawing import ThemedLineWidget
from codextui.errors import CodextuiError
from codextui.protocol.events import Event
from codextui.text.figures import format_count, format_running
from codextui.text.sanitize import one_line

MIN_LENGTH = 2
"""Characters from which a text is looked for."""

MAX_LENGTH = 200
"""Characters of a text to look for."""

PAUSE_S = 0.15
"""Seconds after the last key at which the search begins."""

SLICE_S = 0.008
"""Seconds that the console's own transcripts are searched at a time."""

MAX_PAGES = 400
"""Pages of the journal that a search reads."""


class SearchCalls(Protocol):
    """What the search asks the server for. The methods raise CodextuiError."""

    async def search(self, text: str, cursor: str) -> FoundPage:
        """Return a page of what the journal has."""

    async def search_codex(self, text: str) -> Sequence[Found]:
        """Return the threads of Codex's history that have a text."""

    async def read(self, thread_id: str) -> Sequence[Event]:
        """Return all that happened on a thread."""


class Jumps(Protocol):
    """Shows what was found on the main screen."""

    def show_item(self, thread_id: str, ordinal: int, text: str) -> int:
        """Show an item in the pane of its thread, where it has a text.

        Returns:
            the pane's first line on the screen.
        """

    def return_to_start(self) -> None:
        """Show everything as it was when the search began."""

    def resume(self, thread_id: str) -> None:
        """Bring a thread of Codex's history back, and show it."""


class SearchScreen(ModalScreen[None]):
    """Searches what is typed in all transcripts, live and journalled, and in Codex's history.

    The newest search replaces the one before. A result is shown in its pane while the list is
    open; what only the journal has is shown in the pager.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "diff.tcss", "search.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Show the match; again: stay there", id="search.choose"),
        Binding("down", "go(1)", "Next match", show=False, id="search.down"),
        Binding("up", "go(-1)", "Previous match", show=False, id="search.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="search.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="search.page_up"),
        Binding("tab", "switch", "From the text to the matches, and back", id="search.switch"),
        Binding("escape", "close", "Back to where one was", id="search.close"),
    ]

    def __init__(
        self, state: ConsoleState, calls: SearchCalls, jumps: Jumps, now: Callable[[], float]
    ) -> None:
        """Create a search.

        Args:
            state: has the console's own transcripts.
            calls: asks the server.
            jumps: shows what was found.
            now: returns unix seconds.
        """
        super().__init__()
        self._state = state
        self._calls = calls
        self._jumps = jumps
        self._results = SearchResults()
        self._list = FoundList(now)
        self._text = ""
        self._problem = ""
        self._is_searching = False
        self._is_awaited = False

    def compose(self) -> ComposeResult:
        """Yield the text, the matches and the keys."""
        with Vertical(classes="dialog"):
            yield LineInput(
                id="text",
                placeholder="search what all threads said and did",
                max_length=MAX_LENGTH,
                compact=True,
            )
            yield self._list
            yield DialogKeys(id="keys")

    def on_mount(self) -> None:
        """Type the text first."""
        self.query_one(Input).focus()
        self._show()

    def on_descendant_focus(self) -> None:
        """Show what the keys do where the focus is."""
        self._show()

    # Searching.

    @on(Input.Changed)
    def _look_for(self, event: Input.Changed) -> None:
        self._text = event.value.strip()
        self._results, self._problem = SearchResults(), ""
        self._is_searching = len(self._text) >= MIN_LENGTH
        self._is_awaited = False
        self.workers.cancel_group(self, "search")
        if self._is_searching:
            self.run_worker(self._search(self._text), group="search", exit_on_error=False)
        self._show()

    async def _search(self, text: str) -> None:
        await asyncio.sleep(PAUSE_S)
        await self._search_live(text)
        try:
            await self._search_journal(text)
            self._add(await self._calls.search_codex(text))
        except CodextuiError as error:
            self._problem = one_line(str(error), 200)
        self._is_searching = False
        self._show()

    async def _search_live(self, text: str) -> None:
        """Search the console's own transcripts, a few milliseconds at a time."""
        hits: list[Found] = []
        until = time.monotonic() + SLICE_S
        for hit in search_live(self._state, text):
            if hit is not None:
                hits.append(hit)
            if time.monotonic() >= until:
                self._add(hits)
                if self._results.is_full:
                    return
                hits = []
                await asyncio.sleep(SLICE_S)
                until = time.monotonic() + SLICE_S
        self._add(hits)

    async def _search_journal(self, text: str) -> None:
        cursor = ""
        for _ in range(MAX_PAGES):
            page = await self._calls.search(text, cursor)
            self._add([found for found in page.found if not self._is_note_of_ours(found)])
            if not page.cursor or page.cursor == cursor or self._results.is_full:
                return
            cursor = page.cursor

    def _is_note_of_ours(self, found: Found) -> bool:
        """Return whether this is an error that the console's own transcript has, too."""
        view = self._state.threads.get(found.thread_id)
        return not found.item_id and view is not None and bool(view.transcript.items)

    def _add(self, found: Sequence[Found]) -> None:
        if found:
            self._results.add(found)
            self._show()
        if found and self._is_awaited:
            self._is_awaited = False
            self.action_choose()

    # Keys.

    def action_go(self, step: int) -> None:
        """Go to the next or the previous match, and show it."""
        if self._results.move(step) or self._list.has_focus:
            self._list.focus()
            self._preview()

    def action_page(self, direction: int) -> None:
        """Go on by a page of matches."""
        self.action_go(direction * max(1, self._list.size.height - 1))

    def action_switch(self) -> None:
        """Move the focus from the text to the matches, or back."""
        (self.query_one(Input) if self._list.has_focus else self._list).focus()

    @on(Input.Submitted)
    def action_choose(self) -> None:
        """Show the match of the cursor; once it is shown, stay there."""
        found = self._results.current
        if found is None or not self.is_active:
            self._is_awaited = found is None and self._is_searching  # it is shown when it is found
            return
        if not self._list.has_focus:
            self._list.focus()
            self._preview()
        elif found.source is Source.CODEX:
            self._jumps.resume(found.thread_id)
            self.dismiss(None)
        elif self._find(found) is not None:
            self.dismiss(None)
        else:
            self._open_past(found)

    def action_close(self) -> None:
        """Return to where the search began."""
        if self.is_active:
            self._jumps.return_to_start()
            self.dismiss(None)

    def on_found_list_clicked(self, message: FoundList.Clicked) -> None:
        """Show the clicked match; clicked again, stay there."""
        if message.index == self._results.index and self._list.has_focus:
            self.action_choose()
        else:
            self._results.index = message.index
            self._list.focus()
            self._preview()

    # Showing.

    def _preview(self) -> None:
        found = self._results.current
        ordinal = None if found is None else self._find(found)
        if found is not None and ordinal is not None:
            line = self._jumps.show_item(found.thread_id, ordinal, self._text)
            self.set_class(line > self.size.height // 2, "-top")
        self._show()

    def _find(self, found: Found) -> int | None:
        item = find_item(self._state.threads.get(found.thread_id), found)
        return None if item is None else item.ordinal

    def _open_past(self, found: Found) -> None:
        self.run_worker(self._read(found), group="past", exclusive=True, exit_on_error=False)

    async def _read(self, found: Found) -> None:
        """Show an item that only the journal has, among the others of its thread."""
        try:
            events = await self._calls.read(found.thread_id)
        except CodextuiError as error:
            self._problem = one_line(str(error), 200)
            self._show()
            return
        view = await asyncio.to_thread(past_view, found.thread_id, events)
        item = find_item(view, found)
        if view is None or item is None:
            self._problem = f"{found.handle} has this item no more."
            self._show()
        elif self.is_active:
            self.app.push_screen(PagerScreen(f"{found.handle} (past)", view.transcript, item))

    def _show(self) -> None:
        if not self.is_attached:
            return
        self._list.show(self._results, self._text, self._note())
        place = "n N next, previous   ⏎ stay there   tab text   esc back to where you were"
        keys = place if self._list.has_focus else "⏎ show   ↓ matches   esc close"
        self.query_one("#keys", Static).update(keys)

    def _note(self) -> tuple[str, bool]:
        """Return what stands below the matches, and whether it is an error."""
        results = self._results
        if self._problem:
            return f"✗ {self._problem}", True
        if results.is_full:
            return f"… the newest {format_count(len(results.found))}; type more of it", False
        if self._is_searching:
            return "… searching", False
        if len(self._text) < MIN_LENGTH:
            return "Two letters or more are searched, in any case.", False
        return (
            ("", False) if results.found else (f"Nothing has “{one_line(self._text, 60)}”.", False)
        )


class FoundList(ThemedLineWidget, can_focus=True):
    """Draws the visible matches only."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,j", "screen.go(1)", "Next match", id="search.next"),
        Binding("N,k", "screen.go(-1)", "Previous match", id="search.previous"),
    ]

    class Clicked(Message):
        """A match was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, now: Callable[[], float]) -> None:
        """Show ages as of `now`, which returns unix seconds."""
        super().__init__(id="found-list")
        self._now = now
        self._results = SearchResults()
        self._text = ""
        self._note = ("", False)
        self._top = 0

    def show(self, results: SearchResults, text: str, note: tuple[str, bool]) -> None:
        """Show the matches of a text, and below them a note, which may be an error."""
        self._results, self._text, self._note = results, text, note
        height = max(1, self.size.height)
        self._top = max(0, results.index - height + 2, min(self._top, results.index))
        self.refresh()

    def on_click(self, event: Click) -> None:
        """Report the clicked match."""
        if self._top + event.y < len(self._results.found):
            self.post_message(self.Clicked(self._top + event.y))

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        palette, width = self._palette, self.size.width
        if palette is None:
            return Strip.blank(width, self.rich_style)
        index = self._top + y
        if index < len(self._results.found):
            is_here = index == self._results.index
            row = self._row(self._results.found[index], palette, is_here=is_here)
            return fit_row(row, width, palette.selected if is_here else palette.text)
        note, is_error = self._note
        if index == len(self._results.found) and note:
            style = palette.error if is_error else palette.muted
            return fit_row([Segment(f"  {note}", style)], width, palette.text)
        return Strip.blank(width, palette.text)

    def _row(self, found: Found, palette: Palette, *, is_here: bool) -> Row:
        age = format_running(max(0.0, self._now() - found.at)) if found.at else "-"
        mark = "> " if is_here else "  "
        more = f" (+{format_count(found.lines - 1)})" if found.lines > 1 else ""
        source = "" if found.source is Source.LIVE else f" {_SOURCES[found.source]}"
        row = [
            Segment(mark, palette.accent),
            Segment(f"{truncate(found.handle, 18):<18} ", palette.strong),
            Segment(f"{age:>5} ", palette.muted),
            Segment(f"{found.kind}{source}  ", palette.muted),
            *_marked(found.line, self._text, palette),
            Segment(more, palette.muted),
        ]
        bar = palette.selected.background_style if is_here else Style()
        return [Segment(text, (style or Style()) + bar) for text, style, _ in row]


_SOURCES = {Source.JOURNAL: "(past)", Source.CODEX: "(⏎ resumes it)"}


def _marked(line: str, text: str, palette: Palette) -> Row:
    """Return a line with the text marked in it."""
    at = line.lower().find(text.lower()) if text else -1
    if at < 0 or len(line.lower()) != len(line):
        return [Segment(line, palette.text)]
    end = at + len(text)
    marked = palette.accent + Style(bold=True, underline=True)
    before, after = Segment(line[:at], palette.text), Segment(line[end:], palette.text)
    return [before, Segment(line[at:end], marked), after]


def past_view(thread_id: str, events: Sequence[Event]) -> ThreadView | None:
    """Return a thread as its events tell it; None if they tell of none."""
    state = ConsoleState()
    for number, event in enumerate(events, 1):
        state.apply(structs.replace(event, seq=number))
    return state.threads.get(thread_id)
