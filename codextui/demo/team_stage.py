"""The demo's team, with everything that it needs, put up and taken down again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agents.models.interface import Model
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from codextui.client.session import Connect
from codextui.client.spawn import open_socket
from codextui.config import paths
from codextui.demo.home import write_codex_home
from codextui.demo.model import ScriptedModel
from codextui.demo.server import demo_server
from codextui.demo.steps import Pace
from codextui.demo.team_script import FOLDER, TASK, TeamScript
from codextui.demo.workspace import Workspace
from codextui.teams.config.reader import load_teams
from codextui.teams.config.team import Mode, Role
from codextui.teams.records.store import RunStore
from codextui.teams.runner.plan import RunPlan

MODEL = "gpt-5.5"


@dataclass(frozen=True, slots=True)
class TeamWorkspace(Workspace):
    """Where one run of the demo's team takes place."""

    @property
    def project(self) -> Path:
        """The roles' working folder."""
        return self.root / "bug-busters"


@dataclass(frozen=True, slots=True)
class TeamStage:
    """What is up while the demo's team runs.

    Attributes:
        workspace: where the roles work.
        model: the scripted model.
        name: the shared server's name.
        socket: its socket.
        client: the roles' way to the model.
    """

    workspace: TeamWorkspace
    model: ScriptedModel
    name: str
    socket: Path
    client: AsyncOpenAI

    @property
    def connect(self) -> Connect:
        """The way to the shared server."""
        return functools.partial(open_socket, self.socket)

    def model_of(self, _: Role) -> Model:
        """The model of every role."""
        return OpenAIResponsesModel(MODEL, self.client)

    def new_run(self, mode: Mode) -> tuple[RunPlan, RunStore]:
        """The team, what it is asked, and where its run is kept."""
        team = load_teams(FOLDER / "team.toml")["bug-busters"]
        store = RunStore.create(team.name, self.workspace.root)
        return RunPlan(team, TASK, self.workspace.project, mode), store


def create_team_workspace() -> TeamWorkspace:
    """Make a fresh workspace with an empty project, in codextui's cache folder. Raises OSError."""
    parent = paths.cache_dir() / "demo"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S-")
    root = Path(tempfile.mkdtemp(prefix=f"team-{stamp}", dir=parent)).resolve()
    workspace = TeamWorkspace(root, has_git=False)
    workspace.project.mkdir()
    return workspace


@contextlib.asynccontextmanager
async def open_team_stage(workspace: TeamWorkspace, pace: Pace) -> AsyncIterator[TeamStage]:
    """Start the scripted model, and a shared server whose Codex uses it.

    In the end both are stopped; the project and the server's log stay.

    Raises:
        OSError: the model cannot listen on loopback.
        ServerUnreachable: the server did not come up.
    """
    name = f"demo-team-{os.getpid()}"
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, _tidy, workspace, name)
        model = await stack.enter_async_context(ScriptedModel(TeamScript(pace)))
        write_codex_home(workspace.codex_home, model.base_url)
        socket = await stack.enter_async_context(demo_server(name, workspace))
        http = DefaultAsyncHttpxClient(trust_env=False)  # no proxy stands before loopback
        client = AsyncOpenAI(
            base_url=model.base_url, api_key="none", max_retries=0, http_client=http
        )
        await stack.enter_async_context(client)
        yield TeamStage(workspace, model, name, socket, client)


def _tidy(workspace: Workspace, name: str) -> None:
    for folder in (workspace.codex_home, workspace.state):
        shutil.rmtree(folder, ignore_errors=True)
    paths.lock_path(name).unlink(missing_ok=True)
