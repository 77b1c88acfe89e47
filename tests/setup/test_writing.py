"""Files that are changed: in one step, with a backup, and not at all where anything is wrong."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from codextui.errors import ConfigInvalid
from codextui.setup.files import Written, write_entry
from codextui.setup.recipe import Format, Place

ENTRY: dict[str, Any] = {"command": "codextui", "args": ["mcp-server"]}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "folder" / "mcp.json", Format.JSON, "mcpServers", "codextui")


def names(place: Place) -> list[str]:
    return sorted(path.name for path in place.path.parent.iterdir())


def test_a_file_and_its_folder_are_made_as_other_programs_make_them(place: Place) -> None:
    before = os.umask(0o022)
    try:
        assert write_entry(place, ENTRY) == Written(changed=True)
    finally:
        os.umask(before)
    assert json.loads(place.path.read_text()) == {"mcpServers": {"codextui": ENTRY}}
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o644
    assert names(place) == ["mcp.json"]


def test_a_file_keeps_its_mode_and_what_it_was_is_kept_beside_it(place: Place) -> None:
    place.path.parent.mkdir()
    place.path.write_text('{"mine": 1}')
    place.path.chmod(0o600)
    backup = place.path.with_name("mcp.json.bak")
    assert write_entry(place, ENTRY) == Written(changed=True, backup=backup)
    assert backup.read_text() == '{"mine": 1}'
    assert {stat.S_IMODE(path.stat().st_mode) for path in (backup, place.path)} == {0o600}
    assert json.loads(place.path.read_text())["mine"] == 1


def test_an_older_backup_is_never_overwritten(place: Place) -> None:
    place.path.parent.mkdir()
    for number, suffix in enumerate((".bak", ".bak.1")):
        place.path.with_name(f"mcp.json{suffix}").write_text(f"older {number}")
    place.path.write_text("{}")
    written = write_entry(place, ENTRY)
    assert written.backup == place.path.with_name("mcp.json.bak.2")
    assert written.backup.read_text() == "{}"
    assert place.path.with_name("mcp.json.bak").read_text() == "older 0"
    assert place.path.with_name("mcp.json.bak.1").read_text() == "older 1"


def test_what_is_as_it_should_be_is_not_touched(place: Place) -> None:
    write_entry(place, ENTRY)
    before = place.path.stat()
    assert write_entry(place, ENTRY) == Written(changed=False)
    assert place.path.stat().st_ino == before.st_ino
    assert names(place) == ["mcp.json"]


def test_a_link_stays_a_link_to_the_file_that_is_changed(place: Place, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.json"
    target.write_text("{}")
    place.path.parent.mkdir()
    place.path.symlink_to(target)
    assert write_entry(place, ENTRY).backup == tmp_path / "dotfiles.json.bak"
    assert place.path.is_symlink()
    assert "codextui" in target.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{\n  "mcpServers": {,}\n}', r"mcp\.json:2: "),
        (b'{\n"a": "\xff"}', r"mcp\.json:2: the file is not in UTF-8"),
    ],
)
def test_a_broken_file_is_left_alone_and_nothing_is_left_beside_it(
    place: Place, text: bytes, said: str
) -> None:
    place.path.parent.mkdir()
    place.path.write_bytes(text)
    with pytest.raises(ConfigInvalid, match=said):
        write_entry(place, ENTRY)
    assert place.path.read_bytes() == text
    assert names(place) == ["mcp.json"]


def test_a_file_that_cannot_be_replaced_is_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.path.parent.mkdir()
    place.path.write_text("{}")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ConfigInvalid, match=r"mcp\.json cannot be changed: Permission denied"):
        write_entry(place, ENTRY)
    assert place.path.read_text() == "{}"
    assert names(place) == ["mcp.json", "mcp.json.bak"]


def test_a_folder_in_place_of_the_file_is_an_error(place: Place) -> None:
    place.path.mkdir(parents=True)
    with pytest.raises(ConfigInvalid, match="cannot be changed: Is a directory"):
        write_entry(place, ENTRY)


def test_servers_that_start_what_codex_has_no_longer_are_named(place: Place) -> None:
    place.path.parent.mkdir()
    old = {"command": "/usr/bin/codex", "args": ["-c", "model=x", "mcp-server"]}
    servers = {"codex": old, "other": {"command": "codex", "args": ["exec"]}, "odd": 7}
    place.path.write_text(json.dumps({"mcpServers": servers}))
    assert write_entry(place, ENTRY).old == ("codex",)
    assert write_entry(place, ENTRY) == Written(changed=False, old=("codex",))
