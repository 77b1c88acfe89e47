"""The history of decisions: the rows that were loaded, and the request that is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from codextui.console.model.paging import PAGE_SIZE, Pages
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import Approval


class PastDecision(msgspec.Struct, frozen=True):
    """A decision of the audit log. Its texts are not sanitized.

    Attributes:
        approval_id: its approval's id.
        thread_id: the thread that asked.
        handle: the thread's handle at that time.
        origin: the program whose thread it was; empty where it was ours.
        kind: the kind of request.
        subject: what was asked, in one line.
        outcome: what became of it, as in `ApprovalResolved`.
        by: who decided; empty for nobody.
        where: where: `console`, `client`, `timeout`, `elsewhere` or `nobody`.
        message: what the agent was told.
        rule: what is allowed for good since then; empty for nothing.
        carried_out: what Codex carried out, where that is something else; empty otherwise.
        asked_at: unix seconds.
        resolved_at: unix seconds.
        waited: seconds.
        lost: whether the decision reached nobody.
    """

    approval_id: str
    thread_id: str = ""
    handle: str = ""
    origin: str = ""
    kind: str = ""
    subject: str = ""
    outcome: str = ""
    by: str = ""
    where: str = ""
    message: str = ""
    rule: str = ""
    carried_out: str = ""
    asked_at: float = 0.0
    resolved_at: float = 0.0
    waited: float = 0.0
    lost: bool = False

    @classmethod
    def read(cls, source: JsonObject) -> PastDecision:
        """Read a decision of `codex-decisions`. Raises MessageInvalid."""
        values: dict[str, Any] = {name: fields.text_or(source, name) for name in _TEXTS}
        values |= {name: fields.number_or(source, name) for name in _NUMBERS}
        return cls(fields.text(source, "approval_id"), **values, lost=fields.flag(source, "lost"))


_TEXTS = (
    *("thread_id", "handle", "origin", "kind", "subject", "outcome", "by", "where", "message"),
    *("rule", "carried_out"),
)
_NUMBERS = ("asked_at", "resolved_at", "waited")


class DecisionsRequest(msgspec.Struct, frozen=True):
    """A request for a page; an empty cursor is the first one."""

    filter: str = ""
    cursor: str = ""

    @property
    def arguments(self) -> JsonObject:
        """The arguments of `codex-decisions`."""
        given = {"filter": self.filter, "cursor": self.cursor}
        arguments: dict[str, Json] = {key: value for key, value in given.items() if value}
        return {**arguments, "limit": PAGE_SIZE}


class DecisionsPage(msgspec.Struct, frozen=True):
    """A page: its decisions, and where the next one begins; an empty cursor is the end."""

    decisions: Sequence[PastDecision]
    cursor: str = ""

    @classmethod
    def read(cls, source: JsonObject) -> DecisionsPage:
        """Read the result of `codex-decisions`; what cannot be read is left out."""
        decisions: list[PastDecision] = []
        for decision in fields.objects(source, "decisions"):
            try:
                decisions.append(PastDecision.read(decision))
            except MessageInvalid:
                continue
        return cls(decisions, fields.text_or(source, "cursor"))


class Decisions(Pages[PastDecision, str, DecisionsRequest]):
    """The rows of the history of decisions, the newest first; the query is the filter."""

    def __init__(self) -> None:
        """Start with all decisions."""
        super().__init__("")

    def id_of(self, row: PastDecision) -> str:
        """Return the approval's id."""
        return row.approval_id

    def make_request(self, query: str, cursor: str) -> DecisionsRequest:
        """Return the request for a page."""
        return DecisionsRequest(query, cursor)


def read_whole_approval(source: JsonObject) -> Approval | None:
    """Read what was asked from the result of `codex-decisions` for one approval; None if gone."""
    for decision in fields.objects(source, "decisions"):
        return Approval.from_json(fields.as_object(decision.get("approval"), "approval"))
    return None
