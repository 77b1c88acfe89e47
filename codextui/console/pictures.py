"""Saves what is on the screen as a picture."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App

from codextui.config.paths import pictures_dir
from codextui.errors import CodextuiError
from codextui.text.sanitize import one_line

MAX_SAME_SECOND = 100
"""Pictures with the same time in their names."""


class PicturePresenter:
    """Saves SVG pictures of the screen, of which nothing is masked; never over another file."""

    def __init__(
        self,
        app: App[int],
        now: Callable[[], float],
        folder: Callable[[], Path] = pictures_dir,
    ) -> None:
        """Create a presenter.

        Args:
            app: the console.
            now: returns unix seconds, for the names.
            folder: returns where pictures are saved.
        """
        self._app = app
        self._now = now
        self._folder = folder

    def save(self) -> None:
        """Save a picture of the screen as it is now, and say where it is."""
        svg = self._app.export_screenshot(title=self._app.title)
        self._app.run_worker(self._save(svg), group="pictures", exit_on_error=False)

    async def _save(self, svg: str) -> None:
        try:
            path = await asyncio.to_thread(write_picture, svg, self._folder, self._now())
        except (CodextuiError, OSError) as error:
            message = f"The picture could not be saved: {one_line(str(error))}"
            self._app.notify(message, severity="error", markup=False)
            return
        self._app.notify(f"Picture of the screen: {one_line(str(path))}", markup=False)


def write_picture(svg: str, folder: Callable[[], Path], at: float) -> Path:
    """Write a picture into a new file, which only this user can read; return its path.

    Raises:
        OSError: it cannot be written.
        CodextuiError: the folder cannot be used.
    """
    stem = time.strftime("codextui-%Y-%m-%d-%H%M%S", time.localtime(at))
    target = folder()
    for number in range(1, MAX_SAME_SECOND + 1):
        path = target / (f"{stem}.svg" if number == 1 else f"{stem}-{number}.svg")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(svg)
        return path
    raise FileExistsError(f"{target} has {MAX_SAME_SECOND} pictures of this second")
