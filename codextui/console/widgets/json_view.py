"""A JSON value whose parts fold, with a cursor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.json_tree import (
    JsonKind,
    JsonLine,
    JsonPath,
    all_parts,
    json_lines,
    long_parts,
    value_at,
)
from codextui.console.render.frames import render_json_line
from codextui.console.render.layout import Row, fill, fit_row
from codextui.console.widgets.drawing import ThemedLineWidget
from codextui.jsonrpc.fields import Json
from codextui.text.sanitize import one_line


class JsonView(ThemedLineWidget, can_focus=True):
    """Shows a heading and a value below it; long parts are folded at first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Line above", show=False, id="frame.up"),
        Binding("down,j", "move(1)", "Line below", show=False, id="frame.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="frame.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="frame.page_down"),
        Binding("home", "move(-1000000)", "To the beginning", show=False, id="frame.home"),
        Binding("end,G", "move(1000000)", "To the end", show=False, id="frame.end"),
        Binding("space,enter", "fold", "Fold the part, or unfold it", id="frame.fold"),
        Binding("right", "unfold_part", "Unfold the part", show=False, id="frame.unfold"),
        Binding("left", "leave", "Fold the part; from the top, back", id="frame.leave"),
        Binding("plus,equals_sign", "unfold_all", "Unfold all", id="frame.unfold_all"),
        Binding("minus", "fold_all", "Fold all", id="frame.fold_all"),
        Binding("Y", "copy_value", "Copy the value of the cursor", id="frame.copy_value"),
    ]

    class Copied(Message):
        """A value was copied; `note` says which."""

        def __init__(self, note: str) -> None:
            super().__init__()
            self.note = note

    class Left(Message):
        """The list is to have the focus again."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._heading: Sequence[str] = ()
        self._value: Json = None
        self._folded: set[JsonPath] = set()
        self._lines: list[JsonLine] = []
        self._rows: list[tuple[int, Row]] = []
        self._cursor = 0
        self._top = 0

    def on_resize(self) -> None:
        """Lay the value out for the new width."""
        self._lay_out()

    def on_focus(self) -> None:
        """Draw the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw no cursor."""
        self.refresh()

    def show(self, heading: Sequence[str], value: Json) -> None:
        """Show another value from its start.

        Args:
            heading: sanitized lines above it.
            value: JSON, or a text that is none.
        """
        self._heading, self._value = heading, value
        self._folded = long_parts(value)
        self._cursor = self._top = 0
        self._lay_out()

    def show_heading(self, heading: Sequence[str]) -> None:
        """Replace the lines above the value."""
        if self._heading != heading:
            self._heading = heading
            self.refresh()

    def action_move(self, lines: int) -> None:
        """Move the cursor by lines."""
        self._cursor = max(0, min(len(self._lines) - 1, self._cursor + lines))
        self._scroll_to_cursor()
        self.refresh()

    def action_page(self, direction: int) -> None:
        """Move by a page of rows, through a long line as well."""
        rows = [line for line, _ in self._rows]
        self._top = max(0, min(len(rows) - self._room, self._top + direction * (self._room - 1)))
        visible = rows[self._top : self._top + self._room]
        if visible and not visible[0] <= self._cursor <= visible[-1]:
            self._cursor = visible[0] if direction > 0 else visible[-1]
        self.refresh()

    def action_fold(self) -> None:
        """Fold the part of the cursor, or unfold it."""
        if (line := self._line) is None:
            return
        if line.kind is JsonKind.FOLDED:
            self.action_unfold_part()
        elif line.kind in (JsonKind.OPEN, JsonKind.CLOSE) and line.path:
            self._fold(line.path)
        elif len(line.path) > 1:
            self._fold(line.path[:-1])

    def action_unfold_part(self) -> None:
        """Unfold the part of the cursor."""
        if (line := self._line) is not None and line.path in self._folded:
            self._folded.discard(line.path)
            self._lay_out()

    def action_leave(self) -> None:
        """Fold the part of the cursor; where none is left to fold, leave."""
        line = self._line
        is_part = line is not None and line.kind in (JsonKind.OPEN, JsonKind.CLOSE)
        if line is not None and is_part and line.path:
            self._fold(line.path)
        elif line is not None and len(line.path) > 1:
            self._fold(line.path[:-1])
        else:
            self.post_message(self.Left())

    def action_unfold_all(self) -> None:
        """Unfold all parts."""
        self._folded.clear()
        self._lay_out()

    def action_fold_all(self) -> None:
        """Fold all parts."""
        self._folded = all_parts(self._value)
        self._cursor = 0
        self._lay_out()

    def action_copy_value(self) -> None:
        """Copy the value of the cursor: a text as it is, anything else as JSON."""
        if (line := self._line) is None:
            return
        value = value_at(self._value, line.path)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        self.app.copy_to_clipboard(text)
        name = one_line(str(line.path[-1]), 40) if line.path else "all of it"
        self.post_message(self.Copied(f"Copied {name}: {one_line(text, 60)}"))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to a line; fold it where it is there already."""
        row = event.y - len(self._heading) + self._top
        if event.y < len(self._heading) or row >= len(self._rows):
            return
        line = self._rows[row][0]
        if line == self._cursor:
            self.action_fold()
        self.action_move(line - self._cursor)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self._scroll(-3)

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        palette, width = self._palette, self.size.width
        if palette is None:
            return Strip.blank(width, self.rich_style)
        if y < len(self._heading):
            style = palette.strong if y == 0 else palette.muted
            return fit_row([Segment(self._heading[y], style)], width, palette.text)
        row = y - len(self._heading) + self._top
        if row >= len(self._rows):
            return Strip.blank(width, palette.text)
        line, segments = self._rows[row]
        if line == self._cursor and self.has_focus:
            segments = [Segment(segment.text, palette.selected) for segment in segments]
            return Strip(fill(segments, width, palette.selected))
        return Strip(fill(segments, width, palette.text))

    @property
    def _line(self) -> JsonLine | None:
        return self._lines[self._cursor] if self._cursor < len(self._lines) else None

    @property
    def _room(self) -> int:
        return max(1, self.size.height - len(self._heading))

    def _fold(self, path: JsonPath) -> None:
        self._folded.add(path)
        self._lay_out()
        self._cursor = next(i for i, line in enumerate(self._lines) if line.path == path)
        self._scroll_to_cursor()

    def _lay_out(self) -> None:
        palette, width = self._palette, self.size.width
        self._lines = json_lines(self._value, self._folded) if self._heading else []
        self._cursor = max(0, min(self._cursor, len(self._lines) - 1))
        if palette is not None and width > 0:
            self._rows = [
                (index, row)
                for index, line in enumerate(self._lines)
                for row in render_json_line(line, width, palette)
            ]
        self._scroll_to_cursor()
        self.refresh()

    def _scroll(self, rows: int) -> None:
        self._top = max(0, min(len(self._rows) - self._room, self._top + rows))
        self.refresh()

    def _scroll_to_cursor(self) -> None:
        own = [row for row, (line, _) in enumerate(self._rows) if line == self._cursor]
        if not own:
            self._top = 0
            return
        top = max(own[-1] - self._room + 1, min(self._top, own[0]))
        self._top = max(0, min(top, own[0]))

    def draw_again(self) -> None:
        """Draw everything with the palette as it is now."""
        self._lay_out()
