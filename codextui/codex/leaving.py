"""Whether a Codex of our own can be left for Codex's daemon: nobody else uses it, and nothing runs.

The end of its process would end the commands that agents have left running in the background, such
as a server that they try, and hang up on other programs that have joined it.
"""

from __future__ import annotations

from pathlib import Path

from codextui.codex.process_marks import find_marked

_TABLE = Path("/proc/net/unix")
_PATH_COLUMN, _STATE_COLUMN = 7, 5
_CONNECTED = "03"


def has_commands(mark: str) -> bool:
    """Return whether a command of an agent runs. Reads every process: call it off the event loop.

    Args:
        mark: the mark of the app-server.
    """
    return any(process.thread_id for process in find_marked(mark))


def count_clients(socket: Path, table: Path = _TABLE) -> int | None:
    """Return how many programs are connected to a unix socket; None where that is not known.

    Args:
        socket: where it is, or a link to it.
        table: the sockets of this machine, as Linux lists them.
    """
    try:
        path, lines = str(socket.resolve()), table.read_text(errors="replace").splitlines()
    except OSError:
        return None
    rows = (line.split(maxsplit=_PATH_COLUMN) for line in lines)
    here = [row for row in rows if row[_PATH_COLUMN:] == [path]]
    return sum(1 for row in here if row[_STATE_COLUMN] == _CONNECTED)
