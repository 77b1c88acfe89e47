"""Typed reads of untrusted JSON objects; a wrong shape raises MessageInvalid with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from codextui.errors import MessageInvalid

Json: TypeAlias = object
"""Any JSON value as `frames.decode_json` returns it."""

JsonObject: TypeAlias = Mapping[str, Json]
"""A JSON object. Read-only for its receiver."""


def as_object(value: Json, what: str) -> JsonObject:
    """Return `value` as an object; raises MessageInvalid, naming `what`, for anything else."""
    if not isinstance(value, dict):
        raise MessageInvalid(f"{what} must be an object, not {_kind(value)}")
    return cast("JsonObject", value)


def as_array(value: Json, what: str) -> tuple[Json, ...]:
    """Return `value` as an array; null counts as empty. Raises MessageInvalid."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise MessageInvalid(f"{what} must be an array, not {_kind(value)}")
    return tuple(value)


def text(source: JsonObject, key: str) -> str:
    """Return the string at `key`. Raises MessageInvalid for anything else."""
    value = source.get(key)
    if not isinstance(value, str):
        raise MessageInvalid(f"{key} must be a string, not {_kind(value)}")
    return value


def text_or(source: JsonObject, key: str, default: str = "") -> str:
    """Return the string at `key`, or `default` where missing or null. Raises MessageInvalid."""
    return default if source.get(key) is None else text(source, key)


def maybe_text(source: JsonObject, key: str) -> str | None:
    """Return the string at `key`, or None where it is missing or null. Raises MessageInvalid."""
    return None if source.get(key) is None else text(source, key)


def integer_or(source: JsonObject, key: str, default: int = 0) -> int:
    """Return the integer at `key`, or `default` where missing or null. Raises MessageInvalid."""
    value = source.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise MessageInvalid(f"{key} must be an integer, not {_kind(value)}")
    return value


def maybe_integer(source: JsonObject, key: str) -> int | None:
    """Return the integer at `key`, or None where it is missing or null. Raises MessageInvalid."""
    return None if source.get(key) is None else integer_or(source, key)


def number_or(source: JsonObject, key: str, default: float = 0.0) -> float:
    """Return the number at `key`, or `default` where missing or null. Raises MessageInvalid."""
    value = source.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MessageInvalid(f"{key} must be a number, not {_kind(value)}")
    return float(value)


def maybe_number(source: JsonObject, key: str) -> float | None:
    """Return the number at `key`, or None where it is missing or null. Raises MessageInvalid."""
    return None if source.get(key) is None else number_or(source, key)


def flag(source: JsonObject, key: str) -> bool:
    """Return the boolean at `key`; missing and null are False. Raises MessageInvalid."""
    value = source.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise MessageInvalid(f"{key} must be true or false, not {_kind(value)}")
    return value


def texts(source: JsonObject, key: str) -> tuple[str, ...]:
    """Return the array of strings at `key`; missing and null are empty. Raises MessageInvalid."""
    values = as_array(source.get(key), key)
    for value in values:
        if not isinstance(value, str):
            raise MessageInvalid(f"{key} must hold strings, not {_kind(value)}")
    return cast("tuple[str, ...]", values)


def objects(source: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """Return the array of objects at `key`; missing and null are empty. Raises MessageInvalid."""
    return tuple(as_object(value, key) for value in as_array(source.get(key), key))


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list() | tuple():
            return "an array"
        case _:
            return "an object"
