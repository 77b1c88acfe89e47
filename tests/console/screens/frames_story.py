"""A short story in frames: a call of Claude Code, Codex's turn, and a question that waits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from console.screens.console import NOW

from codextui.protocol.frames import APP_SERVER, MCP, Frame, read_content
from codextui.text.secrets import mask_text

THREAD = "t-backend"
SECRET = "sk-proj-abcdefgh12345678"


def frame(number: int, message: Mapping[str, Any], before: float, **about: Any) -> Frame:
    """Return a frame of so many seconds ago."""
    data = json.dumps(message).encode()
    content = read_content(data, len(data), mask_text)
    known: dict[str, Any] = {
        "number": number,
        "at": NOW - before,
        "link": 1,
        "protocol": MCP,
        "peer": "claude-code",
        "sent": False,
        "size": len(data),
        **{name: getattr(content, name) for name in content.__struct_fields__},
    }
    return Frame(**{**known, **about})


def codex(number: int, message: Mapping[str, Any], before: float, *, sent: bool = False) -> Frame:
    return frame(*(number, message, before), protocol=APP_SERVER, peer="codex", sent=sent, link=2)


def story() -> list[Frame]:
    call = {"name": "codex", "arguments": {"prompt": f"Fix it with {SECRET}", "cwd": "/srv/shop"}}
    item = {"id": "m1", "type": "agentMessage", "text": "I look at cost.py."}
    asked = {
        "threadId": THREAD,
        "turnId": "u1",
        "itemId": "c1",
        "command": "npm test",
        "cwd": "/srv/shop",
        "reason": "The tests have to be run once.",
    }
    elicitation = {"message": "May backend run npm test?", "requestedSchema": {"type": "object"}}
    meta = {"codextui/approval": {"approval_id": "a1", "thread_id": THREAD}}
    started = {"thread": {"id": THREAD, "cwd": "/srv/shop"}, "model": "gpt-5.5"}
    return [
        frame(1, {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}, 41.0),
        codex(
            2, {"id": 3, "method": "thread/start", "params": {"cwd": "/srv/shop"}}, 40.9, sent=True
        ),
        codex(3, {"id": 3, "result": started}, 40.5),
        codex(
            *(4, {"id": 4, "method": "turn/start", "params": {"threadId": THREAD}}, 40.4), sent=True
        ),
        codex(5, {"id": 4, "result": {"turn": {"id": "u1"}}}, 40.3),
        codex(6, {"method": "item/completed", "params": {"threadId": THREAD, "item": item}}, 30.0),
        frame(
            *(7, {"id": 12, "method": "tools/call", "params": {"name": "codex-send"}}, 20.0),
            peer="codextui",
            link=3,
        ),
        frame(
            *(8, {"id": 12, "result": {"isError": True, "content": []}}, 19.8),
            peer="codextui",
            link=3,
            sent=True,
        ),
        codex(
            9, {"id": 0, "method": "item/commandExecution/requestApproval", "params": asked}, 14.0
        ),
        frame(
            *(10, {"id": "c-1", "method": "elicitation/create"}, 13.9),
            sent=True,
            thread=THREAD,
            body=json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": "c-1",
                    "method": "elicitation/create",
                    "params": {**elicitation, "_meta": meta},
                }
            ),
        ),
    ]
