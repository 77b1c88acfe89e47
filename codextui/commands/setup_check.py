"""Checks the entry of a client: starts what the client would start, and asks for its tools."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from codextui.client.probe import ServerProgram, ask_program, ask_url
from codextui.client.session import call_once
from codextui.client.spawn import CHECK_VARIABLE, find_server
from codextui.commands.call import CLIENT_NAME
from codextui.commands.output import print_line, print_note
from codextui.config import paths
from codextui.config.address import TOKEN_VARIABLE
from codextui.config.paths import DEFAULT_SERVER
from codextui.errors import CodextuiError, ServerRefused
from codextui.setup import start
from codextui.setup.entries import describe_start, server_option
from codextui.setup.recipe import Entry
from codextui.setup.start import ClientProcess
from codextui.text.sanitize import sanitize

TOOLS: Final = frozenset({"codex", "codex-reply"})
"""The tools that every client gets."""

_ATTEMPTS: Final = 5
_PAUSE_S: Final = 0.1


def check_entry(entry: Entry, inherited: Sequence[str] | None, server: str) -> bool:
    """Ask the server of an entry for its tools, and tell whether it has those of codextui.

    A shared server that was started for that is ended again, unless somebody uses it meanwhile.

    Args:
        entry: the entry.
        inherited: the variables that the client passes on to servers; None for all.
        server: the name of the shared server that a URL leads to.
    """
    what = sanitize(describe_start(entry))
    try:
        if "url" in entry:
            tools = ask_url(str(entry["url"]), start.headers(entry, _around(None, server)))
        else:
            tools = _ask_program(entry, inherited)
    except CodextuiError as error:
        print_note(f"\nNot verified: `{what}`: {sanitize(str(error))}")
        return False
    if not TOOLS.issubset(tools):
        found = sanitize(", ".join(tools)) or "none"
        print_note(f"\nNot verified: `{what}` has other tools than codextui: {found}")
        return False
    print_line(f"\nVerified: `{what}` answers with the tools {', '.join(sorted(TOOLS))}.")
    return True


def _ask_program(entry: Entry, inherited: Sequence[str] | None) -> tuple[str, ...]:
    around = _around(inherited, None)
    program = ServerProgram(
        start.command_line(entry, around),
        {**start.environment(entry, around), CHECK_VARIABLE: "1"},
        start.folder(entry, around),
    )
    server = server_option(entry) or DEFAULT_SERVER
    was_running = asyncio.run(_find(server)) is not None
    try:
        return ask_program(program)
    finally:
        if not was_running:
            asyncio.run(_end_unused(server))


def _around(inherited: Sequence[str] | None, server: str | None) -> ClientProcess:
    environ = dict(os.environ)
    if server is not None and TOKEN_VARIABLE not in environ:
        environ[TOKEN_VARIABLE] = ""  # there is none before a server has listened
        with contextlib.suppress(OSError):
            environ[TOKEN_VARIABLE] = paths.token_path(server).read_text().strip()
    return ClientProcess(environ, inherited, Path.cwd(), Path.home())


async def _find(server: str) -> Path | None:
    try:
        return await find_server(server)
    except CodextuiError:
        return None


async def _end_unused(server: str) -> None:
    path = await _find(server)
    if path is None:
        return
    for _ in range(_ATTEMPTS):
        try:
            await call_once(path, CLIENT_NAME, "codex-shutdown", {"unused": True})
        except ServerRefused:  # the entry's connection may not have been closed yet
            await asyncio.sleep(_PAUSE_S)
        except CodextuiError:
            return
        else:
            return
