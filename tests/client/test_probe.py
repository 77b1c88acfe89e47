"""Servers of all kinds are asked for their tools, and nothing of them is left."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from codextui.client import probe
from codextui.client.probe import ServerProgram, ask_program, ask_url
from codextui.errors import ServerUnreachable

ANSWERS = """
import json, sys
for line in sys.stdin:
    frame = json.loads(line)
    tools = [{"name": "one"}, {"name": "two"}]
    info = {"serverInfo": {"name": "s", "version": "1"}, "protocolVersion": "2025-06-18"}
    result = {"initialize": info, "tools/list": {"tools": tools}}.get(frame["method"])
    if "id" in frame:
        print(json.dumps({"jsonrpc": "2.0", "id": frame["id"], "result": result}), flush=True)
"""
LEAVES_A_CHILD = """
import subprocess, pathlib, sys
child = subprocess.Popen(["sleep", "1000"])
pathlib.Path("child").write_text(str(child.pid))
"""
IGNORES_EVERYTHING = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""


def python(script: str, cwd: Path, **env: str) -> ServerProgram:
    return ServerProgram([sys.executable, "-c", script], {**os.environ, **env}, cwd)


def test_the_tools_of_a_program_are_returned(tmp_path: Path) -> None:
    assert ask_program(python(ANSWERS, tmp_path)) == ("one", "two")


def test_a_program_gets_the_environment_and_the_folder_of_its_entry(tmp_path: Path) -> None:
    check = "import os, sys\nif os.getcwd() != os.environ['HERE']: sys.exit('elsewhere')\n"
    program = python(check + ANSWERS, tmp_path, HERE=str(tmp_path.resolve()))
    assert ask_program(program) == ("one", "two")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit('stdin is not a terminal')", "it said: stdin is not a terminal"),
        ("print('hello'); input()", ""),
        ("", ""),
    ],
)
def test_why_a_program_does_not_answer_is_said(tmp_path: Path, script: str, why: str) -> None:
    with pytest.raises(ServerUnreachable) as caught:
        ask_program(python(script, tmp_path))
    assert why in str(caught.value)


def test_a_program_that_keeps_silent_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match=r"did not .* within 0\.5 seconds"):
        ask_program(python("import sys; sys.stdin.read()", tmp_path), timeout_s=0.5)


@pytest.mark.parametrize("command", [["/no/such/program"], [""], ["."]])
def test_a_program_that_cannot_be_started_is_named(tmp_path: Path, command: list[str]) -> None:
    with pytest.raises(ServerUnreachable, match=r".+"):
        ask_program(ServerProgram(command, dict(os.environ), tmp_path))


def test_nothing_of_a_program_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_END_S", 0.2)
    wait = "\ntime.sleep(1000)"
    assert ask_program(python(LEAVES_A_CHILD + IGNORES_EVERYTHING + ANSWERS + wait, tmp_path))
    with suppress(ProcessLookupError):
        child = os.pidfd_open(int((tmp_path / "child").read_text()))
        assert select.select([child], [], [], 30)[0]  # readable once it has ended


class Handler(BaseHTTPRequestHandler):
    events: ClassVar[bool] = False
    seen: ClassVar[list[tuple[str, str | None]]] = []

    def log_message(self, *_: Any) -> None:
        pass

    def do_DELETE(self) -> None:
        self.seen.append(("DELETE", self.headers.get("Mcp-Session-Id")))
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        frame = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((frame["method"], self.headers.get("Mcp-Session-Id")))
        if self.headers.get("Authorization") != "Bearer right":
            self.send_error(401)
            return
        result = {"tools": [{"name": "one"}]} if frame["method"] == "tools/list" else {}
        answer = json.dumps({"jsonrpc": "2.0", "id": frame.get("id"), "result": result})
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/message"})
        text = f"data: {note}\n\nevent: message\ndata: {answer}\n\n" if self.events else answer
        self.send_response(200 if "id" in frame else 202)
        self.send_header("Content-Type", "text/event-stream" if self.events else "application/json")
        self.send_header("Mcp-Session-Id", "s1")
        self.end_headers()
        self.wfile.write(text.encode() if "id" in frame else b"")


@contextmanager
def http_server(*, events: bool) -> Iterator[str]:
    seen: list[tuple[str, str | None]] = []
    handler = type("Handler", (Handler,), {"events": events, "seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/mcp"
        server.shutdown()
        thread.join()
    Handler.seen[:] = seen


@pytest.mark.parametrize("events", [False, True])
def test_the_tools_at_a_url_are_returned_and_the_session_is_ended(
    events: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with http_server(events=events) as url:
        assert ask_url(url, {"Authorization": "Bearer right"}) == ("one",)
    assert Handler.seen == [
        ("initialize", None),
        ("notifications/initialized", "s1"),
        ("tools/list", "s1"),
        ("DELETE", "s1"),
    ]


def test_why_a_url_does_not_answer_is_said() -> None:
    with (
        http_server(events=False) as url,
        pytest.raises(ServerUnreachable, match="401 Unauthorized"),
    ):
        ask_url(url, {"Authorization": "Bearer wrong"})
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        ask_url(url, {})
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        ask_url("codex://nowhere", {})
