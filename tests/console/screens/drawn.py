"""What a terminal shows of a console that draws only what has changed."""

from __future__ import annotations

import pyte
from console.screens.console import Console
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.screen import Screen


class DrawnTerminal:
    """A terminal that gets every update, as those of people do; tests have none otherwise."""

    def __init__(self, console: Console, size: tuple[int, int]) -> None:
        self._app = console.app
        self._screen = pyte.Screen(*size)
        self._screen.select_graphic_rendition = lambda *_, **__: None
        self._stream = pyte.Stream(self._screen)
        self._app._display = self._display  # type: ignore[method-assign]

    @property
    def text(self) -> str:
        """What it shows, row by row, without the spaces at the ends."""
        return "\n".join(row.rstrip() for row in self._screen.display)

    def _display(self, screen: Screen[object], update: RenderableType | None) -> None:
        if isinstance(update, ChopsUpdate | LayoutUpdate) and not self._app._batch_count:
            self._stream.feed(update.render_segments(self._app.console))
