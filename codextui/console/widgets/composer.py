"""The composer, where the user writes to a thread, and the text fields of dialogs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input, TextArea

from codextui.console.model.image_marks import image_mark


class LineInput(Input):
    """A field of one line that takes all lines of a paste; Textual's takes the first."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.splitlines()), *self.selection)


class PromptArea(TextArea):
    """A text area whose keys remove only what is plain to see.

    Attributes:
        take_key: gets each key before it is handled here; returns whether it has handled it.
    """

    take_key: Callable[[str], bool] = staticmethod(lambda _: False)

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override] # This one need not be async.
        """Run what a key means here, before Textual takes it for text.

        A priority binding would overtake text that is still queued for this widget.
        """
        if self._run_key(event):
            event.stop()
            event.prevent_default()

    def _run_key(self, event: events.Key) -> bool:
        """Run what a key means here; return false if it means nothing."""
        return self.take_key(event.key)

    def replace_text(self, text: str) -> None:
        """Replace the whole text, which undo takes back; the cursor is at its end."""
        self.history.checkpoint()
        self.replace(text, self.document.start, self.document.end)
        self.history.checkpoint()
        self.move_cursor(self.document.end)

    def action_cut(self) -> None:
        """Cut the selection; without one, Textual would cut the whole line."""
        if self.selected_text:
            super().action_cut()


class Composer(PromptArea):
    """The text for a thread: enter sends it, ctrl+t queues it, esc keeps it as a draft.

    Attributes:
        thread_id: the thread.
        may_send: returns whether the text may be sent, or queued (true); says why where not.
    """

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
        Binding("ctrl+g", "edit", "Write in your editor", id="composer.editor"),
        Binding("escape", "leave", "Keep as draft", id="composer.leave"),
    ]

    class Sent(Message):
        """The text was sent, or queued for after the running turn.

        Attributes:
            thread_id: the thread.
            text: the text, without the space around it.
            queued: whether it is for after the running turn.
            is_plain: whether a space before it says that it is no command.
        """

        def __init__(
            self, thread_id: str, text: str, *, queued: bool = False, is_plain: bool = False
        ) -> None:
            super().__init__()
            self.thread_id = thread_id
            self.text = text
            self.queued = queued
            self.is_plain = is_plain

    class EditorWanted(Message):
        """The text is to be edited in the user's editor."""

        def __init__(self, thread_id: str, text: str) -> None:
            super().__init__()
            self.thread_id = thread_id
            self.text = text

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
        self.may_send: Callable[[bool], bool] = lambda _: True
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
            self._run_key(event)

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

    def _run_key(self, event: events.Key) -> bool:
        """Run a key's binding in order with the text typed before it; false if it has none."""
        if self.take_key(event.key):
            return True
        bindings = self._bindings.copy()
        bindings.apply_keymap(self.app._keymap)  # noqa: SLF001 - as Textual does
        for binding in bindings.key_to_bindings.get(event.key, ()):
            match binding.action:
                case "send":
                    self.action_send()
                case "queue":
                    self.action_queue()
                case "newline":
                    self.action_newline()
                case "leave":
                    self.action_leave()
                case "edit":
                    self.action_edit()
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
        self._send(queued=False)

    def action_queue(self) -> None:
        """Queue the text; leave if there is none."""
        self._send(queued=True)

    def _send(self, *, queued: bool) -> None:
        text = self.text.strip()
        if not text:
            self.action_leave()
        elif self.may_send(queued):
            is_plain = self.text[0].isspace()
            sent = self.Sent(self.thread_id, text, queued=queued, is_plain=is_plain)
            self.post_message(sent)

    def action_newline(self) -> None:
        """Insert a new line."""
        self.insert("\n")

    def action_edit(self) -> None:
        """Edit the text in the user's editor."""
        self.post_message(self.EditorWanted(self.thread_id, self.text))

    def action_leave(self) -> None:
        """Leave, and keep the text as a draft."""
        self.post_message(self.Dismissed(self.thread_id))
