"""The repository that a folder belongs to, as clients look for it, without running git."""

from __future__ import annotations

import os
from pathlib import Path


def find_root(folder: Path, *, with_head: bool = False) -> Path | None:
    """Return the root of the worktree that a folder is in; None if it is in none.

    Args:
        folder: the folder.
        with_head: whether a folder `.git` without a `HEAD` counts for nothing.
    """
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if exists(git) and not (with_head and git.is_dir() and not exists(git / "HEAD")):
            return parent
    return None


def find_workspace(folder: Path, name: str) -> Path:
    """Return the folder that an editor is likely to have open, for a folder in it.

    It is the nearest one, up to the root of the repository, with a folder `name` such as `.vscode`;
    else that root; without a repository the folder itself. The user's own folder is none.
    """
    root = find_root(folder, with_head=True)
    home = Path.home()
    if root is None or home in (root, folder):
        return folder
    for parent in (folder, *folder.parents):
        if exists(parent / name) or parent == root:
            return parent
    return folder


def main_root(root: Path) -> Path:
    """Return the root of a repository's main worktree, for the root of any of its worktrees."""
    try:
        pointer = (root / ".git").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return root
    folder = (root / pointer.removeprefix("gitdir:").strip()).resolve()
    if folder.parent.name != "worktrees":
        return root  # a submodule
    common = folder.parents[1]
    return common.parent if common.name == ".git" else common


def exists(path: Path) -> bool:
    """Return whether a file or folder exists, as far as we may look; `Path.exists` can raise."""
    return os.path.exists(path)  # noqa: PTH110
