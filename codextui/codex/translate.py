"""Codex's notifications as events. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from codextui.codex.fact import Fact
from codextui.wire.event import Msg
from codextui.wire.fields import JsonObject


@dataclass(frozen=True, slots=True)
class Translated:
    """An event in the making: the hub adds its `seq` and time.

    Attributes:
        thread_id: empty for what concerns Codex as a whole.
        turn_id: empty for what concerns the whole thread.
        msg: what happened.
    """

    thread_id: str
    turn_id: str
    msg: Msg


Notice: TypeAlias = Translated | Fact | None
"""What a notification comes to: an event, a fact about a thread, or nothing (see IGNORED)."""


def translate(method: str, params: JsonObject) -> Notice:
    """Say what a notification means. Never raises.

    None comes back only for the methods in IGNORED. An unknown method, and a known one whose
    parameters have a wrong shape, become an `UnknownEvent` with the whole of them.

    `turn/completed` carries no items, so the `TurnCompleted` made of it has no last message:
    whoever has seen the turn's items fills it in.
    """
    raise NotImplementedError
