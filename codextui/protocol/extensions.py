"""What codextui adds to MCP: capabilities, requests, notifications, and keys of `_meta`."""

from __future__ import annotations

from codextui.jsonrpc.fields import JsonObject

SUPERVISOR = "codextui/supervisor"
"""The experimental capability by which a client says that it supervises."""

SUBSCRIBE_METHOD = "codex/subscribe"
"""The request that subscribes to events; it stays open: `{since, epoch}`."""

NOW = -1
"""The `since` of a subscription to nothing but what follows, whatever the epoch."""

SUBSCRIBED_METHOD = "codex/subscribed"
"""The notification before the first event: `{epoch, since, head}`."""

CAUGHT_UP_METHOD = "codex/caught_up"
"""The notification after the last replayed event: `{seq}`."""

INSPECT_METHOD = "codex/inspect"
"""The request that subscribes a supervisor to the server's frames; it stays open."""

FRAMES_METHOD = "codex/frames"
"""The notification with frames: `{frames, lost}`; the first is empty. It is no frame itself."""

RELAYED_METHOD = "codextui/relayed"
"""The first notification of a relay, before any message of its client.

`{cwd, config?, tools?, events?, parent?}`: the client's working folder, against which the `cwd` of
its calls is resolved; settings of Codex for all its threads; `"all"` to list the supervisors'
tools as well; whether its calls bring it `codex/event`, if the user chose; the id of the process
that started the relay.
"""

EVENTS = "codextui/events"
"""The experimental capability by which a client chooses whether its calls bring it `codex/event`.

Its value is `{"send": true}`. Without it `takes_events` decides by the client's name.
"""

EVENT_CLIENTS = frozenset({"aionui", "codex-remoteapp"})
"""Names, in lower case, of clients of `codex mcp-server` that show its `codex/event`."""

EVENT_CLIENT_SUFFIX = "-codex-client"
"""The end of the names of Happy (`happy-codex-client`) and its forks, which show them too."""


def takes_events(client: str, capability: JsonObject | None, chosen: bool | None) -> bool:
    """Return whether a client's calls bring it `codex/event`.

    Most clients have no use for them, and the SDKs that they are built on make each one a warning
    (mcp 1.x for Python) or an error (the AI SDK). So only those get them that ask for them or are
    known to show them.

    Args:
        client: the name that the client gave itself.
        capability: its experimental capability `EVENTS`, if it declared that.
        chosen: what its user chose by `codextui mcp-server --events`; None for nothing.
    """
    if chosen is not None:
        return chosen
    match capability:
        case {"send": bool(send)}:
            return send
        case None:
            name = client.lower()
            return name in EVENT_CLIENTS or name.endswith(EVENT_CLIENT_SUFFIX)
        case _:
            return True


APPROVAL_META = "codextui/approval"
"""The key of `_meta` under which an elicitation carries the whole approval."""
