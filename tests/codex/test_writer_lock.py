"""Who holds a thread, as the kernel says it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.writer_lock import (
    HolderKind,
    LockHolder,
    classify_holder,
    describe_held,
    describe_holder,
    find_holder,
    flock_owners,
    is_thread_id,
    lock_path,
    terminal_name,
)

THREAD = "01a22350-48f8-7db1-86e6-89ac2d83bc5b"
NOW = 1_780_000_000.0
TABLE = """\
1: FLOCK  ADVISORY  WRITE 3358 fe:00:1949804 0 EOF
1: -> FLOCK  ADVISORY  WRITE 99 fe:00:1949804 0 EOF
2: POSIX  ADVISORY  READ 3413 fe:00:1949804 128 128
3: FLOCK  ADVISORY  WRITE 3413 00:2a:1949804 0 EOF
4: OFDLCK ADVISORY  WRITE -1 fe:00:1949804 0 EOF
5: FLOCK  ADVISORY  READ  77 08:10:7 0 EOF
"""


def test_the_owners_of_a_flock_are_read_from_the_table_of_the_kernel():
    assert list(flock_owners(TABLE, 1949804)) == [(3358, (0xFE, 0)), (3413, (0, 0x2A))]
    assert list(flock_owners(TABLE, 7)) == [(77, (8, 16))]
    assert list(flock_owners(TABLE, 1)) == []


@given(st.text(), st.integers(0, 2**64))
def test_a_table_of_anything_is_read(table: str, inode: int):
    list(flock_owners(table, inode))


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "backend", THREAD[:8], f"{THREAD}/..", f"{THREAD}\n", "*"]
)
def test_what_is_no_thread_id_names_no_file(name: str, tmp_path: Path):
    assert not is_thread_id(name)
    assert find_holder(tmp_path, name) is None


class Machine:
    """A home of Codex and a `/proc` of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.home, self.proc = folder / "home", folder / "proc"
        (self.home / "thread-writer-locks").mkdir(parents=True)
        self.proc.mkdir()
        (self.proc / "stat").write_text("cpu 1 2\nbtime 1000\n")
        (self.proc / "locks").write_text("")
        self.lock = lock_path(self.home, THREAD)

    def hold(self, pid: int, *, device: str | None = None) -> None:
        self.lock.touch()
        status = self.lock.stat()
        shown = device or f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
        line = f"1: FLOCK  ADVISORY  WRITE {pid} {shown}:{status.st_ino} 0 EOF\n"
        (self.proc / "locks").write_text(line)

    def process(
        self, pid: int, *command: str, parent: int = 1, tty: int = 0, cwd: str = "/home/ada/shop"
    ) -> None:
        folder = self.proc / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "cmdline").write_bytes("\0".join([*command, ""]).encode())
        start = [str(n) for n in range(14)]
        stat = f"{pid} (a ) (b) S {parent} 1 1 {tty} {' '.join(start)} 500 0 0"
        (folder / "stat").write_text(stat)
        (folder / "cwd").symlink_to(cwd)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_thread_that_nobody_has_loaded_has_no_holder(machine: Machine):
    assert find_holder(machine.home, THREAD, proc=machine.proc) is None
    machine.lock.touch()  # left by a process that was killed
    assert find_holder(machine.home, THREAD, proc=machine.proc) is None


def test_a_holder_is_described_by_its_process(machine: Machine):
    machine.process(40, "/usr/bin/codex", "resume", tty=os.makedev(136, 3))
    machine.hold(40)
    os.utime(machine.lock, (NOW, NOW))
    holder = find_holder(machine.home, THREAD, proc=machine.proc)
    assert holder == LockHolder(
        40,
        HolderKind.TUI,
        ("/usr/bin/codex", "resume"),
        (),
        "/dev/pts/3",
        "/home/ada/shop",
        NOW,
    )


def test_the_parent_of_an_app_server_is_named(machine: Machine):
    machine.process(39, "/usr/share/code/code", "--type=extensionHost")
    machine.process(40, "/opt/codex", "app-server", parent=39)
    machine.hold(40)
    holder = find_holder(machine.home, THREAD, proc=machine.proc)
    assert holder is not None
    assert holder.kind is HolderKind.CLIENT
    assert "codex app-server (pid 40), started by code, folder" in describe_holder(holder)


