"""What the parsers of all commands share: their common options, and the types of values."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from codextui.config.address import HttpAddress

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it


def add_command(
    commands: Commands, name: str, command: str, about: str, *, json: bool = True
) -> argparse.ArgumentParser:
    """Add a command with the common options; `command` is `MODULE:FUNCTION` of this room."""
    parser = commands.add_parser(name, help=about, description=about[:1].upper() + about[1:] + ".")
    parser.set_defaults(command=command)
    add_common_options(parser)
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command."""
    # Suppressed, so that the command's default does not replace an option before the command.
    parser.add_argument(
        "-L",
        dest="server",
        metavar="NAME",
        type=server_name,
        default=argparse.SUPPRESS,
        help="the shared server to use (default: default)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="the configuration file (default: the user's own)",
    )


def codex_setting(text: str) -> tuple[str, str]:
    """Read a setting of Codex's, `KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not key.strip() or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key.strip(), value


THREAD_SETTINGS = {
    "model": (),
    "effort": (),
    "approval-policy": ("untrusted", "on-request", "never"),
    "sandbox": ("read-only", "workspace-write", "danger-full-access"),
}
"""The settings of a thread, and their values; no values are any text."""


def thread_setting(text: str) -> tuple[str, object]:
    """Read a setting of a thread, `KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if key == "budget" and equals:
        return key, 0 if value == "off" else tokens(value)
    if key not in THREAD_SETTINGS or not value.strip():
        names = ", ".join([*THREAD_SETTINGS, "budget"])
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE; the keys are {names}")
    allowed = THREAD_SETTINGS[key]
    if allowed and value not in allowed:
        raise argparse.ArgumentTypeError(f"{key} is one of {', '.join(allowed)}, not {value!r}")
    return key, value


def tokens(text: str) -> int:
    """Read a count of tokens, such as `200k`."""
    from codextui.text.figures import parse_tokens  # noqa: PLC0415 - only for budgets

    try:
        number = parse_tokens(text)
    except (ValueError, OverflowError):
        number = 0
    if not number:
        raise argparse.ArgumentTypeError(f"{text!r} is no count of tokens, such as 200k or 1.5M")
    return number


def server_name(value: str) -> str:
    """Read the name of a server."""
    from codextui.config.paths import check_server_name  # noqa: PLC0415 - only for -L
    from codextui.errors import ConfigInvalid  # noqa: PLC0415

    try:
        return check_server_name(value)
    except ConfigInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def http_address(value: str) -> HttpAddress:
    """Read `HOST:PORT`."""
    from codextui.config.address import parse_http_address  # noqa: PLC0415 - only for --http
    from codextui.errors import ConfigInvalid  # noqa: PLC0415

    try:
        return parse_http_address(value)
    except ConfigInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def count(value: str) -> int:
    """Read a whole number from 1 on."""
    number = int(value)
    if number < 1:
        raise ValueError
    return number


def seconds(value: str) -> float:
    """Read a number of seconds from 0 on."""
    number = float(value)
    if not 0 <= number < float("inf"):
        raise ValueError
    return number
