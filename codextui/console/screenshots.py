"""Saves what is on the screen as a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.app import App

from codextui.config.paths import pictures_dir
from codextui.console.pictures import save_picture
from codextui.errors import CodextuiError
from codextui.text.sanitize import one_line


class PicturePresenter:
    """Saves SVG pictures of the screen, of which nothing is masked; never over another file."""

    def __init__(
        self,
        app: App[int],
        now: Callable[[], float],
        folder: Callable[[], Path] = pictures_dir,
        explain: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Create a presenter.

        Args:
            app: the console.
            now: returns unix seconds, for the names.
            folder: returns where pictures are saved.
            explain: says in a dialog, which hides toasts, what was saved.
        """
        self._app = app
        self._now = now
        self._folder = folder
        self._explain = explain

    def save(self) -> None:
        """Save a picture of the screen as it is now, and say where it is."""
        svg = self._app.export_screenshot(title=self._app.title)
        self._app.run_worker(self._save(svg), group="pictures", exit_on_error=False)

    async def _save(self, svg: str) -> None:
        try:
            path = await asyncio.to_thread(self._write, svg)
        except (CodextuiError, OSError) as error:
            message = f"The picture could not be saved: {one_line(str(error))}"
            self._app.notify(message, severity="error", markup=False)
            return
        said = f"Picture of the screen: {one_line(str(path))}"
        self._app.notify(said, markup=False)
        self._explain(said)

    def _write(self, svg: str) -> Path:
        return save_picture(svg, "screen", self._folder(), at=self._now())
