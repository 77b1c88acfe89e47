"""The address on which a server listens for HTTP: `--http` and `[server] http`."""

from __future__ import annotations

import msgspec

from codextui.errors import ConfigInvalid

LOOPBACK = "127.0.0.1"

MCP_PATH = "/mcp"
"""The path of the MCP endpoint."""

TOKEN_VARIABLE = "CODEXTUI_TOKEN"  # noqa: S105 - the variable's name
"""The environment variable from which MCP clients that `codextui setup` sets up take the token."""


class HttpAddress(msgspec.Struct, frozen=True):
    """An address and a port of this machine.

    Attributes:
        host: an IPv4 or IPv6 address, without brackets.
        port: the port; 0 lets the system choose one.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def mcp_url(self) -> str:
        """The URL of an MCP server that listens on it."""
        return f"http://{self}{MCP_PATH}"

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can connect to it."""
        from ipaddress import ip_address  # noqa: PLC0415 - seldom needed

        return ip_address(self.host).is_loopback

    @property
    def is_unspecified(self) -> bool:
        """Whether it is the unspecified address (0.0.0.0, ::): all addresses of this machine."""
        from ipaddress import ip_address  # noqa: PLC0415

        return ip_address(self.host).is_unspecified

    @property
    def reachable(self) -> HttpAddress:
        """The address at which programs on this machine reach who listens on it."""
        if not self.is_unspecified:
            return self
        return HttpAddress("::1" if ":" in self.host else LOOPBACK, self.port)

    @property
    def options(self) -> tuple[str, ...]:
        """The options by which `codextui serve` listens on it."""
        return ("--http", str(self), *(() if self.is_loopback else ("--http-anywhere",)))

    def includes(self, other: HttpAddress) -> bool:
        """Return whether who listens here can be reached at the other address.

        The other one's port may be 0, which stands for any.
        """
        same_family = (":" in self.host) == (":" in other.host)
        same_host = self.host == other.host or (self.is_unspecified and same_family)
        return same_host and other.port in (0, self.port)


def parse_mcp_url(url: str) -> HttpAddress:
    """Return the address of a URL that `HttpAddress.mcp_url` made. Raises ConfigInvalid."""
    return parse_http_address(url.removeprefix("http://").removesuffix(MCP_PATH))


def parse_http_address(text: str) -> HttpAddress:
    """Parse `HOST:PORT`, or a port of 127.0.0.1. Raises ConfigInvalid."""
    from ipaddress import ip_address  # noqa: PLC0415

    host, _, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    bare = LOOPBACK if bare in ("", "localhost") else bare
    try:
        address = HttpAddress(str(ip_address(bare)), int(port) if port.isascii() else -1)
    except ValueError:
        address = HttpAddress("", -1)
    if not port.isdecimal() or not 0 <= address.port <= 65_535 or (":" in bare and host == bare):
        raise ConfigInvalid(
            f"must be HOST:PORT, such as 127.0.0.1:8040 or [::1]:8040, not {text[:80]!r}"
        )
    return address
