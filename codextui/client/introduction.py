"""How a client introduces itself to the shared server (MCP's `initialize`)."""

from __future__ import annotations

import codextui
from codextui.wire.fields import JsonObject
from codextui.wire.tools import SUPERVISOR

PROTOCOL_VERSION = "2025-11-25"
"""The last version in which a server can ask its client, which approvals need."""


def introduction(name: str, *, supervise: bool) -> JsonObject:
    """The parameters of `initialize`; a supervisor is told events and asked for decisions."""
    asked: JsonObject = {"experimental": {SUPERVISOR: {}}, "elicitation": {"form": {}, "url": {}}}
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": asked if supervise else {},
        "clientInfo": {"name": name, "version": codextui.__version__},
    }
