"""The beginning of a JSON text as a JSON value, so that long messages can be shown in part."""

from __future__ import annotations

import re
from typing import cast

from codextui.jsonrpc.fields import Json
from codextui.jsonrpc.frames import decode_json, encode_json

CUT = "…"
"""Stands for a part that was left out."""

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\\x00-\x1f]|\\.)*")|([\[\]{},:])|([^\s"\[\]{},:]+))')
_MAX_DEPTH = 200


def decode_excerpt(data: bytes) -> Json:
    """Return the value that the beginning of a JSON text holds, without what is incomplete.

    A string, number or member that the text breaks off in is left out, whole: a part of a secret
    could not be recognized. Raises ValueError where the beginning is not JSON.
    """
    text = data.decode("utf-8", "ignore")
    repaired = _close(text)
    try:
        return decode_json(repaired.encode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def shorten(value: Json, limit: int) -> tuple[Json, str, bool]:
    """Return a value within `limit` characters of JSON, that JSON, and whether it was shortened.

    Long strings are cut first, as the structure says more than they do.
    """
    text = encode_json(value).decode()
    if len(text) <= limit:
        return value, text, False
    for longest in (limit // 4, limit // 32):
        value = _cut_strings(value, longest)
        text = encode_json(value).decode()
        if len(text) <= limit:
            return value, text, True
    value = decode_excerpt(text[: limit - _MAX_DEPTH].encode())
    return value, encode_json(value).decode(), True


def _close(text: str) -> str:
    """Return the complete tokens of a text, with everything that is open closed."""
    closers: list[str] = []
    end, at = 0, 0
    after: str = ""
    while match := _TOKEN.match(text, at):
        at = match.end()
        string, mark, scalar = match.groups()
        if scalar is not None and at == len(text):
            break  # it may go on
        if mark is not None and mark in "[{":
            if len(closers) >= _MAX_DEPTH:
                break
            closers.append("]" if mark == "[" else "}")
        elif mark is not None and mark in "]}" and (not closers or closers.pop() != mark):
            break
        is_member = closers and closers[-1] == "}" and string is not None and after in "{,"
        after = mark or "v"
        if mark not in (",", ":") and not is_member:
            end = at
            tail = "".join(reversed(closers))
    if not end:
        raise ValueError("not JSON")
    return text[:end] + tail


def _cut_strings(value: Json, longest: int) -> Json:
    match value:
        case str() if len(value) > longest:
            return f"{value[:longest]}{CUT} ({len(value) - longest:,} characters more)"
        case list() | tuple():
            return [_cut_strings(part, longest) for part in value]
        case dict():
            members = cast("dict[str, Json]", value)
            return {key: _cut_strings(part, longest) for key, part in members.items()}
        case _:
            return value
