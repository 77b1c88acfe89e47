"""The dialog that starts a thread."""

from __future__ import annotations

from dataclasses import dataclass

from textual.screen import ModalScreen


@dataclass(frozen=True, slots=True)
class NewThread:
    """What a new thread is to be. Empty strings leave the choice to Codex.

    Attributes:
        prompt: the first prompt; empty starts a thread without a turn.
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

    def __init__(self, last: NewThread | None = None) -> None:
        """Take what was asked for last time, to start from."""
        super().__init__()
