"""Whether what the demo's agents made is there, and right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codextui.demo.material import SAMPLE
from codextui.demo.workspace import Workspace

PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: what must hold, in words.
        fault: what does not, in one line; empty where it holds.
    """

    what: str
    fault: str = ""


def check_results(workspace: Workspace) -> Iterator[Check]:
    """Looks at the files and runs them, one check after the other. It takes about a second."""
    yield _check("the program counts the sample right", _program_fault, workspace.project)
    yield _check("the tests pass", _test_fault, workspace.project)
    yield _check("the README says how to run it", _readme_fault, workspace.project)
    if workspace.has_git:
        yield _check("the program is committed", _commit_fault, workspace.project)
    yield _check("the published program is the same", _release_fault, workspace)


def count_words(text: str) -> dict[str, int]:
    """Counts the words of the sample in a way of its own, to compare with the program's."""
    return dict(Counter(word.strip(".,:;!?") for word in text.lower().split()))


def _check(what: str, fault: Callable[..., str], subject: Path | Workspace) -> Check:
    try:
        return Check(what, fault(subject))
    except subprocess.TimeoutExpired as error:
        return Check(what, f"It did not end within {error.timeout} s.")
    except (OSError, ValueError) as error:
        return Check(what, str(error))


def _program_fault(project: Path) -> str:
    return _count_fault(project, "wordtally.py")


def _count_fault(project: Path, program: str) -> str:
    ran = _run(project, sys.executable, program, "sample.txt", "--top", "1000", "--json")
    if ran.returncode:
        return _last_line(ran)
    right = json.loads(ran.stdout) == count_words(SAMPLE)
    return "" if right else f"It says {ran.stdout.strip()}"


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
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(  # noqa: S603 - the demo's own files, in its own folder
        command,
        cwd=project,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def _last_line(ran: subprocess.CompletedProcess[str]) -> str:
    lines = (ran.stderr or ran.stdout).strip().splitlines()
    return f"It exited with {ran.returncode}: {lines[-1] if lines else 'no output'}"
