"""The dialog that edits a queued message."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from codextui.console.model.image_marks import split_images
from codextui.console.model.queue_edits import QueueEdits, edit_key
from codextui.console.model.state import ThreadView
from codextui.console.screens import messages
from codextui.console.screens.queue import UPDATE_INTERVAL, QueueCalls
from codextui.console.widgets.composer import PromptArea
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.prompt_field import PromptField
from codextui.errors import CodextuiError
from codextui.protocol.threads import QueuedMessage
from codextui.text.sanitize import clean_paste, one_line

_MAX_QUOTED = 160
"""Characters of a message that a note quotes."""


class QueueEditScreen(ModalScreen[None]):
    """Edits a message while it waits, and says what happens to it meanwhile.

    What is written is a draft until it is saved. Only a message that says what was seen here is
    replaced.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "edit_turn.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save it in the queue", id="queue_edit.save", priority=True),
        Binding("escape", "cancel", "Keep as draft", id="queue_edit.cancel"),
    ]

    def __init__(
        self, view: ThreadView, message: QueuedMessage, calls: QueueCalls, edits: QueueEdits
    ) -> None:
        """Create the dialog.

        Args:
            view: the thread.
            message: the message, whose text may be cut off.
            calls: what it asks for.
            edits: the edits that were not saved.
        """
        super().__init__()
        self._view = view
        self._queued_id = message.queued_id
        self._calls = calls
        self._edits = edits
        self._key = edit_key(view.thread_id, message.queued_id)
        self._seen = message
        self._base: str | None = None if message.text.endswith("…") else clean_paste(message.text)
        self._version = ""
        self._is_gone = False
        self._draft = edits.read(self._key)

    def compose(self) -> ComposeResult:
        """Yield the text and what is known of the message."""
        images = self._seen.images
        with Vertical(classes="dialog"):
            title = f"Edit a message that is queued for {one_line(self._view.info.handle, 60)}"
            yield Static(title, classes="dialog-title", markup=False)
            files = f"  {images} file{'s' if images > 1 else ''} go with it." if images else ""
            yield Static(
                f"It is sent as it stands here only once it is saved.{files}",
                classes="dialog-quiet",
                markup=False,
            )
            area = PromptArea(
                self._base or "" if self._draft is None else self._draft,
                soft_wrap=True,
                tab_behavior="focus",
                compact=True,
                read_only=self._base is None and self._draft is None,
            )
            yield PromptField(area, folder=self._view.info.cwd)
            yield Static(id="note", markup=False)
            yield DialogKeys("^s save it in the queue   ^g your editor   esc keeps it as a draft")

    def on_mount(self) -> None:
        """Read the message in full, and follow it."""
        self._edits.busy.add(self._key)
        area = self._area
        area.move_cursor(area.document.end)
        area.focus()
        self._show_note("")
        self.set_interval(UPDATE_INTERVAL, self._follow)
        self._read()

    @property
    def _area(self) -> PromptArea:
        return self.query_one(PromptArea)

    # What happens to the message.

    def _follow(self) -> None:
        """Notice that it was edited elsewhere, or has left the queue."""
        queue = {one.queued_id: one for one in self._view.info.queued}
        message = queue.get(self._queued_id)
        is_gone = message is None
        if is_gone and not self._is_gone:
            handle = one_line(self._view.info.handle, 60)
            self._show_note(
                "It is not queued any more: it was sent, or removed. "
                f"What you change stays as a draft of {handle}."
            )
        self._is_gone = is_gone
        if message is not None and message != self._seen:
            self._seen = message
            self._read()

    def _read(self) -> None:
        self.run_worker(self._load(), group="queued", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        try:
            whole = await self._calls.read(self._view.thread_id, self._queued_id)
        except CodextuiError as error:
            self._show_note(f"It cannot be read: {one_line(str(error))}")
            return
        self._version = whole.version
        self._take(clean_paste(whole.text))

    def _take(self, text: str) -> None:
        """Take what the message says now; what was written here stays."""
        area, base = self._area, self._base
        is_first, self._base = area.read_only or base is None, text
        if self._draft is not None:
            note = f"This is what you wrote and did not save. It says: {_quote(text)}"
            self._show_note(note if self._draft != text else "")
            self._draft = None
        elif is_first or area.text == base:
            if area.text != text:
                area.read_only = False
                area.load_text(text)
                area.move_cursor(area.document.end)
            self._show_note("" if is_first or text == base else "It was edited elsewhere just now.")
        elif text != base:
            self._show_note(
                f"It was edited elsewhere meanwhile, and says: {_quote(text)} "
                "Saving replaces that by what stands here."
            )
        area.read_only = False
        self._keep_draft()

    def _show_note(self, note: str) -> None:
        line = self.query_one("#note", Static)
        line.update(note)
        line.display = bool(note)

    # What is written.

    @on(TextArea.Changed)
    def _keep_draft(self) -> None:
        if self._base is None or self._draft is not None or self._area.read_only:
            return
        text = self._area.text
        if text.strip() and text != self._base:
            self._edits.keep(self._key, text)
        else:
            self._edits.forget(self._key)

    def action_save(self) -> None:
        """Save the text in the queue; where the message has left it, it becomes a draft."""
        text = self._area.text.strip()
        if self._is_gone or (self._base is not None and text == self._base.strip()):
            self.action_cancel()
        elif not self._version:
            self._show_note("It is read first, to see what it says now.")
            self._read()
        elif not split_images(text)[0].strip():
            self._show_note("There is nothing to send: x in the list removes the message.")
        elif self.is_active:
            settle = partial(_settle, self._edits, self._key, self._calls)
            edit = messages.EditQueued(
                self._view.thread_id,
                self._queued_id,
                text,
                self._version,
                settle,
                images=self._seen.images,
            )
            self._calls.request(edit)
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Close; what was written is a draft."""
        if self.is_active:
            self.dismiss(None)
            _settle(self._edits, self._key, self._calls, saved=False)


def _settle(edits: QueueEdits, key: str, calls: QueueCalls, saved: bool) -> None:
    """Let go of an edit that was saved, or is a draft now."""
    edits.busy.discard(key)
    if saved:
        edits.forget(key)
    calls.rescue()


def _quote(text: str) -> str:
    return f"“{one_line(text, _MAX_QUOTED)}”"
