"""Messages of the screens to the app: requests to the server, decisions, and what to open."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual.message import Message

from codextui.jsonrpc.fields import Json
from codextui.protocol.decisions import Decision
from codextui.protocol.runs import RoleAction


class NewThread(msgspec.Struct, frozen=True):
    """Settings of a new thread. Codex chooses what is empty.

    Attributes:
        prompt: the first prompt.
        cwd: an absolute path of an existing folder.
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


class ServerRequest(Message):
    """A request for the server.

    Attributes:
        description: what it does, as it follows "Could not".
    """

    description: ClassVar[str]

    def succeed(self) -> None:
        """Called when the server has carried it out."""


class StartThread(ServerRequest):
    """Start a thread."""

    description = "start the thread"

    def __init__(self, new_thread: NewThread) -> None:
        super().__init__()
        self.new_thread = new_thread


class SendPrompt(ServerRequest):
    """Reply to a thread at rest, or steer a running one; or queue it for after its turn."""

    description = "send the prompt"

    def __init__(self, thread_id: str, prompt: str, *, queued: bool = False) -> None:
        super().__init__()
        self.thread_id = thread_id
        self.prompt = prompt
        self.queued = queued


class SendReview(SendPrompt):
    """Send comments on a diff as one message.

    Attributes:
        is_over: whether it was carried out, or has failed.
    """

    description = "send the review"

    def __init__(self, thread_id: str, prompt: str, forget: Callable[[], None]) -> None:
        """Send `prompt`; `forget` removes the comments, which are kept until they have arrived."""
        super().__init__(thread_id, prompt)
        self.is_over = False
        self._forget = forget

    def succeed(self) -> None:
        """Remove the comments."""
        self.is_over = True
        self._forget()


class CallTool(ServerRequest):
    """Call a tool of the server whose result shows in its events.

    Attributes:
        tool: the tool's name.
        arguments: its arguments.
        opens: whether the thread of its result is shown.
        answer: the `text` of its result, which is shown; empty before, and where it has none.
    """

    def __init__(
        self, description: str, tool: str, arguments: dict[str, Json], *, opens: bool = False
    ) -> None:
        super().__init__()
        self.description = description  # type: ignore[misc] # of this request, not of its kind
        self.tool = tool
        self.arguments = arguments
        self.opens = opens
        self.answer = ""


class EditQueued(ServerRequest):
    """Replace the text of a queued message."""

    description = "edit the queued message"

    def __init__(
        self,
        thread_id: str,
        queued_id: str,
        prompt: str,
        version: str,
        settle: Callable[[bool], object],
        *,
        images: int = 0,
    ) -> None:
        """Replace it.

        Args:
            thread_id: the thread.
            queued_id: the message.
            prompt: its new text.
            version: that of the message that was edited.
            settle: called with whether it was carried out, once that is known.
            images: how many images it has already.
        """
        super().__init__()
        self.thread_id = thread_id
        self.queued_id = queued_id
        self.prompt = prompt
        self.version = version
        self.images = images
        self.settle = settle

    def succeed(self) -> None:
        """Forget the draft."""
        self.settle(True)


class MoveQueued(CallTool):
    """Move a queued message before another one, or to the end.

    Attributes:
        place: the ids of both; the second is empty for the end.
        is_over: whether it was carried out, or has failed.
    """

    def __init__(self, thread_id: str, queued_id: str, before: str) -> None:
        arguments: dict[str, Json] = {
            "thread": thread_id,
            "action": "move",
            "message": queued_id,
            **({"before": before} if before else {}),
        }
        super().__init__("move the queued message", "codex-queue", arguments)
        self.place = (queued_id, before)
        self.is_over = False

    def succeed(self) -> None:
        """Show the queue as it is."""
        self.is_over = True


class ForkThread(ServerRequest):
    """Fork a thread: through `turn_id` and with `prompt`, unless they are empty."""

    description = "fork the thread"

    def __init__(self, thread_id: str, turn_id: str = "", prompt: str = "") -> None:
        super().__init__()
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.prompt = prompt


class ForkEdited(ForkThread):
    """Fork a thread through a turn, and send a prompt that was edited."""

    def __init__(
        self, thread_id: str, turn_id: str, prompt: str, forget: Callable[[], object]
    ) -> None:
        """Fork it; `forget` removes the draft of the prompt, which is kept until then."""
        super().__init__(thread_id, turn_id, prompt)
        self._forget = forget

    def succeed(self) -> None:
        """Remove the draft."""
        self._forget()


class StartEdited(StartThread):
    """Start a thread with a first prompt that was edited."""

    def __init__(self, new_thread: NewThread, forget: Callable[[], object]) -> None:
        """Start it; `forget` removes the draft of the prompt, which is kept until then."""
        super().__init__(new_thread)
        self._forget = forget

    def succeed(self) -> None:
        """Remove the draft."""
        self._forget()


class InterruptTurn(ServerRequest):
    """Stop the running turn and its commands."""

    description = "interrupt the turn"

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class KillThread(ServerRequest):
    """End a thread for good."""

    description = "kill the thread"

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class DirectRole(ServerRequest):
    """Direct a role, or all roles of a run if `thread_id` is the run's."""

    description = "ask that"

    def __init__(self, thread_id: str, action: RoleAction, text: str = "") -> None:
        super().__init__()
        self.thread_id = thread_id
        self.action = action
        self.text = text


class StopServer(ServerRequest):
    """Stop the server, then exit the console."""

    description = "stop the server"


class RetryConnection(Message):
    """Connect to the server now."""


class OpenInCodex(Message):
    """Open a thread in Codex's own TUI."""

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class OpenFolder(Message):
    """Open the folder of a thread: in a shell, or in the user's editor."""

    def __init__(self, thread_id: str, *, in_shell: bool) -> None:
        super().__init__()
        self.thread_id = thread_id
        self.in_shell = in_shell


class EditText(Message):
    """Edit the text of a thread's composer in the user's editor."""

    def __init__(self, thread_id: str, text: str) -> None:
        super().__init__()
        self.thread_id = thread_id
        self.text = text


class OpenApprovals(Message):
    """Open the approval dialog, at `approval_id` unless it is empty."""

    def __init__(self, approval_id: str = "") -> None:
        super().__init__()
        self.approval_id = approval_id


class OpenHistory(Message):
    """Open the picker of Codex's history."""


class OpenQueue(Message):
    """Show what is queued for a thread."""

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class OpenInspector(Message):
    """Open the protocol inspector."""


class OpenDecisions(Message):
    """Open the history of decisions."""


class OpenThread(Message):
    """Show a thread in a pane. The dialog that asks for it has closed."""

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class ApprovalDecided(Message):
    """The user decided an approval. The dialog moves on without waiting for the server."""

    def __init__(self, approval_id: str, decision: Decision) -> None:
        super().__init__()
        self.approval_id = approval_id
        self.decision = decision


class CopyText(Message):
    """Copy a text to the clipboard."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class OpenSearch(Message):
    """Search all transcripts."""


class OpenPreferences(Message):
    """Show and change the settings of the console."""


class OpenFirstSteps(Message):
    """Show what this machine has, and how to begin."""
