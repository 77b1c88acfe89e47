"""What is in the place of the panes while there are none."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static


class EmptyPanes(Container):
    """A few lines that say why nothing is here, and what to do about it."""

    def compose(self) -> ComposeResult:
        """The parts."""
        yield Static(id="empty-text")

    def say(self, *, connected: bool, start_key: str) -> None:
        """Say that there are no threads, or that we do not know yet."""
        if not connected:
            text = "Connecting to the shared server …"
        else:
            text = (
                "[b]No threads yet[/b]\n\n"
                f"[b $accent]{start_key}[/]   starts one\n"
                "[b $accent]?[/]   lists every key\n\n"
                "[$text-quiet]In a shell, [b]codextui demo[/b] shows how it goes:\n"
                "three agents at work, without a key or an account.[/]"
            )
        self.query_one("#empty-text", Static).update(text)
