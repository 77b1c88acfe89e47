"""How a client introduces itself to the shared server (MCP's `initialize`)."""

from __future__ import annotations

import codextui
from codextui.wire.fields import JsonObject
from codextui.wire.tools import SUPERVISOR

PROTOCOL_VERSION = "2025-11-25"
"""The last version in which a server can ask its client, which approvals need."""


def introduction(name: str, *, supervise: bool, decide: bool = True) -> JsonObject:
    """The parameters of `initialize`.

    A supervisor is told events. One that decides is asked, too, and is then somebody for whose
    decision the server waits.
    """
    told: JsonObject = {"experimental": {SUPERVISOR: {}}} if supervise else {}
    asked: JsonObject = {"elicitation": {"form": {}, "url": {}}} if supervise and decide else {}
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": {**told, **asked},
        "clientInfo": {"name": name, "version": codextui.__version__},
    }
