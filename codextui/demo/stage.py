"""Everything that one run of the demo needs, put up and taken down again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from codextui.config import paths
from codextui.demo.agents import BUILDER, FOLLOW_UP, ROLES, TESTER, Role
from codextui.demo.home import write_codex_home
from codextui.demo.model import ScriptedModel
from codextui.demo.scenario import Scenario
from codextui.demo.server import demo_server
from codextui.demo.steps import Pace
from codextui.demo.workspace import Workspace
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState


@dataclass(frozen=True, slots=True)
class Stage:
    """What is up while the demo runs.

    Attributes:
        workspace: where the threads work.
        model: the scripted model.
        name: the shared server's name (`-L`).
        socket: its socket.
    """

    workspace: Workspace
    model: ScriptedModel
    name: str
    socket: Path


def server_name() -> str:
    """Returns the name of this process's demo server."""
    return f"demo-{os.getpid()}"


@contextlib.asynccontextmanager
async def open_stage(workspace: Workspace, pace: Pace) -> AsyncIterator[Stage]:
    """Starts the scripted model, and a shared server whose Codex uses it.

    In the end both are stopped; the project, the release and the server's log stay.

    Raises:
        OSError: the model cannot listen on loopback.
        ServerUnreachable: the server did not come up.
    """
    name = server_name()
    async with ScriptedModel(Scenario(pace, has_git=workspace.has_git)) as model:
        write_codex_home(workspace.codex_home, model.base_url)
        try:
            async with demo_server(name, workspace) as socket:
                yield Stage(workspace, model, name, socket)
        finally:
            await asyncio.to_thread(_tidy, workspace, name)


def _tidy(workspace: Workspace, name: str) -> None:
    """Removes what only the run itself needed; the log stays beside what was made."""
    for folder in (workspace.codex_home, workspace.state):
        shutil.rmtree(folder, ignore_errors=True)
    paths.lock_path(name).unlink(missing_ok=True)


Call = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Calls a tool of the shared server: `Connection.call`."""


class Storyline:
    """Puts the roles to work, and sends the follow-up when its time has come.

    `see` must be given every event of the server, in order.
    """

    def __init__(self, call: Call, project: Path) -> None:
        self._call = call
        self._project = project
        self._ended: Counter[str] = Counter()
        self._killed: set[str] = set()
        self._changed = asyncio.Event()
        self._threads: dict[str, str] = {}

    def see(self, event: ev.Event) -> None:
        """Takes note of the turns that end, and of threads that a person kills."""
        match event.msg:
            case ev.TurnCompleted() | ev.TurnAborted():
                self._ended[event.thread_id] += 1
                self._changed.set()
            case ev.ThreadChanged(thread) if thread.state is ThreadState.KILLED:
                self._killed.add(thread.thread_id)
                self._changed.set()

    async def play(self) -> None:
        """Runs the story and returns when every thread is at rest.

        Raises:
            CodextuiError: the server refused something.
        """
        # A start returns at once, and in this order they stand on the screen.
        for role in ROLES:
            self._threads[role.name] = await self._start(role)
        await self._turns_ended(BUILDER, 1)
        await self._turns_ended(TESTER, 1)
        builder = self._threads[BUILDER.name]
        if builder not in self._killed:
            await self._call("codex-send", {"thread": builder, "prompt": FOLLOW_UP})
            await self._turns_ended(BUILDER, 2)
        for role in ROLES:
            await self._turns_ended(role, 1)

    async def _start(self, role: Role) -> str:
        started = await self._call(
            "codex-start",
            {
                "prompt": role.brief,
                "handle": role.name,
                "cwd": str(self._project),
                "sandbox": role.sandbox,
                "approval-policy": "on-request",
                "developer-instructions": role.instructions,
            },
        )
        return fields.text(fields.as_object(started.get("thread"), "thread"), "thread_id")

    async def _turns_ended(self, role: Role, count: int) -> None:
        """Waits until so many turns have ended, or nothing more can be expected."""
        thread = self._threads[role.name]
        while self._ended[thread] < count and thread not in self._killed:
            self._changed.clear()
            await self._changed.wait()
