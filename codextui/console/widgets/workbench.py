"""The middle of the console: the tree, and the panes of the threads that fit beside it."""

from __future__ import annotations

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input, TextArea

from codextui.console.drafts import Drafts
from codextui.console.model.changes import Changes
from codextui.console.model.fleet import Fleet
from codextui.console.model.pane_choice import Hold
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.tree import TreeEntry
from codextui.console.render.tree import MARKED
from codextui.console.widgets.composer_panes import ComposerPanes
from codextui.console.widgets.drawing import Pacer
from codextui.console.widgets.looks import Look
from codextui.console.widgets.pane_context import PaneContext
from codextui.console.widgets.pane_grid import PaneGrid
from codextui.console.widgets.pane_slots import PaneSlots
from codextui.console.widgets.thread_tree import ThreadTree


class Workbench(ComposerPanes):
    """Shows the threads of the console state, and knows the one that keys act on.

    Threads get panes by how much they need one (`codextui.console.model.pane_choice`).

    Attributes:
        state: the console state.
        current: id of the thread that keys act on; empty for none.
        new_thread_key: the key that starts a thread, formatted.
        thread_tree: the tree.
    """

    class CurrentChanged(Message):
        """Another thread is current, or another widget has the focus."""

    class PanesChanged(Message):
        """Other threads have a pane; `panes` are their ids. Posted to the app."""

        def __init__(self, panes: tuple[str, ...]) -> None:
            super().__init__()
            self.panes = panes

    class PaneChosen(Message):
        """A pane is chosen while the tree stands in the place of the panes."""

    class AllPinned(Message):
        """A thread was chosen, but every pane is pinned to another."""

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
        max_panes: int | None,
        new_thread_key: str,
        drafts: Drafts | None = None,
        fleet: Fleet | None = None,
    ) -> None:
        """Create a workbench.

        Args:
            state: the console state.
            pacer: schedules the drawing of changes.
            context: how to draw threads.
            max_panes: the user's limit of panes; None for as many as read well.
            new_thread_key: the key that starts a thread, formatted.
            drafts: what was typed and not sent; None for nothing yet.
            fleet: how the tree is arranged; None as it is without a user's wishes.
        """
        super().__init__(PaneGrid(max_panes), drafts or Drafts())
        self.state = state
        self.current = ""
        self.thread_tree = ThreadTree(fleet or Fleet(state))
        self._pane_context = context
        self._pacer = pacer
        self.new_thread_key = new_thread_key
        self._slots = PaneSlots(state, context.now, self._drafts.pins)
        self._entries: list[TreeEntry] = []
        self._wanted: set[str] = set()
        self._awaited: tuple[str, Callable[[], bool]] | None = None
        self._marks: dict[str, None] = {}
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
            self._slots.end_replay()
            self._entries = self._tree()
            self._slots.arrange(self._entries, self._holds())
        elif not connection.caught_up:
            self._was_caught_up = False
            self._slots.begin_replay()
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
        self._slots.restore(thread_id for thread_id in self._slots.shown if thread_id in shown)
        self._pacer.mark_dirty(self)

    def flush(self) -> None:
        """Update the tree, the panes and their headers. Called by the pacer."""
        if not self.is_attached:
            return
        self._place_threads()
        self._show_panes()
        self._show_tree()
        is_unfocused = self.thread_tree.has_focus or self.screen.focused is None
        if is_unfocused and not self._is_arranged_by_user:
            self.focus_thread(self.current)
        for thread_id in self._stale_headers:
            if (pane := self.grid.pane_of(thread_id)) is not None:
                pane.refresh_header()
        self._stale_headers.clear()
        self._show_frames()

    def refresh_clocks(self) -> None:
        """Redraw everything that shows elapsed time, without a layout. Called once a second."""
        self._mark_dirty()
        working = {t for t, view in self.state.threads.items() if view.info.state.has_turn}
        self._show_frames()
        for tile in self.grid.tiles:
            if tile.thread_id in working:
                tile.pane.refresh_header()
        self.thread_tree.update()  # what is over grows old, too, and is then put away

    def restyle(self, context: PaneContext) -> None:
        """Redraw everything in other styles."""
        self._pane_context = context
        for tile in self.grid.tiles:
            tile.pane.restyle(context)
        self._show_frames()
        self._show_tree()

    def _place_threads(self) -> None:
        """Give panes to the threads that need them."""
        if self.state.connection.caught_up or not self.state.connection.connected:
            self._slots.arrange(self._entries, self._holds())
        if self._awaited is not None and self._awaited[0] in self.state.threads:
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
                self._show_draft(tile.thread_id)
        elif is_gone and self._entries:
            # Only threads of other programs are there, or the one of the cursor has left.
            self.current = self._entries[0].thread_id
            self._mark_current()
            self.post_message(self.CurrentChanged())
        self.grid.empty.update_text(
            connected=self.state.connection.caught_up,
            new_thread_key=self.new_thread_key,
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
        self.thread_tree.fleet.marked = self._marks
        self.thread_tree.show(self.state, numbers, self._pane_context)

    def _show_frames(self) -> None:
        """Let every pane say why its thread has it, and the last one how many have none."""
        shown = [tile for tile in self.grid.tiles if tile.display]
        total = len({entry.thread_id for entry in self._entries} | {*self._slots.shown})
        for tile in self.grid.tiles:
            mark = MARKED if tile.thread_id in self._marks else ""
            notes = (mark, self._slots.note_of(tile.thread_id))
            tile.pane.set_note("  ".join(filter(None, notes)))
            is_last = tile in shown[-1:] and len(shown) < total
            tile.update_frame(f"{len(shown)} of {total} threads" if is_last else "")

    def _holds(self) -> dict[str, Hold]:
        """Return the threads that the user looks at or writes to."""
        threads = self.state.threads
        holds = {id_: Hold.WRITTEN for id_ in self.drafts if id_ in threads}
        for tile in self.grid.tiles:
            if tile.composer_box is not None:
                holds[tile.thread_id] = Hold.WRITTEN
        looked_at = {self.grid.zoomed, self.current if self._is_looking() else ""}
        for id_ in looked_at & threads.keys():
            holds[id_] = holds.get(id_, Hold.NONE) | Hold.FOCUSED
        return holds

    def _is_looking(self) -> bool:
        """Return whether the user has chosen the current thread, or has scrolled in its pane."""
        pane = self.grid.pane_of(self.current)
        return self._is_arranged_by_user or (pane is not None and not pane.follow)

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
        source = self.state.threads[thread_id].info.forked_from
        if not self._slots.open(thread_id, self._entries, self._holds(), spared=source):
            self.post_message(self.AllPinned())
            return
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

    def zoom(self, thread_id: str) -> None:
        """Give all the space to the pane of a thread; empty to tile the panes again."""
        self.grid.zoom(thread_id)
        self._show_frames()

    def focus_thread(self, thread_id: str) -> None:
        """Focus the pane of a thread."""
        tile = self.grid.tile_of(thread_id)
        if tile is None:
            return
        if self.grid.zoomed:
            self.zoom(thread_id)
        if self.grid.display:
            tile.focus_content(lambda: self.current == thread_id)
        else:
            self.post_message(self.PaneChosen())
            self.call_after_refresh(self._focus_shown, thread_id)
        self._set_current(thread_id)

    def _focus_shown(self, thread_id: str) -> None:
        if (tile := self.grid.tile_of(thread_id)) is not None:
            tile.focus_content()

    def focus_pane(self, number: int) -> bool:
        """Focus the pane with a number; return false if there is none."""
        self._is_arranged_by_user = True
        tiles = self.grid.tiles
        if number <= len(tiles):
            self.focus_thread(tiles[number - 1].thread_id)
        return number <= len(tiles)

    def focus_next_pane(self, step: int) -> bool:
        """Focus the next (1) or previous (-1) pane, or the tree; return false without panes."""
        self._is_arranged_by_user = True
        stops = ["", *(tile.thread_id for tile in self.grid.tiles)]
        current = "" if self.thread_tree.has_focus else self.current
        index = stops.index(current) if current in stops else 0
        self._focus_stop(stops[(index + step) % len(stops)])
        return len(stops) > 1

    def focus_neighbour(self, dx: int, dy: int) -> bool:
        """Focus the pane in a direction; the tree is to the left of the leftmost pane.

        Returns:
            False if there is nothing in that direction.
        """
        self._is_arranged_by_user = True
        if self.thread_tree.has_focus:
            self.focus_thread(self.current)
            return dx > 0 and self.grid.tile_of(self.current) is not None
        neighbour = self.grid.neighbour(self.current, dx, dy)
        if neighbour is not None:
            self.focus_thread(neighbour)
        elif dx < 0 and self.thread_tree.display:
            self._focus_stop("")
            return True
        return neighbour is not None

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
        self._show_frames()

    # Looks.

    def look(self) -> Look:
        """Return what is shown, for `return_to`."""
        return Look(
            self._slots.shown,
            self.current,
            self.grid.zoomed,
            self.thread_tree.has_focus,
            self._is_arranged_by_user,
            {tile.thread_id: tile.pane.position for tile in self.grid.tiles},
        )

    def return_to(self, look: Look) -> None:
        """Show again what `look` says, as far as its threads are still there."""
        self._slots.restore(t for t in look.shown if t in self.state.threads)
        self._show_panes()
        self.grid.zoom(look.zoomed)
        for tile in self.grid.tiles:
            if (position := look.positions.get(tile.thread_id)) is not None:
                tile.pane.return_to(position)
        self.focus_thread(look.current)
        self._set_current(look.current)
        self._focus_stop("" if look.in_tree else look.current)
        self._is_arranged_by_user = look.arranged
        self._pacer.mark_dirty(self)

    # Marks.

    @property
    def marked(self) -> tuple[str, ...]:
        """The ids of the marked threads that are still there, in the order of marking."""
        return tuple(thread_id for thread_id in self._marks if thread_id in self.state.threads)

    def toggle_mark(self, thread_id: str) -> None:
        """Mark a thread, or take its mark away."""
        if thread_id in self._marks:
            del self._marks[thread_id]
        else:
            self._marks[thread_id] = None
        self._pacer.mark_dirty(self)

    def unmark_all(self) -> None:
        """Take all marks away."""
        self._marks.clear()
        self._pacer.mark_dirty(self)

    # The number of panes.

    @on(PaneGrid.CapacityChanged)
    def _fill_slots(self) -> None:
        self._slots.capacity = self.grid.capacity
        self._place_threads()
        self._pacer.mark_dirty(self)

    def limit_panes(self, max_panes: int | None) -> None:
        """Show at most so many panes; None for as many as read well."""
        self.grid.max_panes = max_panes
        self.grid.update_capacity()

    def toggle_pin(self) -> bool:
        """Pin the current thread to its pane, or unpin it; return false if it has none.

        A thread without a pane gets one first.
        """
        if self.current in self.state.threads and self.current not in self._slots.shown:
            self.open_thread(self.current)
        if self.current not in self._slots.shown:
            return False
        self._slots.toggle_pin(self.current)
        self._pacer.mark_dirty(self)
        return True

    def change_pane_count(self, step: int) -> str:
        """Show more (1) or fewer (-1) panes; return why that is impossible, empty if done."""
        self._is_arranged_by_user = True
        return self.grid.change_count(step)

    # Composers. What is written in them is in `ComposerPanes`.

    def open_composer(self, thread_id: str, hint: str) -> None:
        """Open the composer of a thread; `hint` says what sending does."""
        self._is_arranged_by_user = True
        if self.grid.tile_of(thread_id) is None:
            self.open_thread(thread_id)
        tile = self.grid.tile_of(thread_id)
        if tile is None:
            return
        if self.grid.zoomed:
            self.zoom(thread_id)
        self.open_composer_in(tile, hint)
