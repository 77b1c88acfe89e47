"""The dialog that writes one message to all marked threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from codextui.console.widgets.composer import PromptArea
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.prompt_field import PromptField

DRAFT = "text"
"""The key of the draft."""

REFRESH_S = 1.0
"""Seconds after which it is found again what sending does."""


class Recipient(msgspec.Struct, frozen=True):
    """A marked thread.

    Attributes:
        thread_id: its id.
        label: its handle.
        does: what sending does, or why it cannot get the message.
        can_get: whether it can get the message now.
        folder: its folder.
    """

    thread_id: str
    label: str
    does: str
    can_get: bool
    folder: str = ""


class BroadcastScreen(ModalScreen[str | None]):
    """Names all recipients, and what the message does to each; returns the message."""

    CSS_PATH: ClassVar = ["dialog.tcss", "broadcast.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send it to all", id="broadcast.send", priority=True),
        Binding("escape", "cancel", "Cancel, and keep it as a draft", id="broadcast.cancel"),
    ]

    def __init__(
        self, find_recipients: Callable[[], Sequence[Recipient]], drafts: dict[str, str]
    ) -> None:
        """Create the dialog.

        Args:
            find_recipients: returns the recipients as they are now.
            drafts: `DRAFT` → the text that was not sent; changed as the user writes.
        """
        super().__init__()
        self._find_recipients = find_recipients
        self._drafts = drafts
        self._recipients: Sequence[Recipient] = ()

    def compose(self) -> ComposeResult:
        """Yield the recipients, the text and the keys."""
        with Vertical(classes="dialog"):
            yield Static(classes="dialog-title", markup=False)
            with VerticalScroll(id="recipients", can_focus=False):
                yield Static(id="names", markup=False)
            area = PromptArea(
                self._drafts.get(DRAFT, ""), soft_wrap=True, tab_behavior="focus", compact=True
            )
            yield PromptField(area)
            yield Static(id="problem", markup=False)
            yield DialogKeys("^s send to all   @ file   ^g your editor   esc keeps it as a draft")

    def on_mount(self) -> None:
        """Show the recipients, and follow what they do."""
        area = self.query_one(PromptArea)
        area.move_cursor(area.document.end)
        area.focus()
        self._show_recipients()
        self.set_interval(REFRESH_S, self._show_recipients)

    def _show_recipients(self) -> None:
        recipients = self._find_recipients()
        if recipients == self._recipients and recipients:
            return
        self._recipients = recipients
        folders = {one.folder for one in recipients if one.can_get}
        # A path must be one for all of them.
        self.query_one(PromptField).folder = folders.pop() if len(folders) == 1 else ""
        able = sum(one.can_get for one in recipients)
        count = f"{able} thread{'' if able == 1 else 's'}"
        left_out = f", {len(recipients) - able} cannot get it" if able < len(recipients) else ""
        title = f"One message to {count}{left_out}"
        self.query_one(".dialog-title", Static).update(title)
        self.query_one("#names", Static).update(Content("\n").join(map(_line, recipients)))

    @on(TextArea.Changed)
    def _keep_draft(self, message: TextArea.Changed) -> None:
        if message.text_area.text.strip():
            self._drafts[DRAFT] = message.text_area.text
        else:
            self._drafts.pop(DRAFT, None)

    def action_send(self) -> None:
        """Close with the text, if there is one and somebody can get it."""
        self._show_recipients()
        text = self.query_one(PromptArea).text.strip()
        if not text:
            self._explain("There is nothing to send yet.")
        elif not any(one.can_get for one in self._recipients):
            self._explain("Nobody can get it now; esc keeps it as a draft.")
        elif self.is_active:
            self._drafts.pop(DRAFT, None)
            self.dismiss(text)

    def _explain(self, problem: str) -> None:
        self.query_one("#problem", Static).update(problem)

    def action_cancel(self) -> None:
        """Close; what was written is a draft."""
        if self.is_active:
            self.dismiss(None)


def _line(recipient: Recipient) -> Content:
    if recipient.can_get:
        return Content.assemble("→ ", (recipient.label, "bold"), f"  {recipient.does}")
    return Content.assemble("✗ ", (recipient.label, "bold"), f"  cannot: {recipient.does}")
