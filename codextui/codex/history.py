"""A thread's past, as `thread/turns/list` tells it, as events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codextui.codex.item import parse_item
from codextui.codex.translate import Translated, turn_msg
from codextui.errors import WireInvalid
from codextui.wire import event as ev
from codextui.wire import fields
from codextui.wire.fields import JsonObject


def translate_history(thread_id: str, turns: Iterable[JsonObject]) -> list[Translated]:
    """Return the events of past turns, oldest first, as if they had been heard.

    Per turn: TurnStarted, an ItemCompleted for every item (an ItemStarted where the turn still
    runs and the item is not finished), and TurnCompleted (with the last message) or TurnAborted
    unless it still runs. Never raises: a turn of a wrong shape becomes an `UnknownEvent`.
    """
    events: list[Translated] = []
    for turn in turns:
        try:
            events.extend(_translate_turn(thread_id, turn))
        except WireInvalid:
            events.append(Translated(thread_id, "", ev.UnknownEvent("malformed turn", turn)))
    return events


def _translate_turn(thread_id: str, turn: JsonObject) -> list[Translated]:
    turn_id = fields.text(turn, "id")
    return [Translated(thread_id, turn_id, msg) for msg in _messages(turn)]


def _messages(turn: JsonObject) -> Iterator[ev.Msg]:
    end = turn_msg(turn)
    yield ev.TurnStarted()
    for value in fields.objects(turn, "items"):
        item = parse_item(value)
        unfinished = end is None and item.get("status") == "inProgress"
        yield ev.ItemStarted(item) if unfinished else ev.ItemCompleted(item)
    if end is not None:
        yield end
