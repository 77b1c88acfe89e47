"""A team as agents of the Agents SDK, ready to run."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from agents import Agent, ModelSettings, RunConfig
from agents.exceptions import UserError
from agents.mcp import MCPServer
from agents.models.interface import Model
from agents.models.multi_provider import MultiProvider
from openai import OpenAIError
from openai.types.shared import Reasoning

from codextui.errors import ConfigInvalid
from codextui.teams.codex.calls import CallLog
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.codex.server import CodexServer
from codextui.teams.codex.terms import Terms
from codextui.teams.config.team import Condition, Mode, Role, Route, Team
from codextui.teams.gates.conditions import Unmet, find_unmet
from codextui.teams.gates.handoff import Gatekeeper
from codextui.teams.publish.questions import People
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent
from codextui.teams.records.store import RunStore
from codextui.teams.runner.controls import RunControls
from codextui.teams.runner.model import KeptModel
from codextui.teams.runner.role_tools import ASK_PERSON, RoleTools, ask_person_tool, find_tools


def instructions_of(team: Team, role: Role, mode: Mode) -> str:
    """The whole instructions of a role."""
    parts = [role.instructions.strip()]
    if role.produces:
        parts.append(f"When you are done these must be there:\n{_list(role.produces)}")
    if mode is Mode.HANDOFFS and role.handoffs:
        parts.append(f"You can hand off to:\n{_handoffs(team, role)}")
    if role.codex:
        parts.append(
            "You work by the tool `codex`: tell it what to do in the project, and use "
            "`codex-reply` with the `threadId` that it answered to go on with the same thread. "
            f"Its sandbox is {role.sandbox}."
        )
    return "\n\n".join(parts)


def task_of(team: Team, role: Role, task: str, changed: tuple[str, ...] = ()) -> str:
    """What a role that runs by itself is asked to do."""
    parts = [task.strip()]
    if len(team.roles) > 1:
        parts.append(f"You do the part of {role.name} in it; the others do theirs by themselves.")
    if role.requires:
        parts.append(f"What you need is there:\n{_list(role.requires)}")
    if changed:
        parts.append(
            "You have done this before, but since then these were changed: "
            f"{', '.join(changed)}. Bring your work up to date."
        )
    return "\n\n".join(parts)


def _handoffs(team: Team, role: Role) -> str:
    lines = []
    for name in role.handoffs:
        target = team.roles[name]
        about = f": {target.about}" if target.about else ""
        needs = ", ".join(map(str, target.requires))
        lines.append(f"- {name}{about}{f' (only once there is {needs})' if needs else ''}")
    return "\n".join(lines)


def _list(conditions: tuple[Condition, ...]) -> str:
    return "\n".join(f"- {condition}" for condition in conditions)


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
class RunContext:
    """What every strand of a run works with.

    Attributes:
        team: its configuration.
        mode: how it runs.
        project: the folder that everything is relative to; absolute.
        agents: the roles as agents, by name.
        servers: the roles' Codex, by role.
        own_servers: MCP servers that the roles have of their own, each once.
        store: where the run is kept.
        budget: what it has cost.
        tell: is told what happens.
        direction: what people ask of it.
        telling: tells whoever watches on the server.
        people: who are asked.
        run_config: how the Agents SDK runs it.
    """

    team: Team
    mode: Mode
    project: Path
    agents: dict[str, Agent[Any]]
    servers: dict[str, CodexServer]
    own_servers: tuple[MCPServer, ...]
    store: RunStore
    budget: Budget
    tell: Callable[[RunEvent], None]
    direction: RunControls
    telling: RunPublisher
    people: People
    run_config: RunConfig = field(default_factory=lambda: QUIET)

    async def find_unmet(self, conditions: Iterable[Condition]) -> tuple[Unmet, ...]:
        """The conditions that are not met now."""
        return await find_unmet(self.team, self.project, conditions, self.telling.board.note)

    async def stop(self, *roles: str) -> None:
        """End every Codex call that is still under way, of some roles or of all."""
        servers = [s for name, s in self.servers.items() if not roles or name in roles]
        await asyncio.gather(*(server.stop_calls() for server in servers))

    def let_go(self) -> None:
        """From now on a cancelled Codex call leaves its turn running."""
        for server in self.servers.values():
            server.interrupts = False


def create_run_context(
    team: Team,
    mode: Mode,
    project: Path,
    *,
    link: TeamConnection,
    log: CallLog,
    store: RunStore,
    budget: Budget,
    tell: Callable[[RunEvent], None],
    direction: RunControls,
    telling: RunPublisher,
    people: People,
    model_of: ModelOf | None = None,
    run_config: RunConfig = QUIET,
) -> RunContext:
    """Make the agents of a team, with their Codex, their tools and their gated handoffs.

    Raises ConfigInvalid where a model or a tool cannot be had.
    """
    servers = {
        role.name: _codex(link, log, _terms(role, project, team.routes, telling))
        for role in team.roles.values()
        if role.codex
    }
    tools = {role.name: find_tools(role) for role in team.roles.values()}
    keep = functools.partial(
        KeptModel, store=store, budget=budget, direction=direction, telling=telling, tell=tell
    )
    agents = {}
    for role in team.roles.values():
        model = keep((model_of or model_by_name)(role), role.name, name=role.model)
        agents[role.name] = _agent(team, role, mode, model)
        _equip(agents[role.name], tools[role.name], servers.get(role.name), people)
    own = tuple(dict.fromkeys(server for found in tools.values() for server in found.servers))
    means = (store, budget, tell, direction, telling, people, run_config)
    crew = RunContext(team, mode, project, agents, servers, own, *means)
    if mode is Mode.HANDOFFS:
        _connect(crew)
    return crew


def _codex(link: TeamConnection, log: CallLog, terms: Terms) -> CodexServer:
    return CodexServer.of_role(link, log, terms, require_approval="always")


def _agent(team: Team, role: Role, mode: Mode, model: Model) -> Agent[Any]:
    settings = ModelSettings()
    if role.effort:
        settings = ModelSettings(reasoning=Reasoning(effort=cast("Any", role.effort)))
    return Agent(
        name=role.name,
        handoff_description=role.about or None,
        instructions=instructions_of(team, role, mode),
        model=model,
        model_settings=settings,
    )


def _equip(agent: Agent[Any], found: RoleTools, server: CodexServer | None, people: People) -> None:
    """Give an agent its tools; each can ask a person, unless it has a tool of that name."""
    agent.tools = list(found.tools)
    if all(tool.name != ASK_PERSON for tool in found.tools):
        agent.tools.append(ask_person_tool(agent.name, people.answer))
    agent.mcp_servers = [*found.servers, *([server] if server is not None else [])]


def _connect(crew: RunContext) -> None:
    """Let the roles hand off to each other, by their gates."""
    keeper = Gatekeeper(
        crew.team,
        crew.project,
        crew.tell,
        note=crew.telling.board.note,
        stopped_by=crew.direction.stopped_by,
    )
    for role in crew.team.roles.values():
        source = crew.agents[role.name]
        source.handoffs = [keeper.gated(source, crew.agents[name]) for name in role.handoffs]


def model_by_name(role: Role) -> Model:
    """The model that a role's configuration names, as the Agents SDK finds it.

    Raises ConfigInvalid where that is not set up, such as where there is no key.
    """
    try:
        return MultiProvider().get_model(role.model or None)
    except (OpenAIError, UserError) as error:
        raise ConfigInvalid(f"the model of {role.name} cannot be used: {error}") from error


def _terms(role: Role, project: Path, routes: tuple[Route, ...], telling: RunPublisher) -> Terms:
    return Terms(
        handle=f"{role.name}-codex",
        parent=telling.roles[role.name].row.thread_id,
        cwd=project / role.cwd,
        model=role.codex_model,
        routes=routes,
        sandbox=role.sandbox,
        approval_policy=role.approval_policy,
        confined=True,
    )
