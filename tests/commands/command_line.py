"""What the tests of commands share: threads, a command's result, and a server's tools."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from client.fake_server import FakeServer, Frame

from codextui.protocol.approvals import Approval, Asked
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

THREAD = ThreadInfo(
    "01a2-thread",
    "backend",
    ThreadState.RUNNING,
    cwd="/work/app",
    branch="main",
    brief="build it",
    turn_id="u1",
    usage=Usage(total=12_345),
)

RUN = ThreadInfo("run:bugs-1", "bugs", ThreadState.RUNNING, turn_id="t1", kind=ThreadKind.RUN)

ROLE = ThreadInfo(
    "run:bugs-1/backend",
    "backend",
    ThreadState.DONE,
    turn_id="t1",
    kind=ThreadKind.ROLE,
    parent=RUN.thread_id,
)


EVIL = "\x1b]0;owned\x07\x1b[2Jtext\x9b31m\u202e"
"""Text with control sequences and a direction override."""


class Result:
    """The output and exit code of a command line."""

    def __init__(self, code: int, captured: Any) -> None:
        self.code, self.out, self.err = code, captured.out, captured.err

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[Frame]:
        return [json.loads(line) for line in self.lines]


def approval(asked: Asked, approval_id: str = "a7") -> Approval:
    return Approval(approval_id, THREAD.thread_id, "u1", "i1", "backend", time.time() - 12, asked)


def record_calls(server: FakeServer, tool: str, result: Frame) -> list[Frame]:
    given: list[Frame] = []
    server.tools[tool] = lambda arguments: given.append(arguments) or result
    return given


@contextlib.contextmanager
def start_process(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "codextui", *arguments], stderr=subprocess.PIPE, **options
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def offer(server: FakeServer, *approvals: Approval) -> list[Frame]:
    """Give the server these approvals; return the decisions that it receives."""
    given: list[Frame] = []

    def answer(arguments: Frame) -> Frame:
        given.append(arguments)
        return {"approval": arguments["approval"], "outcome": arguments["decision"]}

    server.tools["codex-approvals"] = lambda _: {"approvals": [a.to_json() for a in approvals]}
    server.tools["codex-answer"] = answer
    return given
