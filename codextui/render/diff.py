"""Diffs as rows."""

from __future__ import annotations

from textual.strip import Strip

from codextui.render.palette import Palette
from codextui.wire.approval import FileChange


def render_changes(
    changes: tuple[FileChange, ...], width: int, palette: Palette, *, most: int | None = None
) -> list[Strip]:
    """Each file with a header and its diff; `most` rows a file, None for all of them."""
    raise NotImplementedError


def render_unified_diff(diff: str, width: int, palette: Palette) -> list[Strip]:
    """A whole unified diff of several files, as `turn/diff/updated` gives it."""
    raise NotImplementedError
