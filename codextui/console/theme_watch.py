"""Reloads a theme file of the user's when it was edited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from textual.app import App
from textual.theme import Theme
from textual.timer import Timer

from codextui.console.themes import read_theme

CHECK_INTERVAL = 1.0
"""Seconds between looks at the file of the active theme."""


class ThemeWatcher:
    """Watches the file of the active theme, if it is one of the user's.

    A file with mistakes is reported, and the old look stays. There is no timer while a theme of the
    package is active.
    """

    def __init__(
        self,
        app: App[int],
        files: Mapping[str, Path],
        report: Callable[[str], None],
        *,
        interval: float = CHECK_INTERVAL,
    ) -> None:
        """Watch the themes of an app.

        Args:
            app: the console.
            files: the user's theme files by the theme's name.
            report: shows what is wrong in a file.
            interval: seconds between two looks at the file.
        """
        self._app = app
        self._files = files
        self._report = report
        self._interval = interval
        self._timer: Timer | None = None
        self._stamps: dict[Path, tuple[int, int]] = {}

    def watch(self, theme: Theme) -> None:
        """Watch the file of a theme, which has become the active one."""
        if theme.name in self._files and self._timer is None:
            self._timer = self._app.set_interval(self._interval, self._look)
            self._look()
        elif theme.name not in self._files and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _look(self) -> None:
        name = self._app.theme
        if (path := self._files.get(name)) is not None:
            check = self.check(name, path)
            self._app.run_worker(check, group="theme", exclusive=True, exit_on_error=False)

    async def check(self, name: str, path: Path) -> None:
        """Read the file of the active theme if it has changed, off the event loop."""
        stamp = await asyncio.to_thread(_stamp_of, path)
        known = self._stamps.get(path)
        if stamp is None or stamp == known:
            return
        self._stamps[path] = stamp
        if known is None:
            return
        try:
            theme = await asyncio.to_thread(read_theme, path)
        except ValueError as error:
            self._report(f"{path}: {error}. The old look stays.")
            return
        if theme.name != name:
            self._report(f'{path}: line 1: name must stay "{name}" while the theme is shown.')
            return
        self._app.register_theme(theme)
        if self._app.theme == name:
            self._app.mutate_reactive(App.theme)


def _stamp_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:  # editors replace files; the next look finds the new one
        return None
    return status.st_mtime_ns, status.st_size
