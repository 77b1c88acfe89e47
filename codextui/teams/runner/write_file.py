"""The tool by which a role writes the files that `writes` grants it, and nothing else.

Codex's sandbox cannot grant single files: 0.153.4 to 0.171.0 fail at every command where a file is
a writable root, and do not let a file be made that is not there yet. So the role writes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from agents import FunctionTool
from agents.tool_context import ToolContext

from codextui.errors import WriteRefused
from codextui.teams.config.team import Role, matches_pattern

WRITE_FILE = "write_file"
"""The name of the tool."""

MAX_BYTES = 1024 * 1024
"""Size of a file that a role may write."""

_PROTECTED = frozenset({".git", ".codex", ".agents"})
"""Folders that no glob grants, as in Codex's own sandbox: what is in them is run or obeyed."""

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "The file, relative to the project."},
        "content": {"type": "string", "description": "Its whole new content."},
    },
    "required": ["path", "content"],
    "additionalProperties": False,
}


def write_file_tools(role: Role, project: Path) -> list[FunctionTool]:
    """Return the tool by which a role writes its files; none if it may write none."""
    if not role.writes:
        return []

    async def invoke(_: ToolContext[Any], arguments: str) -> str:
        try:
            match json.loads(arguments):
                case {"path": str(path), "content": str(content)}:
                    return await asyncio.to_thread(
                        write_granted, project, role.writes, path, content
                    )
                case _:
                    return "Give the path and the content of the file."
        except WriteRefused as refused:
            return str(refused)
        except (ValueError, RecursionError):
            return "The arguments are no JSON."

    return [
        FunctionTool(
            name=WRITE_FILE,
            description=(
                "Write a whole file of the project, in place of its content so far. You may write "
                f"{', '.join(role.writes)}, and nothing else."
            ),
            params_json_schema=_SCHEMA,
            on_invoke_tool=invoke,
            strict_json_schema=False,
        )
    ]


def write_granted(project: Path, granted: Sequence[str], path: str, content: str) -> str:
    """Write a file if one of the patterns grants it, and return what was done.

    Folders that are missing are made. The file is replaced in one step; no link is followed.

    Args:
        project: the folder of the project.
        granted: paths or globs, relative to the project.
        path: the file, relative to the project or absolute.
        content: its whole new content.

    Raises:
        WriteRefused: it is not granted, or cannot be written; nothing has changed.
    """
    name = _relative(project, path)
    if not any(matches_pattern(name.as_posix(), pattern) for pattern in granted):
        raise WriteRefused(
            f"You may not write {path}: only {', '.join(granted)}, relative to {project}."
        )
    if not _PROTECTED.isdisjoint(part.casefold() for part in name.parts):
        raise WriteRefused(f"You may not write {path}: nobody may write there.")
    try:
        data = content.encode()
    except UnicodeEncodeError:
        raise WriteRefused("The content is no text that can be written.") from None
    if len(data) > MAX_BYTES:
        raise WriteRefused(f"The content has {len(data)} bytes; {MAX_BYTES} are allowed.")
    try:
        with _open_folder(project, name.parts[:-1]) as folder:
            _replace(folder, name.name, data)
    except OSError as error:
        raise WriteRefused(f"{path} cannot be written: {error.strerror}.") from error
    return f"Wrote {len(data)} bytes to {name}."


def _relative(project: Path, path: str) -> PurePosixPath:
    name = PurePosixPath(path)
    if name.is_absolute() and name.is_relative_to(project):
        name = name.relative_to(project)
    if name.is_absolute() or ".." in name.parts or not name.name or "\0" in path:
        raise WriteRefused(f"You may not write {path!r}: give a path in {project}.")
    return name


@contextlib.contextmanager
def _open_folder(project: Path, parts: Sequence[str]) -> Iterator[int]:
    """Open a folder of the project by its parts, none of which may be a link."""
    descriptor = os.open(project, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=descriptor)
            inner = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(folder: int, name: str, data: bytes) -> None:
    mode = _mode_of(folder, name)
    temporary = f".{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, _NEW_FILE_FLAGS, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _mode_of(folder: int, name: str) -> int | None:
    """Return the mode of a file that is there, None without one. Raises WriteRefused."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found):
        raise WriteRefused(f"You may not write {name}: it is a link, a folder or a device.")
    return stat.S_IMODE(found)
