"""What the checks at the end of the demo find."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.demo import material
from codextui.demo.results import check_results
from codextui.demo.workspace import Workspace, create_workspace

FINISHED = (
    material.PROGRAM.replace("[A-Za-z]+", "[a-z]+(?:'[a-z]+)*")
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
    """What a run should leave, but for the commit."""
    made = Workspace(create_workspace(tmp_path).root, has_git=False)
    (made.project / "wordtally.py").write_text(FINISHED)
    (made.project / "test_wordtally.py").write_text(material.TESTS)
    (made.project / "README.md").write_text(material.README)
    published = made.release / "wordtally"
    published.write_text(FINISHED)
    published.chmod(0o755)
    return made


def faults(workspace: Workspace) -> list[str]:
    return [check.what for check in check_results(workspace) if check.fault]


def test_what_is_right_is_found_right(finished: Workspace):
    assert faults(finished) == []


def test_nothing_at_all_is_found_wrong_in_every_respect(tmp_path: Path):
    workspace = create_workspace(tmp_path)
    assert len(faults(workspace)) == len(list(check_results(workspace)))


def test_the_program_before_the_fix_is_found_wrong(finished: Workspace):
    program = finished.project / "wordtally.py"
    program.write_text(FINISHED.replace(".lower()", ""))
    assert faults(finished) == ["the program counts the sample right", "the tests pass"]


def test_a_release_that_cannot_be_executed_is_found_wrong(finished: Workspace):
    (finished.release / "wordtally").chmod(0o644)
    assert faults(finished) == ["the published program is the same"]


def test_a_missing_commit_is_found(finished: Workspace):
    with_git = Workspace(finished.root, has_git=True)
    assert faults(with_git) == ["the program is committed"]
