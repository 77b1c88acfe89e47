"""Pictures are written to new files only."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.console.pictures import pictures_dir, save_picture


def test_a_picture_never_overwrites_a_file(tmp_path: Path) -> None:
    paths = [save_picture(f"<svg>{number}</svg>", "run", tmp_path) for number in range(3)]
    assert len(set(paths)) == 3
    assert [path.read_text() for path in paths] == [f"<svg>{number}</svg>" for number in range(3)]


def test_the_name_of_a_file_has_nothing_strange_in_it(tmp_path: Path) -> None:
    path = save_picture("x", "../../etc/ü \x1b[31m", tmp_path / "new")
    assert path.parent == tmp_path / "new"
    assert path.name.startswith("codextui-etc-31m-")
    assert save_picture("x", "...", tmp_path).name.startswith("codextui-screen-")


def test_pictures_go_to_the_folder_of_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_PICTURES_DIR", raising=False)
    assert pictures_dir() == tmp_path
    (tmp_path / "Pictures").mkdir()
    assert pictures_dir() == tmp_path / "Pictures"
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path / "mine"))
    assert pictures_dir() == tmp_path / "mine"
