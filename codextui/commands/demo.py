"""`codextui demo`."""

from __future__ import annotations

import argparse
import sys


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
    from codextui.teams.team import Mode  # noqa: PLC0415 - only the one that runs

    mode = Mode(options.mode)
    if options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from codextui.demo import team_headless  # noqa: PLC0415 - the Agents SDK

        return team_headless.run(mode, json_lines=options.json)
    from codextui.demo import team_console  # noqa: PLC0415 - the Agents SDK

    return team_console.run(mode)
