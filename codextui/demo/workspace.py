"""The folder that a demo's agents work in."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from codextui.config import paths
from codextui.demo.material import SAMPLE

GIT_SETTINGS = {
    "user.name": "codextui demo",
    "user.email": "demo@codextui.invalid",
    # The user's own settings could ask for a passphrase, or run hooks of theirs.
    "commit.gpgsign": "false",
    "core.hooksPath": "/dev/null",
}


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where one run of the demo takes place.

    Attributes:
        root: the folder of this run; everything else is inside it.
        has_git: whether the project is a git repository.
    """

    root: Path
    has_git: bool

    @property
    def project(self) -> Path:
        """The threads' working folder."""
        return self.root / "wordtally"

    @property
    def release(self) -> Path:
        """Where the finished program goes: outside of what the sandbox lets a thread write."""
        return self.root / "release"

    @property
    def codex_home(self) -> Path:
        """The CODEX_HOME of this run."""
        return self.root / "codex-home"

    @property
    def state(self) -> Path:
        """Where the server of this run keeps its journal."""
        return self.root / "state"


def create_workspace(parent: Path | None = None) -> Workspace:
    """Makes a fresh workspace with a project of one text file, in git where git is installed.

    Args:
        parent: where to make it; codextui's cache folder where None. It is not the temp folder,
            because Codex declines to install its helpers there.

    Raises:
        OSError: the folder cannot be made.
    """
    parent = paths.cache_dir() / "demo" if parent is None else parent
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S-")
    root = Path(tempfile.mkdtemp(prefix=stamp, dir=parent)).resolve()
    git = shutil.which("git")
    workspace = Workspace(root, has_git=git is not None)
    workspace.project.mkdir()
    workspace.release.mkdir()
    (workspace.project / "sample.txt").write_text(SAMPLE, encoding="utf-8")
    (workspace.project / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    if git is not None:
        _start_repository(git, workspace.project)
    return workspace


def _start_repository(git: str, project: Path) -> None:
    def run(*arguments: str) -> None:
        command = [git, "-C", str(project), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603 - ours

    run("init", "--quiet", "--template=")
    run("symbolic-ref", "HEAD", "refs/heads/main")
    for key, value in GIT_SETTINGS.items():
        run("config", key, value)
    run("add", "sample.txt", ".gitignore")
    run("commit", "--quiet", "--message", "Add a text to count")