def test_a_file_system_that_shows_stat_another_device_is_no_hindrance(machine: Machine):
    machine.process(40, "codex")
    machine.process(41, "codex")
    machine.hold(40, device="77:77")
    assert find_holder(machine.home, THREAD, proc=machine.proc) is None  # another file's inode
    (machine.proc / "40" / "fd" / "9").symlink_to(machine.lock.resolve())
    holder = find_holder(machine.home, THREAD, proc=machine.proc)
    assert holder is not None
    assert holder.pid == 40


def test_a_holder_that_has_just_ended_is_known_by_its_id_only(machine: Machine):
    machine.hold(40)
    holder = find_holder(machine.home, THREAD, proc=machine.proc)
    assert holder is not None
    assert (holder.pid, holder.command, holder.kind) == (40, (), HolderKind.OTHER)
    assert describe_holder(holder).startswith("a program (pid 40), since ")


def test_without_a_proc_lsof_is_asked_where_it_is_installed(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    nowhere = tmp_path / "no-proc"
    machine.lock.touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_holder(machine.home, THREAD, proc=nowhere) is None
    (tmp_path / "bin").mkdir()
    for name, says in (("lsof", "p77\nf9\n"), ("ps", "ttys003  /opt/codex resume\n")):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\nprintf '%s' '{says}'\n")
        program.chmod(0o700)
    holder = find_holder(machine.home, THREAD, proc=nowhere)
    assert holder == LockHolder(77, HolderKind.TUI, ("/opt/codex", "resume"), (), "/dev/ttys003")


@pytest.mark.parametrize(
    ("command", "started_by", "kind"),
    [
        ("codex", "", HolderKind.TUI),
        ("/opt/codex resume --last", "bash", HolderKind.TUI),
        ("codex --no-daemon", "tmux", HolderKind.TUI),
        ("codex exec --json -", "node", HolderKind.EXEC),
        ("codex app-server", "/usr/share/code/code", HolderKind.CLIENT),
        ("codex mcp-server", "claude", HolderKind.CLIENT),
        ("codex app-server", "python3 /usr/bin/codextui serve --daemon", HolderKind.CODEXTUI),
        ("codex app-server --listen unix:///r/s", "python3 -m codextui serve", HolderKind.CODEXTUI),
        ("codex app-server --listen unix:// --managed-daemon", "", HolderKind.DAEMON),
        ("codex app-server --listen unix://", "init", HolderKind.DAEMON),
        ("vim x", "", HolderKind.OTHER),
        ("", "", HolderKind.OTHER),
    ],
)
def test_a_holder_has_a_kind(command: str, started_by: str, kind: HolderKind):
    assert classify_holder(tuple(command.split()), tuple(started_by.split())) is kind


@pytest.mark.parametrize(
    ("major", "minor", "name"),
    [(136, 3, "/dev/pts/3"), (137, 1, "/dev/pts/257"), (4, 2, "/dev/tty2"), (0, 0, ""), (5, 1, "")],
)
def test_a_terminal_has_a_name(major: int, minor: int, name: str):
    assert terminal_name(os.makedev(major, minor)) == name


def test_a_refusal_says_who_has_the_thread_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/ada")
    holder = LockHolder(
        12, HolderKind.TUI, ("/usr/bin/codex",), (), "/dev/pts/3", "/home/ada/shop", NOW - 60
    )
    at = time.strftime("%H:%M", time.localtime(NOW - 60))
    assert describe_held(THREAD, holder, now=NOW) == (
        f"Thread {THREAD} is open in another program: codex (pid 12) in /dev/pts/3, folder "
        f"~/shop, since {at}. Close it in that terminal (/quit)."
    )
    assert "cannot be seen from here" in describe_held(THREAD, None)


def test_nothing_in_a_description_controls_a_terminal():
    evil = "\x1b]0;x\x07\u202e\n"
    holder = LockHolder(12, HolderKind.CLIENT, (f"codex{evil}",), (f"code{evil}",), "", f"/{evil}")
    assert describe_held(THREAD, holder).isprintable()
