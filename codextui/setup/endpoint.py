"""How an MCP client comes to a shared server by HTTP."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from codextui.http_address import TOKEN_VARIABLE, HttpAddress
from codextui.paths import DEFAULT_NAME

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
    named = "" if server == DEFAULT_NAME else f" -L {shlex.quote(server)}"
    reached = address
    if address.is_every_address:
        reached = HttpAddress("::1" if ":" in address.host else "127.0.0.1", address.port)
    return Endpoint(
        url=f"http://{reached}{PATH}",
        token_command=f"codextui token{named}",
        serve_command=f"codextui serve{named} --http {address}",
    )
