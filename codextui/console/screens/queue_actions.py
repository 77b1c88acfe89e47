"""The actions on a thread's queue, and on what was written into it and not saved."""

from __future__ import annotations

from codextui.console.model.queue_edits import QueueEdits
from codextui.console.model.state import ConsoleState
from codextui.console.screens import messages
from codextui.console.screens.availability import Action
from codextui.console.screens.thread_actions import MainOptions, ThreadActions
from codextui.protocol.threads import QueuedMessage
from codextui.text.sanitize import one_line


class QueueActions(ThreadActions):
    """Opens the queue, and takes care of edits whose message has left it.

    Attributes:
        queue_edits: the edits that were not saved.
    """

    def __init__(self, state: ConsoleState, options: MainOptions) -> None:
        """Act on the queues of the threads of `state`."""
        super().__init__(state, options)
        self.queue_edits = QueueEdits(options.drafts.queued)

    def action_queue(self) -> None:
        """Show the thread's queue."""
        if self._check_available(Action.QUEUE):
            self.post_message(messages.OpenQueue(self.workbench.current))

    def rescue_queue_edits(self) -> None:
        """Make the edits of messages that have left their queue drafts of their threads."""
        if not self.queue_edits or not self.state.connection.caught_up:
            return
        for thread_id, text in self.queue_edits.take_stranded(self._queue_of):
            self.workbench.save_draft(thread_id, text)
            handle = one_line(self.state.threads[thread_id].info.handle, 60)
            self.app.notify(
                f"The message that you edited is not queued for {handle} any more: "
                "what you wrote is a draft there.",
                severity="warning",
                markup=False,
            )

    def _queue_of(self, thread_id: str) -> tuple[QueuedMessage, ...] | None:
        view = self.state.threads.get(thread_id)
        return None if view is None else view.info.queued
