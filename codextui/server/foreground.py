"""Servers that have a process of their own: their signals, their log, their memory."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from codextui.server.host import Host
from codextui.server.options import ServeOptions

COLLECTED_AFTER = 50_000
"""New objects after which Python looks for garbage in cycles; by itself it looks after 700."""


def collect_seldom() -> None:
    """Look for garbage in cycles seldom: of a flood of events, a fifth of the time went there.

    What a server makes for an event is kept for long or freed at once. For the process's owner.
    """
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, 20, 20)


@contextmanager
def stopping_on_signals(host: Host) -> Iterator[None]:
    """Stop the server on SIGTERM, SIGINT and SIGHUP."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, host.stop.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def logging_to_file(options: ServeOptions) -> Iterator[None]:
    """Write the log of the server, and of nobody else, to its file or to stderr."""
    handler: logging.Handler
    if options.log is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        options.log.touch(mode=0o600)
        handler = logging.FileHandler(options.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    ours = logging.getLogger("codextui")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        handler.close()
