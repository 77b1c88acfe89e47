"""The dialog that forks a thread through a chosen turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from codextui.text.sanitize import one_line, sanitize

_RUNNING = "running"
_NEW_LINE = ("ctrl+j", "shift+enter", "alt+enter")


class ForkPoint(msgspec.Struct, frozen=True):
    """A turn that a thread can be forked through.

    Attributes:
        turn_id: Codex's id.
        prompt: the prompt of the turn.
        state: `completed`, `interrupted`, `failed` or `running`; a running turn cannot be chosen.
    """

    turn_id: str
    prompt: str
    state: str = "completed"


class ForkChoice(msgspec.Struct, frozen=True):
    """Fork through this turn, inclusive, and send the prompt unless it is empty."""

    turn_id: str
    prompt: str = ""


class ForkScreen(ModalScreen[ForkChoice | None]):
    """Lists the turns, starting at the newest one that has ended; returns None if cancelled."""

    CSS_PATH: ClassVar = ["dialog.tcss", "fork.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="fork.cancel"),
        Binding("j", "move(1)", "Next turn", show=False, id="fork.next"),
        Binding("k", "move(-1)", "Previous turn", show=False, id="fork.previous"),
    ]

    def __init__(
        self,
        handle: str,
        turns: Sequence[ForkPoint],
        prompt: str = "",
        on_change: Callable[[str], None] | None = None,
        *,
        folder: str = "",
    ) -> None:
        """Create the dialog.

        Args:
            handle: the thread's handle.
            turns: its turns, oldest first.
            prompt: a draft of the prompt.
            on_change: called with the prompt whenever it changes.
            folder: the thread's folder, whose files are suggested.
        """
        super().__init__()
        self._prompt = sanitize(prompt)
        self._on_change = on_change
        self._folder = folder
        self._handle = handle
        self._turns = tuple(turns)

    def compose(self) -> ComposeResult:
        """Yield the turns and the prompt."""
        with Vertical(classes="dialog"):
            title = f"Fork {one_line(self._handle, 60)} through a turn"
            yield Static(title, classes="dialog-title", markup=False)
            yield Static(
                "The fork knows everything up to and with the chosen turn, and nothing after it.",
                classes="dialog-quiet",
                markup=False,
            )
            yield OptionList(
                *(_option(at, turn) for at, turn in enumerate(self._turns, 1)), compact=True
            )
            area = PromptArea(
                self._prompt,
                soft_wrap=True,
                tab_behavior="focus",
                compact=True,
                placeholder="what the fork should do (may be empty)",
            )
            field = PromptField(area, folder=self._folder)
            field.take_key = self._handle_prompt_key
            yield field
            yield Static(id="note", markup=False)
            yield DialogKeys(
                "↑ ↓ choose   ⏎ fork   tab to the prompt   @ file   ^j new line   esc cancel"
            )

    def on_mount(self) -> None:
        """Highlight the newest turn that can be forked."""
        turns = self.query_one(OptionList)
        at = [index for index, turn in enumerate(self._turns) if turn.state != _RUNNING]
        if at:
            turns.highlighted = at[-1]
        else:
            note = "There is no turn to fork through yet: a running turn has to end first."
            self.query_one("#note", Static).update(note)
        turns.focus()

    @on(TextArea.Changed)
    def _report_change(self, message: TextArea.Changed) -> None:
        if self._on_change is not None and self.is_mounted:
            self._on_change(message.text_area.text)

    def _handle_prompt_key(self, key: str) -> bool:
        """Return whether a key forks, or begins another line."""
        if key == "enter":
            self._fork()
        elif key in _NEW_LINE:
            self.query_one(PromptArea).insert("\n")
        else:
            return False
        return True

    @on(OptionList.OptionSelected)
    def _fork(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and self._turns[at].state != _RUNNING and self.is_active:
            prompt = self.query_one(PromptArea).text.strip()
            self.dismiss(ForkChoice(self._turns[at].turn_id, prompt))

    def action_move(self, step: int) -> None:
        """Highlight another turn."""
        turns = self.query_one(OptionList)
        if step > 0:
            turns.action_cursor_down()
        else:
            turns.action_cursor_up()

    def action_cancel(self) -> None:
        """Close without a fork."""
        if self.is_active:
            self.dismiss(None)


def _option(number: int, turn: ForkPoint) -> Option:
    is_running = turn.state == _RUNNING
    state = "running: it has to end first" if is_running else one_line(turn.state, 20)
    prompt = one_line(turn.prompt, 200) or "(no prompt)"
    line = Content.assemble((f"{number:>3}  ", "bold"), f"{state:<11}  {prompt}")
    return Option(line, disabled=is_running)
