"""The command line's entry point. A command's module is imported only when it runs."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

import codextui
from codextui.commands.parser import build_parser
from codextui.errors import CodextuiError, ConfigInvalid, ServerUnreachable

EXIT_REFUSED = 1
"""The server, or Codex, answered with an error."""

EXIT_USAGE = 2
"""The command line or a configuration file contains a mistake."""

EXIT_UNREACHABLE = 3
"""There is no server, or the connection to it was lost."""

EXIT_INTERRUPTED = 130
"""Ctrl-C."""

EXIT_PIPE = 141
"""The reader of our output has closed it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit code of the process."""
    _open_closed_streams()
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.leading_settings and not options.takes_settings:
        parser.error("-c, -m, --enable and --disable are for mcp-server")
    if options.version and not (options.version_codex or options.version_json):
        print(f"codextui {codextui.__version__}")  # noqa: T201
        return 0
    if options.version:
        options.command = "version:print_versions"
    elif options.version_codex or options.version_json:
        parser.error("--codex is for --version, and --json stands behind the command")
    _escape_unencodable()
    try:
        code = _import_command(options)(options)
        sys.stdout.flush()
    except CodextuiError as error:
        return _print_error(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        return _end_by(error)
    return code


def _end_by(error: OSError) -> int:
    """Return the exit code for an error of the system that a command ended by, or raise it."""
    if isinstance(error, FileNotFoundError) and not _has_current_folder():
        return _print_error(ConfigInvalid("the current folder was deleted; go to another one"))
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return EXIT_PIPE
    if error.errno == errno.ENOSPC:
        _drop_output()
        return _print_error(CodextuiError(f"something cannot be written: {error.strerror}"))
    raise error


def _drop_output() -> None:
    """Let what is not written yet go nowhere: the interpreter flushes it again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _has_current_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is slow to import
    except FileNotFoundError:
        return False
    return True


def _import_command(options: argparse.Namespace) -> Callable[[argparse.Namespace], int]:
    module, _, function = options.command.partition(":")
    return cast(
        "Callable[[argparse.Namespace], int]",
        getattr(import_module(f"codextui.commands.{module}"), function),
    )


def _print_error(error: CodextuiError) -> int:
    from codextui.text.sanitize import sanitize  # noqa: PLC0415 - only for errors

    print(f"codextui: {sanitize(str(error))}", file=sys.stderr)  # noqa: T201
    match error:
        case ServerUnreachable():
            return EXIT_UNREACHABLE
        case ConfigInvalid():
            return EXIT_USAGE
        case _:
            return EXIT_REFUSED


def _open_closed_streams() -> None:
    """Put a stream that leads nowhere in the place of one that was closed before we started."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _escape_unencodable() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
