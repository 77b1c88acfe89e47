"""Servers that run in the foreground: their signals, and their log."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from codextui.server.host import Host
from codextui.server.options import ServeOptions


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
