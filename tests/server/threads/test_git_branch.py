from __future__ import annotations

from pathlib import Path

import pytest

from codextui.server.threads.git_branch import find_branch


def repository(folder: Path, head: bytes) -> Path:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_bytes(head)
    return folder


@pytest.mark.parametrize(
    ("head", "branch"),
    [
        (b"ref: refs/heads/main\n", "main"),
        (b"ref: refs/heads/feature/one\n", "feature/one"),
        (b"1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c\n", "1f2e3d4c5b6a"),
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
async def test_the_branch_of_a_folder_is_read_from_gits_head(
    tmp_path: Path, head: bytes, branch: str
):
    inside = repository(tmp_path / "repo", head) / "a" / "b"
    inside.mkdir(parents=True)
    assert await find_branch(str(inside)) == branch


async def test_a_worktree_has_its_own_branch(tmp_path: Path):
    git = tmp_path / "repo" / ".git" / "worktrees" / "w"
    git.mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/other\n")
    (tmp_path / "w").mkdir()
    for pointer in (git, "../repo/.git/worktrees/w"):
        (tmp_path / "w" / ".git").write_text(f"gitdir: {pointer}\n")
        assert await find_branch(str(tmp_path / "w")) == "other"


async def test_a_folder_outside_a_repository_has_no_branch(tmp_path: Path):
    assert await find_branch(str(tmp_path)) == ""
    assert await find_branch(str(tmp_path / "missing")) == ""
    assert await find_branch("") == ""
