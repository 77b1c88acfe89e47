"""The tool `write_file`: a role writes what `writes` grants it, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import string
from dataclasses import replace
from pathlib import Path

import pytest
from agents.testing import ScriptedModel, function_call
from hypothesis import given, settings
from hypothesis import strategies as st
from teams.scripted import create_run, role, say, team

from codextui.errors import ConfigInvalid, WriteRefused
from codextui.teams.runner.context import role_instructions
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.role_tools import check_tool_names, load_tool
from codextui.teams.runner.write_file import MAX_BYTES, write_granted

WAIT_S = 60


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "kept.txt").write_text("kept")
    (tmp_path / "outside.txt").write_text("outside")
    return folder


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("granted", "path", "made"),
    [
        ("REVIEW.md", "REVIEW.md", "REVIEW.md"),
        ("REVIEW.md", "./REVIEW.md", "REVIEW.md"),
        ("REVIEW.md", "{}/REVIEW.md", "REVIEW.md"),
        ("reports/*.md", "reports/one.md", "reports/one.md"),
        ("reports/**/*.md", "reports/a/b/one.md", "reports/a/b/one.md"),
        ("kept.txt", "kept.txt", "kept.txt"),
    ],
)
def test_what_is_granted_is_written(project: Path, granted: str, path: str, made: str) -> None:
    told = write_granted(project, [granted], path.replace("{}", str(project)), "new")
    assert told == f"Wrote 3 bytes to {made}."
    assert files(project) == {"kept.txt": "kept", made: "new"}


@pytest.mark.parametrize(
    ("granted", "path"),
    [
        ("REVIEW.md", "kept.txt"),
        ("REVIEW.md", "REVIEW.md/x"),
        ("REVIEW.md", "*.md"),
        ("REVIEW.md", "review.md"),
        ("REVIEW.md", ""),
        ("REVIEW.md", "."),
        ("REVIEW.md", "a/../REVIEW.md"),
        ("**/*", "../outside.txt"),
        ("**/*", "/etc/passwd"),
        ("**/*", "a\0b"),
        ("*.md", "sub/REVIEW.md"),
        ("**/*", ".git/hooks/post-commit"),
        ("**/*", "sub/.GIT/config"),
        ("**/*", ".codex/config.toml"),
        ("**/*", "sub"),
        ("**/*", "kept.txt/below"),
        ("**/*", "link-to-file"),
        ("**/*", "link-to-folder/new.txt"),
        ("**/*", "link-inside/new.txt"),
        ("**/*", "pipe"),
    ],
)
def test_nothing_else_is_written(project: Path, granted: str, path: str) -> None:
    (project / "sub").mkdir()
    (project / "link-to-file").symlink_to(project.parent / "outside.txt")
    (project / "link-to-folder").symlink_to(project.parent)
    (project / "link-inside").symlink_to(project / "sub")
    os.mkfifo(project / "pipe")
    before = files(project.parent)
    with pytest.raises(WriteRefused):
        write_granted(project, [granted], path, "new")
    assert files(project.parent) == before


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=f"{string.ascii_letters}./\\*~\0 é", max_size=20))
def test_no_path_leads_to_a_file_that_is_not_granted(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        write_granted(folder, ["REVIEW.md", "a/*"], path, "x")
    except WriteRefused:
        assert files(folder) == {}
    else:
        (made,) = files(folder)
        assert made == "REVIEW.md" or made.startswith("a/")


def test_a_file_is_replaced_whole_and_keeps_its_mode(project: Path) -> None:
    script = project / "kept.txt"
    script.chmod(0o750)
    other = project / "same-file"
    other.hardlink_to(script)
    write_granted(project, ["*.txt"], "kept.txt", "short")
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    assert files(project) == {"kept.txt": "short", "same-file": "kept"}


@pytest.mark.parametrize("content", ["x" * (MAX_BYTES + 1), "\ud800"])
def test_content_that_is_no_file_is_refused(project: Path, content: str) -> None:
    with pytest.raises(WriteRefused):
        write_granted(project, ["*"], "new.txt", content)
    assert files(project) == {"kept.txt": "kept"}


async def test_a_role_writes_its_file_and_reads_why_it_may_not_write_another(
    project: Path,
) -> None:
    wanted = [("kept.txt", "Mine!"), ("REVIEW.md", "All is well.")]
    calls = [
        [function_call("write_file", {"path": path, "content": text}, call_id=f"w-{path}")]
        for path, text in wanted
    ]
    models = {"one": ScriptedModel([*calls, say("Reviewed.")])}
    reviewer = replace(role("one"), writes=("REVIEW.md",))
    run, _ = create_run(team(reviewer), project, models)
    async with asyncio.timeout(WAIT_S):
        assert await run_handoffs(run, "Review.") == "Reviewed."
    assert files(project) == {"kept.txt": "kept", "REVIEW.md": "All is well."}
    answers = [call.input[-1]["output"] for call in models["one"].calls[1:]]
    assert answers[0].startswith("You may not write kept.txt: only REVIEW.md")
    assert answers[1] == "Wrote 12 bytes to REVIEW.md."
    assert "by the tool `write_file`:\n- REVIEW.md" in role_instructions(
        run.team, reviewer, run.mode
    )


@pytest.mark.parametrize("arguments", ["{", "[]", '{"path": "a"}', json.dumps({"path": 1})])
async def test_arguments_that_are_none_write_nothing(project: Path, arguments: str) -> None:
    call = [function_call("write_file", arguments, call_id="w")]
    models = {"one": ScriptedModel([call, say("Sorry.")])}
    run, _ = create_run(team(replace(role("one"), writes=("**/*",))), project, models)
    async with asyncio.timeout(WAIT_S):
        assert await run_handoffs(run, "Review.") == "Sorry."
    assert files(project) == {"kept.txt": "kept"}


async def test_a_role_without_writes_has_no_such_tool(project: Path) -> None:
    run, _ = create_run(team(role("one")), project, {"one": ScriptedModel([])})
    assert [tool.name for tool in run.agents["one"].tools] == ["ask_person"]


def test_a_tool_of_ones_own_with_that_name_is_refused() -> None:
    one = replace(role("one"), writes=("a",), tools=("teams.own_tools:write_file",))
    with pytest.raises(ConfigInvalid, match="rename yours"):
        check_tool_names(one, [load_tool(one, one.tools[0])])
