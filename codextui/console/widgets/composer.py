"""The composer, where the user writes to a thread, and the text fields of dialogs."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input, Static, TextArea

from codextui.console.model.image_marks import describe_images, image_mark


class LineInput(Input):
    """A field of one line that takes all lines of a paste; Textual's takes the first."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.splitlines()), *self.selection)


class PromptArea(TextArea):
    """A text area whose keys remove only what is plain to see."""

    def action_cut(self) -> None:
        """Cut the selection; without one, Textual would cut the whole line."""
        if self.selected_text:
            super().action_cut()


class Composer(PromptArea):
    """The text for a thread: enter sends it, ctrl+t queues it, esc keeps it as a draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="composer.send"),
        # Ctrl+j first, as many terminals send alt+enter and shift+enter as enter.
        Binding(
            "ctrl+j,shift+enter,alt+enter",
            "newline",
            "New line",
            id="composer.newline",
        ),
        Binding("ctrl+t", "queue", "Queue: send it after the turn", id="composer.queue"),
        Binding("escape", "leave", "Keep as draft", id="composer.leave"),
    ]

    class Sent(Message):
        """The text was sent, or queued for after the running turn."""

        def __init__(self, thread_id: str, text: str, *, queued: bool = False) -> None:
            super().__init__()
            self.thread_id = thread_id
            self.text = text
            self.queued = queued

    class Dismissed(Message):
        """The composer was left; its text is a draft."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    def __init__(self, thread_id: str, draft: str) -> None:
        """Start from a draft, which may be empty."""
        super().__init__(
            draft, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, compact=True
        )
        self.thread_id = thread_id
        self._has_mounted = False
        self._early_input: list[events.Key | str] = []

    def on_mount(self) -> None:
        """Focus the composer, and replay the keys and pastes that came before."""
        self.move_cursor(self.document.end)
        self.focus()
        self._has_mounted = True
        for early in self._early_input:
            if isinstance(early, str):
                self.receive_paste(early)
            else:
                self.receive_key(early)

    def receive_key(self, event: events.Key) -> None:
        """Handle a key that was pressed before the composer had the focus."""
        if not self._has_mounted:
            self._early_input.append(event)
        elif event.is_printable and event.character is not None:
            self.insert(event.character)
        else:
            self._run_binding(event)

    def receive_paste(self, text: str) -> None:
        """Insert text that was pasted before the composer had the focus."""
        if self._has_mounted:
            mark = image_mark(text)
            self._insert_mark(text, mark) if mark else self.insert(text)
        else:
            self._early_input.append(text)

    async def _on_paste(self, event: events.Paste) -> None:
        """Attach the image whose path is pasted; undo makes it the path again."""
        if not (mark := image_mark(event.text)):
            return
        event.prevent_default()
        event.stop()
        self._insert_mark(event.text, mark)

    def _insert_mark(self, pasted: str, mark: str) -> None:
        self.history.checkpoint()
        start = self.selection.start
        self.replace(pasted, *self.selection)
        end = self.cursor_location
        self.history.checkpoint()
        before = self.get_text_range((start[0], 0), start)
        space = " " if before and not before[-1].isspace() else ""
        self.replace(f"{space}{mark} ", start, end)

    def resume(self, earlier: Composer) -> None:
        """Let undo go on in what was edited in an earlier composer, if its text is the same."""
        if earlier.text == self.text:
            self.history = earlier.history

    def prepend(self, draft: str) -> None:
        """Replace the text by a draft that ends with it; the cursor stays where it was."""
        if draft.endswith(self.text):
            self.insert(draft[: len(draft) - len(self.text)], (0, 0))

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override] # This one need not be async.
        """Run a key's binding in order with the text typed before it.

        A priority binding would overtake text that is still queued for this widget.
        """
        if self._run_binding(event):
            event.stop()
            event.prevent_default()

    def _run_binding(self, event: events.Key) -> bool:
        """Run a key's binding; return false if it has none here."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            match binding.action:
                case "send":
                    self.action_send()
                case "queue":
                    self.action_queue()
                case "newline":
                    self.action_newline()
                case "leave":
                    self.action_leave()
                case _:
                    continue
            return True
        return False

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render the lines of a region; blank ones after the composer was removed."""
        if not self._component_styles:
            # Textual clears the component styles first, and TextArea fails to render without them.
            return [Strip.blank(crop.width, self.rich_style)] * crop.height
        return super().render_lines(crop)

    def action_send(self) -> None:
        """Send the text; leave if there is none."""
        if self.text.strip():
            self.post_message(self.Sent(self.thread_id, self.text.strip()))
        else:
            self.action_leave()

    def action_queue(self) -> None:
        """Queue the text; leave if there is none."""
        if self.text.strip():
            self.post_message(self.Sent(self.thread_id, self.text.strip(), queued=True))
        else:
            self.action_leave()

    def action_newline(self) -> None:
        """Insert a new line."""
        self.insert("\n")

    def action_leave(self) -> None:
        """Leave, and keep the text as a draft."""
        self.post_message(self.Dismissed(self.thread_id))


class ComposerBox(Vertical):
    """The composer below a line that says what sending does."""

    def __init__(self, thread_id: str, draft: str, hint: str) -> None:
        """Start from a draft; `hint` says what sending does."""
        super().__init__()
        self._hint = hint
        self._images = describe_images(draft)
        self.composer = Composer(thread_id, draft)

    def compose(self) -> ComposeResult:
        """Yield the hint and the composer."""
        yield Static(self._purpose, markup=False, classes="purpose")
        yield self.composer

    def show_hint(self, hint: str) -> None:
        """Show what sending does now."""
        if hint != self._hint:
            self._hint = hint
            self.query_one(".purpose", Static).update(self._purpose)

    @on(Composer.Changed)
    def _show_images(self) -> None:
        images = describe_images(self.composer.text)
        if images != self._images:
            self._images = images
            self.query_one(".purpose", Static).update(self._purpose)

    @property
    def _purpose(self) -> str:
        return f"{self._hint}\n{self._images}" if self._images else self._hint
