"""The dialog that asks for the settings of a new thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Button, Input, Static, TextArea

from codextui.console.screens.messages import NewThread
from codextui.console.widgets.choice_list import ChoiceList
from codextui.console.widgets.composer import PromptArea
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.prompt_field import PromptField
from codextui.protocol.threads import handle_problem
from codextui.text.sanitize import one_line, sanitize

SANDBOXES = ("", "read-only", "workspace-write", "danger-full-access")
APPROVAL_POLICIES = ("", "untrusted", "on-request", "never")

_DEFAULT_LABEL = "default"
_MAX_FOLDER_ENTRIES = 5_000
"""Entries of a folder that are searched for a suggestion."""


class NewThreadScreen(ModalScreen[NewThread | None]):
    """Asks for the settings of a new thread; returns None if cancelled."""

    CSS_PATH: ClassVar = ["dialog.tcss", "new_thread.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "start", "Start", id="new_thread.start"),
        Binding("escape", "cancel", "Cancel", id="new_thread.cancel"),
    ]

    def __init__(
        self, last: NewThread | None = None, on_change: Callable[[NewThread], None] | None = None
    ) -> None:
        """Create the dialog.

        Args:
            last: the initial settings: those of the last thread, or a draft.
            on_change: called with the settings so far, whenever one is changed.
        """
        super().__init__()
        self._on_change = on_change
        self._last = _sanitized(last or NewThread())

    def compose(self) -> ComposeResult:
        """Yield the prompt, then the other settings."""
        last = self._last
        with Vertical(classes="dialog"):
            yield Static("New thread", classes="dialog-title", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static("What should the agent do?", classes="label", markup=False)
                area = PromptArea(last.prompt, id="prompt", tab_behavior="focus", compact=True)
                yield PromptField(area, folder=_folder_of(last.cwd))
                yield problem_line("prompt")
                yield Static("", markup=False, classes="gap")
                yield from text_row("handle", "Role", last.handle, "backend")
                yield from _folder_row(last.cwd)
                yield from text_row("model", "Model", last.model, "Codex's default")
                yield from choice_row("sandbox", "Sandbox", SANDBOXES, last.sandbox)
                yield problem_line("sandbox")
                yield from choice_row(
                    "policy", "Asks for approval", APPROVAL_POLICIES, last.approval_policy
                )
            with Horizontal(id="actions"):
                yield Button("Start", id="start", compact=True)
                keys = "^s start   @ file   ^g editor   tab next   esc cancel"
                yield DialogKeys(keys, id="keys")

    def on_mount(self) -> None:
        """Focus the prompt, with the cursor at its end."""
        prompt = self.query_one("#prompt", TextArea)
        prompt.focus()
        prompt.move_cursor(prompt.document.end)

    @on(Input.Changed, "#cwd")
    def _suggest_its_files(self, message: Input.Changed) -> None:
        self.query_one(PromptField).folder = _folder_of(message.value)

    @on(Input.Submitted)
    @on(ChoiceList.Submitted)
    def _next_field(self) -> None:
        self.focus_next()

    @on(ChoiceList.Changed, "#sandbox")
    def _warn_of_open_sandbox(self) -> None:
        is_open = self._selected("sandbox", SANDBOXES) == "danger-full-access"
        self._show_field_problem(
            "sandbox", "No sandbox: the agent can do whatever you can." if is_open else ""
        )

    @on(TextArea.Changed)
    @on(Input.Changed)
    @on(ChoiceList.Changed)
    def _report_change(self) -> None:
        if self._on_change is not None and self.is_mounted:
            self._on_change(self._read_fields())

    @on(Button.Pressed)
    def action_start(self) -> None:
        """Close with the settings, unless some are invalid."""
        new = self._read()
        problems = dict(_field_problems(new))
        for name in ("prompt", "handle", "cwd", "model"):
            self._show_field_problem(name, problems.get(name, ""))
        if problems:
            self.query_one(f"#{next(iter(problems))}").focus()
        elif self.is_active:
            self.dismiss(new)

    def action_cancel(self) -> None:
        """Close without a thread."""
        if self.is_active:
            self.dismiss(None)

    def _read(self) -> NewThread:
        new = self._read_fields()
        return NewThread(
            prompt=new.prompt.strip(),
            cwd=_folder_of(new.cwd),
            model=new.model.strip(),
            sandbox=new.sandbox,
            approval_policy=new.approval_policy,
            handle=new.handle.strip(),
        )

    def _read_fields(self) -> NewThread:
        return NewThread(
            prompt=self.query_one("#prompt", TextArea).text,
            cwd=self.query_one("#cwd", Input).value,
            model=self.query_one("#model", Input).value,
            sandbox=self._selected("sandbox", SANDBOXES),
            approval_policy=self._selected("policy", APPROVAL_POLICIES),
            handle=self.query_one("#handle", Input).value,
        )

    def _selected(self, name: str, words: tuple[str, ...]) -> str:
        selected = self.query_one(f"#{name}", ChoiceList).selected
        return words[selected[0]] if selected else ""

    def _show_field_problem(self, name: str, problem: str) -> None:
        line = self.query_one(f"#{name}-problem", Static)
        line.update(problem)
        line.set_class(bool(problem), "-shown")


def _sanitized(last: NewThread) -> NewThread:
    return NewThread(
        prompt=sanitize(last.prompt),
        cwd=one_line(last.cwd),
        model=one_line(last.model),
        sandbox=last.sandbox,
        approval_policy=last.approval_policy,
        handle=one_line(last.handle),
    )


def _absolute(cwd: str) -> str:
    try:
        return str(Path(cwd).expanduser().absolute())
    except RuntimeError:  # no such home
        return cwd


def _folder_of(cwd: str) -> str:
    """Return the folder that is written; empty where none is."""
    return _absolute(cwd.strip()) if cwd.strip() else ""


def _field_problems(new: NewThread) -> Iterator[tuple[str, str]]:
    """Yield the name and the problem of each invalid field, in the order of the fields."""
    if not new.prompt:
        yield "prompt", "Write what the agent should do."
    if new.handle and handle_problem(new.handle):
        yield "handle", "A role is a short word of letters, digits, dots, dashes: backend-2."
    if problem := _folder_problem(new.cwd):
        yield "cwd", problem
    if any(character.isspace() or not character.isprintable() for character in new.model):
        yield "model", "A model's name has no spaces in it."


def _folder_problem(cwd: str) -> str:
    try:
        if not cwd or Path(cwd).is_dir():
            return ""
        return "This is not a folder." if Path(cwd).exists() else "There is no such folder."
    except (OSError, ValueError):
        return "There is no such folder."


def problem_line(name: str) -> Static:
    """Return the line for the problem of a field, hidden while there is none."""
    return Static("", id=f"{name}-problem", classes="field-problem", markup=False)


def text_row(name: str, label: str, value: str, placeholder: str) -> ComposeResult:
    """Yield a labelled field of text, and the line for its problem."""
    with Horizontal(classes="row"):
        yield Static(label, classes="label", markup=False)
        yield Input(value, placeholder, id=name, compact=True, select_on_focus=False)
    yield problem_line(name)


def _folder_row(value: str) -> ComposeResult:
    with Horizontal(classes="row"):
        yield Static("Folder", classes="label", markup=False)
        yield Input(
            value, "where the server runs", id="cwd", compact=True, suggester=FolderSuggester()
        )
    yield problem_line("cwd")


def choice_row(name: str, label: str, words: tuple[str, ...], selected: str) -> ComposeResult:
    """Yield a labelled list of choices; an empty word stands for the default."""
    yield Static(label, classes="label choice-label", markup=False)
    at = words.index(selected) if selected in words else 0
    yield ChoiceList([word or _DEFAULT_LABEL for word in words], [at], id=name)


class FolderSuggester(Suggester):
    """Completes a path to the first matching folder, off the event loop."""

    def __init__(self) -> None:
        """Create a suggester that does not cache, as folders come and go."""
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the completed path; None if no folder matches."""
        return await asyncio.to_thread(_complete_folder, value)


def _complete_folder(value: str) -> str | None:
    folder, _, start = value.rpartition("/")
    if not folder and not value.startswith("/"):
        return None
    try:
        with os.scandir(Path(f"{folder}/").expanduser()) as entries:
            names = [
                entry.name
                for entry, _ in zip(entries, range(_MAX_FOLDER_ENTRIES), strict=False)
                if entry.name.startswith(start) and entry.name.isprintable() and entry.is_dir()
            ]
    except (OSError, RuntimeError, ValueError):
        return None
    visible = [name for name in names if start or not name.startswith(".")]
    return f"{folder}/{min(visible)}/" if visible else None
