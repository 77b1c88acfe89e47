"""Everything that one run of the demo needs, put up and taken down again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from codextui import paths
from codextui.demo.home import write_codex_home
from codextui.demo.model import ScriptedModel
from codextui.demo.pace import Pace
from codextui.demo.scenario import Scenario
from codextui.demo.server import demo_server
from codextui.demo.workspace import Workspace


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
