"""Pictures are written to new files only."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.config.paths import pictures_dir
from codextui.console.pictures import MAX_SAME_NAME, save_picture


def test_a_picture_never_overwrites_a_file(tmp_path: Path) -> None:
    paths = [save_picture(f"<svg>{number}</svg>", "run", tmp_path) for number in range(3)]
    assert len(set(paths)) == 3
    assert [path.read_text() for path in paths] == [f"<svg>{number}</svg>" for number in range(3)]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    for number in range(MAX_SAME_NAME):
        save_picture(str(number), "many", tmp_path, at=0.0)
    with pytest.raises(FileExistsError):
        save_picture("", "many", tmp_path, at=0.0)


def test_the_name_of_a_file_has_nothing_strange_in_it(tmp_path: Path) -> None:
    path = save_picture("x", "../../etc/ü \x1b[31m", tmp_path / "new")
    assert path.parent == tmp_path / "new"
    assert path.name.startswith("codextui-etc-31m-")
    assert save_picture("x", "...", tmp_path).name.startswith("codextui-screen-")


def test_the_desktops_folder_is_used_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("XDG_PICTURES_DIR", raising=False)
    ours = tmp_path / "state" / "codextui" / "pictures"
    assert pictures_dir() == ours
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "user-dirs.dirs").write_text('XDG_PICTURES_DIR="$HOME/Bilder"\n')
    assert pictures_dir() == ours
    (tmp_path / "Bilder").mkdir()
    assert pictures_dir() == tmp_path / "Bilder"
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path / "state"))
    assert pictures_dir() == tmp_path / "state"
