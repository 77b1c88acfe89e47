"""The command palette: finds what asks, threads, runs, actions with their keys, and files."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

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
from textual.widgets import Input

from codextui.console.model.palette import EntryKind, PaletteEntry, find_entries
from codextui.console.render.layout import fit_row, truncate
from codextui.console.render.palette import Palette
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.drawing import ThemedLineWidget
from codextui.text.sanitize import one_line

MAX_SEARCH_LENGTH = 100
"""Characters of a text to look for."""

MAX_FILES = 5_000
"""Files of the working folder that are listed."""

MAX_FOLDERS = 1_000
"""Folders below the working folder that are looked into."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "target", "dist", "build", "venv"})


class PaletteScreen(ModalScreen[PaletteEntry]):
    """Returns the chosen entry. Files are listed off the event loop, once something is typed."""

    CSS_PATH: ClassVar = ["dialog.tcss", "palette.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go there, or do it", id="palette.choose"),
        Binding("down", "move(1)", "Next entry", show=False, id="palette.down"),
        Binding("up", "move(-1)", "Previous entry", show=False, id="palette.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="palette.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="palette.page_up"),
        Binding("escape", "close", "Close", id="palette.close"),
    ]

    def __init__(
        self,
        entries: Sequence[PaletteEntry],
        *,
        folder: str = "",
        open_file: Callable[[str], object] | None = None,
    ) -> None:
        """Offer entries, and the files of a folder.

        Args:
            entries: the most important first.
            folder: the working folder; empty for no files.
            open_file: is given the path of a chosen file, relative to the folder.
        """
        super().__init__()
        self._entries = list(entries)
        self._folder = folder
        self._open_file = open_file
        self._has_files = False
        self._list = EntryList()

    def compose(self) -> ComposeResult:
        """Yield the search, the entries and the keys."""
        with Vertical(classes="dialog"):
            yield LineInput(
                id="search",
                placeholder="a thread, what asks, an action, a file",
                max_length=MAX_SEARCH_LENGTH,
                compact=True,
            )
            yield self._list
            yield DialogKeys("↑ ↓ choose   ⏎ do it   esc close")

    def on_mount(self) -> None:
        """Type first."""
        self.query_one(Input).focus()
        self._show()

    @on(Input.Changed)
    def _look_for(self) -> None:
        if not self._has_files and self._folder and self._open_file is not None:
            self._has_files = True
            self.run_worker(self._add_files(), group="files", exit_on_error=False)
        self._list.index = 0
        self._show()

    async def _add_files(self) -> None:
        paths = await asyncio.to_thread(list_files, Path(self._folder))
        self._entries += [self._file_entry(path) for path in paths]
        self._show()

    def _file_entry(self, path: str) -> PaletteEntry:
        folder, _, name = path.rpartition("/")
        return PaletteEntry(
            EntryKind.FILE,
            one_line(name, 100),
            one_line(folder or ".", 200),
            lambda: self._open_file(path) if self._open_file is not None else None,
        )

    def _show(self) -> None:
        if self.is_attached:
            query = self.query_one(Input).value
            self._list.show(find_entries(self._entries, query), "Nothing is called that.")

    @on(Input.Submitted)
    def action_choose(self) -> None:
        """Return the entry of the cursor."""
        entry = self._list.current
        if entry is not None and self.is_active:
            self.dismiss(entry)

    def on_entry_list_clicked(self) -> None:
        """Return the clicked entry."""
        self.action_choose()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._list.move(rows)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self._list.move(direction * max(1, self._list.size.height - 1))

    def action_close(self) -> None:
        """Return nothing."""
        if self.is_active:
            self.dismiss(None)


class EntryList(ThemedLineWidget):
    """Draws the visible entries only.

    Attributes:
        index: the row of the cursor.
    """

    class Clicked(Message):
        """The entry that the cursor is on now was clicked."""

    def __init__(self) -> None:
        super().__init__(id="entry-list")
        self.index = 0
        self._entries: Sequence[PaletteEntry] = ()
        self._nothing = ""
        self._top = 0

    @property
    def current(self) -> PaletteEntry | None:
        """The entry of the cursor."""
        return self._entries[self.index] if self.index < len(self._entries) else None

    def show(self, entries: Sequence[PaletteEntry], nothing: str) -> None:
        """Show entries, or why there are none."""
        self._entries, self._nothing = entries, nothing
        self.move(0)

    def move(self, rows: int) -> None:
        """Move the cursor, and keep it visible."""
        self.index = max(0, min(len(self._entries) - 1, self.index + rows))
        height = max(1, self.size.height)
        self._top = max(0, self.index - height + 1, min(self._top, self.index))
        self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor visible."""
        self.move(0)

    def on_click(self, event: Click) -> None:
        """Move the cursor to the clicked entry, and report it."""
        if self._top + event.y < len(self._entries):
            self.index = self._top + event.y
            self.post_message(self.Clicked())

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        palette, width = self._palette, self.size.width
        if palette is None:
            return Strip.blank(width, self.rich_style)
        at = self._top + y
        if at >= len(self._entries):
            text = self._nothing if not self._entries and y == 0 else ""
            return fit_row([Segment(text, palette.muted)], width, palette.text)
        entry, is_here = self._entries[at], at == self.index
        title = palette.muted if entry.reason else palette.strong
        room = max(12, min(44, width // 2))
        detail = f"not now: {entry.reason}" if entry.reason else entry.detail
        key = f" {entry.detail}" if entry.reason and entry.detail else ""
        row = [
            Segment("> " if is_here else "  ", palette.accent),
            Segment(f"{entry.kind.value:<7} ", _KIND_STYLES[entry.kind](palette)),
            Segment(truncate(f"{entry.title}{key}", room).ljust(room + 1), title),
            Segment(detail, palette.warning if entry.reason else palette.muted),
        ]
        bar = palette.selected.background_style if is_here else Style()
        row = [Segment(text, (style or Style()) + bar) for text, style, _ in row]
        return fit_row(row, width, palette.selected if is_here else palette.text)


_KIND_STYLES: dict[EntryKind, Callable[[Palette], Style]] = {
    EntryKind.APPROVAL: lambda palette: palette.needs_input,
    EntryKind.THREAD: lambda palette: palette.accent,
    EntryKind.RUN: lambda palette: palette.accent,
    EntryKind.ACTION: lambda palette: palette.muted,
    EntryKind.FILE: lambda palette: palette.path,
}


def list_files(
    folder: Path, *, max_files: int = MAX_FILES, max_folders: int = MAX_FOLDERS
) -> list[str]:
    """Return the paths of the files below a folder, relative to it, the nearest first. Blocks.

    Hidden ones are left out, and so are folders of dependencies. Links are not followed.
    """
    files: list[str] = []
    waiting = deque([""])
    for _ in range(max_folders):
        if not waiting or len(files) >= max_files:
            break
        below, found = _list_folder(folder, waiting.popleft())
        waiting.extend(below)
        files += found
    return files[:max_files]


def _list_folder(folder: Path, inner: str) -> tuple[list[str], list[str]]:
    """Return the folders and the files in a folder; none where it cannot be read."""
    below: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder / inner) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _SKIPPED:
                    continue
                path = f"{inner}/{entry.name}" if inner else entry.name
                (below if entry.is_dir(follow_symlinks=False) else files).append(path)
    except OSError:
        pass
    return sorted(below), sorted(files)
