"""What the server's answers to calls mean: structured content, or the errors of codextui."""

from __future__ import annotations

from codextui import errors
from codextui.errors import CodextuiError, ServerRefused, WireInvalid
from codextui.wire import fields
from codextui.wire.fields import JsonObject

_KINDS: dict[str, type[CodextuiError]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CodextuiError)
}


def structured_content(tool: str, result: JsonObject) -> JsonObject:
    """The structured content of a tool's result (`tools/call`), empty where there is none.

    Raises the error that a result with `isError` names, or WireInvalid.
    """
    content = result.get("structuredContent")
    if result.get("isError"):
        raise _failure(content, result)
    return {} if content is None else fields.as_object(content, f"the result of {tool}")


def _failure(content: object, result: JsonObject) -> CodextuiError:
    match content:
        case {"error": {"kind": str(kind), "message": str(message)}}:
            return _KINDS.get(kind, ServerRefused)(message)
        case _:
            return ServerRefused(_words(result) or "the server refused without saying why")


def _words(result: JsonObject) -> str:
    try:
        parts = fields.objects(result, "content")
    except WireInvalid:
        return ""
    texts = [part.get("text") for part in parts]
    return " ".join(text for text in texts if isinstance(text, str))
