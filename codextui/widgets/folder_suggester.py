"""Completes folders while they are typed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester

_MOST_ENTRIES = 5_000


class FolderSuggester(Suggester):
    """Suggests the first folder that begins as what was typed; off the event loop."""

    def __init__(self) -> None:
        """Folders come and go, so nothing is remembered."""
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The whole path; None where nothing begins so."""
        return await asyncio.to_thread(_complete, value)


def _complete(value: str) -> str | None:
    folder, _, start = value.rpartition("/")
    if not folder and not value.startswith("/"):
        return None
    try:
        with os.scandir(Path(f"{folder}/").expanduser()) as entries:
            names = [
                entry.name
                for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)
                if entry.name.startswith(start) and entry.name.isprintable() and entry.is_dir()
            ]
    except (OSError, RuntimeError, ValueError):
        return None
    visible = [name for name in names if start or not name.startswith(".")]
    return f"{folder}/{min(visible)}/" if visible else None
