"""Asks clients of MCP 2026-07-28, which are asked by the result of their call, not by a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import Decision, parse_elicit_result
from codextui.protocol.extensions import APPROVAL_META
from codextui.server.approvals.elicitation import elicitation_params, proposed_rule

MAX_ROUNDS = 10
"""Rounds after which mcp's client gives a call up; it is not asked any more then."""

GATHER_S = 0.02
"""Seconds in which approvals that are asked at once gather into one round."""


@dataclass(frozen=True, slots=True)
class _Pending:
    approval: Approval
    legacy: LegacyElicitation | None
    decision: asyncio.Future[Decision | None]


class InputRequiredResponder:
    """Asks the client of one call, in rounds: all open approvals at once.

    An `ApprovalResponder`. A round is an InputRequiredResult, and the client's next request with
    its answers.

    Attributes:
        name: the client's name.
        thread_id: the thread whose approvals it decides, and those of its sub-agents.
        supervises: that it does not decide for other threads.
    """

    supervises = False

    def __init__(
        self, name: str, thread_id: str, is_sub_agent: Callable[[str], bool] = lambda _: False
    ) -> None:
        self.name = name
        self.thread_id = thread_id
        self._is_sub_agent = is_sub_agent
        self._pending: dict[str, _Pending] = {}
        self._asked = asyncio.Event()
        self._rounds_left = MAX_ROUNDS

    def accepts(self, approval: Approval) -> bool:
        """Return whether this approval is one that it may decide."""
        asking = approval.thread_id
        return asking == self.thread_id or self._is_sub_agent(asking)

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        """Ask in the next round; None where no round is left."""
        if not self._rounds_left:
            return None
        decision: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        self._pending[approval.approval_id] = _Pending(approval, legacy, decision)
        self._asked.set()
        try:
            return await decision
        finally:
            del self._pending[approval.approval_id]

    async def wait_for_approvals(self) -> None:
        """Wait until there is something to ask."""
        while not self._undecided():
            self._asked.clear()
            await self._asked.wait()
            await asyncio.sleep(GATHER_S)

    def begin_round(self, request_state: str) -> dict[str, object]:
        """Return an InputRequiredResult that asks for all open approvals.

        Args:
            request_state: what the client returns with its answers.
        """
        self._rounds_left -= 1
        asked = self._undecided()
        requests = {
            one.approval.approval_id: {"method": "elicitation/create", "params": _params(one)}
            for one in asked
        }
        approvals = {one.approval.approval_id: one.approval.to_json() for one in asked}
        return {
            "resultType": "input_required",
            "requestState": request_state,
            "inputRequests": requests,
            "_meta": {APPROVAL_META: approvals},
        }

    def end_round(self, responses: Mapping[str, Json]) -> None:
        """Take the answers of a round; what they leave out is asked again in the next one."""
        for approval_id, response in responses.items():
            pending = self._pending.get(approval_id)
            if pending is not None and not pending.decision.done():
                result: JsonObject = response if isinstance(response, dict) else {}
                rule = proposed_rule(pending.approval.asked)
                pending.decision.set_result(parse_elicit_result(result, rule=rule))
        if not self._rounds_left:
            self.close()

    def close(self) -> None:
        """Ask nothing more, and leave what is open to the other responders."""
        self._rounds_left = 0
        for pending in self._undecided():
            pending.decision.set_result(None)

    def _undecided(self) -> list[_Pending]:
        return [one for one in self._pending.values() if not one.decision.done()]


def _params(pending: _Pending) -> JsonObject:
    """Return the members that the protocol has: clients drop all others of a nested request."""
    params = elicitation_params(pending.approval, pending.legacy)
    return {"mode": "form", **{key: params[key] for key in ("message", "requestedSchema")}}
