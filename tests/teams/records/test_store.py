"""The folder of a run: its parts, its lock and its files of JSON lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.teams.records.store import JsonLinesFile, RunStore, list_runs, read_json_lines


def test_a_run_is_stored_privately(tmp_path: Path) -> None:
    store = RunStore.create("t", tmp_path)
    store.write("run", {"team": "t"})
    folder = tmp_path / store.run_id
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "run.json").stat().st_mode & 0o777 == 0o600
    assert list_runs(tmp_path) == [store.run_id]
    assert RunStore.open(store.run_id, tmp_path).read("run") == {"team": "t"}
    assert store.read("calls") is None


def test_a_run_is_run_by_one_process_at_a_time(tmp_path: Path) -> None:
    store = RunStore.create("t", tmp_path)
    store.write("run", {})
    other = RunStore.open(store.run_id, tmp_path)
    with store.locked(), pytest.raises(ConfigInvalid, match="another process"), other.locked():
        pass


def test_a_part_that_cannot_be_read_raises(tmp_path: Path) -> None:
    store = RunStore.create("t", tmp_path)
    (tmp_path / store.run_id / "calls.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        store.read("calls")


def test_a_full_file_is_reported_once_and_closed(tmp_path: Path) -> None:
    problems: list[str] = []
    path = tmp_path / "lines.jsonl"
    with JsonLinesFile(path, problems.append, max_bytes=20) as file:
        for number in range(10):
            file.append({"n": number})
    assert list(read_json_lines(path)) == [{"n": 0}, {"n": 1}]
    assert len(problems) == 1
    assert "is full" in problems[0]


@pytest.mark.parametrize("team", ["../../x", "/etc", "..", "", "a/b", "Bücher & Co", "x" * 300])
def test_any_team_name_makes_a_folder_in_the_folder_of_runs_that_is_found_again(
    tmp_path: Path, team: str
) -> None:
    runs = tmp_path / "a" / "runs"
    runs.mkdir(parents=True)
    store = RunStore.create(team, runs)
    store.write("run", {"team": team})
    assert store.folder.parent == runs
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]
    assert RunStore.open(store.run_id, runs).read("run") == {"team": team}


@pytest.mark.parametrize("content", ["[]", "[" * 100_000, "\xff", '{"turns": "many"}'])
def test_a_bad_part_is_named_in_the_error(tmp_path: Path, content: str) -> None:
    store = RunStore.create("t", tmp_path)
    path = store.folder / "spent.json"
    path.write_text(content, encoding="latin-1")
    with (
        pytest.raises(ConfigInvalid, match=re.escape(str(path))),
        store.reading("spent") as spent,
    ):
        fields.integer_or(spent, "turns")


@pytest.mark.parametrize("part", ["start-../../x-dev", "/etc/x", "..", "a.b"])
def test_any_part_is_a_file_in_the_folder_of_its_run(tmp_path: Path, part: str) -> None:
    store = RunStore.create("t", tmp_path)
    store.write(part, {"n": 1})
    assert store.read(part) == {"n": 1}
    assert len(list(store.folder.iterdir())) == 1
    assert list(tmp_path.iterdir()) == [store.folder]
