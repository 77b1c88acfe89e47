"""A list of settings with their values, changed in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from codextui.config.settings import Setting
from codextui.console.render.layout import fit_row
from codextui.console.render.palette import Palette
from codextui.console.widgets.drawing import ThemedLineWidget
from codextui.text.sanitize import one_line

NAME_WIDTH = 22
"""Cells of the column of names."""


class SettingsList(ThemedLineWidget, can_focus=True):
    """Shows settings below the headings of their tables, and then notes that cannot be changed.

    Attributes:
        index: the setting of the cursor.
        values: the values that differ from those of the file, by key.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next setting", show=False, id="preferences.next"),
        Binding("up,k", "move(-1)", "Previous setting", show=False, id="preferences.previous"),
        Binding("right,space", "turn(1)", "Next value", show=False, id="preferences.more"),
        Binding("left", "turn(-1)", "Previous value", show=False, id="preferences.less"),
        Binding("enter", "edit", "Write the value", show=False, id="preferences.edit"),
        Binding("backspace", "reset", "The default", show=False, id="preferences.reset"),
    ]

    class Moved(Message):
        """The cursor is on another setting."""

    class Changed(Message):
        """A setting has another value."""

        def __init__(self, key: str, value: str) -> None:
            super().__init__()
            self.key = key
            self.value = value

    class EditRequested(Message):
        """The user wants to write the value of the setting of the cursor."""

    def __init__(
        self,
        settings: Sequence[Setting],
        options: Mapping[str, Sequence[str]],
        notes: Sequence[str] = (),
    ) -> None:
        """Show settings.

        Args:
            settings: those that can be changed, those of a table together.
            options: further values to choose from, by key.
            notes: lines below them.
        """
        super().__init__(id="settings-list")
        self.index = 0
        self.values: dict[str, str] = {}
        self._settings = tuple(settings)
        self._options = options
        self._rows: list[int | str] = list(_rows(self._settings))
        if notes:
            self._rows += ["", *notes]
        self._top = 0

    def on_resize(self) -> None:
        """Keep the cursor visible at the new size."""
        self._scroll_to_cursor()

    @property
    def current(self) -> Setting:
        """The setting of the cursor."""
        return self._settings[self.index]

    def value_of(self, setting: Setting) -> str:
        """Return the value of a setting as it is shown."""
        return self.values.get(setting.key, setting.value)

    def change(self, value: str) -> None:
        """Give the setting of the cursor another value."""
        setting = self.current
        if value == setting.value:
            self.values.pop(setting.key, None)
        else:
            self.values[setting.key] = value
        self.refresh()
        self.post_message(self.Changed(setting.key, value))

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.index = max(0, min(len(self._settings) - 1, self.index + rows))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def action_turn(self, step: int) -> None:
        """Choose the next or previous value; ask for one where any text is one."""
        setting = self.current
        options = self._options_of(setting)
        if not options:
            self.post_message(self.EditRequested())
            return
        value = self.value_of(setting)
        index = options.index(value) + step if value in options else 0
        self.change(options[index % len(options)])

    def action_edit(self) -> None:
        """Ask for a value, or choose the next one."""
        self.action_turn(1)

    def action_reset(self) -> None:
        """Choose the default."""
        self.change(self.current.default)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked setting; change it if it is there already."""
        row = self._top + event.y
        is_hint = event.y == self.size.height - 1 and row < len(self._rows) - 1
        if is_hint:
            self.action_move(max(1, self.size.height - 2))
            return
        clicked = self._rows[row] if row < len(self._rows) else ""
        if isinstance(clicked, int):
            if clicked == self.index:
                self.action_turn(1)
            self.action_move(clicked - self.index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.action_move(-1)

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        palette, width = self._palette, self.size.width
        if palette is None:
            return Strip.blank(width, self.rich_style)
        below = len(self._rows) - self._top - self.size.height
        if below > 0 and y == self.size.height - 1:
            return fit_row([Segment(f"  ↓ {below + 1} more", palette.muted)], width, palette.text)
        row = self._rows[self._top + y] if self._top + y < len(self._rows) else ""
        if isinstance(row, int):
            return self._draw_setting(row, palette)
        is_heading = row.startswith("[")
        text = one_line(row) if is_heading else f"  {one_line(row)}"
        style = palette.heading if is_heading else palette.muted
        return fit_row([Segment(text, style)], width, palette.text)

    def _draw_setting(self, index: int, palette: Palette) -> Strip:
        setting = self._settings[index]
        value = one_line(self.value_of(setting)) or "(empty)"
        is_here = index == self.index
        ends = ("◂ ", " ▸") if self._options_of(setting) else ("  ", "  ")
        is_changed = setting.key in self.values
        is_default = self.value_of(setting) == setting.default
        note = "changed" if is_changed else "default" if is_default else ""
        row = [
            Segment("▌ " if is_here else "  ", palette.accent),
            Segment(f"{setting.name:<{NAME_WIDTH}}", palette.strong if is_here else palette.text),
            Segment(ends[0] if is_here else "  ", palette.accent),
            Segment(f"{value:<12}", palette.accent if is_changed else palette.text),
            Segment(ends[1] if is_here else "  ", palette.accent),
            Segment(f"  {note}", palette.warning if is_changed else palette.muted),
        ]
        return fit_row(row, self.size.width, palette.text)

    def _options_of(self, setting: Setting) -> list[str]:
        options = list(self._options.get(setting.key) or setting.options)
        is_known = not options or setting.value in options
        return options if is_known else [setting.value, *options]

    def _scroll_to_cursor(self) -> None:
        row = self._rows.index(self.index)
        first = 0 if self.index == 0 else row
        is_last = self.index == len(self._settings) - 1
        end = len(self._rows) - 1 if is_last else row + 1
        height = max(1, self.size.height)
        self._top = max(0, min(max(self._top, end - height + 1), first))


def _rows(settings: Sequence[Setting]) -> list[int | str]:
    """Return the rows: headings, and the indexes of settings."""
    rows: list[int | str] = []
    section = ""
    for index, setting in enumerate(settings):
        if setting.section != section:
            section = setting.section
            rows += ["", f"[{section}]"] if rows else [f"[{section}]"]
        rows.append(index)
    return rows
