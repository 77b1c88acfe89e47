"""The actions on marked threads: mark them, and write one message to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from codextui.console.model.labels import handle_label
from codextui.console.screens import messages
from codextui.console.screens.availability import Action, unavailable_reason
from codextui.console.screens.thread_actions import ThreadActions, describe_send
from codextui.protocol.runs import RoleAction, ThreadKind
from codextui.text.sanitize import one_line

if TYPE_CHECKING:
    from codextui.console.screens.broadcast import Recipient

BROADCAST_BINDINGS: list[BindingType] = [
    Binding("m", "mark", "Mark a thread, or take its mark away", id="thread.mark"),
    Binding("b", "broadcast", "Write one message to all marked", id="thread.broadcast"),
]


class BroadcastActions(ThreadActions):
    """Marks threads, and sends one message to all that are marked."""

    def action_mark(self) -> None:
        """Mark the current thread, or take its mark away."""
        view = self.state.threads.get(self.workbench.current)
        if view is None:
            self._explain("Nothing to mark: no thread is chosen.")
        else:
            self.workbench.toggle_mark(view.thread_id)

    def unmark_all(self) -> bool:
        """Take all marks away; return whether there were any."""
        has_marks = bool(self.workbench.marked)
        self.workbench.unmark_all()
        return has_marks

    def action_broadcast(self) -> None:
        """Ask for a message, and send it to all that are marked."""
        from codextui.console.screens.broadcast import BroadcastScreen  # noqa: PLC0415

        if not self.workbench.marked:
            self._explain("Nothing is marked: m marks a thread, and b writes to all marked.")
            return
        screen = BroadcastScreen(self._recipients, self._options.drafts.broadcast)
        self.app.push_screen(screen, self._send_to_all)

    def _recipients(self) -> list[Recipient]:
        from codextui.console.screens.broadcast import Recipient  # noqa: PLC0415

        recipients = []
        for thread_id in self.workbench.marked:
            info = self.state.threads[thread_id].info
            label = one_line(handle_label(info), 60)
            problem = unavailable_reason(Action.SEND, self.state, thread_id)
            does = problem or describe_send(self.state, thread_id)
            recipients.append(Recipient(thread_id, label, does, not problem, info.cwd))
        return recipients

    def _send_to_all(self, text: str | None) -> None:
        """Send a text to all that can get it now; tell of the others."""
        if text is None:
            return
        left_out = []
        for one in self._recipients():
            if one.can_get:
                self._send_one(one, text)
            else:
                left_out.append(one.label)
                self.workbench.save_draft(one.thread_id, text)
        if left_out:
            self._explain(f"Not sent to {', '.join(left_out)}: it is a draft there.")

    def _send_one(self, recipient: Recipient, text: str) -> None:
        request: messages.SendPrompt | messages.DirectRole
        if self.state.threads[recipient.thread_id].info.kind is ThreadKind.CODEX:
            request = messages.SendPrompt(recipient.thread_id, text)
        else:
            request = messages.DirectRole(recipient.thread_id, RoleAction.MESSAGE, text)
        request.description = f"send it to {recipient.label}, where it is a draft now"  # type: ignore[misc] # of this request
        self.post_message(request)
