"""How the console looks: the theme, which is saved when another is chosen, and whether it moves."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.app import App
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Input, TextArea

from codextui.config.schema import UiConfig
from codextui.console.nearest_colours import use_nearest_colours
from codextui.console.theme_watch import ThemeWatcher
from codextui.console.themes import register_others, register_themes, save_theme
from codextui.errors import ConfigInvalid
from codextui.text.sanitize import one_line, sanitize

PROBLEM_TIMEOUT = 15
"""Seconds for which what is wrong in a theme file stays on the screen."""


class Appearance:
    """Applies `[ui] theme` and `[ui] motion`.

    Attributes:
        watcher: reloads the active theme when its file was edited.
    """

    def __init__(self, app: App[int], config: UiConfig, config_path: Path | None) -> None:
        """Activate the configured theme; `start` registers the others."""
        self._app = app
        self._config_path = config_path
        use_nearest_colours(app)
        self._themes = register_themes(app, config.theme, config_path)
        self._saved_theme = app.theme
        self._is_previewing = False
        self.watcher = ThemeWatcher(app, self._themes.files, self._warn)
        self.set_motion(moves=config.motion)

    def set_motion(self, *, moves: bool) -> None:
        """Let things move smoothly and cursors blink, or not."""
        self._moves = moves
        self._app.animation_level = "full" if moves else "none"

    def preview(self, name: str) -> None:
        """Show a theme without saving it; an empty name shows the saved one again."""
        self._is_previewing = bool(name)
        wanted = name or self._saved_theme
        if wanted in self._app.available_themes:
            self._app.theme = wanted

    def keep_preview(self) -> None:
        """Take the theme that is shown as the saved one."""
        self._is_previewing = False
        self._saved_theme = self._app.theme

    def start(self, screen: Widget) -> None:
        """Register the other themes, and follow changes while `screen` is there.

        Reports what is wrong in theme files. The first frame does not wait for any of this.
        """
        register_others(self._app)
        for problem in self._themes.problems:
            self._warn(problem)
        self._app.theme_changed_signal.subscribe(screen, self._save_theme)
        self._app.theme_changed_signal.subscribe(screen, self.watcher.watch)
        self.watcher.watch(self._app.current_theme)

    def on_focus(self, event: events.DescendantFocus) -> None:
        """Keep the cursor of a field that gets the focus from blinking, unless things move."""
        if isinstance(event.widget, Input | TextArea) and not self._moves:
            event.widget.cursor_blink = False

    def _save_theme(self, theme: Theme) -> None:
        if theme.name == self._saved_theme or self._is_previewing:
            return
        self._saved_theme = theme.name
        try:
            save_theme(theme.name, self._config_path)
        except ConfigInvalid as error:
            message = f"The theme could not be saved: {one_line(str(error))}"
            self._app.notify(message, severity="error", timeout=PROBLEM_TIMEOUT, markup=False)

    def _warn(self, problem: str) -> None:
        text = sanitize(problem)
        self._app.notify(text, severity="warning", timeout=PROBLEM_TIMEOUT, markup=False)
