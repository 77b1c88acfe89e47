"""`codextui doctor --fix`: what it repairs, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doctor.conftest import Stage, worse
from doctor.test_broken_machines import MACHINES, leave_socket, leave_temporary_file, write_journal

from codextui.doctor.findings import MakeFolder, RemoveFile, RemoveSocket, Repair, SetMode
from codextui.doctor.fixes import RepairRefused, repair

REPAIRED = {
    "with a stale socket": "removed the stale socket",
    "with a runtime folder that is open to others": "from 0755 to 0700",
    "where XDG_RUNTIME_DIR does not exist": "made the folder",
    "with a journal that others can read": "from 0644 to 0600",
    "with a token that others can read": "from 0640 to 0600",
    "with what a killed process left": "removed",
    "with what a killed run left": "removed",
    "with runs that others can read": "from 0755 to 0700",
}
"""The machines that `--fix` repairs, and what it says of it."""


@pytest.mark.parametrize("name", REPAIRED)
async def test_what_is_repaired_is_printed_and_is_gone_the_second_time(
    name: str, stage: Stage, examine: Any, examine_text: Any
) -> None:
    MACHINES[name].breaks(stage)
    text = await examine_text("--fix")
    assert text.code == 0
    assert text.lines[0].startswith("fixed")
    assert REPAIRED[name] in text.lines[0]
    assert text.lines[-1].startswith("0 problems, 0 pieces of advice")
    code, findings = await examine("--fix")
    assert (code, worse(findings)) == (0, {})


@pytest.mark.parametrize("name", [name for name in MACHINES if name not in REPAIRED])
async def test_everything_else_is_left_as_it_is(name: str, stage: Stage, examine: Any) -> None:
    MACHINES[name].breaks(stage)
    before = stage.contents
    _, findings = await examine("--fix")
    assert not any(one["severity"] in ("fixed", "failed") for one in findings)
    assert worse(findings) == MACHINES[name].finds
    assert stage.contents == before


async def test_with_json_a_repair_is_a_line_too(stage: Stage, examine: Any) -> None:
    leave_socket(stage)
    code, findings = await examine("--fix")
    assert code == 0
    assert findings[0]["severity"] == "fixed"
    assert findings[0]["check"] == "server.socket"
    assert worse(findings[1:]) == {}


async def test_several_things_are_repaired_at_once(stage: Stage, examine: Any) -> None:
    leave_socket(stage)
    leave_temporary_file(stage)
    write_journal(stage).chmod(0o666)
    code, findings = await examine("--fix")
    assert code == 0
    assert [one["severity"] for one in findings[:3]] == ["fixed"] * 3
    assert worse(findings[3:]) == {}


async def test_a_socket_that_is_used_again_stays(stage: Stage) -> None:
    path = stage.runtime / "default.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        with pytest.raises(RepairRefused, match="in use"):
            repair(RemoveSocket(path, stage.runtime / "default.lock"))
    assert path.exists()


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), lambda path: SetMode(path, 0o600)),
        (os.mkfifo, lambda path: SetMode(path, 0o600)),
        (lambda path: path.symlink_to("/etc/passwd"), RemoveFile),
        (lambda path: path.touch(), RemoveFile),
        (lambda path: path.mkdir(), MakeFolder),
        (lambda path: path.touch(), lambda path: RemoveSocket(path, path.with_name("lock"))),
    ],
    ids=["a link", "a pipe", "a link to remove", "a new file", "a folder", "no socket"],
)
def test_what_is_not_as_it_was_found_is_not_touched(
    made: Callable[[Path], object], wanted: Callable[[Path], Repair], tmp_path: Path
) -> None:
    path = tmp_path / "it"
    made(path)
    before, passwd = path.lstat(), Path("/etc/passwd").stat()
    with pytest.raises((OSError, RepairRefused)):
        repair(wanted(path))
    assert path.lstat() == before
    assert Path("/etc/passwd").stat().st_mode == passwd.st_mode


async def test_a_repair_that_fails_is_told_and_the_finding_stays(
    stage: Stage, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_journal(stage).chmod(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    code, findings = await examine("--fix")
    assert code == 1
    assert findings[0]["severity"] == "failed"
    assert "Operation not permitted" in findings[0]["found"]
    assert worse(findings[1:]) == {"folders.files": "problem"}


async def test_the_runtime_folder_that_is_made_is_private(stage: Stage, examine: Any) -> None:
    shutil.rmtree(stage.runtime.parent)
    await examine("--fix")
    assert stat.S_IMODE(stage.runtime.parent.stat().st_mode) == 0o700
