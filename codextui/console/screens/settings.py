"""The dialog that changes the settings and the budget of a thread."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from codextui.console.screens.new_thread import (
    APPROVAL_POLICIES,
    SANDBOXES,
    choice_row,
    problem_line,
    text_row,
)
from codextui.console.screens.preferences import UNSAVED_NOTE
from codextui.console.widgets.choice_list import ChoiceList
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.jsonrpc.fields import Json
from codextui.protocol.threads import ThreadInfo
from codextui.text.figures import format_tokens, parse_tokens
from codextui.text.sanitize import one_line


class SettingsScreen(ModalScreen[dict[str, Json] | None]):
    """Shows the settings of a thread; returns those changed, as arguments, or None if cancelled."""

    CSS_PATH: ClassVar = ["dialog.tcss", "settings.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "save", "Change them", id="settings.save"),
        Binding("escape", "cancel", "Cancel", id="settings.cancel"),
    ]

    def __init__(self, info: ThreadInfo) -> None:
        """Show the settings of `info`."""
        super().__init__()
        self._info = info
        self._policies = _words(info.approval_policy, APPROVAL_POLICIES)
        self._sandboxes = _words(info.sandbox, SANDBOXES)
        self._budget = "" if info.budget is None else str(info.budget)
        self._leaves_changes = False

    def compose(self) -> ComposeResult:
        """Yield a field for each setting."""
        info = self._info
        with Vertical(classes="dialog"):
            title = f"Settings of {one_line(info.handle, 60)}"
            yield Static(title, classes="dialog-title", markup=False)
            yield Static(self._describe(), classes="dialog-quiet", markup=False)
            with VerticalScroll(can_focus=False):
                yield from text_row("model", "Model", one_line(info.model), "as it is")
                yield from text_row(
                    "effort", "Effort", one_line(info.effort), "low, medium, high …"
                )
                yield from text_row("budget", "Budget", self._budget, "tokens, such as 200k; none")
                yield from choice_row(
                    "policy", "Asks for approval", self._policies, info.approval_policy
                )
                yield from choice_row("sandbox", "Sandbox", self._sandboxes, info.sandbox)
                yield problem_line("sandbox")
                yield problem_line("unsaved")
            keys = "^s change   tab next field   esc cancel"
            yield DialogKeys(keys)

    def on_mount(self) -> None:
        """Focus the model."""
        self.query_one("#model", Input).focus()

    @on(Input.Submitted)
    @on(ChoiceList.Submitted)
    def _next_field(self) -> None:
        self.focus_next()

    @on(ChoiceList.Changed, "#sandbox")
    def _warn_of_open_sandbox(self) -> None:
        is_open = self._selected("sandbox", self._sandboxes) == "danger-full-access"
        text = "No sandbox: the agent can do whatever you can." if is_open else ""
        self._show_problem("sandbox", text)

    def action_save(self) -> None:
        """Close with what was changed, unless the budget is no number."""
        changes = self._changes()
        if changes is None:
            self._show_problem("budget", "A budget is a count of tokens: 200k, 1.5M.")
            self.query_one("#budget").focus()
        elif self.is_active:
            self.dismiss(changes)

    def action_cancel(self) -> None:
        """Close without a change; leaving changes behind takes the key twice."""
        if self._changes() != {} and not self._leaves_changes:
            self._leaves_changes = True
            self._show_problem("unsaved", UNSAVED_NOTE)
        elif self.is_active:
            self.dismiss(None)

    def _changes(self) -> dict[str, Json] | None:
        """Return what was changed, as arguments; None where the budget is no number."""
        changes: dict[str, Json] = {}
        budget = self._value("budget")
        if budget != self._budget:
            try:
                changes["budget"] = parse_tokens(budget) if budget else 0
            except (ValueError, OverflowError):
                return None
        chosen = {
            "model": (self._value("model"), self._info.model),
            "effort": (self._value("effort"), self._info.effort),
            "approval-policy": (
                self._selected("policy", self._policies),
                self._info.approval_policy,
            ),
            "sandbox": (self._selected("sandbox", self._sandboxes), self._info.sandbox),
        }
        changes |= {name: new for name, (new, before) in chosen.items() if new and new != before}
        return changes

    def _describe(self) -> str:
        used = f"{format_tokens(self._info.usage.total)} tokens used so far."
        if self._info.state.has_turn:
            return f"The running turn takes the budget; Codex says what else it takes. {used}"
        return f"From the next turn on. {used}"

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _selected(self, name: str, words: tuple[str, ...]) -> str:
        """Return the word that was selected; empty where the thread's own is none of them."""
        selected = self.query_one(f"#{name}", ChoiceList).selected
        return words[selected[0]] if selected else ""

    def _show_problem(self, name: str, problem: str) -> None:
        line = self.query_one(f"#{name}-problem", Static)
        line.update(problem)
        line.set_class(bool(problem), "-shown")


def _words(current: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words to choose from, with the current one, which may be none of them."""
    return words[1:] if current in words[1:] else (current, *words[1:])
