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
    from codextui.console.app import run  # noqa: PLC0415 - Textual, and only where there is a screen

    return run(options.server, config=options.config)


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo: on the screen where there is one, else line by line."""
    if options.team:
        return _run_team(options)
    from codextui.demo import threads  # noqa: PLC0415 - only the demo that runs

    if _is_headless(options):
        return threads.run_headless(json_lines=options.json)
    return threads.run_with_console()


def _run_team(options: argparse.Namespace) -> int:
    from codextui.demo import team  # noqa: PLC0415 - the Agents SDK
    from codextui.teams.config.team import Mode  # noqa: PLC0415 - only the demo that runs

    mode = Mode(options.mode)
    if _is_headless(options):
        return team.run_headless(mode, json_lines=options.json)
    return team.run_with_console(mode)


def _is_headless(options: argparse.Namespace) -> bool:
    return options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty())
