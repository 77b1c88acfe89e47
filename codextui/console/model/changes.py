"""What a change of the console's state affects, so that screens draw only that again."""

from __future__ import annotations

from functools import lru_cache

import msgspec


class Changes(msgspec.Struct, frozen=True):
    """What a change of the state affects.

    Attributes:
        threads: threads whose tree row or pane header changed (state, tokens, plan, …).
        transcripts: threads whose transcript changed; see `Transcript.changed_since`.
        tree: whether threads were added to the tree or moved in it.
        approvals: whether the open approvals changed.
        server: whether the connection, the Codex process or the notices changed.
        runs: runs whose gates or spans changed.
    """

    threads: frozenset[str] = frozenset()
    transcripts: frozenset[str] = frozenset()
    tree: bool = False
    approvals: bool = False
    server: bool = False
    runs: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(
            self.threads
            or self.transcripts
            or self.tree
            or self.approvals
            or self.server
            or self.runs
        )

    def __or__(self, other: Changes) -> Changes:
        """Return the union of both."""
        if not other:
            return self
        if not self:
            return other
        return Changes(
            threads=self.threads | other.threads,
            transcripts=self.transcripts | other.transcripts,
            tree=self.tree or other.tree,
            approvals=self.approvals or other.approvals,
            server=self.server or other.server,
            runs=self.runs | other.runs,
        )


NO_CHANGES = Changes()
"""Nothing is affected."""


@lru_cache(maxsize=1024)
def thread_changes(thread_id: str) -> Changes:
    """Return the change of a thread's row and header."""
    return Changes(threads=frozenset({thread_id}))


def transcript_changes(thread_id: str, changed: object) -> Changes:
    """Return the change of a thread's transcript, if `changed` is true."""
    return _changes_of_transcript(thread_id) if changed else NO_CHANGES


@lru_cache(maxsize=1024)
def _changes_of_transcript(thread_id: str) -> Changes:
    return Changes(transcripts=frozenset({thread_id}))
