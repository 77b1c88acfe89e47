"""What differs on the disk from git's commit, as the server's `codex-changes` tells it. Pure."""

from __future__ import annotations

import msgspec

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject


class TreeRequest(msgspec.Struct, frozen=True):
    """What the server is asked for.

    Attributes:
        thread_id: the thread whose folder is compared.
        against: a thread in another worktree, so that both are compared with the commit where they
            parted; empty for the commit that is checked out.
    """

    thread_id: str
    against: str = ""

    @property
    def arguments(self) -> JsonObject:
        """The arguments of `codex-changes`."""
        against = {"against": self.against} if self.against else {}
        return {"thread": self.thread_id, **against}


class WorkingTree(msgspec.Struct, frozen=True):
    """What differs on the disk.

    Attributes:
        root: the folder of the repository; empty if it could not be read.
        base: the commit that it is compared with, empty before the first one.
        patch: a unified diff.
        notes: sentences about it.
        problem: why it could not be read, empty if it was.
    """

    root: str = ""
    base: str = ""
    patch: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""

    @classmethod
    def read(cls, result: JsonObject) -> WorkingTree:
        """Read the result of `codex-changes`. Raises MessageInvalid."""
        return cls(
            fields.text(result, "root"),
            fields.text(result, "base"),
            fields.text(result, "patch"),
            tuple(fields.texts(result, "notes")),
        )
