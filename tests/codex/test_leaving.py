"""Who else is connected to a socket, as Linux lists it."""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path

import pytest

from codextui.codex.leaving import count_clients

HEAD = "Num       RefCount Protocol Flags    Type St Inode Path\n"
LISTENS = "ffff9a5b: 00000002 00000000 00010000 0001 01 41 {path}\n"
CONNECTED = "ffff9a5c: 00000003 00000000 00000000 0001 03 42 {path}\n"
CLOSED = "ffff9a5d: 00000002 00000000 00000000 0001 02 43 {path}\n"


@pytest.mark.parametrize(
    ("table", "count"),
    [
        ("", 0),
        (LISTENS, 0),
        (LISTENS + CONNECTED, 1),
        (LISTENS + CONNECTED * 3 + CLOSED, 3),
        (CONNECTED.replace("{path}", "{path}2"), 0),
        (CONNECTED.replace(" {path}", ""), 0),
    ],
)
def test_the_connections_of_a_socket_are_counted(tmp_path: Path, table: str, count: int) -> None:
    path = tmp_path / "a b.sock"
    (tmp_path / "table").write_text(HEAD + table.replace("{path}", str(path)))
    link = tmp_path / "link"
    link.symlink_to(path)
    for one in (path, link):
        assert count_clients(one, tmp_path / "table") == count


def test_it_is_not_known_where_the_system_lists_none(tmp_path: Path) -> None:
    assert count_clients(tmp_path / "s.sock", tmp_path / "no table") is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists them")
def test_real_connections_are_counted() -> None:
    with tempfile.TemporaryDirectory(prefix="ct-") as folder:
        path = Path(folder, "s.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            assert count_clients(path) == 0
            with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
                one.connect(str(path))
                two.connect(str(path))
                ends = [server.accept()[0], server.accept()[0]]
                assert count_clients(path) == 2
                for end in ends:
                    end.close()
