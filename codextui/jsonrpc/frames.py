"""One message of the conversation with app-server: a JSON object and its bytes. Pure."""

from __future__ import annotations

import json
import re
from typing import cast

from pydantic_core import from_json

from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import Json, JsonObject

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def encode_frame(message: JsonObject) -> bytes:
    """Return the line for a message, with its newline.

    Half a surrogate pair becomes `?`: app-server ignores a line that is no UTF-8, and whoever
    called would wait for ever. Raises WireInvalid for what JSON cannot say, such as NaN.
    """
    try:
        text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise MessageInvalid(f"this cannot be said in JSON: {error}") from error
    return text.encode("utf-8", "replace") + b"\n"


def decode_frame(line: bytes) -> JsonObject:
    """Return the message in a line. Raises WireInvalid where it holds no JSON object."""
    try:
        value = read_json(line)
    except (ValueError, RecursionError) as error:
        raise MessageInvalid(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MessageInvalid("not a JSON object")
    return cast("JsonObject", value)


def read_json(line: bytes) -> Json:
    """Return the value in a line that anybody may have written.

    Half a surrogate pair becomes U+FFFD: one that is kept cannot be written any more, and fails
    whoever tells of it. Raises ValueError or RecursionError for what is no JSON.
    """
    try:  # a sixth of the time; what it does not take is for the other, which is more patient
        return cast("Json", from_json(line, allow_inf_nan=False))
    except ValueError:
        value: Json = json.loads(line.decode("utf-8", "replace"), parse_constant=_refuse)
        return _scrub(value) if _SURROGATE_ESCAPE.search(line) else value


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON")


def _scrub(value: Json) -> Json:
    """Replace half surrogate pairs: no file, socket or terminal takes such a string."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_scrub(part) for part in value]
        case dict():
            return {_scrub(key): _scrub(part) for key, part in value.items()}
        case _:
            return value
