"""Approvals of a client that is asked by the result of its call (MCP 2026-07-28)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import Decision, parse_elicit_result
from codextui.protocol.tools import APPROVAL_META
from codextui.server.approvals.elicitation import elicitation_params

MAX_ROUNDS = 10
"""Rounds after which clients give a call up; it is not asked any more then."""

TOGETHER_S = 0.02
"""Seconds in which what is asked in one go comes together."""


@dataclass(frozen=True, slots=True)
class _Pending:
    approval: Approval
    legacy: LegacyElicitation | None
    decision: asyncio.Future[Decision | None]


class InputRequired:
    """Asks one call's client, a round for all that is open at a time. It is an Answerer.

    Attributes:
        name: the client's name.
        thread_id: the thread whose approvals it decides.
    """

    def __init__(self, name: str, thread_id: str) -> None:
        self.name = name
        self.thread_id = thread_id
        self._pending: dict[str, _Pending] = {}
        self._asked = asyncio.Event()
        self._left = MAX_ROUNDS

    def wants(self, approval: Approval) -> bool:
        """Whether this approval is for it to decide."""
        return approval.thread_id == self.thread_id

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        """Ask in the next round; None where there is none left."""
        if not self._left:
            return None
        decision: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        self._pending[approval.approval_id] = _Pending(approval, legacy, decision)
        self._asked.set()
        try:
            return await decision
        finally:
            del self._pending[approval.approval_id]

    async def wait(self) -> None:
        """Wait until there is something to ask."""
        while not self._open():
            self._asked.clear()
            await self._asked.wait()
            await asyncio.sleep(TOGETHER_S)

    def begin(self, state: str) -> dict[str, object]:
        """An InputRequiredResult with all that is open; `state` is what the client returns."""
        self._left -= 1
        asked = self._open()
        requests = {
            one.approval.approval_id: {
                "method": "elicitation/create",
                "params": _params(one),
            }
            for one in asked
        }
        wire = {one.approval.approval_id: one.approval.to_json() for one in asked}
        return {
            "resultType": "input_required",
            "requestState": state,
            "inputRequests": requests,
            "_meta": {APPROVAL_META: wire},
        }

    def take(self, responses: Mapping[str, Json]) -> None:
        """Take the answers of a round. What is not answered is asked again, while it can be."""
        for approval_id, response in responses.items():
            pending = self._pending.get(approval_id)
            if pending is not None and not pending.decision.done():
                result: JsonObject = response if isinstance(response, dict) else {}
                pending.decision.set_result(parse_elicit_result(result))
        if not self._left:
            self.end()

    def end(self) -> None:
        """Ask nothing more: what is open is for others to decide."""
        self._left = 0
        for pending in self._open():
            pending.decision.set_result(None)

    def _open(self) -> list[_Pending]:
        return [one for one in self._pending.values() if not one.decision.done()]


def _params(pending: _Pending) -> JsonObject:
    """Only what the protocol knows: its clients drop the rest, and `_meta` tells it all."""
    params = elicitation_params(pending.approval, pending.legacy)
    return {"mode": "form", **{key: params[key] for key in ("message", "requestedSchema")}}
