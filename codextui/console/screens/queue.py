"""The dialog that shows the queue of a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from codextui.console.model.state import ThreadView
from codextui.console.screens import messages
from codextui.protocol.threads import QueuedMessage
from codextui.text.sanitize import one_line

UPDATE_INTERVAL = 0.25
"""Seconds between updates."""


class QueueScreen(ModalScreen[None]):
    """Lists what is queued, and follows it; a message can be removed, and the queue started."""

    CSS_PATH: ClassVar = ["dialog.tcss", "fork.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,u", "close", "Close", id="queue.close"),
        Binding("x,delete", "remove", "Remove the message", id="queue.remove"),
        Binding("s", "start", "Send the next one now", id="queue.start"),
        Binding("j", "move(1)", "Next message", show=False, id="queue.next"),
        Binding("k", "move(-1)", "Previous message", show=False, id="queue.previous"),
    ]

    def __init__(
        self, view: ThreadView, request: Callable[[messages.ServerRequest], object]
    ) -> None:
        """Create the dialog.

        Args:
            view: the thread.
            request: sends a request to the server.
        """
        super().__init__()
        self._view = view
        self._request = request
        self._shown: tuple[QueuedMessage, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the messages."""
        with Vertical(classes="dialog"):
            title = f"Queued for {one_line(self._view.info.handle, 60)}"
            yield Static(title, classes="dialog-title", markup=False)
            yield Static(id="state", classes="dialog-quiet", markup=False)
            yield OptionList(compact=True)
            yield Static(
                "↑ ↓ choose   x remove   s send the next one now   esc close",
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Start the timer of the updates."""
        self.set_interval(UPDATE_INTERVAL, self._update)
        self._update()
        self.query_one(OptionList).focus()

    def action_remove(self) -> None:
        """Remove the highlighted message."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._shown):
            queued_id = self._shown[at].queued_id
            self._call("remove it from the queue", action="remove", message=queued_id)

    def action_start(self) -> None:
        """Go on with the queue of a thread at rest."""
        if self._view.info.state.has_turn or not self._shown:
            self.notify(self._describe(), severity="warning", markup=False)
        else:
            self._call("go on with the queue", action="start")

    def action_move(self, step: int) -> None:
        """Highlight another message."""
        listed = self.query_one(OptionList)
        if step > 0:
            listed.action_cursor_down()
        else:
            listed.action_cursor_up()

    def action_close(self) -> None:
        """Close the dialog."""
        if self.is_active:
            self.dismiss(None)

    def _call(self, description: str, **arguments: str) -> None:
        arguments = {"thread": self._view.thread_id, **arguments}
        self._request(messages.CallTool(description, "codex-queue", dict(arguments)))

    def _update(self) -> None:
        self.query_one("#state", Static).update(self._describe())
        queued = self._view.info.queued
        if queued == self._shown:
            return
        listed = self.query_one(OptionList)
        at = listed.highlighted or 0
        chosen = self._shown[at].queued_id if at < len(self._shown) else ""
        self._shown = queued
        listed.clear_options()
        listed.add_options([_option(n, message) for n, message in enumerate(queued, 1)])
        ids = [message.queued_id for message in queued]
        if ids:
            listed.highlighted = ids.index(chosen) if chosen in ids else min(at, len(ids) - 1)

    def _describe(self) -> str:
        if not self._view.info.queued:
            return "Nothing is queued any more."
        if self._view.info.state.has_turn:
            return "Each follows as a turn of its own when the turn before has ended."
        return "They wait for the end of the next turn, or for s."


def _option(number: int, message: QueuedMessage) -> Option:
    files = f"  (+{message.images} files)" if message.images else ""
    text = one_line(message.text, 200) or "(no text)"
    return Option(Content.assemble((f"{number:>3}  ", "bold"), f"{text}{files}"))
