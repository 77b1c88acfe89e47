"""The dialog that starts a thread."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Button, Input, Static, TextArea

from codextui.console.widgets.choice_list import ChoiceList
from codextui.text.sanitize import one_line, sanitize

_MOST_ENTRIES = 5_000


class FolderSuggester(Suggester):
    """Suggests the first folder that begins as what was typed; off the event loop."""

    def __init__(self) -> None:
        """Folders come and go, so nothing is remembered."""
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The whole path; None where nothing begins so."""
        return await asyncio.to_thread(_complete, value)


def _complete(value: str) -> str | None:
    folder, _, start = value.rpartition("/")
    if not folder and not value.startswith("/"):
        return None
    try:
        with os.scandir(Path(f"{folder}/").expanduser()) as entries:
            names = [
                entry.name
                for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)
                if entry.name.startswith(start) and entry.name.isprintable() and entry.is_dir()
            ]
    except (OSError, RuntimeError, ValueError):
        return None
    visible = [name for name in names if start or not name.startswith(".")]
    return f"{folder}/{min(visible)}/" if visible else None


SANDBOXES = ("", "read-only", "workspace-write", "danger-full-access")
APPROVAL_POLICIES = ("", "untrusted", "on-request", "never")

_LEFT_TO_CODEX = "default"
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class NewThread:
    """What a new thread is to be. Empty strings leave the choice to Codex.

    Attributes:
        prompt: the first prompt.
        cwd: an absolute folder that exists.
        model: the model's name.
        sandbox: `read-only`, `workspace-write` or `danger-full-access`.
        approval_policy: `untrusted`, `on-request` or `never`.
        handle: the role's name.
    """

    prompt: str = ""
    cwd: str = ""
    model: str = ""
    sandbox: str = ""
    approval_policy: str = ""
    handle: str = ""


class NewThreadScreen(ModalScreen[NewThread | None]):
    """Asks for prompt, folder, model, sandbox, approval policy and role; None where cancelled."""

    CSS_PATH: ClassVar = ["dialog.tcss", "new_thread.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "start", "Start", id="new_thread.start"),
        Binding("escape", "cancel", "Cancel", id="new_thread.cancel"),
    ]

    def __init__(self, last: NewThread | None = None) -> None:
        """Take what was asked for last time, to start from; its prompt is a draft."""
        super().__init__()
        self._last = _safe_to_show(last or NewThread())

    def compose(self) -> ComposeResult:
        """The prompt first, then what it runs with."""
        last = self._last
        with Vertical(classes="dialog"):
            yield Static("New thread", classes="dialog-title", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static("What should the agent do?", classes="label", markup=False)
                yield TextArea(last.prompt, id="prompt", tab_behavior="focus", compact=True)
                yield _problem("prompt")
                yield Static("", markup=False, classes="gap")
                yield from _text_row("handle", "Role", last.handle, "backend")
                yield from _folder_row(last.cwd)
                yield from _text_row("model", "Model", last.model, "Codex's default")
                yield from _choice_row("sandbox", "Sandbox", SANDBOXES, last.sandbox)
                yield _problem("sandbox")
                yield from _choice_row(
                    "policy", "Asks for approval", APPROVAL_POLICIES, last.approval_policy
                )
            with Horizontal(id="actions"):
                yield Button("Start", id="start", compact=True)
                yield Static("^s start   tab next field   esc cancel", id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin with the prompt."""
        prompt = self.query_one("#prompt", TextArea)
        prompt.focus()
        prompt.move_cursor(prompt.document.end)

    @on(Input.Submitted)
    @on(ChoiceList.Submitted)
    def _next_field(self) -> None:
        self.focus_next()

    @on(ChoiceList.Changed, "#sandbox")
    def _warn(self) -> None:
        is_open = self._chosen("sandbox", SANDBOXES) == "danger-full-access"
        self._complain(
            "sandbox", "No sandbox: the agent can do whatever you can." if is_open else ""
        )

    @on(Button.Pressed)
    def action_start(self) -> None:
        """Start it, unless something has to be put right first."""
        new = self._read()
        wrong = dict(_wrong(new))
        for name in ("prompt", "handle", "cwd", "model"):
            self._complain(name, wrong.get(name, ""))
        if wrong:
            self.query_one(f"#{next(iter(wrong))}").focus()
        elif self.is_active:
            self.dismiss(new)

    def action_cancel(self) -> None:
        """Start nothing."""
        if self.is_active:
            self.dismiss(None)

    def _read(self) -> NewThread:
        cwd = self.query_one("#cwd", Input).value.strip()
        return NewThread(
            prompt=self.query_one("#prompt", TextArea).text.strip(),
            cwd=_absolute(cwd) if cwd else "",
            model=self.query_one("#model", Input).value.strip(),
            sandbox=self._chosen("sandbox", SANDBOXES),
            approval_policy=self._chosen("policy", APPROVAL_POLICIES),
            handle=self.query_one("#handle", Input).value.strip(),
        )

    def _chosen(self, name: str, words: tuple[str, ...]) -> str:
        chosen = self.query_one(f"#{name}", ChoiceList).chosen
        return words[chosen[0]] if chosen else ""

    def _complain(self, name: str, problem: str) -> None:
        line = self.query_one(f"#{name}-problem", Static)
        line.update(problem)
        line.set_class(bool(problem), "-shown")


def _safe_to_show(last: NewThread) -> NewThread:
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


def _wrong(new: NewThread) -> Iterator[tuple[str, str]]:
    """What has to be put right: the field's name, and a sentence; in the order of the fields."""
    if not new.prompt:
        yield "prompt", "Write what the agent should do."
    if new.handle and not _HANDLE.fullmatch(new.handle):
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


def _problem(name: str) -> Static:
    return Static("", id=f"{name}-problem", classes="field-problem", markup=False)


def _text_row(name: str, label: str, value: str, placeholder: str) -> ComposeResult:
    with Horizontal(classes="row"):
        yield Static(label, classes="label", markup=False)
        yield Input(value, placeholder, id=name, compact=True)
    yield _problem(name)


def _folder_row(value: str) -> ComposeResult:
    with Horizontal(classes="row"):
        yield Static("Folder", classes="label", markup=False)
        yield Input(
            value, "where the server runs", id="cwd", compact=True, suggester=FolderSuggester()
        )
    yield _problem("cwd")


def _choice_row(name: str, label: str, words: tuple[str, ...], chosen: str) -> ComposeResult:
    yield Static(label, classes="label choice-label", markup=False)
    at = words.index(chosen) if chosen in words else 0
    yield ChoiceList([word or _LEFT_TO_CODEX for word in words], [at], id=name)
