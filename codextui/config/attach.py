"""Which Codex the shared server uses: `[codex] attach`."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from codextui.errors import ConfigInvalid


class AttachKind(StrEnum):
    """How the shared server comes to its Codex."""

    AUTO = "auto"
    """Codex's daemon where it runs or Codex would start it; otherwise an app-server of our own."""
    DAEMON = "daemon"
    """Codex's daemon, which is started if need be."""
    OWN = "own"
    """An app-server of our own, which other programs can join."""
    PRIVATE = "private"
    """An app-server of our own on standard input and output, which nobody can join."""
    ADDRESS = "address"
    """The app-server that listens at an address."""


class Attach(msgspec.Struct, frozen=True):
    """The Codex that the shared server uses.

    Attributes:
        kind: see AttachKind.
        address: `unix://PATH` (absolute), `ws://HOST:PORT` or `wss://HOST:PORT`; empty unless
            the kind is ADDRESS.
    """

    kind: AttachKind = AttachKind.AUTO
    address: str = ""

    def __str__(self) -> str:
        return self.address or self.kind.value


AUTO = Attach(AttachKind.AUTO)
OWN = Attach(AttachKind.OWN)
PRIVATE = Attach(AttachKind.PRIVATE)


def parse_attach(text: str) -> Attach:
    """Parse a word of AttachKind, `unix://PATH`, `ws://…` or `wss://…`. Raises ConfigInvalid."""
    words = {kind.value: kind for kind in AttachKind if kind is not AttachKind.ADDRESS}
    if text in words:
        return Attach(words[text])
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("unix", "ws", "wss"):
        raise ConfigInvalid(
            f"must be auto, daemon, own, private, unix://PATH or ws://HOST:PORT, not {text[:80]!r}"
        )
    if scheme == "unix":
        if not rest.startswith("/") or "\0" in rest:
            raise ConfigInvalid(f"must have an absolute path after unix://, not {rest[:80]!r}")
    elif not rest.strip("/") or any(char.isspace() for char in rest) or "@" in rest:
        raise ConfigInvalid(f"must have a host and a port after {scheme}://, not {rest[:80]!r}")
    return Attach(AttachKind.ADDRESS, text)
