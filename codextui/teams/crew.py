"""A team as agents of the Agents SDK, ready to run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from agents import Agent, ModelSettings, RunConfig, Tool, WebSearchTool
from agents.exceptions import UserError
from agents.mcp import MCPServer
from agents.models.interface import Model
from agents.models.multi_provider import MultiProvider
from openai import OpenAIError
from openai.types.shared import Reasoning

from codextui.errors import ConfigInvalid
from codextui.teams.briefing import instructions_of
from codextui.teams.budget import Budget
from codextui.teams.call_log import CallLog
from codextui.teams.codex_server import CodexServer
from codextui.teams.gated_handoff import Gatekeeper
from codextui.teams.happening import Happening
from codextui.teams.kept_model import KeptModel
from codextui.teams.link import ServerLink
from codextui.teams.routing import Route
from codextui.teams.run_store import RunStore
from codextui.teams.team import Mode, Role, Team
from codextui.teams.terms import Terms

ModelOf: TypeAlias = Callable[[Role], Model]
"""Chooses the model of a role."""

QUIET = RunConfig(
    # Traces would be sent to OpenAI: only `kept_traces` turns them on, and keeps them here.
    tracing_disabled=True,
    trace_include_sensitive_data=False,
    # A model that calls what is not there is told so, and goes on.
    tool_not_found_behavior="return_error_to_model",
)


@dataclass(frozen=True, slots=True)
class Crew:
    """What every strand of a run works with.

    Attributes:
        team: its configuration.
        mode: how it runs.
        project: the folder that everything is relative to; absolute.
        agents: the roles as agents, by name.
        servers: the roles' Codex, by role.
        store: where the run is kept.
        budget: what it has cost.
        tell: is told what happens.
        run_config: how the Agents SDK runs it.
    """

    team: Team
    mode: Mode
    project: Path
    agents: dict[str, Agent[Any]]
    servers: dict[str, CodexServer]
    store: RunStore
    budget: Budget
    tell: Callable[[Happening], None]
    run_config: RunConfig = field(default_factory=lambda: QUIET)

    async def stop(self) -> None:
        """End every Codex call that is still under way."""
        await asyncio.gather(*(server.stop_calls() for server in self.servers.values()))

    def let_go(self) -> None:
        """From now on a cancelled Codex call leaves its turn running."""
        for server in self.servers.values():
            server.interrupts = False


def hire(
    team: Team,
    mode: Mode,
    project: Path,
    *,
    link: ServerLink,
    log: CallLog,
    store: RunStore,
    budget: Budget,
    tell: Callable[[Happening], None],
    model_of: ModelOf | None = None,
    run_config: RunConfig = QUIET,
) -> Crew:
    """Make the agents of a team, with their Codex and their gated handoffs."""
    servers = {
        role.name: CodexServer.of_role(
            link, log, _terms(role, project, team.routes), require_approval="always"
        )
        for role in team.roles.values()
        if role.codex
    }
    agents = {}
    for role in team.roles.values():
        model = KeptModel((model_of or model_by_name)(role), role.name, store, budget, role.model)
        agents[role.name] = _agent(team, role, mode, servers.get(role.name), model)
    if mode is Mode.HANDOFFS:
        keeper = Gatekeeper(team, project, tell)
        for role in team.roles.values():
            source = agents[role.name]
            source.handoffs = [keeper.gated(source, agents[name]) for name in role.handoffs]
    return Crew(team, mode, project, agents, servers, store, budget, tell, run_config)


def _agent(
    team: Team, role: Role, mode: Mode, server: CodexServer | None, model: Model
) -> Agent[Any]:
    settings = ModelSettings()
    if role.effort:
        settings = ModelSettings(reasoning=Reasoning(effort=cast("Any", role.effort)))
    return Agent(
        name=role.name,
        handoff_description=role.about or None,
        instructions=instructions_of(team, role, mode),
        model=model,
        model_settings=settings,
        tools=[_tool(name) for name in role.tools],
        mcp_servers=cast("list[MCPServer]", [server] if server is not None else []),
    )


def _tool(name: str) -> Tool:
    match name:
        case "web_search":
            return WebSearchTool()
        case _:
            raise ValueError(name)


def model_by_name(role: Role) -> Model:
    """The model that a role's configuration names, as the Agents SDK finds it.

    Raises ConfigInvalid where that is not set up, such as where there is no key.
    """
    try:
        return MultiProvider().get_model(role.model or None)
    except (OpenAIError, UserError) as error:
        raise ConfigInvalid(f"the model of {role.name} cannot be used: {error}") from error


def _terms(role: Role, project: Path, routes: tuple[Route, ...]) -> Terms:
    return Terms(
        handle=role.name,
        cwd=project / role.cwd,
        model=role.codex_model,
        routes=routes,
        sandbox=role.sandbox,
        approval_policy=role.approval_policy,
        confined=True,
    )
