"""Images in a prompt as people type them: `@image:PATH`. Pure.

A mark stays text until the prompt is sent, so that drafts, undo and a second try keep it. In the
prompt that is sent it becomes `[Image #1]`, the name by which Codex tells the model of the image.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from urllib.parse import unquote

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
"""The endings, in lower case, of the files that a paste attaches."""

MAX_PATH_LENGTH = 4096
"""Characters that the path of a pasted image may have."""

_MARK = re.compile(r'(?<!\S)@image:(?:"([^"\n]+)"|([^\s"]+))')
_SHOWN = re.compile(r"^\[image (.+)\]$", re.MULTILINE)
_ESCAPED = re.compile(r"\\(.)")


def split_images(text: str, *, before: int = 0) -> tuple[str, tuple[str, ...]]:
    """Return the prompt of a text with marks, and the paths of its images, each once.

    Args:
        text: the text.
        before: how many images the message has already; the others are numbered after them.
    """
    paths: list[str] = []

    def name(mark: re.Match[str]) -> str:
        path = mark[1] or mark[2]
        if path not in paths:
            paths.append(path)
        return f"[Image #{before + paths.index(path) + 1}]"

    return _MARK.sub(name, text), tuple(paths)


def restore_images(shown: str) -> str:
    """Return a prompt as it was typed, from the text that a transcript has of it.

    The transcript has a line `[image PATH]` for each image, which the text names `[Image #1]`.
    """
    paths = [path for path in _SHOWN.findall(shown) if is_image_path(path)]
    if not paths:
        return shown
    lines = [line for line in shown.split("\n") if line not in {f"[image {p}]" for p in paths}]
    text = "\n".join(lines)
    for number, path in enumerate(paths, 1):
        name, mark = f"[Image #{number}]", _mark(path)
        text = text.replace(name, mark) if name in text else f"{text}\n{mark}".lstrip("\n")
    return text


def is_image_path(path: str) -> bool:
    """Return whether a mark can name a path, which is an absolute one of an image."""
    is_path = path.startswith(("/", "~/")) and len(path) <= MAX_PATH_LENGTH
    is_image = PurePath(path).suffix.lower() in IMAGE_SUFFIXES
    return is_path and is_image and path.isprintable() and '"' not in path


def _mark(path: str) -> str:
    return f'@image:"{path}"' if " " in path else f"@image:{path}"


def image_mark(pasted: str) -> str:
    """Return the mark for a pasted path of an image; empty if the text is another thing.

    Terminals paste the path of a file that is dropped on them quoted, with escaped spaces, or as a
    `file:` URL.
    """
    path = _pasted_path(pasted.strip())
    return _mark(path) if is_image_path(path) else ""


def describe_images(text: str) -> str:
    """Describe the images of a text, empty for none: `with shot.png and 2 more images`."""
    _, paths = split_images(text)
    if not paths:
        return ""
    name = PurePath(paths[0]).name
    more = {1: "", 2: " and another image"}.get(len(paths), f" and {len(paths) - 1} more images")
    return f"with the image {name}{more}"


def _pasted_path(text: str) -> str:
    if text.startswith("file://"):
        return unquote(text.removeprefix("file://").removeprefix("localhost"))
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return _ESCAPED.sub(r"\1", text)
