"""The folders of a run, and the checks of what it left in them."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from codextui.config import paths
from codextui.demo import project_files
from codextui.demo.workspace import Workspace, check_results, create_workspace

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def test_a_workspace_has_a_sample_text_and_an_empty_release_folder(tmp_path: Path):
    workspace = create_workspace(tmp_path / "demo")
    assert "keeper" in (workspace.project / "sample.txt").read_text()
    assert list(workspace.release.iterdir()) == []
    assert not workspace.codex_home.exists()
    assert stat.S_IMODE(workspace.root.stat().st_mode) == 0o700


def test_every_run_has_its_own_workspace(tmp_path: Path):
    assert create_workspace(tmp_path).root != create_workspace(tmp_path).root


def test_a_workspace_is_created_in_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
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


def test_without_git_the_project_is_a_plain_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    workspace = create_workspace(tmp_path)
    assert not workspace.has_git
    assert (workspace.project / "sample.txt").exists()
    assert not (workspace.project / ".git").exists()


FINISHED = (
    project_files.PROGRAM.replace("[A-Za-z]+", "[a-z]+(?:'[a-z]+)*")
    .replace("findall(text)", "findall(text.lower())")
    .replace("import argparse", "import argparse\nimport json")
    .replace(
        "    options =", '    parser.add_argument("--json", action="store_true")\n    options ='
    )
    .replace(
        '    print("\\n".join(chart(counts, options.top)))',
        "    print(json.dumps(dict(counts.most_common(options.top))))",
    )
)


@pytest.fixture
def finished(tmp_path: Path) -> Workspace:
    """A workspace as a run leaves it, but without git."""
    made = Workspace(create_workspace(tmp_path).root, has_git=False)
    (made.project / "wordtally.py").write_text(FINISHED)
    (made.project / "test_wordtally.py").write_text(project_files.TESTS)
    (made.project / "README.md").write_text(project_files.README)
    published = made.release / "wordtally"
    published.write_text(FINISHED)
    published.chmod(0o755)
    return made


def faults(workspace: Workspace) -> list[str]:
    return [check.claim for check in check_results(workspace) if check.fault]


def test_correct_results_pass_every_check(finished: Workspace):
    assert faults(finished) == []


def test_an_empty_workspace_fails_every_check(tmp_path: Path):
    workspace = create_workspace(tmp_path)
    assert len(faults(workspace)) == len(list(check_results(workspace)))


def test_the_program_before_the_fix_fails(finished: Workspace):
    program = finished.project / "wordtally.py"
    program.write_text(FINISHED.replace(".lower()", ""))
    assert faults(finished) == ["the program counts the sample right", "the tests pass"]


def test_a_release_that_is_not_executable_fails(finished: Workspace):
    (finished.release / "wordtally").chmod(0o644)
    assert faults(finished) == ["the published program is the same"]


def test_a_missing_commit_fails(finished: Workspace):
    with_git = Workspace(finished.root, has_git=True)
    assert faults(with_git) == ["the program is committed"]
