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
    if options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from codextui.demo import headless  # noqa: PLC0415 - only the one that runs

        return headless.run(json_lines=options.json)
    from codextui.demo import console  # noqa: PLC0415

    return console.run()


def _run_team(options: argparse.Namespace) -> int:
    from codextui.teams.config.team import Mode  # noqa: PLC0415 - only the one that runs

    mode = Mode(options.mode)
    if options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from codextui.demo import team_headless  # noqa: PLC0415 - the Agents SDK

        return team_headless.run(mode, json_lines=options.json)
    from codextui.demo import team_console  # noqa: PLC0415 - the Agents SDK

    return team_console.run(mode)
