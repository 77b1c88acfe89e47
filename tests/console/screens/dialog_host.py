"""A minimal app that shows one dialog at a fixed time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual._context import visible_screen_stack
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input, Static

from codextui.console.model.labels import Asker
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.messages import ApprovalDecided, OpenThread
from codextui.console.themes import VARIABLE_DEFAULTS, load_themes
from codextui.protocol.approvals import Approval, Asked
from codextui.protocol.decisions import Decision

NOW = 1_000_000.0
NOTHING_YET = object()


class FakeClock:
    """Monotonic seconds that only a test advances."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class DialogHost(App[None]):
    """Shows one screen, and records its result and messages."""

    CSS = "Static#behind { height: 1fr; } Input { border: none; }"

    def __init__(self, dialog: Screen[Any], *, theme: str = "harbour") -> None:
        super().__init__()
        self.dialog = dialog
        self._theme_name = theme
        self.result: object = NOTHING_YET
        self.decided: list[tuple[str, Decision]] = []
        self.opened: list[str] = []
        self.animation_level = "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield Static("The console is behind the dialog. " * 100, id="behind")
        yield Input(id="composer")

    def on_mount(self) -> None:
        for theme in load_themes(None).themes:
            self.register_theme(theme)
        self.theme = self._theme_name
        self.push_screen(self.dialog, self._keep)

    def _keep(self, result: object) -> None:
        self.result = result

    def on_approval_decided(self, event: ApprovalDecided) -> None:
        self.decided.append((event.approval_id, event.decision))

    def on_open_thread(self, event: OpenThread) -> None:
        self.opened.append(event.thread_id)


def approval(asked: Asked, number: int = 1, handle: str = "backend") -> Approval:
    return Approval(
        approval_id=f"a{number}",
        thread_id=f"0199-{number:04}-abcd-thread",
        turn_id="turn-1",
        item_id=f"item-{number}",
        handle=handle,
        asked_at=NOW - 12,
        asked=asked,
    )


def asking(
    approvals: Sequence[Approval],
    clock: FakeClock,
    askers: Mapping[str, Asker] | None = None,
    **options: Any,
) -> ApprovalScreen:
    return ApprovalScreen(
        approvals,
        askers={one.thread_id: Asker("claude-code") for one in approvals} | (askers or {}),
        clock=clock,
        now=lambda: NOW,
        **options,
    )


def rows_on_screen(app: App[Any]) -> list[Strip]:
    """Return the rows of the screen, with what shows through it."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()


def on_screen(app: App[Any]) -> str:
    """Return the screen, a line per row."""
    strips = rows_on_screen(app)
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
