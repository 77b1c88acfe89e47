"""Images of a prompt: files that Codex reads when the turn begins.

Codex only tells the model about a file that it cannot read, and the user nothing, so the files are
checked before they are named to it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codextui.errors import ConfigInvalid

IMAGE_KINDS = "PNG, JPEG, GIF or WebP"
"""The kinds of images that models read, as messages name them."""

_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_HEAD_BYTES = 12


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Limits of the images of one message.

    Attributes:
        max_images: how many there may be.
        max_bytes: how large each file may be.
    """

    max_images: int = 20
    max_bytes: int = 20 * 1024 * 1024


NO_LIMITS_GIVEN = ImageLimits()
"""The limits where none are given."""


def check_images(paths: Sequence[str], limits: ImageLimits = NO_LIMITS_GIVEN) -> tuple[str, ...]:
    """Return the paths of a message's images, each of which Codex can read. Blocks.

    Raises:
        ConfigInvalid: a path is relative, or is no readable image of a kind and size that models
            take; or there are too many.
    """
    if len(paths) > limits.max_images:
        raise ConfigInvalid(
            f"{len(paths)} images are too many for one message: {limits.max_images} at most"
        )
    for path in paths:
        if problem := image_problem(path, limits):
            raise ConfigInvalid(f"the image {path!a} {problem}; nothing was sent")
    return tuple(paths)


def image_problem(path: str, limits: ImageLimits = NO_LIMITS_GIVEN) -> str:
    """Return why a file cannot be an image of a message, empty if it can. Blocks."""
    if not Path(path).is_absolute():
        return "has no absolute path"
    try:
        size, head = _read_head(path)
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    if size > limits.max_bytes:
        return f"has {size:,} bytes, and {limits.max_bytes:,} are the most"
    if not _is_image(head):
        return f"is no {IMAGE_KINDS} image"
    return ""


def _read_head(path: str) -> tuple[int, bytes]:
    """Return a file's size and beginning; a pipe or a device is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "not a file")
        return status.st_size, file.read(_HEAD_BYTES)


def _is_image(head: bytes) -> bool:
    return head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
