"""The files of a folder that the composer suggests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codextui.console.folder_files import list_files


def write(folder: Path, *paths: str) -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")


def test_the_nearest_files_come_first_and_what_programs_made_is_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        "z.py",
        "a.py",
        "src/deep/er.py",
        "src/b.py",
        ".git/config",
        ".env",
        "node_modules/x/index.js",
        "src/__pycache__/b.pyc",
    )
    assert list_files(str(tmp_path)) == ("a.py", "z.py", "src/b.py", "src/deep/er.py")


def test_at_most_so_many_are_listed(tmp_path: Path) -> None:
    write(tmp_path, *(f"{number:03}.py" for number in range(50)), "sub/x.py")
    assert len(list_files(str(tmp_path), limit=7)) == 7


def test_odd_names_are_listed_unless_they_have_control_characters(tmp_path: Path) -> None:
    write(tmp_path, "my notes.md", "ünï.md", "a\nb.md", "c\x1b[31m.md", "[bold]x.md")
    (tmp_path / os.fsdecode(b"bad\xff.md")).touch()
    assert list_files(str(tmp_path)) == ("[bold]x.md", "my notes.md", "ünï.md")


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "src/a.py")
    (tmp_path / "src" / "loop").symlink_to(tmp_path)
    (tmp_path / "link.py").symlink_to(tmp_path / "src" / "a.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    assert list_files(str(tmp_path)) == ("gone.py", "link.py", "src/a.py", "src/loop")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "secret/a.py", "b.py")
    (tmp_path / "secret").chmod(0)
    assert list_files(str(tmp_path)) == ("b.py",)


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert list_files(str(tmp_path / "gone")) == ()
    write(tmp_path, "file")
    assert list_files(str(tmp_path / "file")) == ()
