"""Processes are found by their marks, and only those are ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from codextui.codex import process_marks
from codextui.codex.process_marks import (
    THREAD_VARIABLE,
    find_marked,
    kill_leftovers,
    kill_marked,
    new_mark,
    owner_of,
    parse_ps,
    read_processes,
)
from codextui.protocol.threads import MARK_VARIABLE

OWNER = f"{os.getpid():016x}"  # tests run side by side
GONE = f"{OWNER}.1.never.00"
"""A mark whose server has ended: process 1 has started at another time."""


@contextmanager
def sleeping(variables: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command or ("sleep", "4243"), env={"PATH": os.environ["PATH"], **variables}
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_alive(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is None


def test_only_the_processes_of_the_thread_are_killed() -> None:
    mark, other = new_mark(OWNER), new_mark(OWNER)
    with (
        sleeping({MARK_VARIABLE: mark, THREAD_VARIABLE: "t1"}) as ours,
        sleeping({MARK_VARIABLE: mark, THREAD_VARIABLE: "t2"}) as of_other_thread,
        sleeping({MARK_VARIABLE: mark}) as codex,
        sleeping({MARK_VARIABLE: other, THREAD_VARIABLE: "t1"}) as of_other_server,
        sleeping({THREAD_VARIABLE: "t1"}) as of_users_codex,
    ):
        assert kill_marked(mark, "t1") == 1
        assert ours.wait() == -9
        assert is_alive(of_other_thread)
        assert is_alive(codex)
        assert kill_marked(mark) == 2
        assert (of_other_thread.wait(), codex.wait()) == (-9, -9)
        assert is_alive(of_other_server)
        assert is_alive(of_users_codex)


@pytest.mark.parametrize(
    ("mark", "ended"),
    [
        ("OWNER.1.never.00", True),
        ("OWNER.999999999.1.00", True),
        ("fedcba9876543210.1.never.00", False),
        ("", False),
        ("OWNER", False),
        ("OWNER.1.1", False),
        ("OWNER.x.1.00", False),
        ("OWNER.1.never.00 ", False),
        ("OWNER.-1.1.00", False),
        ("\udcff", False),
    ],
    ids=ascii,
)
def test_only_the_leftovers_of_servers_that_have_ended_are_killed(mark: str, ended: bool) -> None:
    with sleeping({MARK_VARIABLE: mark.replace("OWNER", OWNER)}) as process:
        assert kill_leftovers({OWNER}) == ended
        assert is_alive(process) is not ended


def test_a_living_server_keeps_its_processes() -> None:
    with sleeping({MARK_VARIABLE: new_mark(OWNER)}) as process:
        assert kill_leftovers({OWNER}) == 0
        assert is_alive(process)


def test_a_server_that_nobody_has_waited_for_yet_counts_as_ended() -> None:
    with sleeping({}) as server:
        start = read_processes((server.pid,))[server.pid].start
        with sleeping({MARK_VARIABLE: f"{OWNER}.{server.pid}.{start}.00"}) as process:
            assert kill_leftovers({OWNER}) == 0
            server.kill()
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
            assert kill_leftovers({OWNER}) == 1
            assert process.wait() == -9


def test_children_that_cleared_their_environment_are_killed_but_not_those_marked_as_no_ones() -> (
    None
):
    mark = new_mark(OWNER)
    child = "import os, subprocess, sys; p = subprocess.Popen(['sleep', '4243'], env={env}, "
    child += "start_new_session=True); print(p.pid, flush=True); p.wait()"
    alive: list[bool] = []
    for env in ({}, {MARK_VARIABLE: ""}):
        code = child.format(env={"PATH": os.environ["PATH"], **env})
        parent = subprocess.Popen(
            (sys.executable, "-c", code),
            env={**os.environ, MARK_VARIABLE: mark},
            stdout=subprocess.PIPE,
        )
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        kill_marked(mark)
        assert parent.wait() == -9
        parent.stdout.close()
        alive.append(pid in read_processes((pid,)))
        if alive[-1]:
            os.kill(pid, 9)
    assert alive == [False, True]


def test_a_process_that_has_got_the_id_of_another_is_spared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark = new_mark(OWNER)
    with sleeping({MARK_VARIABLE: mark}) as process:
        (found,) = find_marked(mark)
        earlier = replace(found, start="1")
        monkeypatch.setattr(process_marks, "find_marked", lambda *_: [])
        assert kill_marked(mark, also=[earlier]) == 0
        assert is_alive(process)
        assert kill_marked(mark, also=[found]) == 1


def test_processes_that_are_started_meanwhile_are_killed_too() -> None:
    mark = new_mark(OWNER)
    code = "import os, time\nfor _ in range(7):\n os.fork()\n time.sleep(0.01)\ntime.sleep(60)"
    with sleeping({MARK_VARIABLE: mark}, sys.executable, "-c", code) as process:
        kill_marked(mark)
        assert process.wait() == -9
        assert find_marked(mark) == []


def test_this_process_is_never_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    own = read_processes((os.getpid(),))[os.getpid()]
    marked = {own.pid: replace(own, mark=GONE)}
    monkeypatch.setattr(process_marks, "read_processes", lambda *_: marked)
    assert find_marked(GONE) == []


def test_owners_differ_by_journal_and_private_servers_share_one(tmp_path: Path) -> None:
    owners = {owner_of(tmp_path / "a"), owner_of(tmp_path / "b"), owner_of(None)}
    assert len(owners) == 3
    assert owner_of(tmp_path / "x" / ".." / "a") in owners


def test_the_output_of_ps_is_read_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = (
        "    1     0 Ss   Sat Nov 28 07:00:12 2026 /sbin/launchd\n"
        "  501     1 S    Sat Nov  8 15:01:02 2026 sleep 9 A=b CODEXTUI_APP_SERVER=0f.7.x.1e"
        " CODEX_THREAD_ID=t1 HOME=/Users/u\n"
        "  502   501 Z    Sat Nov 28 15:01:02 2026 (sleep)\n"
        "  503   501 S+   Sat Nov 28 15:01:02 2026 sleep 9 CODEXTUI_APP_SERVER= HOME=/\n"
        "nonsense\n"
    )
    processes = parse_ps(listing)
    assert list(processes) == [1, 501, 503]
    found = processes[501]
    assert (found.parent, found.mark, found.thread_id) == (1, "0f.7.x.1e", "t1")
    assert found.start == "Sat_Nov_8_15:01:02_2026"
    assert (processes[1].mark, processes[503].mark) == (None, "")


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="there is no ps here")
def test_without_proc_processes_are_found_and_ended_by_ps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_marks, "_PROC", Path("/nowhere"))
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    mark = new_mark(OWNER)
    with (
        sleeping({MARK_VARIABLE: mark, THREAD_VARIABLE: "t1"}) as ours,
        sleeping({MARK_VARIABLE: mark, THREAD_VARIABLE: "t2"}) as of_other_thread,
    ):
        assert kill_leftovers({OWNER}) == 0, "this process is their server, and runs"
        assert kill_marked(mark, "t1") == 1
        assert ours.wait() == -9
        assert is_alive(of_other_thread)
