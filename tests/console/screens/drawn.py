"""A terminal that applies the console's partial updates."""

from __future__ import annotations

import pyte
from console.screens.console import Console
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.screen import Screen


class DrawnTerminal:
    """A terminal that receives every update, unlike the headless driver of tests."""

    def __init__(self, console: Console, size: tuple[int, int]) -> None:
        self._app = console.app
        self._screen = pyte.Screen(*size)
        self._screen.select_graphic_rendition = lambda *_, **__: None
        self._stream = pyte.Stream(self._screen)
        self._app._display = self._display  # type: ignore[method-assign]

    @property
    def text(self) -> str:
        """Its content, a line per row, without trailing spaces."""
        return "\n".join(row.rstrip() for row in self._screen.display)

    def _display(self, screen: Screen[object], update: RenderableType | None) -> None:
        if isinstance(update, ChopsUpdate | LayoutUpdate) and not self._app._batch_count:
            self._stream.feed(update.render_segments(self._app.console))
