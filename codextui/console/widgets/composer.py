"""Where a person writes to an agent."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Static, TextArea


class Composer(TextArea):
    """Text for one thread: enter sends it, esc leaves and keeps it as a draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="composer.send"),
        # Ctrl+j comes first: many terminals send alt+enter and shift+enter as enter.
        Binding(
            "ctrl+j,shift+enter,alt+enter",
            "newline",
            "New line",
            id="composer.newline",
        ),
        Binding("escape", "leave", "Keep as draft", id="composer.leave"),
    ]

    class Sent(Message):
        """A person wants this said to the thread."""

        def __init__(self, thread_id: str, text: str) -> None:
            super().__init__()
            self.thread_id = thread_id
            self.text = text

    class Left(Message):
        """A person goes back to the panes; what is written so far is a draft."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    def __init__(self, thread_id: str, draft: str) -> None:
        """Start from a draft, empty where there is none."""
        super().__init__(
            draft, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, compact=True
        )
        self.thread_id = thread_id
        self._is_ready = False
        self._ahead: list[events.Key] = []

    def on_mount(self) -> None:
        """Take what was typed on the way here, and then the keys themselves."""
        self.move_cursor(self.document.end)
        self.focus()
        self._is_ready = True
        for event in self._ahead:
            self.take_key(event)

    def take_key(self, event: events.Key) -> None:
        """Take a key that was pressed before the focus has come here."""
        if not self._is_ready:
            self._ahead.append(event)
        elif event.is_printable and event.character is not None:
            self.insert(event.character)
        else:
            self._run_bound(event)

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override] # ours need not wait
        """Do what a key is bound to when its turn comes, behind the text typed before it.

        A priority binding would be ahead of text that is still on its way to this widget.
        """
        if self._run_bound(event):
            event.stop()
            event.prevent_default()

    def _run_bound(self, event: events.Key) -> bool:
        """Do what a key is bound to here; false where it is not."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            match binding.action:
                case "send":
                    self.action_send()
                case "newline":
                    self.action_newline()
                case "leave":
                    self.action_leave()
                case _:
                    continue
            return True
        return False

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region; blank ones where it is drawn once more after it was closed."""
        if not self._component_styles:
            # Textual takes the styles away first, and TextArea breaks on drawing without them.
            return [Strip.blank(crop.width, self.rich_style)] * crop.height
        return super().render_lines(crop)

    def action_send(self) -> None:
        """Send what is written; nothing where nothing is."""
        if self.text.strip():
            self.post_message(self.Sent(self.thread_id, self.text.strip()))
        else:
            self.action_leave()

    def action_newline(self) -> None:
        """Start a new line."""
        self.insert("\n")

    def action_leave(self) -> None:
        """Go back to the panes."""
        self.post_message(self.Left(self.thread_id))


class ComposerBox(Vertical):
    """The composer under the line that says what sending will do."""

    def __init__(self, thread_id: str, draft: str, purpose: str) -> None:
        """Start from a draft; `purpose` says what sending will do."""
        super().__init__()
        self._purpose = purpose
        self.composer = Composer(thread_id, draft)

    def compose(self) -> ComposeResult:
        """The parts."""
        yield Static(self._purpose, markup=False, classes="purpose")
        yield self.composer

    def say(self, purpose: str) -> None:
        """Say what sending will do now."""
        if purpose != self._purpose:
            self._purpose = purpose
            self.query_one(".purpose", Static).update(purpose)
