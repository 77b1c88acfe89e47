"""One entry of a transcript."""

from __future__ import annotations

from dataclasses import dataclass

from codextui.model.body import Body


@dataclass(slots=True, eq=False)
class TranscriptItem:
    """An item in its place. Changed by its transcript alone.

    Attributes:
        turn_id: the turn it belongs to, empty where none.
        item_id: Codex's id, or ours (`approval:a7`, `turn:3`); unique within its turn.
        ordinal: its place in the transcript, from 0; never changes and is never used again.
        body: what it holds. Growing bodies change in place; `version` tells.
        version: the transcript's version when it last changed; equal versions, equal looks.
        done: whether it is final.
        unfinished: whether its turn ended before it did.
        at: unix seconds at the server when it began.
        weight: characters it holds, about.
    """

    turn_id: str
    item_id: str
    ordinal: int
    body: Body
    version: int
    done: bool = False
    unfinished: bool = False
    at: float = 0.0
    weight: int = 0
