"""Frames of JSON-RPC, as the inspector shows them: numbered, timed, bounded, without secrets."""

from __future__ import annotations

from enum import StrEnum

from codextui.errors import MessageInvalid
from codextui.jsonrpc.excerpt import decode_excerpt, shorten
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import decode_json
from codextui.protocol.codec import Message
from codextui.protocol.extensions import APPROVAL_META
from codextui.text.secrets import Mask, mask_json

MCP = "mcp"
"""The protocol between the server and its clients."""

APP_SERVER = "app-server"
"""The protocol between the server and `codex app-server`."""

MAX_PARSED = 64 * 1024
"""Bytes of a frame above which only its beginning is read."""

MAX_SHOWN = 32 * 1024
"""Bytes of a frame that are read above that, and characters that are ever sent or shown."""

_MAX_NAME = 200
_DEPTH = 3


class FrameKind(StrEnum):
    """What a frame is."""

    REQUEST = "request"
    ANSWER = "answer"
    ERROR = "error"
    NOTIFICATION = "notification"
    INVALID = "invalid"
    CLOSED = "closed"


class Frame(Message, frozen=True):
    """A frame, without secrets.

    Attributes:
        number: counts the frames of a server that were inspected by anybody; 0 for a request that
            has waited since before.
        at: unix seconds.
        link: the number of the connection, within which ids are unique.
        protocol: `mcp` or `app-server`.
        peer: the name of the other side, such as a client's; empty while it is unknown.
        sent: whether the server sent it; otherwise it received it.
        kind: what it is. CLOSED is no frame, but the end of the connection.
        size: its true size in bytes.
        method: the method of a request or a notification.
        id: the id of a request or of what answers it. Its JSON type counts.
        thread: the id of the thread that it names; empty for none.
        tool: the name of the tool of a `tools/call`.
        detail: the type of the item or the event of a notification.
        cut: whether `body` is less than the whole frame.
        body: the message as JSON; the reason of the end for CLOSED.
    """

    number: int
    at: float
    link: int
    protocol: str
    peer: str
    sent: bool
    kind: FrameKind
    size: int
    method: str = ""
    id: int | float | str | None = None
    thread: str = ""
    tool: str = ""
    detail: str = ""
    cut: bool = False
    body: str = ""


class FrameContent(Message, frozen=True):
    """What is read out of the bytes of a frame; see Frame."""

    kind: FrameKind
    method: str = ""
    id: int | float | str | None = None
    thread: str = ""
    tool: str = ""
    detail: str = ""
    cut: bool = False
    body: str = ""


def read_content(data: bytes, size: int, mask: Mask) -> FrameContent:
    """Read a frame, and mask its secrets.

    Args:
        data: the frame, or the beginning of one that is longer than MAX_PARSED.
        size: its true size in bytes.
        mask: masks secrets in text.
    """
    is_cut = len(data) < size
    try:
        value = decode_excerpt(data) if is_cut else decode_json(data)
        shown, body, was_shortened = shorten(mask_json(value, mask), MAX_SHOWN)
    except (ValueError, RecursionError, MessageInvalid):
        body = _read_broken(data[:MAX_SHOWN], mask)
        return FrameContent(FrameKind.INVALID, cut=is_cut, body=body)
    is_cut = is_cut or was_shortened
    if not isinstance(shown, dict):
        return FrameContent(FrameKind.INVALID, cut=is_cut, body=body)
    return FrameContent(
        _kind(shown),
        method=_text(shown.get("method")),
        id=_id(shown.get("id")),
        thread=find_thread(shown),
        tool=_tool(shown),
        detail=_detail(shown),
        cut=is_cut,
        body=body,
    )


def _read_broken(data: bytes, mask: Mask) -> str:
    """Return what is no JSON as JSON: its beginning that is, or a string.

    Broken JSON is not shown as text: the names of its keys say what is secret.
    """
    value: Json = data.decode("utf-8", "replace")
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            value = decode_excerpt(data)
        except ValueError:
            value = "(broken JSON)"
    return shorten(mask_json(value, mask), MAX_SHOWN)[1]


def find_thread(message: JsonObject) -> str:
    """Return the id of the thread that a message names; empty where it names none."""
    for key in ("params", "result"):
        part = message.get(key)
        if isinstance(part, dict) and (thread := _thread_in(part, _DEPTH)):
            return thread
    return ""


_THREAD_KEYS = ("threadId", "thread_id", "conversationId")
_THREAD_PLACES = ("_meta", "thread", "arguments", "structuredContent", APPROVAL_META, "approval")


def _thread_in(part: JsonObject, depth: int) -> str:
    for key in _THREAD_KEYS:
        if isinstance(named := part.get(key), str):
            return named[:_MAX_NAME]
    thread = part.get("thread")
    if isinstance(thread, str):
        return thread[:_MAX_NAME]
    if isinstance(thread, dict) and isinstance(named := thread.get("id"), str):
        return named[:_MAX_NAME]
    for key in _THREAD_PLACES:
        inner = part.get(key)
        if depth and isinstance(inner, dict) and (found := _thread_in(inner, depth - 1)):
            return found
    return ""


def _kind(message: JsonObject) -> FrameKind:
    has_id = message.get("id") is not None
    if isinstance(message.get("method"), str):
        return FrameKind.REQUEST if has_id else FrameKind.NOTIFICATION
    if "error" in message:
        return FrameKind.ERROR
    if "result" not in message:
        return FrameKind.ANSWER if has_id else FrameKind.INVALID
    result = message["result"]
    failed = isinstance(result, dict) and result.get("isError") is True
    return FrameKind.ERROR if failed else FrameKind.ANSWER


def _id(value: Json) -> int | float | str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return value[:_MAX_NAME] if isinstance(value, str) else value


def _tool(message: JsonObject) -> str:
    params = message.get("params")
    if message.get("method") != "tools/call" or not isinstance(params, dict):
        return ""
    return _text(params.get("name"))


def _detail(message: JsonObject) -> str:
    params = message.get("params")
    for key in ("item", "msg"):
        part = params.get(key) if isinstance(params, dict) else None
        if isinstance(part, dict) and (kind := _text(part.get("type"))):
            return kind
    return ""


def _text(value: Json) -> str:
    return value[:_MAX_NAME] if isinstance(value, str) else ""
