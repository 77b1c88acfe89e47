"""The exceptions of codextui.

CodextuiError
├── ConfigInvalid          a file or an argument of the user contains a mistake
├── CodexMissing           no usable Codex binary was found
├── CodexFailed            Codex answered a call with an error
│   └── CodexOverloaded    Codex has too many requests in flight (-32001)
├── CodexLoginMissing      Codex is not logged in, and the turn would need it
├── CodexDied              the `codex app-server` process ended
│   └── CodexUnreachable   the app-server to join cannot be joined
├── ServerUnreachable      the shared server cannot be reached or started
│   └── ServerNotRunning   no shared server of that name is running
├── ServerRunning          a shared server of that name runs already
├── ServerRefused          the shared server answered a call with an error
├── ThreadUnknown          no thread has that id or handle
├── ThreadHeld             another process has loaded the thread, and Codex lets only one write
├── ProgramUnavailable     Codex's own TUI, or an editor, cannot be opened
├── TurnNotRunning         the operation needs a running turn
├── TurnRunning            the operation needs a thread at rest
├── ApprovalGone           the approval was answered, withdrawn or never existed
├── WriteRefused           a role of a team may not write a file
├── MessageInvalid         a message does not have the shape of its kind
├── ErrorResponse          a peer answered a call with a JSON-RPC error
└── ConnectionClosed       a connection was closed before a call was answered

Every message is a sentence for the user: what happened, where, and what would be right.
"""

from __future__ import annotations


class CodextuiError(Exception):
    """The base class of all exceptions that codextui raises on purpose."""


class ConfigInvalid(CodextuiError):
    """A configuration, theme or keymap file, or an argument, contains a mistake.

    The message names the file, the line if it is known, the key, and what would be right.
    """


class CodexMissing(CodextuiError):
    """No usable Codex binary was found. The message names the places and what to type."""


class CodexFailed(CodextuiError):
    """Codex answered a call with a JSON-RPC error.

    Attributes:
        code: the JSON-RPC error code.
        data: the error's `data` member, of any shape.
    """

    def __init__(self, message: str, *, code: int = 0, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class CodexOverloaded(CodexFailed):
    """Codex has too many requests in flight (-32001), also after retries with back-off."""


class CodexLoginMissing(CodextuiError):
    """Codex is not logged in, and the turn would need it. The message says what to type."""


class CodexDied(CodextuiError):
    """The `codex app-server` process ended before it answered a call."""


class CodexUnreachable(CodexDied):
    """The app-server that the server is to join cannot be joined; the message says why.

    Attributes:
        absent: whether nothing is there to join.
    """

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class ServerUnreachable(CodextuiError):
    """The shared server cannot be reached or started."""


class ServerNotRunning(ServerUnreachable):
    """No shared server of that name is running: what it had not stored is gone."""


class ServerRunning(CodextuiError):
    """A shared server of that name runs already, so that no other one can start."""


class CodexHomeDiffers(CodextuiError):
    """The Codex of the shared server has another CODEX_HOME than the client asks for."""


class ServerRefused(CodextuiError):
    """The shared server answered a call with an error; the message is the server's own."""


class ThreadUnknown(CodextuiError):
    """No thread has that id or handle."""


class ThreadHeld(CodextuiError):
    """Another process has loaded the thread. The message says which, and how it lets go."""


class ProgramUnavailable(CodextuiError):
    """Codex's own TUI, an editor or a shell cannot be opened. The message says why."""


class TurnNotRunning(CodextuiError):
    """The operation (steer, interrupt) needs a running turn, and there is none."""


class TurnRunning(CodextuiError):
    """The operation needs a thread at rest, and a turn runs on it."""


class WriteRefused(CodextuiError):
    """A role of a team may not write a file, or it cannot be written; its model reads why."""


class ApprovalGone(CodextuiError):
    """The approval was already answered or withdrawn, or never existed."""


class MessageInvalid(CodextuiError):
    """A message does not have the shape of its kind."""


class ErrorResponse(CodextuiError):
    """A peer answered a call with a JSON-RPC error.

    The exception's message is the peer's, and may be empty.

    Attributes:
        code: the JSON-RPC error code.
        data: the error's `data` member, of any shape.
    """

    def __init__(self, message: str, *, code: int = 0, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class ConnectionClosed(CodextuiError):
    """A connection was closed before a call was answered; the message says why."""
