"""An MCP server on stdio with a tool that changes something and a tool that asks for a name."""

from __future__ import annotations

import json
import sys
from typing import Any

FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
NOTHING = {"type": "object", "properties": {}}
TOOLS = [
    {"name": "change", "description": "Changes something.", "inputSchema": NOTHING},
    {
        "name": "ask",
        "description": "Asks for a name.",
        "inputSchema": NOTHING,
        "annotations": {"readOnlyHint": True},
    },
]


def send(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def finish(request_id: Any, text: str) -> None:
    send({"id": request_id, "result": {"content": [{"type": "text", "text": text}]}})


def main() -> None:
    waiting: Any = None
    for line in sys.stdin:
        message = json.loads(line)
        match message:
            case {"method": "initialize", "id": request_id, "params": params}:
                result = {
                    "protocolVersion": params["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "asking", "version": "1"},
                }
                send({"id": request_id, "result": result})
            case {"method": "tools/list", "id": request_id}:
                send({"id": request_id, "result": {"tools": TOOLS}})
            case {"method": "tools/call", "id": request_id, "params": {"name": "ask"}}:
                waiting = request_id
                form = {"message": "Your name?", "requestedSchema": FORM}
                send({"id": "form", "method": "elicitation/create", "params": form})
            case {"method": "tools/call", "id": request_id}:
                finish(request_id, "changed")
            case {"id": "form", "result": result}:
                finish(waiting, f"answer: {json.dumps(result, sort_keys=True)}")
            case {"method": _, "id": request_id}:
                send({"id": request_id, "error": {"code": -32601, "message": "not here"}})


main()
