"""`codextui` without a command opens the console; `codextui demo` runs the demo."""

from __future__ import annotations

import argparse
import gc
import sys

from codextui.errors import ConfigInvalid


def open_console(options: argparse.Namespace) -> int:
    """Open the console. Raises ConfigInvalid if there is no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigInvalid(
            "the console needs a terminal; without one, `codextui ps` lists the threads, "
            "`codextui --help` says what else there is, and `codextui demo --headless` runs the "
            "demo"
        )
    # Objects created before the first frame are never garbage.
    gc.disable()
    from codextui.console.app import run  # noqa: PLC0415 - Textual is slow to import

    return run(options.server, config=options.config)


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo: in the console on a terminal, otherwise line by line."""
    if options.team:
        return _run_team(options)
    if options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from codextui.demo import headless  # noqa: PLC0415 - only for this demo

        return headless.run(json_lines=options.json)
    from codextui.demo import console  # noqa: PLC0415

    return console.run()


def _run_team(options: argparse.Namespace) -> int:
    from codextui.teams.config.team import Mode  # noqa: PLC0415 - only for this demo

    mode = Mode(options.mode)
    if options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from codextui.demo import team_headless  # noqa: PLC0415 - the Agents SDK

        return team_headless.run(mode, json_lines=options.json)
    from codextui.demo import team_console  # noqa: PLC0415 - the Agents SDK

    return team_console.run(mode)
