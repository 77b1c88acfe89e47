"""The command by which MCP clients start `codextui mcp-server`, or their endpoint for HTTP."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from codextui.config.address import TOKEN_VARIABLE, HttpAddress
from codextui.config.paths import DEFAULT_SERVER
from codextui.setup.program import Program, this_program

CALL_TIMEOUT_S: Final = 86_400
"""Seconds that a client should wait for a call: a turn takes hours, or waits for a person."""

START_TIMEOUT_S: Final = 60
"""Seconds that a client should wait for the start, which may include the shared server's."""

LOCATION_VARIABLES: Final = (
    "CODEX_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
"""The variables that say where files are; their values are no secrets."""


@dataclass(frozen=True, slots=True)
class Launch:
    """The command line that starts `codextui mcp-server`.

    Attributes:
        command: the program; only its name if every program of this machine finds it.
        args: its arguments.
        env: the locations of files on this machine, for clients that start their servers with
            few variables. There are never secrets among them.
        problem: why the program may not be found later, and what to do; empty if nothing is wrong.
    """

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def find_launch(command: str | None, options: tuple[str, ...]) -> Launch:
    """Return the command line of this codextui.

    Args:
        command: the program as the user gave it; None finds it.
        options: the arguments after `mcp-server`, such as `-L NAME`.
    """
    program = Program((_absolute(command),), "") if command else this_program()
    first, *before = program.words
    arguments = (*before, "mcp-server", *options)
    return Launch(first, arguments, _location_variables(), program.problem)


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """The URL of a server and the commands around it. The token itself is in no client's file.

    Attributes:
        url: the URL of the MCP endpoint.
        token_words: the command that prints the token, for every program of this machine.
        token_command: the same for a shell.
        serve_command: the command that runs the server there.
        is_default: whether it is the default server, which alone listens as configured.
    """

    url: str
    token_words: tuple[str, ...]
    token_command: str
    serve_command: str
    is_default: bool = True

    @property
    def export_command(self) -> str:
        """The command that puts the token into a shell's environment."""
        return f'export {TOKEN_VARIABLE}="$({self.token_command})"'

    @property
    def keep_running_note(self) -> str:
        """A note about who starts the server."""
        note = (
            f"A client cannot start the server by HTTP. Keep it running with `{self.serve_command}`"
        )
        if not self.is_default:
            return f"{note}."
        return (
            f"{note}, or set `http` under [server] in codextui's configuration, so that it listens "
            "there whoever starts it."
        )

    def notes(self, program: str) -> tuple[str, ...]:
        """Return the notes for every client; `program` is the one that reads the token."""
        return (
            (
                f"{program} takes the token from its environment: type `{self.export_command}` in "
                "the shell that starts it, or put that line into your shell's profile."
            ),
            self.keep_running_note,
        )


def http_endpoint(address: HttpAddress, server: str) -> HttpEndpoint:
    """Return the endpoint of the server of that name, which listens on that address."""
    name = () if server == DEFAULT_SERVER else ("-L", server)
    program = this_program()
    return HttpEndpoint(
        url=address.reachable.mcp_url,
        token_words=(*program.words, "token", *name),
        token_command=f"{program.typed} {shlex.join(('token', *name))}",
        serve_command=f"{program.typed} {shlex.join(('serve', *name, *address.options))}",
        is_default=server == DEFAULT_SERVER,
    )


def _absolute(command: str) -> str:
    return str(Path(command).expanduser().absolute()) if os.sep in command else command


def _location_variables() -> dict[str, str]:
    found = {name: os.environ[name] for name in LOCATION_VARIABLES if os.environ.get(name)}
    if found.get("XDG_RUNTIME_DIR") == f"/run/user/{os.getuid()}":
        del found["XDG_RUNTIME_DIR"]  # codextui's default
    return found
