"""A thread's past, as `thread/turns/list` tells it, as events. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from codextui.codex.translate import Translated
from codextui.wire.fields import JsonObject


def translate_history(thread_id: str, turns: Iterable[JsonObject]) -> list[Translated]:
    """Return the events of past turns, oldest first, as if they had been heard.

    Per turn: TurnStarted, an ItemCompleted for every item (an ItemStarted where the turn still
    runs and the item is not finished), and TurnCompleted (with the last message) or TurnAborted
    unless it still runs. Never raises: a turn of a wrong shape becomes an `UnknownEvent`.
    """
    raise NotImplementedError
