"""What Codex asks of us, and how each kind is answered in its own shape. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from codextui.wire.approval import Asked
from codextui.wire.decision import Decision
from codextui.wire.fields import JsonObject


@dataclass(frozen=True, slots=True)
class Ask:
    """A person has to decide.

    Attributes:
        thread_id: whose it is; empty where the request names none.
        turn_id: the turn that waits; empty where the request names none.
        item_id: the item that it decides on; empty where there is none.
        asked: what is asked. A `PatchAsked` of the current protocol comes without changes:
            they are in the `fileChange` item of that id, heard before.
    """

    thread_id: str
    turn_id: str
    item_id: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Immediate:
    """It is answered at once, by this result."""

    result: JsonObject


@dataclass(frozen=True, slots=True)
class Refusal:
    """It is answered by a JSON-RPC error."""

    code: int
    message: str


Request: TypeAlias = Ask | Immediate | Refusal
"""What to do about a request of Codex's."""


def parse_request(method: str, params: JsonObject) -> Request:
    """Say what to do about a request. Never raises.

    An unknown method, and a known one whose parameters have a wrong shape, become an `Ask` of
    `UnknownAsked`: it is shown whole, and can only be declined.
    """
    raise NotImplementedError


def encode_decision(method: str, params: JsonObject, decision: Decision) -> Immediate | Refusal:
    """Return the answer that says this decision, in the shape of the request's own kind.

    A decision that does not fit the kind (answers for a command, "always" where Codex proposed
    no rule, a plain yes to questions) becomes the kind's decline: nothing is granted by an
    answer that means something else. Never raises.
    """
    raise NotImplementedError


def is_yes(asked: Asked, decision: Decision) -> bool:
    """Whether this decision grants what is asked, as `encode_decision` would send it."""
    raise NotImplementedError


def needs_interrupt(asked: Asked, decision: Decision) -> bool:
    """Whether the turn has to be interrupted as well for this decision to be carried out.

    Commands, patches and elicitations have an answer that ends the turn; other kinds have none.
    """
    raise NotImplementedError
