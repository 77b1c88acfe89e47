"""The action that saves a picture of a screen."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.screen import Screen

from codextui.console.pictures import save_picture
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.errors import CodextuiError
from codextui.text.sanitize import one_line


class PictureActions(Screen[Any]):
    """Saves the screen as SVG; the line of keys says where to.

    Attributes:
        picture_name: what the picture shows, for the name of its file.
    """

    picture_name = "screen"

    def action_save_picture(self) -> None:
        """Save the screen as it is; the file is written in a thread."""
        svg = self.app.export_screenshot(title=one_line(self.picture_name, 60))
        work = partial(self._save, svg)
        self.run_worker(work, thread=True, group="picture", exit_on_error=False)

    def _save(self, svg: str) -> None:
        """Write the picture, and say where it is. Runs in a thread."""
        try:
            said = f"Picture saved: {save_picture(svg, self.picture_name)}"
        except (CodextuiError, OSError) as error:
            said = f"The picture could not be saved: {error}"
        self.app.call_from_thread(self._tell, one_line(said, 400))

    def _tell(self, said: str) -> None:
        self.notify(said, markup=False)  # Toasts wait until no dialog is open.
        if self.is_attached:
            self.query_one(DialogKeys).explain(said)
