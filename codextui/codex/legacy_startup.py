"""How Codex's own MCP servers start, as `codex mcp-server` told it. Pure."""

from __future__ import annotations

from codextui.codex.legacy_item import Msg
from codextui.wire import fields
from codextui.wire.fields import JsonObject

_UPDATE, _COMPLETE = "mcp_startup_update", "mcp_startup_complete"
_FAILED = "MCP startup failed: "


def is_startup(msg: Msg) -> bool:
    """Whether a message tells how servers start."""
    return msg["type"] in (_UPDATE, _COMPLETE)


class LegacyStartup:
    """Follows the servers of a thread until each has started or failed.

    app-server does not say how many there are, nor that all are done: a thread's first turn
    begins the wait for those that are starting by then. It may tell of a server before it has
    answered `thread/start`; that is kept until `open`. It is `over` on a thread that was heard
    too late for it.
    """

    def __init__(self, *, over: bool = False) -> None:
        self._states: dict[str, JsonObject] = {}
        self._early: list[Msg] | None = None if over else []
        self._waited_for = over
        self._complete = over

    def open(self) -> list[Msg]:
        """Return what was kept, and keep nothing from now on."""
        early, self._early = self._early, None
        return early or []

    def update(self, params: JsonObject) -> list[Msg]:
        """Return what `mcpServer/startupStatus/updated` was. Raises WireInvalid."""
        name, state = fields.text(params, "name"), fields.text(params, "status")
        status = {"state": state}
        if state == "failed":
            status["error"] = fields.text_or(params, "error")
        self._states[name] = status
        told: Msg = {"type": _UPDATE, "server": name, "status": status}
        if self._early is not None:
            self._early.append(told)
            return []
        return [told, *(self._check() if self._waited_for else [])]

    def turn_starts(self) -> list[Msg]:
        """Return what is told before a turn: at the first, that all are done if they are."""
        self._waited_for = True
        return [*self.open(), *self._check()]

    def _check(self) -> list[Msg]:
        states = {name: status["state"] for name, status in self._states.items()}
        if self._complete or "starting" in states.values():
            return []
        self._complete = True
        failed = [
            {"server": name, "error": _why(self._states[name])}
            for name, state in states.items()
            if state == "failed"
        ]
        told: Msg = {"type": _COMPLETE, "ready": _names(states, "ready")}
        return [told | {"failed": failed, "cancelled": _names(states, "cancelled")}]


def _names(states: dict[str, object], wanted: str) -> list[str]:
    return [name for name, state in states.items() if state == wanted]


def _why(status: JsonObject) -> str:
    error = fields.text_or(status, "error")
    return error.partition(_FAILED)[2] or error
