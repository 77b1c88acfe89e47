"""The errors of codextui, in one tree.

CodextuiError
├── ConfigInvalid          a file of the user's says something that cannot be
├── CodexMissing           no usable Codex binary was found
├── CodexFailed            Codex answered a call with an error
│   └── CodexOverloaded    it has too many requests in flight (-32001)
├── CodexDied              the `codex app-server` process ended
├── ServerUnreachable      the shared server cannot be reached or started
├── ServerRefused          the shared server answered a call with an error
├── ThreadUnknown          no thread has that id or handle
├── TurnNotRunning         the operation needs a running turn
├── TurnRunning            the operation needs a thread at rest
├── ApprovalGone           the approval was answered, withdrawn or never existed
├── MessageInvalid         a message does not have the shape that its kind promises
├── ErrorResponse          the other side of a connection answered a call with a JSON-RPC error
└── ConnectionClosed       a connection was closed before the answer to a call came

Every message is a sentence for the person at the keyboard: what happened, where, and what
would be right.
"""

from __future__ import annotations


class CodextuiError(Exception):
    """The root: catch this to catch everything that codextui raises on purpose."""


class ConfigInvalid(CodextuiError):
    """A configuration, theme or keymap file cannot be used.

    The message names the file, the line where it is known, the key, and what would be right.
    """


class CodexMissing(CodextuiError):
    """No usable Codex binary was found. The message says where we looked and what to type."""


class CodexFailed(CodextuiError):
    """Codex answered a call with a JSON-RPC error.

    Attributes:
        code: the JSON-RPC error code.
        data: the error's `data` member, whatever it was.
    """

    def __init__(self, message: str, *, code: int = 0, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class CodexOverloaded(CodexFailed):
    """Codex has too many requests in flight (-32001) and kept saying so after backing off."""


class CodexDied(CodextuiError):
    """The `codex app-server` process ended while something was asked of it."""


class ServerUnreachable(CodextuiError):
    """The shared server cannot be reached, and could not be started."""


class ServerRefused(CodextuiError):
    """The shared server answered a call with an error; the message is the server's own."""


class ThreadUnknown(CodextuiError):
    """No thread has that id or handle."""


class TurnNotRunning(CodextuiError):
    """The operation (steer, interrupt) needs a running turn and there is none."""


class TurnRunning(CodextuiError):
    """The operation needs a thread at rest, and a turn runs on it."""


class ApprovalGone(CodextuiError):
    """The approval was answered or withdrawn before, or never existed."""


class MessageInvalid(CodextuiError):
    """A message does not have the shape that its kind promises."""


class ErrorResponse(CodextuiError):
    """The other side of a connection answered a call with a JSON-RPC error.

    The message is the other side's own, and may be empty.

    Attributes:
        code: the JSON-RPC error code.
        data: the error's `data` member, whatever it was.
    """

    def __init__(self, message: str, *, code: int = 0, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class ConnectionClosed(CodextuiError):
    """A connection was closed before the answer to a call came; the message says why."""
