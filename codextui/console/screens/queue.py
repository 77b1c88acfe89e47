"""The dialog that shows the queue of a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from codextui.console.model.queue_edits import QueueEdits, apply_moves, edit_key, find_place
from codextui.console.model.state import ThreadView
from codextui.console.screens import messages
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.protocol.threads import QueuedMessage, WholeQueuedMessage
from codextui.text.sanitize import one_line

UPDATE_INTERVAL = 0.25
"""Seconds between updates."""

_KEYS = "↑ ↓ choose   e edit   K J move   x remove   s send next   esc close"


class QueueCalls(NamedTuple):
    """What the dialog asks for.

    Attributes:
        request: sends a request to the server.
        read: returns a message in full, given its thread's id and its own. Raises CodextuiError.
        rescue: called when an edit is over, to take care of what was not saved.
    """

    request: Callable[[messages.ServerRequest], object]
    read: Callable[[str, str], Awaitable[WholeQueuedMessage]]
    rescue: Callable[[], object]


class QueueScreen(ModalScreen[None]):
    """Lists what is queued, and follows it; changes it, and starts the queue."""

    CSS_PATH: ClassVar = ["dialog.tcss", "fork.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,u", "close", "Close", id="queue.close"),
        Binding("e", "edit", "Edit the message (also enter)", id="queue.edit"),
        Binding("K,shift+up", "shift(-1)", "Move the message up", id="queue.up"),
        Binding("J,shift+down", "shift(1)", "Move the message down", id="queue.down"),
        Binding("x,delete", "remove", "Remove the message", id="queue.remove"),
        Binding("s", "start", "Send the next one now", id="queue.start"),
        Binding("j", "move(1)", "Next message", show=False, id="queue.next"),
        Binding("k", "move(-1)", "Previous message", show=False, id="queue.previous"),
    ]

    def __init__(self, view: ThreadView, calls: QueueCalls, edits: QueueEdits) -> None:
        """Create the dialog.

        Args:
            view: the thread.
            calls: what it asks for.
            edits: the edits that were not saved.
        """
        super().__init__()
        self._view = view
        self._calls = calls
        self._edits = edits
        self._moves: list[messages.MoveQueued] = []
        self._shown: tuple[QueuedMessage, ...] = ()
        self._edited: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the messages."""
        with Vertical(classes="dialog"):
            title = f"Queued for {one_line(self._view.info.handle, 60)}"
            yield Static(title, classes="dialog-title", markup=False)
            yield Static(id="state", classes="dialog-quiet", markup=False)
            yield OptionList(compact=True)
            yield Static(id="note", markup=False)
            yield DialogKeys(_KEYS)

    def on_mount(self) -> None:
        """Start the timer of the updates."""
        self.set_interval(UPDATE_INTERVAL, self._update)
        self._show_note("")
        self._update()
        self.query_one(OptionList).focus()

    @on(OptionList.OptionHighlighted)
    def _forget_note(self) -> None:
        self._show_note("")

    @on(OptionList.OptionSelected)
    def action_edit(self) -> None:
        """Edit the highlighted message."""
        from codextui.console.screens.queue_edit import QueueEditScreen  # noqa: PLC0415

        if (message := self._highlighted) is not None and self.is_current:
            screen = QueueEditScreen(self._view, message, self._calls, self._edits)
            self.app.push_screen(screen)

    def action_shift(self, step: int) -> None:
        """Move the highlighted message up or down; it shows at once."""
        at, message = self.query_one(OptionList).highlighted, self._highlighted
        if at is None or message is None:
            return
        before = find_place(self._shown, at, step)
        if before is None:
            self._show_note(f"It is the {'first' if step < 0 else 'last'} one.")
            return
        move = messages.MoveQueued(self._view.thread_id, message.queued_id, before)
        self._show_note("")
        self._moves.append(move)
        self._calls.request(move)
        self._update()

    def action_remove(self) -> None:
        """Remove the highlighted message."""
        if (message := self._highlighted) is not None:
            self._edits.forget(edit_key(self._view.thread_id, message.queued_id))
            self._call("remove it from the queue", action="remove", message=message.queued_id)

    def action_start(self) -> None:
        """Go on with the queue of a thread at rest."""
        if self._view.info.state.has_turn or not self._shown:
            self._show_note("A turn runs." if self._shown else self._describe())
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

    @property
    def _highlighted(self) -> QueuedMessage | None:
        at = self.query_one(OptionList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def _show_note(self, note: str) -> None:
        """Say why a key did nothing; toasts wait until the dialog is closed."""
        line = self.query_one("#note", Static)
        line.update(note)
        line.display = bool(note)

    def _call(self, description: str, **arguments: str) -> None:
        arguments = {"thread": self._view.thread_id, **arguments}
        self._calls.request(messages.CallTool(description, "codex-queue", dict(arguments)))

    def _update(self) -> None:
        self._moves = [move for move in self._moves if not move.is_over]
        queued = apply_moves(self._view.info.queued, [move.place for move in self._moves])
        edited = tuple(one.queued_id for one in queued if self._is_edited(one))
        if (queued, edited) != (self._shown, self._edited):
            self._show(queued, edited)
        self.query_one("#state", Static).update(self._describe())

    def _show(self, queued: tuple[QueuedMessage, ...], edited: tuple[str, ...]) -> None:
        listed = self.query_one(OptionList)
        at = listed.highlighted or 0
        chosen = self._shown[at].queued_id if at < len(self._shown) else ""
        self._shown, self._edited = queued, edited
        listed.clear_options()
        listed.add_options(
            [_option(n, one, is_edited=one.queued_id in edited) for n, one in enumerate(queued, 1)]
        )
        ids = [message.queued_id for message in queued]
        if ids:
            listed.highlighted = ids.index(chosen) if chosen in ids else min(at, len(ids) - 1)

    def _is_edited(self, message: QueuedMessage) -> bool:
        return self._edits.read(edit_key(self._view.thread_id, message.queued_id)) is not None

    def _describe(self) -> str:
        if not self._view.info.queued:
            return "Nothing is queued any more."
        if self._edited:
            return "✎ What you wrote was not saved: e shows it."
        if self._view.info.state.has_turn:
            return "Each follows as a turn of its own when the turn before has ended."
        return "They wait for the end of the next turn, or for s."


def _option(number: int, message: QueuedMessage, *, is_edited: bool) -> Option:
    files = (
        f"  (+{message.images} file{'s' if message.images > 1 else ''})" if message.images else ""
    )
    text = one_line(message.text, 200) or "(no text)"
    edited = "✎ edited, not saved  " if is_edited else ""
    return Option(
        Content.assemble((f"{number:>3}  ", "bold"), (edited, "italic"), f"{text}{files}")
    )
