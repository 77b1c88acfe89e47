"""Which requests of a client and of its server still wait for an answer (JSON-RPC)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from codextui.wire.fields import JsonObject

CONNECTION_CLOSED: Final = -32000
"""The error code by which the MCP SDKs themselves say that a connection is lost."""

_CANCELLED = "notifications/cancelled"
_MOST = 10_000
_LONGEST_ID = 1_000


class OpenRequests:
    """Follows the frames of both sides.

    At most 10,000 requests a side are remembered: who has more open is not told of the rest.
    """

    def __init__(self) -> None:
        self._of_client: dict[str, object] = {}
        self._of_server: dict[str, object] = {}

    @property
    def client_waits(self) -> bool:
        """Whether the client still waits for an answer."""
        return bool(self._of_client)

    def client_said(self, frame: JsonObject) -> None:
        """Note what the client sent."""
        _note(frame, own=self._of_client, others=self._of_server)

    def server_said(self, frame: JsonObject) -> None:
        """Note what the server sent."""
        _note(frame, own=self._of_server, others=self._of_client)

    def give_up(self, reason: str) -> Iterator[JsonObject]:
        """Forget all, and return what the client must hear now that the server is lost.

        That is an error for each of its own requests, and the withdrawal of each of the server's.
        """
        of_client, self._of_client = self._of_client, {}
        of_server, self._of_server = self._of_server, {}
        for request_id in of_client.values():
            yield refusal(request_id, CONNECTION_CLOSED, reason)
        for request_id in of_server.values():
            params = {"requestId": request_id, "reason": reason}
            yield {"method": _CANCELLED, "params": params}


def refusal(request_id: object, code: int, message: str) -> JsonObject:
    """The members of an answer that is an error; an id that no answer can have is null."""
    can_be = isinstance(request_id, str | int | float) and not isinstance(request_id, bool)
    return {"id": request_id if can_be else None, "error": {"code": code, "message": message}}


def is_request(frame: JsonObject) -> bool:
    """Whether a frame asks for an answer."""
    return "method" in frame and "id" in frame


def id_key(request_id: object) -> str | None:
    """A request's id as text, with its JSON type; None for what can be no id."""
    if isinstance(request_id, bool) or not isinstance(request_id, str | int):
        return None
    try:
        key = json.dumps(request_id)
    except ValueError:  # an integer of thousands of digits
        return None
    return key if len(key) <= _LONGEST_ID else None


def _note(frame: JsonObject, own: dict[str, object], others: dict[str, object]) -> None:
    match frame:
        case {"method": "notifications/cancelled", "params": {"requestId": request_id}}:
            _forget(own, request_id)
        case {"method": _, "id": request_id}:
            key = id_key(request_id)
            if key is not None and len(own) < _MOST:
                own[key] = request_id
        case {"method": _}:
            pass
        case {"id": request_id}:
            _forget(others, request_id)


def _forget(requests: dict[str, object], request_id: object) -> None:
    key = id_key(request_id)
    if key is not None:
        requests.pop(key, None)
