"""What an event changed: what a screen has to draw again."""

from __future__ import annotations

from dataclasses import dataclass

from codextui.wire.approval import Approval


@dataclass(frozen=True, slots=True)
class Changes:
    """What one event changed. False where nothing did.

    Attributes:
        rows: threads whose row in the tree or whose header changed (state, tokens, plan …).
        transcripts: threads whose transcripts changed; ask `Transcript.changed_since`.
        tree: whether threads came or moved in the tree.
        approvals: whether the open approvals changed.
        asked: approvals that are new: ring for these.
        server: whether the connection, the Codex process or the notices changed.
        runs: runs whose gate board or spans changed.
    """

    rows: frozenset[str] = frozenset()
    transcripts: frozenset[str] = frozenset()
    tree: bool = False
    approvals: bool = False
    asked: tuple[Approval, ...] = ()
    server: bool = False
    runs: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(
            self.rows or self.transcripts or self.tree or self.approvals or self.server or self.runs
        )

    def __or__(self, other: Changes) -> Changes:
        """Both together."""
        if not other:
            return self
        if not self:
            return other
        return Changes(
            rows=self.rows | other.rows,
            transcripts=self.transcripts | other.transcripts,
            tree=self.tree or other.tree,
            approvals=self.approvals or other.approvals,
            asked=self.asked + other.asked,
            server=self.server or other.server,
            runs=self.runs | other.runs,
        )


NOTHING = Changes()
"""Nothing changed."""
