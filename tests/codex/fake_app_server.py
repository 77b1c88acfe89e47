"""A `codex app-server` that misbehaves as its argument says. Run as a program.

It answers `initialize` as the real one does, and then plays one of the SCENES.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

MEGABYTE = 1024 * 1024


def send(message: Any) -> None:
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def receive() -> Any:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def answer(request: Any, result: Any) -> None:
    send({"id": request["id"], "result": result})


def delta(text: str) -> dict[str, Any]:
    params = {"threadId": "t", "turnId": "u", "itemId": "i", "delta": text}
    return {"method": "item/agentMessage/delta", "params": params}


def long_line() -> None:
    send(delta("x" * (20 * MEGABYTE)))
    answer(receive(), {"after": True})


def garbage() -> None:
    for _ in range(1000):
        send('{"method": "item/agentMessage/delta", "params": {')
    for line in ("[]", "17", "null", '"text"', "{}", '{"params": {}}', "[" * 100_000):
        send(line)
    send('{"id": 999999, "result": {}}')
    send('{"id": "not ours", "error": {"code": 1, "message": "no"}}')
    send('{"id": null, "result": {}}')
    sys.stdout.buffer.write(b'{"method": "warning", "params": {"message": "\xff"}}\n')
    send('{"method": "warning", "params": {"message": "half \\ud800 a pair"}}')
    send('{"id": 7, "method": "item/tool/call", "params": []}')
    messages = [receive(), receive()]  # the call and the refusal, in either order
    request, refusal = sorted(messages, key=lambda message: "method" not in message)
    answer(request, {"refusal": refusal})


def unknown() -> None:
    send({"method": "thread/levitated", "params": {"threadId": "t", "height": 3}})
    send({"method": "surprise"})
    item = {"id": "i", "type": "hologram", "shape": "cat"}
    params = {"threadId": "t", "turnId": "u", "item": item}
    send({"method": "item/started", "params": params})
    send({"id": 0, "method": "item/teleport/requestApproval", "params": {"threadId": "t"}})
    reply = receive()
    answer(receive(), {"reply": reply})


def overloaded(times: int) -> None:
    for _ in range(times):
        request = receive()
        send({"id": request["id"], "error": {"code": -32001, "message": "Server overloaded"}})
    answer(receive(), {"after": times})


def death(how: str) -> None:
    for number in range(30):
        sys.stderr.write(f"\x1b[31mline {number}\x1b[0m \x07 {'y' * 5000}\n")
    sys.stderr.write("Error: the end is near\n\nStack backtrace:\n")
    sys.stderr.writelines(f"  {number}: <unknown>\n" for number in range(50))
    sys.stderr.write("Caused by:\n    no newline at the end")
    sys.stderr.flush()
    receive()
    if how == "deaf":
        os.close(1)
        time.sleep(600)
    os._exit(3)


def warned() -> None:
    send({"method": "configWarning", "params": {"summary": "No sandbox is here.", "details": None}})
    sys.stderr.write("long ago: all was well\n")
    sys.stderr.flush()
    answer(receive(), {})
    receive()
    sys.stderr.write("ERROR codex: No sandbox is here.\nthe end is near\n")
    sys.stderr.flush()
    sys.exit(3)


def silent() -> None:
    time.sleep(600)


def echo() -> None:
    while True:
        request = receive()
        if "method" in request:
            answer(request, {"params": request.get("params")})


def environment() -> None:
    answer(receive(), dict(os.environ))


def no_terminal() -> None:
    sys.stderr.write("Error: stdin is not a terminal\n")
    sys.exit(1)


SCENES = {
    "long line": long_line,
    "garbage": garbage,
    "unknown": unknown,
    "overloaded twice": lambda: overloaded(2),
    "overloaded for good": lambda: overloaded(1000),
    "dies": lambda: death("exit"),
    "closes its output": lambda: death("deaf"),
    "warns and dies": warned,
    "never reads": silent,
    "echo": echo,
    "environment": environment,
}


def main() -> None:
    scene = sys.argv[1]
    if scene == "has no app-server":
        no_terminal()
    if scene == "dies at once":
        sys.exit(9)
    request = receive()
    # Without it, Codex puts what a managed policy leaves to a person to nobody.
    assert request["params"]["capabilities"]["requiredHumanApproval"] is True
    answer(request, {"codexHome": "/home/of/codex", "userAgent": "fake"})
    receive()
    SCENES[scene]()
    while True:
        receive()


main()
