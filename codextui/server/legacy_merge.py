"""Deltas of one item as one `codex/event`, for a client that lags. Pure."""

from __future__ import annotations

from typing import Final

from codextui.wire.fields import Json, JsonObject

MERGED_CHARS: Final = 16 * 1024
"""Characters that a merged delta may have, so that merging costs the same for every delta."""


def merged(before: JsonObject, after: JsonObject) -> tuple[JsonObject, int] | None:
    """The parameters of one event that says what two say; None where they are no such two.

    With them comes how many characters they have more than the first.
    """
    one, two = before.get("msg"), after.get("msg")
    if not isinstance(one, dict) or not isinstance(two, dict):
        return None
    said, more = one.get("delta"), two.get("delta")
    if not isinstance(said, str) or not isinstance(more, str) or len(said) > MERGED_CHARS:
        return None
    if _without(before, "msg") != _without(after, "msg"):
        return None
    if _without(one, "delta") != _without(two, "delta"):
        return None
    return {**after, "msg": {**two, "delta": said + more}}, len(more)


def _without(values: JsonObject, member: str) -> dict[str, Json]:
    return {key: value for key, value in values.items() if key != member}
