"""Readers of the items (`ThreadItem`) of `codex app-server`. Pure."""

from __future__ import annotations

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import FileChange


def parse_item(value: Json) -> JsonObject:
    """Return an item of any kind, checked to have an id and a type. Raises MessageInvalid."""
    item = fields.as_object(value, "item")
    fields.text(item, "id")
    fields.text(item, "type")
    return item


def parse_changes(source: JsonObject) -> tuple[FileChange, ...]:
    """Return the `changes` of a `fileChange` item or `patchUpdated`. Raises MessageInvalid."""
    return tuple(_parse_change(change) for change in fields.objects(source, "changes"))


def file_changes(item: JsonObject) -> tuple[FileChange, ...]:
    """Return the changes of a `fileChange` item. Malformed and other items give none."""
    if item.get("type") != "fileChange":
        return ()
    try:
        return parse_changes(item)
    except MessageInvalid:
        return ()


def last_message(items: tuple[JsonObject, ...]) -> str:
    """Return the text of the last `agentMessage` item, empty where there is none."""
    for item in reversed(items):
        if item.get("type") == "agentMessage":
            return fields.text_or(item, "text")
    return ""


def _parse_change(change: JsonObject) -> FileChange:
    kind = fields.as_object(change.get("kind"), "kind")
    return FileChange(
        path=fields.text(change, "path"),
        kind=fields.text(kind, "type"),
        diff=fields.text_or(change, "diff"),
        move_path=fields.text_or(kind, "move_path"),
    )
