"""Saves pictures of the screen, each in a file of its own."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Final

MAX_SAME_NAME: Final = 1_000
"""Pictures of one name and second that may exist."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def pictures_dir() -> Path:
    """Return the folder of pictures: `$XDG_PICTURES_DIR`, `~/Pictures`, or the home folder."""
    named = Path(os.environ.get("XDG_PICTURES_DIR", ""))
    if named.is_absolute():
        return named
    usual = Path.home() / "Pictures"
    return usual if usual.is_dir() else Path.home()


def save_picture(svg: str, name: str, folder: Path | None = None) -> Path:
    """Write a picture to a new file, which is never one that exists.

    Args:
        svg: the picture.
        name: what it shows; goes into the file's name.
        folder: where to; None for `pictures_dir`.

    Returns:
        The file.

    Raises:
        OSError: it cannot be written.
    """
    folder = pictures_dir() if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    shown = _UNSAFE.sub("-", name).strip("-.")[:60] or "screen"
    stem = f"codextui-{shown}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in range(1, MAX_SAME_NAME):
        path = folder / (f"{stem}.svg" if number == 1 else f"{stem}-{number}.svg")
        try:
            with path.open("x", encoding="utf-8", errors="replace") as file:
                file.write(svg)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{folder / stem}: there are too many pictures of that name")
