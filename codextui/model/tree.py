"""The threads in the order of the tree: forks under what they were forked from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A row of the tree.

    Attributes:
        thread_id: whose row it is.
        guides: for each level above it, whether a line goes on down there; then whether it has
            siblings below itself. Empty for a root; its length is the depth.
    """

    thread_id: str
    guides: tuple[bool, ...] = ()

    @property
    def depth(self) -> int:
        """0 for a root."""
        return len(self.guides)
