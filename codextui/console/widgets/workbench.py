"""The middle of the console: the tree, and the panes of the threads one looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import TextArea

from codextui.console.model.state import Changes, ConsoleState, ThreadView
from codextui.console.model.tree import TreeEntry
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.drawing import Pacer
from codextui.console.widgets.pane_context import PaneContext
from codextui.console.widgets.pane_grid import PaneGrid
from codextui.console.widgets.placement import COUNTS, Slots, by_urgency, gives_way, wants_place
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState


class Workbench(Horizontal):
    """Shows the board's threads, and knows which of them keys are meant for.

    Attributes:
        current: the thread that keys are meant for, empty where there is none.
        drafts: what was written and not sent, by thread id.
        opening: the composer that was opened and has not got the focus yet, None most of the time.
    """

    class CurrentChanged(Message):
        """Keys are meant for another thread, or another widget has the focus."""

    def __init__(
        self, board: ConsoleState, pacer: Pacer, context: PaneContext, *, most: int, start_key: str
    ) -> None:
        """Show a board in at most `most` panes, drawn when `pacer` says so."""
        super().__init__()
        self.board = board
        self.current = ""
        self.drafts: dict[str, str] = {}
        self.opening: Composer | None = None
        self.threads = ThreadTree()
        self.grid = PaneGrid(most)
        self._pane_context = context
        self._pacer = pacer
        self._start_key = start_key
        self._slots = Slots()
        self._known: set[str] = set()
        self._chosen: set[str] = set()
        self._rows: list[TreeEntry] = []
        self._stale: set[str] = set()
        self._written: set[str] = set()
        self._has_moved = False
        self._is_live = False
        self._awaited = ""
        self._is_arranged = False

    def compose(self) -> ComposeResult:
        """The parts."""
        yield self.threads
        yield self.grid

    def on_mount(self) -> None:
        """Start."""
        self.take(Changes(tree=True, server=True))

    # What the board tells.

    def take(self, changes: Changes) -> None:
        """Take in what changed; it is drawn in one of the next frames.

        While the past is being told it is drawn once a second: nobody can read it faster, and
        it is over sooner.
        """
        self._has_moved |= changes.tree or changes.server
        self._stale |= changes.threads
        self._written |= changes.transcripts
        link = self.board.connection
        if link.caught_up and not self._is_live:
            self._is_live = True
            self._rows = self.board.tree()
            self._arrange()
        elif not link.caught_up:
            self._is_live = False
        if link.caught_up or not link.connected:
            self._mark()

    def _mark(self) -> None:
        """Have the pacer draw what has changed."""
        for thread_id in self._written:
            if (pane := self.grid.pane_of(thread_id)) is not None:
                self._pacer.mark(pane)
        self._written.clear()
        if self._has_moved:
            self._rows = self.board.tree()
        if self._has_moved or self._stale:
            self._has_moved = False
            self._pacer.mark(self)

    def flush(self) -> None:
        """Bring the tree, the places and the heads up to date. Called by the pacer."""
        if not self.is_attached:
            return
        self._welcome()
        self._place()
        self._show_tree()
        if self.threads.has_focus and not self._is_arranged:
            self.focus_thread(self.current)
        for thread_id in self._stale:
            if (pane := self.grid.pane_of(thread_id)) is not None:
                pane.refresh_head()
        self._stale.clear()

    def tick(self) -> None:
        """Let the clocks go on: once a second, without a layout."""
        self._mark()
        working = {t for t, view in self.board.threads.items() if view.info.state.has_turn}
        for place in self.grid.tiles:
            if place.thread_id in working:
                place.pane.refresh_head()
        if working:
            self.threads.refresh()

    def restyle(self, context: PaneContext) -> None:
        """Draw everything in other styles."""
        self._pane_context = context
        for place in self.grid.tiles:
            place.pane.restyle(context)
        self._show_tree()

    def _welcome(self) -> None:
        """Give new threads a place, and those of a team as soon as they are at work."""
        threads = self.board.threads
        self._known &= threads.keys()
        new = [other for other in threads if other not in self._known]
        for thread_id in new:
            self._known.add(thread_id)
            if threads[thread_id].info.state is not ThreadState.KILLED:
                self._slots.offer(thread_id, self._is_over)
        begun = [view.info for t, view in threads.items() if t in self._stale]
        for info in sorted(begun, key=lambda info: info.kind is ThreadKind.CODEX):
            if wants_place(self.board, info):
                self._slots.offer(info.thread_id, self._gives_way)
        if self._awaited in threads:
            self.open(self._awaited)

    def _place(self) -> None:
        threads = self.board.threads
        views = [threads[thread_id] for thread_id in self._slots.shown if thread_id in threads]
        if views != [place.pane.view for place in self.grid.tiles]:
            self.grid.show(views, self._pane_context)
            if self.current not in threads or not self._is_arranged:
                self._go_on_with(views)
            self._mark_current()
            for place in self.grid.tiles:
                place.pane.set_note(self.drafts.get(place.thread_id, ""))
        self.grid.empty.say(connected=self.board.connection.caught_up, start_key=self._start_key)

    def _go_on_with(self, views: list[ThreadView]) -> None:
        self.current = views[0].thread_id if views else ""
        self.post_message(self.CurrentChanged())

    def _show_tree(self) -> None:
        numbers = {place.thread_id: place.pane.number for place in self.grid.tiles}
        self.threads.show(self._rows, self.board.threads, numbers, self._pane_context)

    def _is_over(self, thread_id: str) -> bool:
        view = self.board.threads.get(thread_id)
        return view is None or view.info.state is ThreadState.KILLED

    def _gives_way(self, thread_id: str) -> int:
        """How readily a pane is given to somebody of a team who has begun to work.

        Never one that a person has chosen, or is looking at.
        """
        view = self.board.threads.get(thread_id)
        if view is None:
            return 9
        is_looked_at = self._is_arranged and thread_id == self.current
        if is_looked_at or thread_id in self._chosen or thread_id in self.drafts:
            return 0
        return gives_way(self.board, view.info, self.grid.capacity)

    def _by_urgency(self, shown: Sequence[str] = ()) -> list[str]:
        """As many threads as there are places, the ones to look at, in the tree's order."""
        urgent = by_urgency(self.board, self._rows, self.grid.capacity, shown)
        order = {row.thread_id: index for index, row in enumerate(self._rows)}
        return sorted(urgent[: self.grid.capacity], key=order.__getitem__)

    # Which thread keys are meant for.

    def open(self, thread_id: str) -> None:
        """Show a thread in a pane and go to it; as soon as it is known, if it is not yet."""
        if thread_id not in self.board.threads:
            self._awaited = thread_id
            return
        self._awaited = ""
        self._is_arranged = True
        self._chosen.add(thread_id)
        self._slots.offer(thread_id, self._is_over)
        self._slots.show(thread_id, self._instead_of(thread_id))
        self._place()
        self.focus_thread(thread_id)

    def _instead_of(self, thread_id: str) -> str:
        """Who loses the pane that a thread gets: who is looked at, but for a fork not its source.

        A fork and its source are what one compares.
        """
        source = self.board.threads[thread_id].info.forked_from
        if not source or source != self.current:
            return self.current
        urgent = by_urgency(self.board, self._rows, self.grid.capacity)
        shown = [other for other in urgent if other in self._slots.shown and other != source]
        return shown[-1] if shown else source

    def focus_thread(self, thread_id: str) -> None:
        """Go to a thread's pane."""
        place = self.grid.tile_of(thread_id)
        if place is None:
            return
        if self.grid.zoomed:
            self.grid.zoom(thread_id)
        place.take_focus()
        self._set_current(thread_id)

    def focus_number(self, number: int) -> bool:
        """Go to the pane of a number; false where there is none."""
        self._is_arranged = True
        shown = self.grid.tiles
        if number <= len(shown):
            self.focus_thread(shown[number - 1].thread_id)
        return number <= len(shown)

    def cycle(self, step: int) -> None:
        """Go to the next or previous pane; the tree is one of the stops."""
        self._is_arranged = True
        stops = ["", *(place.thread_id for place in self.grid.tiles)]
        here = "" if self.threads.has_focus else self.current
        at = stops.index(here) if here in stops else 0
        self._stop_at(stops[(at + step) % len(stops)])

    def go(self, dx: int, dy: int) -> None:
        """Go to the pane in a direction; left of the leftmost is the tree."""
        self._is_arranged = True
        if self.threads.has_focus:
            self.focus_thread(self.current)
            return
        beside = self.grid.neighbour(self.current, dx, dy)
        if beside is not None:
            self.focus_thread(beside)
        elif dx < 0:
            self._stop_at("")

    def _stop_at(self, thread_id: str) -> None:
        if thread_id:
            self.focus_thread(thread_id)
        elif self.threads.display:
            self.threads.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keys are meant for what has the focus."""
        if event.widget is self.opening:
            self.opening = None
        around = event.widget.ancestors
        place = next((tile for tile in self.grid.tiles if tile in around), None)
        if place is not None:
            self._set_current(place.thread_id)
        self.threads.refresh()
        self.post_message(self.CurrentChanged())

    def on_click(self) -> None:
        """From now on the person decides which threads have a pane."""
        self._is_arranged = True

    @on(ThreadTree.Moved)
    def _tree_moved(self, message: ThreadTree.Moved) -> None:
        self._is_arranged = True
        self._set_current(message.thread_id)

    @on(ThreadTree.Chosen)
    def _tree_chosen(self, message: ThreadTree.Chosen) -> None:
        self.open(message.thread_id)

    def _set_current(self, thread_id: str) -> None:
        if thread_id != self.current:
            self.current = thread_id
            self.post_message(self.CurrentChanged())
        self._mark_current()

    def _mark_current(self) -> None:
        self.threads.select(self.current)
        for place in self.grid.tiles:
            place.pane.mark_current(place.thread_id == self.current)

    # How many panes.

    @on(PaneGrid.CapacityChanged)
    def _refill(self) -> None:
        self._slots.resize(self.grid.capacity, self._by_urgency(self._slots.shown))
        self._arrange(self._slots.shown)
        self._slots.keep(self.current)
        self._pacer.mark(self)

    def _arrange(self, shown: Sequence[str] = ()) -> None:
        """Show the threads to look at first, as long as nobody has chosen others."""
        if not self._is_arranged:
            self._slots.replace_all(self._by_urgency(shown))

    def change_count(self, step: int) -> str:
        """Have more or fewer panes; return why not, empty where it is done."""
        self._is_arranged = True
        grid = self.grid
        now = grid.capacity if step > 0 else min(grid.capacity, max(1, len(grid.tiles)))
        wanted = next((n for n in COUNTS[::step] if (n - now) * step > 0), None)
        if wanted is None:
            return "Nine panes are the most." if step > 0 else "One pane is the least."
        before, grid.most = (grid.capacity, grid.most), wanted
        grid.recount()
        if grid.capacity != before[0]:
            return ""
        grid.most = before[1]
        return f"There is no room for {wanted} panes that could still be read."

    # Writing.

    def write(self, thread_id: str, purpose: str) -> None:
        """Open the composer of a thread."""
        self._is_arranged = True
        if self.grid.tile_of(thread_id) is None:
            self.open(thread_id)
        place = self.grid.tile_of(thread_id)
        if place is None:
            return
        if self.grid.zoomed:
            self.grid.zoom(thread_id)
        composer = place.write(self.drafts.get(thread_id, ""), purpose)
        self.opening = None if composer.has_focus else composer

    def say_purposes(self, purpose_of: Callable[[str], str]) -> None:
        """Say above every open composer what sending will do now."""
        for place in self.grid.tiles:
            if place.box is not None:
                place.box.say(purpose_of(place.thread_id))

    def keep_draft(self, thread_id: str, text: str) -> None:
        """Keep a text that could not be sent, unless another is being written."""
        if thread_id not in self.drafts:
            self.drafts[thread_id] = text
            self._note_draft(thread_id)

    def stop_writing(self, thread_id: str) -> None:
        """Close the composer of a thread and go to its pane."""
        self.opening = None
        place = self.grid.tile_of(thread_id)
        if place is not None:
            place.stop_writing()
            place.take_focus()
        self._note_draft(thread_id)

    @on(TextArea.Changed)
    def _keep_up(self, message: TextArea.Changed) -> None:
        if isinstance(message.text_area, Composer):
            composer = message.text_area
            if composer.text.strip():
                self.drafts[composer.thread_id] = composer.text
            else:
                self.drafts.pop(composer.thread_id, None)

    @on(Composer.Left)
    def _composer_left(self, message: Composer.Left) -> None:
        message.stop()
        self.stop_writing(message.thread_id)

    def _note_draft(self, thread_id: str) -> None:
        if (pane := self.grid.pane_of(thread_id)) is not None:
            pane.set_note(self.drafts.get(thread_id, ""))
