"""Conditions of gates: files and commands, and why they are not met."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from codextui.errors import ConfigInvalid
from codextui.teams.config.team import (
    Artifact,
    Check,
    Command,
    Role,
    Team,
    begin_team,
    check_pattern,
    covers,
)
from codextui.teams.gates.conditions import (
    check_artifact,
    check_condition,
    find_unmet,
    latest_mtime_ns,
)


def write(path: Path, content: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def runs(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] not in ("", "Z")


@pytest.mark.parametrize(
    ("pattern", "check", "files", "reason"),
    [
        ("a.md", Check.EXISTS, {}, "is not there"),
        ("a.md", Check.EXISTS, {"a.md": ""}, ""),
        ("a.md", Check.EXISTS, {"b/a.md": "x"}, "is not there"),
        ("a.md", Check.NON_EMPTY, {"a.md": " \n\t"}, "is empty"),
        ("a.md", Check.NON_EMPTY, {"a.md": "x"}, ""),
        ("a.md", Check.NEW, {"a.md": " "}, "is empty"),
        ("a.md", Check.NEW, {"a.md": "x"}, ""),
        ("*.json", Check.JSON, {"p.json": "{}"}, ""),
        ("*.json", Check.JSON, {"p.json": "{}", "q.json": "{,"}, "q.json is no valid JSON"),
        ("p.json", Check.JSON, {"p.json": ""}, "is no valid JSON"),
        ("p.json", Check.JSON, {"p.json": "[" * 100_000}, "is no valid JSON"),
        ("design/*.md", Check.EXISTS, {"design/spec.md": "x"}, ""),
        ("src/**/*.py", Check.EXISTS, {"src/a/b/c.py": "x"}, ""),
        ("src/**/*.py", Check.EXISTS, {"lib/c.py": "x"}, "is not there"),
    ],
)
def test_a_file_passes_or_the_reason_is_returned(
    tmp_path: Path, pattern: str, check: Check, files: dict[str, str], reason: str
) -> None:
    for name, content in files.items():
        write(tmp_path / name, content)
    said = check_artifact(tmp_path, Artifact(pattern, check))
    assert said.startswith(reason) if reason else said == ""


def test_a_file_of_an_earlier_run_is_not_new(tmp_path: Path) -> None:
    gate = Artifact("*.md", Check.NEW)
    makes, needs = Role("a", "Make.", produces=(gate,)), Role("b", "Read.", requires=(gate,))
    team = begin_team(Team("t", {"a": makes, "b": needs}, "a"), at=1000.0)
    [required], [produced] = team.roles["b"].requires, team.roles["a"].produces
    assert required == produced == Artifact("*.md", Check.NEW, since=1000.0)
    for name, modified in (("old.md", 999.9), ("new.md", 1000.0)):
        os.utime(write(tmp_path / name), (modified, modified))
    assert check_artifact(tmp_path, produced) == "old.md is of an earlier run"
    (tmp_path / "old.md").unlink()
    assert check_artifact(tmp_path, produced) == ""


def test_a_folder_is_not_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "design").mkdir()
    assert check_artifact(tmp_path, Artifact("design")) == "is not there"


def test_a_link_out_of_the_project_counts_as_missing(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "spec.md")
    project = tmp_path / "project"
    project.mkdir()
    (project / "spec.md").symlink_to(outside)
    (project / "docs").symlink_to(outside.parent)
    assert check_artifact(project, Artifact("spec.md")) == "is not there"
    assert check_artifact(project, Artifact("docs/*.md")) == "is not there"


def test_a_link_inside_of_the_project_counts_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "spec.md").symlink_to(write(tmp_path / "design" / "spec.md"))
    assert check_artifact(tmp_path, Artifact("spec.md")) == ""


@pytest.mark.parametrize(
    "pattern", ["../a", "a/../../b", "/etc/passwd", "~/a", "", " ", ".", "a\0b", "x/.."]
)
def test_a_pattern_that_leads_out_of_the_project_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigInvalid):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("test -f a.md", ""),
        ("exit 3", "exit code 3"),
        ("echo broken; exit 1", "exit code 1: broken"),
        ("no-such-command-anywhere", "exit code 127"),
    ],
)
async def test_a_command_is_run_in_the_project(tmp_path: Path, line: str, reason: str) -> None:
    write(tmp_path / "a.md")
    async with asyncio.timeout(60):
        assert (
            (await check_condition(tmp_path, Command(line))).startswith(reason) if reason else True
        )
        assert bool(await check_condition(tmp_path, Command(line))) is bool(reason)


async def test_a_command_that_never_ends_is_killed_with_what_it_started(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        line = "sleep 600 & echo $! > pid; wait"
        said = await check_condition(tmp_path, Command(line, timeout_s=0.5))
        assert said == "did not end within 0.5 seconds"
        sleeper = int((tmp_path / "pid").read_text(encoding="utf-8"))
        while runs(sleeper):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.01)


async def test_an_unmet_condition_names_its_makers(tmp_path: Path) -> None:
    spec = Artifact("design/spec.md")
    team = Team("t", {"designer": Role("designer", "Design.", produces=(spec,))}, "designer")
    (unmet,) = await find_unmet(team, tmp_path, [spec])
    assert str(unmet) == "design/spec.md: is not there (the job of designer)"


def test_the_newest_file_sets_the_time_of_artifacts(tmp_path: Path) -> None:
    os.utime(write(tmp_path / "a.md"), ns=(5, 5))
    os.utime(write(tmp_path / "b.md"), ns=(9, 9))
    assert latest_mtime_ns(tmp_path, [Artifact("*.md"), Command("true")]) == 9
    assert latest_mtime_ns(tmp_path, [Artifact("a.md")]) == 5
    assert latest_mtime_ns(tmp_path, [Artifact("c.md")]) == 0


@pytest.mark.parametrize(
    ("made", "needed", "expected"),
    [
        ("a.md", "a.md", True),
        ("design/*.md", "design/spec.md", True),
        ("design/spec.md", "design/*.md", True),
        ("design/spec.md", "spec.md", False),
        ("a.md", "b.md", False),
        ("src/**/*.py", "src/a/b/c.py", True),
        ("src/**/*.py", "src/c.py", True),
        ("src/**", "lib/c.py", False),
    ],
)
def test_a_produced_pattern_covers_a_required_one(made: str, needed: str, expected: bool) -> None:
    assert covers(Artifact(made), Artifact(needed)) is expected
