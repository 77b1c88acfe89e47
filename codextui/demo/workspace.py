"""The folders of one run of the demo, and checks of what its agents left in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from codextui.config import paths
from codextui.demo.project_files import SAMPLE

CHECK_TIMEOUT_S = 30
"""Seconds a program of the agents may run in a check."""

_GIT_SETTINGS = {
    "user.name": "codextui demo",
    "user.email": "demo@codextui.invalid",
    # The user's own settings could ask for a passphrase, or run hooks of theirs.
    "commit.gpgsign": "false",
    "core.hooksPath": "/dev/null",
}


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders of one run of the demo.

    Attributes:
        root: the folder of this run, which has all the others.
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
        """Where the finished program is published; the sandbox lets no thread write there."""
        return self.root / "release"

    @property
    def codex_home(self) -> Path:
        """The CODEX_HOME of this run."""
        return self.root / "codex-home"

    @property
    def state(self) -> Path:
        """The state folder of this run's server, with its journal."""
        return self.root / "state"


@dataclass(frozen=True, slots=True)
class TeamWorkspace(Workspace):
    """The folders of one run of the demo's team."""

    @property
    def project(self) -> Path:
        """The roles' working folder."""
        return self.root / "bug-busters"


def create_workspace(parent: Path | None = None) -> Workspace:
    """Create a workspace with a project of one text file, in git if git is installed.

    Args:
        parent: the folder to make it in; None is codextui's cache folder. It should not be in the
            temp folder, where Codex does not install its helper binaries.

    Raises:
        OSError: the folder cannot be made.
    """
    git = shutil.which("git")
    workspace = Workspace(_create_root("", parent), has_git=git is not None)
    workspace.project.mkdir()
    workspace.release.mkdir()
    (workspace.project / "sample.txt").write_text(SAMPLE, encoding="utf-8")
    (workspace.project / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    if git is not None:
        _create_repository(git, workspace.project)
    return workspace


def create_team_workspace() -> TeamWorkspace:
    """Create a workspace with an empty project, in codextui's cache folder.

    Raises:
        OSError: the folder cannot be made.
    """
    workspace = TeamWorkspace(_create_root("team-"), has_git=False)
    workspace.project.mkdir()
    return workspace


def _create_root(prefix: str, parent: Path | None = None) -> Path:
    parent = paths.cache_dir() / "demo" if parent is None else parent
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S-")
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{stamp}", dir=parent)).resolve()


def _create_repository(git: str, project: Path) -> None:
    def run(*arguments: str) -> None:
        command = [git, "-C", str(project), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603 - ours

    run("init", "--quiet", "--template=")
    run("symbolic-ref", "HEAD", "refs/heads/main")
    for key, value in _GIT_SETTINGS.items():
        run("config", key, value)
    run("add", "sample.txt", ".gitignore")
    run("commit", "--quiet", "--message", "Add a text to count")


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The outcome of one check.

    Attributes:
        claim: what should be true, in words.
        fault: why it is not, in one line; "" if it is.
    """

    claim: str
    fault: str = ""


def check_results(workspace: Workspace) -> Iterator[CheckOutcome]:
    """Check the files that the three threads made, and run them; this takes about a second."""
    yield _check("the program counts the sample right", _program_fault, workspace.project)
    yield _check("the tests pass", _test_fault, workspace.project)
    yield _check("the README says how to run it", _readme_fault, workspace.project)
    if workspace.has_git:
        yield _check("the program is committed", _commit_fault, workspace.project)
    yield _check("the published program is the same", _release_fault, workspace)


def _check(claim: str, find_fault: Callable[..., str], subject: Path | Workspace) -> CheckOutcome:
    try:
        return CheckOutcome(claim, find_fault(subject))
    except subprocess.TimeoutExpired as error:
        return CheckOutcome(claim, f"It did not end within {error.timeout} s.")
    except (OSError, ValueError) as error:
        return CheckOutcome(claim, str(error))


def _program_fault(project: Path) -> str:
    return _count_fault(project, "wordtally.py")


def _count_fault(project: Path, program: str) -> str:
    ran = _run(project, sys.executable, program, "sample.txt", "--top", "1000", "--json")
    if ran.returncode:
        return _last_line(ran)
    right = json.loads(ran.stdout) == _count_words(SAMPLE)
    return "" if right else f"It says {ran.stdout.strip()}"


def _count_words(text: str) -> dict[str, int]:
    """Count words in another way than the program does."""
    return dict(Counter(word.strip(".,:;!?") for word in text.lower().split()))


def _test_fault(project: Path) -> str:
    ran = _run(project, sys.executable, "-m", "unittest")
    if ran.returncode:
        return _last_line(ran)
    return "" if "Ran 4 tests" in ran.stderr else "There are no four tests."


def _readme_fault(project: Path) -> str:
    text = (project / "README.md").read_text(encoding="utf-8")
    return "" if "python3 wordtally.py sample.txt" in text else "The command is not in it."


def _commit_fault(project: Path) -> str:
    ran = _run(project, "git", "cat-file", "-e", "HEAD:wordtally.py")
    return _last_line(ran) if ran.returncode else ""


def _release_fault(workspace: Workspace) -> str:
    program = workspace.release / "wordtally"
    if not os.access(program, os.X_OK):
        return f"{program} is not there, or cannot be executed."
    return _count_fault(workspace.project, str(program))


def _run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(  # noqa: S603 - the demo's own files, in its own folder
        command,
        cwd=project,
        env={**own, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=CHECK_TIMEOUT_S,
        check=False,
    )


def _last_line(ran: subprocess.CompletedProcess[str]) -> str:
    lines = (ran.stderr or ran.stdout).strip().splitlines()
    return f"It exited with {ran.returncode}: {lines[-1] if lines else 'no output'}"
