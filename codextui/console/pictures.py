"""Saves pictures of the screen, each in a file of its own."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Final

from codextui.config.paths import pictures_dir

MAX_SAME_NAME: Final = 100
"""Pictures of one name and second that may exist."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def save_picture(
    svg: str, name: str, folder: Path | None = None, *, at: float | None = None
) -> Path:
    """Write a picture to a new file that only this user can read, never over another one.

    Args:
        svg: the picture.
        name: what it shows; goes into the file's name.
        folder: where to; None for `pictures_dir`. It is created.
        at: unix seconds, for the file's name; None for now.

    Returns:
        The file.

    Raises:
        OSError: it cannot be written.
        CodextuiError: the folder cannot be used.
    """
    folder = pictures_dir() if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    shown = _UNSAFE.sub("-", name).strip("-.")[:60] or "screen"
    stem = f"codextui-{shown}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}"
    for number in range(1, MAX_SAME_NAME + 1):
        path = folder / (f"{stem}.svg" if number == 1 else f"{stem}-{number}.svg")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(svg)
        return path
    raise FileExistsError(f"{folder} has {MAX_SAME_NAME} pictures of that name and second")
