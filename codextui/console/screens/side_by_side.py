"""The screen that shows threads beside each other, and keeps one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.model.run import CostFormatter
from codextui.console.model.side_by_side import (
    Column,
    comparable_threads,
    compare_threads,
    toggled,
)
from codextui.console.model.state import ConsoleState
from codextui.console.render.palette import Palette
from codextui.console.render.side_by_side import render_columns
from codextui.console.screens import messages
from codextui.console.screens.availability import Action, unavailable_reason
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.strip_view import StripView
from codextui.protocol.diff import parse_diff
from codextui.text.sanitize import one_line

UPDATE_INTERVAL: Final = 0.5
"""Seconds between updates."""

MAX_UPDATING: Final = 20
"""Times that an update took which have to pass before the next one."""

_KEYS = "1 2 3 choose  s threads  d diff  ⏎ open  K keep one  ↑ ↓ scroll  esc close"


class SideBySideScreen(ModalScreen[None]):
    """Shows prompts, answers, changes and costs of threads in columns that scroll together."""

    CSS_PATH: ClassVar = ["dialog.tcss", "diff.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,D,q", "close", "Close", id="compare.close"),
        Binding("1", "choose(0)", "Choose the first thread", id="compare.first"),
        Binding("2", "choose(1)", "Choose the second thread", id="compare.second"),
        Binding("3", "choose(2)", "Choose the third thread", id="compare.third"),
        Binding("left,h", "step(-1)", "Thread to the left", show=False, id="compare.left"),
        Binding("right,l,tab", "step(1)", "Thread to the right", show=False, id="compare.right"),
        Binding("s", "pick", "Put a thread beside, or take one out", id="compare.pick"),
        Binding("d", "diff", "Diff of the chosen thread and another", id="compare.diff"),
        Binding("enter,o", "open", "Open the chosen thread", id="compare.open"),
        Binding("K", "keep", "Keep the chosen thread only (asks)", id="compare.keep"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="compare.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="compare.up"),
    ]

    def __init__(
        self,
        state: ConsoleState,
        thread_ids: Sequence[str],
        *,
        note: str = "",
        now: Callable[[], float],
        format_cost: CostFormatter | None,
        post: Callable[[messages.ServerRequest], object],
        show_diff: Callable[[str, str], None],
        open_thread: Callable[[str], None],
    ) -> None:
        """Compare threads.

        Args:
            state: the console's.
            thread_ids: the threads that are compared first.
            note: says what was left out of them; shown until the first key.
            now: returns unix seconds.
            format_cost: formats what tokens cost; None leaves costs out.
            post: sends a request to the server.
            show_diff: shows the diff of a thread against another one.
            open_thread: shows a thread in a pane.
        """
        super().__init__()
        self._state = state
        self._thread_ids = list(thread_ids)
        self._note = note
        self._now = now
        self._format_cost = format_cost
        self._post = post
        self._show_diff = show_diff
        self._open_thread = open_thread
        self._selected = 0
        self._columns: tuple[Column, ...] = ()
        self._parse = lru_cache(maxsize=64)(parse_diff)
        self._updated_at = self._updating_time = 0.0

    def compose(self) -> ComposeResult:
        """Yield the title, the columns, and the keys."""
        with Vertical(classes="dialog"):
            yield Static(id="title", classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            yield DialogKeys(one_line(self._note) or _KEYS, id="keys")

    def on_mount(self) -> None:
        """Show the threads, and follow them."""
        self._update()
        self.query_one(StripView).focus()
        if len(self._columns) == 1:
            self.call_after_refresh(self.action_pick)
        self.set_interval(UPDATE_INTERVAL, self._update_if_rested)

    def _update_if_rested(self) -> None:
        if time.monotonic() - self._updated_at > MAX_UPDATING * self._updating_time:
            self._update()

    def _update(self) -> None:
        """Show what has changed since the last time."""
        started = time.monotonic()
        columns = compare_threads(
            self._state, self._thread_ids, self._now(), self._parse, self._format_cost
        )
        if columns != self._columns:
            self._columns = columns
            self._redraw()
        self._updated_at = time.monotonic()
        self._updating_time = self._updated_at - started

    def _redraw(self) -> None:
        self._selected = max(0, min(self._selected, len(self._columns) - 1))
        handles = [one_line(column.handle, 40) for column in self._columns]
        title = f"Side by side: {', '.join(handles) or 'no thread is known any more'}"
        self.query_one("#title", Static).update(title)
        self.query_one(StripView).redraw()

    def _render_rows(self, width: int, palette: Palette) -> list[Strip]:
        return render_columns(self._columns, self._selected, width, palette)

    def _say(self, words: str) -> None:
        self.query_one("#keys", Static).update(one_line(words))

    def on_key(self) -> None:
        """Show the keys again."""
        self.query_one("#keys", Static).update(_KEYS)

    # Actions.

    def action_close(self) -> None:
        """Close the screen."""
        if self.is_active:
            self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def action_choose(self, at: int) -> None:
        """Choose a thread by its number."""
        if at < len(self._columns):
            self._selected = at
            self._redraw()
        else:
            self._say(f"There is no thread {at + 1}: s puts one beside.")

    def action_step(self, step: int) -> None:
        """Choose the next thread."""
        if self._columns:
            self.action_choose((self._selected + step) % len(self._columns))

    def action_pick(self) -> None:
        """Put a thread beside the others, or take one out."""
        from codextui.console.screens.pick import PickScreen  # noqa: PLC0415

        views = comparable_threads(self._state)
        entries = [
            f"{'[x]' if view.thread_id in self._thread_ids else '[ ]'} {view.info.handle}: "
            f"{view.info.state}, {view.info.brief or view.info.name or 'no prompt yet'}"
            for view in views
        ]

        def toggle(picked: int | None) -> None:
            if picked is not None:
                self._thread_ids, why = toggled(self._thread_ids, views[picked].thread_id)
                self._update()
                if why:
                    self._say(why)

        self.app.push_screen(PickScreen("Put beside, or take out", entries), toggle)

    def action_diff(self) -> None:
        """Show the diff of the chosen thread against the next one."""
        if len(self._columns) > 1:
            other = self._columns[(self._selected + 1) % len(self._columns)]
            self._show_diff(self._columns[self._selected].thread_id, other.thread_id)
        else:
            self._say("There is nothing to compare it with: s puts a thread beside.")

    def action_open(self) -> None:
        """Close, and show the chosen thread in a pane."""
        if self._columns and self.is_active:
            self.dismiss(None)
            self._open_thread(self._columns[self._selected].thread_id)

    def action_keep(self) -> None:
        """Ask, then kill all threads that are compared but the chosen one."""
        from codextui.console.screens.confirm import ConfirmScreen  # noqa: PLC0415

        others = [column for at, column in enumerate(self._columns) if at != self._selected]
        if not others:
            self._say("There is no other thread to put away.")
            return
        kept = self._columns[self._selected].handle
        doomed = [one for one in others if not self._kill_problem(one.thread_id)]
        spared = [self._kill_problem(one.thread_id) for one in others if one not in doomed]
        if not doomed:
            self._say(spared[0])
            return
        told = [_describe_end(column) for column in doomed]
        told += [f"Left as it is: {reason}" for reason in spared]
        told.append("Files that they have written stay. H finds what is archived.")
        yes = "Kill it" if len(doomed) == 1 else f"Kill {len(doomed)}"

        def kill(agreed: bool | None) -> None:
            if agreed:
                for column in doomed:
                    self._post(messages.KillThread(column.thread_id))

        screen = ConfirmScreen(f"Keep {one_line(kept, 60)} only?", "\n".join(told), yes=yes)
        self.app.push_screen(screen, kill)

    def _kill_problem(self, thread_id: str) -> str:
        return unavailable_reason(Action.KILL, self._state, thread_id)


def _describe_end(column: Column) -> str:
    """Say what killing a thread does to it."""
    handle = one_line(column.handle, 60)
    return (
        f"{handle} is {column.state}: what it does stops, what it asks is withdrawn, and it is "
        "archived."
    )
