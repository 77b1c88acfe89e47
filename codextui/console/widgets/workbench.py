"""The middle of the console: the tree, and the panes of the threads that fit beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, TextArea

from codextui.console.drafts import Drafts
from codextui.console.model.changes import Changes
from codextui.console.model.fleet import Fleet
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.tree import TreeEntry
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.drawing import Pacer
from codextui.console.widgets.pane_context import PaneContext
from codextui.console.widgets.pane_grid import PaneGrid
from codextui.console.widgets.placement import (
    PANE_COUNTS,
    PaneSlots,
    may_take_pane,
    sort_by_urgency,
    wants_pane,
    yield_rank,
    yields_to_all,
)
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState


class Workbench(Horizontal):
    """Shows the threads of the console state, and knows the one that keys act on.

    Panes are arranged by urgency until the user chooses a thread or a pane.

    Attributes:
        state: the console state.
        current: id of the thread that keys act on; empty for none.
        opening_composer: the composer that was opened and does not have the focus yet.
        thread_tree: the tree.
        grid: the panes.
    """

    class CurrentChanged(Message):
        """Another thread is current, or another widget has the focus."""

    class PanesChanged(Message):
        """Other threads have a pane; `panes` are their ids. Posted to the app."""

        def __init__(self, panes: tuple[str, ...]) -> None:
            super().__init__()
            self.panes = panes

    class ThreadOpened(Message):
        """The user chose a thread for a pane; it may have had one before. Posted to the app."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    def __init__(
        self,
        state: ConsoleState,
        pacer: Pacer,
        context: PaneContext,
        *,
        max_panes: int,
        new_thread_key: str,
        drafts: Drafts | None = None,
        fleet: Fleet | None = None,
    ) -> None:
        """Create a workbench.

        Args:
            state: the console state.
            pacer: schedules the drawing of changes.
            context: how to draw threads.
            max_panes: the user's limit of panes.
            new_thread_key: the key that starts a thread, formatted.
            drafts: what was typed and not sent; None for nothing yet.
            fleet: how the tree is arranged; None as it is without a user's wishes.
        """
        super().__init__()
        self.state = state
        self.current = ""
        self._drafts = drafts or Drafts()
        self.opening_composer: Composer | None = None
        self.thread_tree = ThreadTree(fleet or Fleet(state))
        self.grid = PaneGrid(max_panes)
        self._pane_context = context
        self._pacer = pacer
        self._new_thread_key = new_thread_key
        self._slots = PaneSlots()
        self._entries: list[TreeEntry] = []
        self._seen_threads: set[str] = set()
        self._wanted: set[str] = set()
        self._chosen_threads: set[str] = set()
        self._awaited: tuple[str, Callable[[], bool]] | None = None
        self._closed_composers: dict[str, Composer] = {}
        self._stale_headers: set[str] = set()
        self._stale_transcripts: set[str] = set()
        self._is_tree_stale = False
        self._was_caught_up = False
        self._is_arranged_by_user = False

    def compose(self) -> ComposeResult:
        """Yield the tree and the panes."""
        yield self.thread_tree
        yield self.grid

    def on_mount(self) -> None:
        """Draw the initial state."""
        self.apply_changes(Changes(tree=True, server=True))

    # Changes of the state.

    def apply_changes(self, changes: Changes) -> None:
        """Schedule what changed for one of the next frames.

        While the past is replayed, changes are drawn once a second only, so that it ends sooner.
        """
        self._is_tree_stale |= changes.tree or changes.server
        self._stale_headers |= changes.threads
        self._stale_transcripts |= changes.transcripts
        connection = self.state.connection
        if connection.caught_up and not self._was_caught_up:
            self._was_caught_up = True
            self._entries = self._tree()
            self._arrange()
        elif not connection.caught_up:
            self._was_caught_up = False
        if connection.caught_up or not connection.connected:
            self._mark_dirty()

    def _mark_dirty(self) -> None:
        for thread_id in self._stale_transcripts:
            if (pane := self.grid.pane_of(thread_id)) is not None:
                self._pacer.mark_dirty(pane)
        self._stale_transcripts.clear()
        if self._is_tree_stale:
            self._entries = self._tree()
        if self._is_tree_stale or self._stale_headers:
            self._is_tree_stale = False
            self._pacer.mark_dirty(self)

    def _tree(self) -> list[TreeEntry]:
        """Return the tree without what was put away, which takes no pane by itself."""
        away = self.thread_tree.fleet.away_ids(self._pane_context.now()).keys() - self._wanted
        return [entry for entry in self.state.tree() if entry.thread_id not in away]

    def release_put_away(self) -> None:
        """Take the panes of threads that were put away, and show the tree without them."""
        self._wanted -= self.thread_tree.fleet.away.keys()
        self._set_current(self.thread_tree.cursor)
        self._entries = self._tree()
        shown = {entry.thread_id for entry in self._entries}
        for thread_id in self._slots.shown:
            if thread_id not in shown:
                self._slots.remove(thread_id)
        self._pacer.mark_dirty(self)

    def flush(self) -> None:
        """Update the tree, the panes and their headers. Called by the pacer."""
        if not self.is_attached:
            return
        self._place_new_threads()
        self._show_panes()
        self._show_tree()
        if self.thread_tree.has_focus and not self._is_arranged_by_user:
            self.focus_thread(self.current)
        for thread_id in self._stale_headers:
            if (pane := self.grid.pane_of(thread_id)) is not None:
                pane.refresh_header()
        self._stale_headers.clear()

    def refresh_clocks(self) -> None:
        """Redraw everything that shows elapsed time, without a layout. Called once a second."""
        self._mark_dirty()
        working = {t for t, view in self.state.threads.items() if view.info.state.has_turn}
        for tile in self.grid.tiles:
            if tile.thread_id in working:
                tile.pane.refresh_header()
        if working:
            self.thread_tree.update()

    def restyle(self, context: PaneContext) -> None:
        """Redraw everything in other styles."""
        self._pane_context = context
        for tile in self.grid.tiles:
            tile.pane.restyle(context)
        self._show_tree()

    def _place_new_threads(self) -> None:
        """Give slots to new threads, and to those of a team once they work."""
        threads = self.state.threads
        for gone in self._seen_threads - threads.keys():
            if self.state.connection.caught_up and self._written_to(gone) is None:
                self._slots.remove(gone)
        self._seen_threads &= threads.keys()
        new = [thread_id for thread_id in threads if thread_id not in self._seen_threads]
        shown = {entry.thread_id for entry in self._entries}
        for thread_id in new:
            self._seen_threads.add(thread_id)
            info = threads[thread_id].info
            if thread_id in shown and info.state is not ThreadState.KILLED and may_take_pane(info):
                self._slots.claim(thread_id, self._yields_to_new)
        changed = [view.info for t, view in threads.items() if t in self._stale_headers]
        for info in sorted(changed, key=lambda info: info.kind is ThreadKind.CODEX):
            if wants_pane(self.state, info):
                self._slots.claim(info.thread_id, self._yield_rank)
        if self._awaited is not None and self._awaited[0] in threads:
            self.show_arrived(*self._awaited)

    def _show_panes(self) -> None:
        threads = self.state.threads
        shown = [threads.get(id_) or self._written_to(id_) for id_ in self._slots.shown]
        views = [view for view in shown if view is not None]
        is_gone = self.current not in threads and self._written_to(self.current) is None
        if views != [tile.pane.view for tile in self.grid.tiles]:
            self.grid.show(views, self._pane_context)
            if is_gone or not self._is_arranged_by_user:
                first = self._entries[0].thread_id if self._entries else ""
                self.current = views[0].thread_id if views else first
                self.post_message(self.CurrentChanged())
            self._mark_current()
            self.app.post_message(self.PanesChanged(tuple(view.thread_id for view in views)))
            for tile in self.grid.tiles:
                tile.pane.set_draft(self.drafts.get(tile.thread_id, ""))
        elif is_gone and self._entries:
            # Only threads of other programs are there, or the one of the cursor has left.
            self.current = self._entries[0].thread_id
            self._mark_current()
            self.post_message(self.CurrentChanged())
        self.grid.empty.update_text(
            connected=self.state.connection.caught_up,
            new_thread_key=self._new_thread_key,
            others=len(threads),
        )

    def _written_to(self, thread_id: str) -> ThreadView | None:
        """Return a thread as its pane shows it, if its composer is open.

        Such a pane stays, also while the threads of a restarted server are not known yet.
        """
        tile = self.grid.tile_of(thread_id)
        return tile.pane.view if tile is not None and tile.composer_box is not None else None

    def _show_tree(self) -> None:
        numbers = {tile.thread_id: tile.pane.number for tile in self.grid.tiles}
        self.thread_tree.show(self.state, numbers, self._pane_context)

    def _yields_to_new(self, thread_id: str) -> bool:
        """Return whether a thread yields its pane to a new one of our own, or to a chosen one."""
        view = self.state.threads.get(thread_id) or self._written_to(thread_id)
        if view is None or view.info.state is ThreadState.KILLED:
            return True
        return yields_to_all(view.info) and not self._is_kept(thread_id)

    def _yield_rank(self, thread_id: str) -> int:
        """Return how readily a thread yields its pane to a working member of a team.

        Threads that the user chose, writes to, or looks at never do.
        """
        if self._written_to(thread_id) is not None:
            return 0
        view = self.state.threads.get(thread_id)
        if view is None:
            return 9
        if self._is_kept(thread_id):
            return 0
        return yield_rank(self.state, view.info, self.grid.capacity)

    def _is_kept(self, thread_id: str) -> bool:
        """Return whether the user looks at a thread, chose it, or has written to it."""
        is_looked_at = self._is_arranged_by_user and thread_id == self.current
        return is_looked_at or thread_id in self._chosen_threads or thread_id in self.drafts

    def _most_urgent(self, shown: Sequence[str] = ()) -> list[str]:
        """Return the most urgent threads, as many as panes fit, in the order of the tree."""
        urgent = sort_by_urgency(self.state, self._entries, self.grid.capacity, shown)
        order = {entry.thread_id: index for index, entry in enumerate(self._entries)}
        return sorted(urgent[: self.grid.capacity], key=order.__getitem__)

    # The current thread.

    def open_thread(self, thread_id: str) -> None:
        """Show a thread in a pane and focus it, now or as soon as the thread is known."""
        if thread_id not in self.state.threads:
            self._awaited = thread_id, lambda: True
            return
        self._wanted.add(thread_id)
        self._entries = self._tree()
        self._awaited = None
        self._is_arranged_by_user = True
        self._chosen_threads.add(thread_id)
        self._slots.claim(thread_id, self._yields_to_new)
        self._slots.show(thread_id, self._thread_to_replace(thread_id))
        self._show_panes()
        self.focus_thread(thread_id)
        self.app.post_message(self.ThreadOpened(thread_id))

    def show_arrived(self, thread_id: str, may_focus: Callable[[], bool]) -> None:
        """Show a thread that was started, now or as soon as it is known.

        It takes the focus and the current pane only if nobody writes and `may_focus` returns
        true. Otherwise it gets a pane that is free or that its thread yields, or none.
        """
        if thread_id not in self.state.threads:
            self._awaited = thread_id, may_focus
            return
        self._awaited = None
        if may_focus() and not self.is_writing:
            self.open_thread(thread_id)
            return
        self._chosen_threads.add(thread_id)
        self._slots.claim(thread_id, self._yield_rank)
        self._pacer.mark_dirty(self)

    @property
    def is_hiding(self) -> bool:
        """Whether something is left out of what the current pane shows."""
        pane = self.grid.pane_of(self.current)
        return pane is not None and pane.is_hiding

    @property
    def is_writing(self) -> bool:
        """Whether a text field has the focus, or is about to get it."""
        focused = self.screen.focused if self.is_attached else None
        return self.opening_composer is not None or isinstance(focused, Input | TextArea)

    def _thread_to_replace(self, thread_id: str) -> str:
        """Return the thread that loses its pane to another: the current one.

        A fork does not replace its source, as the two are there to be compared.
        """
        source = self.state.threads[thread_id].info.forked_from
        if not source or source != self.current:
            return self.current
        urgent = sort_by_urgency(self.state, self._entries, self.grid.capacity)
        shown = [other for other in urgent if other in self._slots.shown and other != source]
        return shown[-1] if shown else source

    def focus_thread(self, thread_id: str) -> None:
        """Focus the pane of a thread."""
        tile = self.grid.tile_of(thread_id)
        if tile is None:
            return
        if self.grid.zoomed:
            self.grid.zoom(thread_id)
        tile.focus_content()
        self._set_current(thread_id)

    def focus_pane(self, number: int) -> bool:
        """Focus the pane with a number; return false if there is none."""
        self._is_arranged_by_user = True
        tiles = self.grid.tiles
        if number <= len(tiles):
            self.focus_thread(tiles[number - 1].thread_id)
        return number <= len(tiles)

    def focus_next_pane(self, step: int) -> None:
        """Focus the next (1) or previous (-1) pane; the tree is one of the stops."""
        self._is_arranged_by_user = True
        stops = ["", *(tile.thread_id for tile in self.grid.tiles)]
        current = "" if self.thread_tree.has_focus else self.current
        index = stops.index(current) if current in stops else 0
        self._focus_stop(stops[(index + step) % len(stops)])

    def focus_neighbour(self, dx: int, dy: int) -> None:
        """Focus the pane in a direction; the tree is to the left of the leftmost pane."""
        self._is_arranged_by_user = True
        if self.thread_tree.has_focus:
            self.focus_thread(self.current)
            return
        neighbour = self.grid.neighbour(self.current, dx, dy)
        if neighbour is not None:
            self.focus_thread(neighbour)
        elif dx < 0:
            self._focus_stop("")

    def _focus_stop(self, thread_id: str) -> None:
        """Focus a thread, or the tree if the id is empty."""
        if thread_id:
            self.focus_thread(thread_id)
        elif self.thread_tree.display:
            self.thread_tree.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Make the thread that has the focus the current one."""
        if event.widget is self.opening_composer:
            self.opening_composer = None
        ancestors = event.widget.ancestors
        tile = next((tile for tile in self.grid.tiles if tile in ancestors), None)
        if tile is not None:
            self._set_current(tile.thread_id)
        self.post_message(self.CurrentChanged())

    def on_click(self) -> None:
        """Leave the arrangement of panes to the user from now on."""
        self._is_arranged_by_user = True

    @on(ThreadTree.Highlighted)
    def _highlight_thread(self, message: ThreadTree.Highlighted) -> None:
        self._is_arranged_by_user = True
        self._set_current(message.thread_id)

    @on(ThreadTree.Selected)
    def _select_thread(self, message: ThreadTree.Selected) -> None:
        self.open_thread(message.thread_id)

    def _set_current(self, thread_id: str) -> None:
        if thread_id != self.current:
            self.current = thread_id
            self.post_message(self.CurrentChanged())
        self._mark_current()

    def _mark_current(self) -> None:
        self.thread_tree.highlight(self.current)
        for tile in self.grid.tiles:
            tile.pane.set_current(tile.thread_id == self.current)

    # The number of panes.

    @on(PaneGrid.CapacityChanged)
    def _fill_slots(self) -> None:
        self._slots.resize(self.grid.capacity, self._most_urgent(self._slots.shown))
        self._arrange(self._slots.shown)
        self._slots.keep_visible(self.current)
        self._pacer.mark_dirty(self)

    def _arrange(self, shown: Sequence[str] = ()) -> None:
        """Show the most urgent threads, unless the user has arranged the panes."""
        if not self._is_arranged_by_user:
            self._slots.replace_all(self._most_urgent(shown))

    def change_pane_count(self, step: int) -> str:
        """Show more (1) or fewer (-1) panes; return why that is impossible, empty if done."""
        self._is_arranged_by_user = True
        grid = self.grid
        count = grid.capacity if step > 0 else min(grid.capacity, max(1, len(grid.tiles)))
        wanted = next((n for n in PANE_COUNTS[::step] if (n - count) * step > 0), None)
        if wanted is None:
            return "Nine panes are the most." if step > 0 else "One pane is the least."
        capacity, max_panes = grid.capacity, grid.max_panes
        grid.max_panes = wanted
        grid.update_capacity()
        if grid.capacity != capacity:
            return ""
        grid.max_panes = max_panes
        return f"There is no room for {wanted} panes that could still be read."

    # Composers and drafts.

    def open_composer(self, thread_id: str, hint: str) -> None:
        """Open the composer of a thread; `hint` says what sending does."""
        self._is_arranged_by_user = True
        if self.grid.tile_of(thread_id) is None:
            self.open_thread(thread_id)
        tile = self.grid.tile_of(thread_id)
        if tile is None:
            return
        if self.grid.zoomed:
            self.grid.zoom(thread_id)
        composer = tile.open_composer(self.drafts.get(thread_id, ""), hint)
        if (closed := self._closed_composers.pop(thread_id, None)) is not None:
            composer.resume(closed)
        self.opening_composer = None if composer.has_focus else composer

    def update_composer_hints(self, hint_for: Callable[[str], str]) -> None:
        """Update the hints of all open composers; `hint_for` returns the hint of a thread."""
        for tile in self.grid.tiles:
            if tile.composer_box is not None:
                tile.composer_box.show_hint(hint_for(tile.thread_id))

    @property
    def drafts(self) -> dict[str, str]:
        """Thread id → unsent text."""
        return self._drafts.replies

    def save_draft(self, thread_id: str, text: str) -> None:
        """Save a text that could not be sent; what was written since follows it."""
        draft = self._drafts.keep_unsent(thread_id, text)
        tile = self.grid.tile_of(thread_id)
        if tile is not None and tile.composer_box is not None:
            tile.composer_box.composer.prepend(draft)
        self._show_draft(thread_id)

    def close_composer(self, thread_id: str) -> None:
        """Close the composer of a thread, and focus its pane."""
        self.opening_composer = None
        tile = self.grid.tile_of(thread_id)
        if tile is not None:
            if (closed := tile.close_composer()) is not None:
                self._closed_composers[thread_id] = closed
            tile.focus_content()
        self._show_draft(thread_id)

    @on(TextArea.Changed)
    def _update_draft(self, message: TextArea.Changed) -> None:
        if isinstance(message.text_area, Composer):
            composer = message.text_area
            if composer.text.strip():
                self.drafts[composer.thread_id] = composer.text
            else:
                self.drafts.pop(composer.thread_id, None)

    @on(Composer.Dismissed)
    def _dismiss_composer(self, message: Composer.Dismissed) -> None:
        message.stop()
        self.close_composer(message.thread_id)

    def _show_draft(self, thread_id: str) -> None:
        if (pane := self.grid.pane_of(thread_id)) is not None:
            pane.set_draft(self.drafts.get(thread_id, ""))
