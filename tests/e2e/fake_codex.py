"""A Codex that says whatever its prompt asks for: `codex app-server` as far as a server needs it.

Run as a program. The last word of a prompt names the scene.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from typing import Any

MEGABYTE = 1024 * 1024
ESCAPES = "\x1b[2J\x1b]0;stolen title\x07\x1b[31mred\x9b1mbold\x1b[?1049l\u202eright to left"
MARKUP = "[bold red]markup[/] [link=file:///etc/passwd]link[/link] [/nothing] [@click=app.quit]go"
LONG_COMMAND = " ".join(f"word{number:04}" for number in range(1_000)) + " # the end of it"
"""10,015 characters."""

threads = (f"01a2{number:04}-0000-7000-8000-000000000000" for number in itertools.count(1))
turns = (f"turn-{number}" for number in itertools.count(1))
requests = itertools.count(0)
waiting: dict[int, tuple[str, str]] = {}


def send(message: Any) -> None:
    text = message if isinstance(message, str) else json.dumps(message)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def notify(method: str, **params: Any) -> None:
    send({"method": method, "params": params})


def item(thread: str, turn: str, **members: Any) -> None:
    for method in ("item/started", "item/completed"):
        notify(method, threadId=thread, turnId=turn, item=members)


def say(thread: str, turn: str, text: str, number: str = "said") -> None:
    item(thread, turn, id=number, type="agentMessage", text=text)


def end(thread: str, turn: str) -> None:
    ended = {"id": turn, "items": [], "status": "completed", "error": None}
    notify("turn/completed", threadId=thread, turn=ended)
    notify("thread/status/changed", threadId=thread, status={"type": "idle"})


def ask(thread: str, turn: str, method: str, **params: Any) -> None:
    """Asks, and ends the turn when the answer comes."""
    number = next(requests)
    waiting[number] = (thread, turn)
    params = {"threadId": thread, "turnId": turn, "itemId": "asked", **params}
    send({"id": number, "method": method, "params": params})


def escapes(thread: str, turn: str) -> None:
    """Sequences that would steer a terminal, and markup, wherever text may stand."""
    hostile = f"{ESCAPES} {MARKUP}"
    say(thread, turn, f"# {hostile}\n\n- {hostile}\n\n```{hostile}\n{hostile}\n```\n")
    command = {"id": "c", "type": "commandExecution", "command": f"echo {hostile}", "cwd": hostile}
    command |= {"status": "completed", "exitCode": 0, "aggregatedOutput": hostile}
    item(thread, turn, commandActions=[], **command)
    change = {"path": f"/w/{hostile}.py", "kind": {"type": "add"}, "diff": hostile}
    item(thread, turn, id="asked", type="fileChange", changes=[change], status="inProgress")
    notify("thread/name/updated", threadId=thread, threadName=hostile)
    notify("warning", threadId=thread, message=hostile)
    ask(thread, turn, "item/fileChange/requestApproval", reason=hostile)


def long_command(thread: str, turn: str) -> None:
    command = {"command": LONG_COMMAND, "cwd": "/w", "reason": "it is long"}
    ask(thread, turn, "item/commandExecution/requestApproval", kind="command", **command)


def long_line(thread: str, turn: str) -> None:
    text = "x" * (20 * MEGABYTE)
    notify("item/started", threadId=thread, turnId=turn, item=message(""))
    notify("item/agentMessage/delta", threadId=thread, turnId=turn, itemId="long", delta=text)
    notify("item/completed", threadId=thread, turnId=turn, item=message(text))
    say(thread, turn, "after the long line")
    end(thread, turn)


def message(text: str) -> dict[str, Any]:
    return {"id": "long", "type": "agentMessage", "text": text}


def unknown(thread: str, turn: str) -> None:
    send('{"method": "item/started", "params": {')
    send("[]")
    notify("thread/levitated", threadId=thread, height=3)
    item(thread, turn, id="h", type="hologram", shape="cat")
    say(thread, turn, "after what nobody knows")
    ask(thread, turn, "item/teleport/requestApproval", where="the moon")


def flood(thread: str, turn: str) -> None:
    """20,000 deltas of twenty items in turn, numbered, as fast as they can be read."""
    lines = [
        json.dumps(
            {
                "method": "item/agentMessage/delta",
                "params": {
                    "threadId": thread,
                    "turnId": turn,
                    "itemId": f"i{number % 20}",
                    "delta": f"{number} ",
                },
            }
        )
        for number in range(20_000)
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    end(thread, turn)


def history(thread: str, turn: str) -> None:
    """200 items."""
    for number in range(200):
        say(thread, turn, f"item {number}: a short message with **bold** words.", f"i{number}")
    end(thread, turn)


SCENES = {
    "escapes": escapes,
    "flood": flood,
    "history": history,
    "long_command": long_command,
    "long_line": long_line,
    "unknown": unknown,
}


def answer(request: dict[str, Any]) -> Any:
    params = request.get("params") or {}
    match request["method"]:
        case "initialize":
            return {"userAgent": "codex/0.163.0", "codexHome": "/w"}
        case "account/read":
            return {"account": None, "requiresOpenaiAuth": False}
        case "thread/start":
            thread = {"id": next(threads), "cwd": "/w", "preview": "", "turns": []}
            thread |= {"createdAt": int(time.time()), "status": {"type": "idle"}}
            settings = {"model": "fake", "cwd": "/w", "approvalPolicy": "on-request"}
            return {"thread": thread, **settings, "sandbox": {"type": "readOnly"}}
        case "turn/start":
            turn = {"id": next(turns), "items": [], "status": "inProgress", "error": None}
            return {"turn": turn, "thread": params["threadId"], "scene": params["input"][0]["text"]}
        case _:
            return {"data": [], "nextCursor": None}


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "method" not in request:
            said = json.dumps(request.get("result", request.get("error")))
            say(*waiting[request["id"]], f"answered: `{said}`", "answered")
            end(*waiting.pop(request["id"]))
            continue
        if "id" not in request:
            continue
        result = answer(request)
        send({"id": request["id"], "result": result})
        if request["method"] == "turn/start":
            thread, turn = result["thread"], result["turn"]["id"]
            notify("thread/status/changed", threadId=thread, status={"type": "active"})
            notify("turn/started", threadId=thread, turn=result["turn"])
            SCENES[result["scene"].split()[-1]](thread, turn)


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print("codex-cli 0.163.0")
    else:
        serve()
