"""The base of the protocol's types: read from untrusted JSON objects, and written as such."""

from __future__ import annotations

import threading
from typing import Any, Self, TypeVar, cast

import msgspec

from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import JsonObject

_T = TypeVar("_T")
_CONVERTING = threading.RLock()


class Message(msgspec.Struct, frozen=True):
    """Base of what travels as a JSON object: immutable, and read strictly.

    A key that is missing takes the field's default; one that is unknown is ignored.
    """

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return cast("dict[str, Any]", msgspec.to_builtins(self))

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        """Read what `to_json` returned. Raises MessageInvalid."""
        return convert(source, cls)


def convert(source: object, kind: type[_T]) -> _T:
    """Return a JSON value as one of the protocol's types.

    Raises:
        MessageInvalid: a required field is missing, or a value has the wrong type. The message
            names both and the place, such as ``Expected `str`, got `int` - at `$.handle` ``.
    """
    try:
        # A type's first conversion prepares it; in two threads at once that crashes the process.
        with _CONVERTING:
            return msgspec.convert(source, kind)
    except msgspec.ValidationError as error:
        raise MessageInvalid(f"{kind.__name__}: {error}") from error
