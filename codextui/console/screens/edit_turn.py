"""The dialog that edits an earlier prompt, which a fork then gets in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from codextui.console.widgets.composer import PromptArea
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.prompt_field import PromptField
from codextui.text.sanitize import one_line


class EarlierPrompt(msgspec.Struct, frozen=True):
    """A prompt of a thread.

    Attributes:
        turn_id: the turn that it began.
        before: the turn before that; empty for the first.
        prompt: its text, without control characters.
    """

    turn_id: str
    before: str
    prompt: str


class Edited(msgspec.Struct, frozen=True):
    """The prompt that was edited, and its new text."""

    earlier: EarlierPrompt
    text: str


class EditTurnScreen(ModalScreen[Edited | None]):
    """Lists the prompts, the newest chosen, above the text of the chosen one."""

    CSS_PATH: ClassVar = ["dialog.tcss", "edit_turn.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send it in a fork", id="edit.send", priority=True),
        Binding("escape", "cancel", "Cancel", id="edit.cancel"),
    ]

    def __init__(
        self,
        handle: str,
        prompts: Sequence[EarlierPrompt],
        drafts: dict[str, str],
        *,
        folder: str = "",
    ) -> None:
        """Create the dialog.

        Args:
            handle: the thread's handle.
            prompts: its prompts, oldest first; not empty.
            drafts: turn id → text that was edited and not sent; changed as the user writes.
            folder: the thread's folder, whose files are suggested.
        """
        super().__init__()
        self._handle = handle
        self._prompts = tuple(prompts)
        self._drafts = drafts
        self._folder = folder
        self._chosen = self._prompts[-1]

    def compose(self) -> ComposeResult:
        """Yield the prompts and the text."""
        with Vertical(classes="dialog"):
            title = f"Edit a prompt of {one_line(self._handle, 60)}, and send it in a fork"
            yield Static(title, classes="dialog-title", markup=False)
            yield Static(
                "The fork knows what came before this prompt. The thread itself stays as it is, "
                "and so do files that were changed since.",
                classes="dialog-quiet",
                markup=False,
            )
            yield OptionList(
                *(_option(at, one) for at, one in enumerate(self._prompts, 1)), compact=True
            )
            area = PromptArea(soft_wrap=True, tab_behavior="focus", compact=True)
            yield PromptField(area, folder=self._folder)
            yield DialogKeys(
                "^s send in a fork   @ file   ^g your editor   tab prompts / text   "
                "esc keeps it as a draft"
            )

    def on_mount(self) -> None:
        """Choose the newest prompt."""
        self.query_one(OptionList).highlighted = len(self._prompts) - 1
        self._show_text()
        self.query_one(PromptArea).focus()

    def _show_text(self) -> None:
        text = self._drafts.get(self._chosen.turn_id, self._chosen.prompt)
        area = self.query_one(PromptArea)
        area.load_text(text)
        area.move_cursor(area.document.end)

    @on(OptionList.OptionHighlighted)
    def _choose(self, message: OptionList.OptionHighlighted) -> None:
        chosen = self._prompts[message.option_index]
        if chosen != self._chosen:
            self._keep_draft()
            self._chosen = chosen
            self._show_text()

    @on(OptionList.OptionSelected)
    def _write(self) -> None:
        self.query_one(PromptArea).focus()

    @on(TextArea.Changed)
    def _keep_draft(self) -> None:
        text = self.query_one(PromptArea).text
        if text.strip() and text != self._chosen.prompt:
            self._drafts[self._chosen.turn_id] = text
        else:
            self._drafts.pop(self._chosen.turn_id, None)

    def action_send(self) -> None:
        """Close with the edited text, unless it is empty; it stays a draft until it is sent."""
        text = self.query_one(PromptArea).text.strip()
        if text and self.is_active:
            self.dismiss(Edited(self._chosen, text))

    def action_cancel(self) -> None:
        """Close without a fork; what was written is a draft."""
        if self.is_active:
            self.dismiss(None)


def _option(number: int, prompt: EarlierPrompt) -> Option:
    text = one_line(prompt.prompt, 200) or "(no text)"
    return Option(Content.assemble((f"{number:>3}  ", "bold"), text))
