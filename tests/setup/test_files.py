"""Changing files atomically, with a backup, and not at all if anything is wrong."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from codextui.errors import ConfigInvalid
from codextui.setup.files import WriteResult, write_entry
from codextui.setup.recipe import EntryLocation, Format

ENTRY: dict[str, Any] = {"command": "codextui", "args": ["mcp-server"]}


@pytest.fixture
def location(tmp_path: Path) -> EntryLocation:
    return EntryLocation(tmp_path / "folder" / "mcp.json", Format.JSON, "mcpServers", "codextui")


def names(location: EntryLocation) -> list[str]:
    return sorted(path.name for path in location.path.parent.iterdir())


def test_a_new_file_gets_the_mode_of_the_umask(
    location: EntryLocation,
) -> None:
    before = os.umask(0o022)
    try:
        assert write_entry(location, ENTRY) == WriteResult(changed=True)
    finally:
        os.umask(before)
    assert json.loads(location.path.read_text()) == {"mcpServers": {"codextui": ENTRY}}
    assert stat.S_IMODE(location.path.stat().st_mode) == 0o644
    assert names(location) == ["mcp.json"]


def test_a_changed_file_keeps_its_mode_and_has_a_backup(location: EntryLocation) -> None:
    location.path.parent.mkdir()
    location.path.write_text('{"mine": 1}')
    location.path.chmod(0o600)
    backup = location.path.with_name("mcp.json.bak")
    assert write_entry(location, ENTRY) == WriteResult(changed=True, backup=backup)
    assert backup.read_text() == '{"mine": 1}'
    assert {stat.S_IMODE(path.stat().st_mode) for path in (backup, location.path)} == {0o600}
    assert json.loads(location.path.read_text())["mine"] == 1


def test_an_older_backup_is_never_overwritten(location: EntryLocation) -> None:
    location.path.parent.mkdir()
    for number, suffix in enumerate((".bak", ".bak.1")):
        location.path.with_name(f"mcp.json{suffix}").write_text(f"older {number}")
    location.path.write_text("{}")
    written = write_entry(location, ENTRY)
    assert written.backup == location.path.with_name("mcp.json.bak.2")
    assert written.backup.read_text() == "{}"
    assert location.path.with_name("mcp.json.bak").read_text() == "older 0"
    assert location.path.with_name("mcp.json.bak.1").read_text() == "older 1"


def test_a_file_with_the_entry_is_not_touched(location: EntryLocation) -> None:
    write_entry(location, ENTRY)
    before = location.path.stat()
    assert write_entry(location, ENTRY) == WriteResult(changed=False)
    assert location.path.stat().st_ino == before.st_ino
    assert names(location) == ["mcp.json"]


def test_a_link_stays_a_link_to_the_changed_file(location: EntryLocation, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.json"
    target.write_text("{}")
    location.path.parent.mkdir()
    location.path.symlink_to(target)
    assert write_entry(location, ENTRY).backup == tmp_path / "dotfiles.json.bak"
    assert location.path.is_symlink()
    assert "codextui" in target.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{\n  "mcpServers": {,}\n}', r"mcp\.json:2: "),
        (b'{\n"a": "\xff"}', r"mcp\.json:2: the file is not in UTF-8"),
    ],
)
def test_a_broken_file_is_left_alone_without_a_backup(
    location: EntryLocation, text: bytes, message: str
) -> None:
    location.path.parent.mkdir()
    location.path.write_bytes(text)
    with pytest.raises(ConfigInvalid, match=message):
        write_entry(location, ENTRY)
    assert location.path.read_bytes() == text
    assert names(location) == ["mcp.json"]


def test_a_file_that_cannot_be_replaced_is_left_alone(
    location: EntryLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    location.path.parent.mkdir()
    location.path.write_text("{}")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ConfigInvalid, match=r"mcp\.json cannot be changed: Permission denied"):
        write_entry(location, ENTRY)
    assert location.path.read_text() == "{}"
    assert names(location) == ["mcp.json"]


def test_a_folder_in_place_of_the_file_is_an_error(location: EntryLocation) -> None:
    location.path.mkdir(parents=True)
    with pytest.raises(ConfigInvalid, match="cannot be changed: Is a directory"):
        write_entry(location, ENTRY)
