"""How an MCP client starts `codextui mcp-server`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from codextui.config.address import TOKEN_VARIABLE, HttpAddress
from codextui.config.paths import DEFAULT_SERVER

CALL_LIMIT_S: Final = 86_400
"""How long a client should wait for a call: a turn takes hours, or waits for a person."""

START_LIMIT_S: Final = 60
"""How long a client should wait for the start, which may be the shared server's, too."""

_LOCATIONS = (
    "CODEX_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)


@dataclass(frozen=True, slots=True)
class Launch:
    """A command line for the client's configuration.

    Attributes:
        command: the program, by name where it is on PATH.
        args: its arguments.
        locations: where things are on this machine, for clients that start their servers with
            few variables. Nothing secret is ever among them.
    """

    command: str
    args: tuple[str, ...]
    locations: Mapping[str, str] = field(default_factory=dict)


def find_launch(command: str | None, options: tuple[str, ...]) -> Launch:
    """Say how this codextui is started.

    Args:
        command: the program as the user gave it; None finds it.
        options: what comes after `mcp-server`, such as `-L NAME`.
    """
    program, *before = [_whole(command)] if command else _find_program()
    return Launch(program, (*before, "mcp-server", *options), _locations())


def _whole(command: str) -> str:
    return str(Path(command).expanduser().absolute()) if os.sep in command else command


def _find_program() -> list[str]:
    if shutil.which("codextui"):
        return ["codextui"]
    beside_python = Path(sys.executable).with_name("codextui")
    if os.access(beside_python, os.X_OK):
        return [str(beside_python)]
    return [sys.executable, "-m", "codextui"]


def _locations() -> dict[str, str]:
    found = {name: os.environ[name] for name in _LOCATIONS if os.environ.get(name)}
    if found.get("XDG_RUNTIME_DIR") == f"/run/user/{os.getuid()}":
        del found["XDG_RUNTIME_DIR"]  # codextui looks there by itself
    return found


PATH = "/mcp"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens, and how its token is had. The token itself stands in no file.

    Attributes:
        url: where clients come to.
        token_command: what prints the token.
        serve_command: what runs the server there.
    """

    url: str
    token_command: str
    serve_command: str

    @property
    def export(self) -> str:
        """What puts the token into a shell's environment."""
        return f'export {TOKEN_VARIABLE}="$({self.token_command})"'

    def notes(self, program: str) -> tuple[str, ...]:
        """What is to be known about it whatever the client; `program` is what reads the token."""
        return (
            (
                f"{program} takes the token from its environment: type `{self.export}` in the "
                "shell that starts it, or put that line into your shell's profile."
            ),
            self.must_run,
        )

    @property
    def must_run(self) -> str:
        """Who starts the server."""
        return (
            "A client cannot start the server by HTTP. Keep it running with "
            f"`{self.serve_command}`, or set `http` under [server] in codextui's configuration, so "
            "that it listens there whoever starts it."
        )


def endpoint(address: HttpAddress, server: str) -> Endpoint:
    """The endpoint of the server of that name, which listens on that address."""
    named = "" if server == DEFAULT_SERVER else f" -L {shlex.quote(server)}"
    reached = address
    if address.is_unspecified:
        reached = HttpAddress("::1" if ":" in address.host else "127.0.0.1", address.port)
    return Endpoint(
        url=f"http://{reached}{PATH}",
        token_command=f"codextui token{named}",
        serve_command=f"codextui serve{named} --http {address}",
    )
