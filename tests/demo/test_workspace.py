from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from codextui.config import paths
from codextui.demo.workspace import create_workspace

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def test_a_workspace_has_a_text_and_places_for_the_rest(tmp_path: Path):
    workspace = create_workspace(tmp_path / "demo")
    assert "keeper" in (workspace.project / "sample.txt").read_text()
    assert list(workspace.release.iterdir()) == []
    assert not workspace.codex_home.exists()
    assert stat.S_IMODE(workspace.root.stat().st_mode) == 0o700


def test_every_run_has_a_workspace_of_its_own(tmp_path: Path):
    assert create_workspace(tmp_path).root != create_workspace(tmp_path).root


def test_a_workspace_is_made_in_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert create_workspace().root.parent == paths.cache_dir() / "demo"


@needs_git
def test_the_project_is_a_clean_repository_that_asks_for_no_passphrase(tmp_path: Path):
    workspace = create_workspace(tmp_path)
    assert workspace.has_git

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(workspace.project), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert git("status", "--porcelain") == ""
    assert git("branch", "--show-current") == "main"
    assert git("config", "commit.gpgsign") == "false"


def test_without_git_there_is_a_project_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    workspace = create_workspace(tmp_path)
    assert not workspace.has_git
    assert (workspace.project / "sample.txt").exists()
    assert not (workspace.project / ".git").exists()
