"""`codextui` without a command: the console."""

from __future__ import annotations

import argparse
import gc
import sys

from codextui.errors import ConfigInvalid


def open_console(options: argparse.Namespace) -> int:
    """Open the console. Raises ConfigInvalid without a terminal, or a file for `--config`."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigInvalid(
            "the console needs a terminal; without one, `codextui ps` lists the threads, "
            "`codextui --help` says what else there is, and `codextui demo --headless` runs the "
            "demo"
        )
    if options.config is not None and not options.config.is_file():
        raise ConfigInvalid(f"{options.config} is no file")
    # What is made until the first frame stays for good: a search in it for garbage finds none.
    gc.disable()
    from codextui.app import run  # noqa: PLC0415 - Textual, and only where there is a screen

    return run(options.server, config=options.config)
