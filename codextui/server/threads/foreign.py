"""What is refused on the threads of other programs, and what to do instead."""

from __future__ import annotations

from codextui.codex.threads import ANOTHER_PROGRAM
from codextui.errors import ServerRefused
from codextui.server.threads.registry import ThreadRecord


def refuse_to_kill(record: ThreadRecord) -> None:
    """Raise ServerRefused where a thread is another program's."""
    if not record.info.ours:
        handle = record.info.handle
        raise ServerRefused(
            f"{handle} belongs to {record.info.origin or ANOTHER_PROGRAM}, and was not ended: "
            "interrupt its turn, close it there, or take it over first "
            f"(`codextui adopt {handle}`)"
        )


def refuse_to_act(record: ThreadRecord) -> None:
    """Raise ServerRefused where a thread is another program's, to a client that is no person's."""
    if not record.info.ours:
        handle = record.info.handle
        raise ServerRefused(
            f"{handle} belongs to {record.info.origin or ANOTHER_PROGRAM}, and no other client "
            f"acts on it. A person can write to it (`codextui reply {handle}`), or take it over "
            f"(`codextui adopt {handle}`)"
        )
