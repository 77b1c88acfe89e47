"""`codextui` without a command opens the console; `codextui demo` runs the demo."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import TYPE_CHECKING

from codextui.errors import ConfigInvalid

if TYPE_CHECKING:
    from codextui.config.schema import Config
    from codextui.console.model.findings import Finding


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
    from codextui.console.first_steps import DEMO_WANTED  # noqa: PLC0415 - Textual is slow
    from codextui.console.run import run  # noqa: PLC0415

    code = run(options.server, config=options.config, inspect=_inspect_machine)
    if code != DEMO_WANTED:
        return code
    from codextui.demo import threads  # noqa: PLC0415 - only if it is wanted

    return threads.run_with_console()


def _inspect_machine(config: Config) -> tuple[Finding, ...]:
    from codextui.commands.first_steps import inspect_machine  # noqa: PLC0415 - seldom needed

    return inspect_machine(config)


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo: in the console on a terminal, otherwise line by line."""
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
