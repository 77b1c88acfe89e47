"""Reading and finding on the main screen: folds, the pager, and keys that explain themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from textual import events, on
from textual.binding import Binding, BindingType

from codextui.console.bindings import APP_BINDINGS, format_keys
from codextui.console.model.fleet import Fleet
from codextui.console.model.palette import EntryKind, PaletteEntry
from codextui.console.model.state import ThreadView
from codextui.console.screens import messages
from codextui.console.screens.availability import Action, unavailable_reason
from codextui.console.screens.dead_keys import explain_dead_key, help_keys, place_of
from codextui.console.screens.thread_actions import ThreadActions
from codextui.console.widgets.drawing import NothingDone
from codextui.console.widgets.looks import Look
from codextui.jsonrpc.fields import Json

if TYPE_CHECKING:
    from codextui.console.screens.labels import Target
    from codextui.console.widgets.attention_strip import AttentionStrip
    from codextui.console.widgets.transcript_pane import TranscriptPane

READING_BINDINGS: list[BindingType] = [
    Binding("space", "unfold", "Unfold what is shown, or fold it", id="pane.unfold"),
    Binding("ctrl+f", "search", "Search all transcripts", id="search.open"),
    Binding("apostrophe", "labels", "Jump labels: a letter goes there", id="view.labels"),
    Binding("y", "copy", "Copy what is selected, or the item", id="pane.copy"),
    Binding("o", "read", "Read a long item whole", id="pane.read"),
]


_Place: TypeAlias = tuple[int, int, Callable[[], object]]
"""A column and a row of the screen, and what goes there."""


class ReadingActions(ThreadActions):
    """The actions that change what is read, and nothing on the server.

    Attributes:
        fleet: how the threads are arranged.
    """

    fleet: Fleet

    _start_of_search: Look | None = None

    def explain_key(self, event: events.Key) -> None:
        """Say why a key does nothing here."""
        groups = self._options.key_groups()
        help_key = (*help_keys(groups), format_keys("question_mark"))[0]
        self._explain(explain_dead_key(event.key, groups, help_key=help_key))

    def is_help_key(self, key: str) -> bool:
        """Return whether a key lists all keys."""
        return format_keys(key) in help_keys(self._options.key_groups())

    @on(NothingDone)
    def _explain_nothing(self, message: NothingDone) -> None:
        message.stop()
        self._explain(message.reason)

    # Folds and the pager.

    def action_unfold(self) -> None:
        """Unfold the items that the current pane shows, or fold them again."""
        pane = self._pane
        if pane is None or not pane.toggle_folds():
            has_items = pane is not None and bool(pane.visible_items())
            how = " J and K mark an item, which space then folds." if has_items else ""
            self._explain(f"Nothing is folded here.{how}")
        self.mark_dirty()

    def action_read(self) -> None:
        """Show an item of the current pane in the pager."""
        from codextui.console.screens.pager import PagerScreen  # noqa: PLC0415

        pane = self._pane
        item = None if pane is None else pane.item_to_read
        if pane is None or item is None:
            self._explain("There is nothing to read yet.")
        else:
            view = pane.view
            self.app.push_screen(PagerScreen(view.info.handle, view.transcript, item))

    # Copying.

    def action_copy(self) -> None:
        """Copy the selected text; or the marked item, or else the last one, or a part of it."""
        from codextui.console.model.item_text import item_parts  # noqa: PLC0415

        if selected := self.get_selected_text():
            self.post_message(messages.CopyText(selected))
            return
        item = None if self._pane is None else self._pane.item_to_copy
        parts = [] if item is None else item_parts(item.content)
        if not parts:
            self._explain("There is nothing to copy yet.")
        elif len(parts) == 1:
            self.post_message(messages.CopyText(parts[0].text))
        else:
            from codextui.console.screens.copy import CopyScreen  # noqa: PLC0415

            self.app.push_screen(CopyScreen(parts), self._copy)

    def _copy(self, text: str | None) -> None:
        if text:
            self.post_message(messages.CopyText(text))

    @property
    def _pane(self) -> TranscriptPane | None:
        return self.workbench.grid.pane_of(self.workbench.current)

    # Searching. The methods make this `codextui.console.screens.search.Jumps`.

    def action_search(self) -> None:
        """Search all transcripts."""
        self._start_of_search = self.workbench.look()
        self.post_message(messages.OpenSearch())

    def show_item(self, thread_id: str, ordinal: int, text: str) -> int:
        """Show an item in the pane of its thread, where it has a text.

        Returns:
            the pane's first line on the screen.
        """
        self.workbench.open_thread(thread_id)
        pane = self.workbench.grid.pane_of(thread_id)
        if pane is None:
            return 0
        pane.show_item(ordinal, unfold=True, text=text)
        return pane.region.y

    def return_to_start(self) -> None:
        """Show everything as it was when the search began."""
        if self._start_of_search is not None:
            self.workbench.return_to(self._start_of_search)

    def resume(self, thread_id: str) -> None:
        """Bring a thread of Codex's history back, and show it."""
        arguments: dict[str, Json] = {"thread": thread_id}
        self.post_message(
            messages.CallTool("resume the thread", "codex-resume", arguments, opens=True)
        )

    # Jump labels.

    def action_labels(self) -> None:
        """Show a letter on everything that can be gone to; typing it goes there."""
        from codextui.console.screens.labels import LabelsScreen, Target  # noqa: PLC0415

        places = [
            *self._strip_places(),
            *self._pane_places(),
            *self._tree_places(),
            *self._item_places(),
        ]
        targets = [Target(x, y, go) for x, y, go in places]
        if targets:
            self.app.push_screen(LabelsScreen(targets), _go_to)
        else:
            self._explain("There is nothing to go to yet: n starts a thread.")

    def _strip_places(self) -> Iterator[_Place]:
        strip = self.attention_strip
        for line, entry in strip.visible_entries():
            go: Callable[[], object]
            if isinstance(entry, ThreadView):
                go = partial(self.workbench.open_thread, entry.thread_id)
            else:
                opened = messages.OpenApprovals(entry.approval_id)
                go = partial(self.post_message, opened)
            yield strip.region.x, strip.region.y + line, go

    def _pane_places(self) -> Iterator[_Place]:
        for tile in self.workbench.grid.tiles:
            if tile.display:
                x, y = tile.pane.region.offset
                yield x, y, partial(self.workbench.focus_thread, tile.thread_id)

    def _tree_places(self) -> Iterator[_Place]:
        tree = self.workbench.thread_tree
        for line, thread_id in tree.visible_threads() if tree.display else ():
            go = partial(self.workbench.open_thread, thread_id)
            yield tree.region.x, tree.region.y + line, go

    def _item_places(self) -> Iterator[_Place]:
        for tile in self.workbench.grid.tiles:
            pane = tile.pane
            for line, item in pane.visible_items() if tile.display else ():
                go = partial(self._mark_item, tile.thread_id, item.ordinal)
                yield pane.region.x, pane.region.y + line, go

    def _mark_item(self, thread_id: str, ordinal: int) -> None:
        self.workbench.focus_thread(thread_id)
        pane = self.workbench.grid.pane_of(thread_id)
        if pane is not None:
            pane.mark_item(ordinal)

    @property
    def attention_strip(self) -> AttentionStrip:
        """The strip of what needs the user."""
        raise NotImplementedError

    # The command palette.

    def open_palette(self) -> None:
        """Find what asks, threads, runs, actions and files by what is typed."""
        from codextui.console.screens.palette import PaletteScreen  # noqa: PLC0415

        folder = self._options.folder
        if (view := self.state.threads.get(self.workbench.current)) is not None:
            folder = view.info.cwd or folder
        screen = PaletteScreen(self._palette_entries(), folder=folder, open_file=self._mention)
        self.app.push_screen(screen, _run_entry)

    def _palette_entries(self) -> list[PaletteEntry]:
        from codextui.console.screens import finding  # noqa: PLC0415
        from codextui.console.widgets.transcript_pane import TranscriptPane  # noqa: PLC0415

        def open_approval(approval_id: str) -> None:
            self.post_message(messages.OpenApprovals(approval_id))

        bindings = [*self.BINDINGS, *TranscriptPane.BINDINGS, *APP_BINDINGS]
        groups = self._options.key_groups()
        theme = self.app.action_change_theme
        return [
            *finding.approval_entries(self.state, self._options.now(), open_approval),
            *finding.thread_entries(self.fleet.by_need(), self.workbench.open_thread),
            *finding.action_entries(bindings, groups, self._run_action, self.unavailable_reason_of),
            PaletteEntry(EntryKind.ACTION, "Theme: change the colours", "", theme),
        ]

    def _run_action(self, action: str) -> None:
        """Perform an action of this screen, or else of the current pane."""
        name = action.partition("(")[0].removeprefix("app.")
        is_own = hasattr(self, f"action_{name}")
        target = self if is_own else (self._pane or self)
        if hasattr(self.app, f"action_{name}") and not is_own:
            self.app.call_later(self.app.run_action, action)
        elif hasattr(target, f"action_{name}"):
            self.app.call_later(self.app.run_action, action, target)
        else:
            self._explain("No thread has a pane yet: n starts one.")

    def unavailable_reason_of(self, action: str) -> str:
        """Return why an action of the main screen cannot act now; empty if it can."""
        raise NotImplementedError

    def _mention(self, path: str) -> None:
        """Write the path of a file into the composer of the current thread."""
        if unavailable_reason(Action.SEND, self.state, self.workbench.current):
            self.post_message(messages.CopyText(path))
            return
        thread_id = self.workbench.current
        draft = self.workbench.drafts.get(thread_id, "")
        space = "" if not draft or draft[-1].isspace() else " "
        self.workbench.save_draft(thread_id, f"{draft}{space}@{path} ")
        self.action_reply()

    # Help.

    def action_help(self) -> None:
        """List all keys, those of what has the focus first."""
        from codextui.console.screens.help import HelpScreen  # noqa: PLC0415

        place = "Threads" if self.workbench.thread_tree.has_focus else "Panes"
        self.app.push_screen(HelpScreen(self._options.key_groups(), first=place))

    def show_help(self, bindings: Sequence[BindingType]) -> None:
        """List all keys, those of the place that has these bindings first."""
        from codextui.console.screens.help import HelpScreen  # noqa: PLC0415

        groups = self._options.key_groups()
        self.app.push_screen(HelpScreen(groups, first=place_of(bindings, groups)))

    def clear_marks(self) -> bool:
        """Clear the selected text and the marked item; return whether there was any."""
        is_marked = bool(self.selections)
        self.clear_selection()
        pane = self._pane
        return (pane is not None and pane.clear_cursor()) or is_marked

    def mark_dirty(self) -> None:
        """Draw the lines around the panes again, in one of the next frames."""
        raise NotImplementedError


def _go_to(target: Target | None) -> None:
    if target is not None:
        target.go()


def _run_entry(entry: PaletteEntry | None) -> None:
    if entry is not None:
        entry.run()
