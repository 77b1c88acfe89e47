"""The context of a run: the roles of a team as agents of the Agents SDK, and what they share."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from agents import Agent, ModelSettings, RunConfig
from agents.mcp import MCPServer
from agents.models.interface import Model
from openai.types.shared import Reasoning

from codextui.protocol.threads import handle_with_suffix
from codextui.teams.codex.calls import CallLog
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.codex.server import CodexToolServer
from codextui.teams.codex.settings import ThreadSettings
from codextui.teams.config.team import Condition, Mode, Role, Route, Team
from codextui.teams.gates.conditions import UnmetCondition, find_unmet
from codextui.teams.gates.handoff import HandoffGates
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent
from codextui.teams.records.store import RunStore
from codextui.teams.runner.controls import RunControls
from codextui.teams.runner.model import RecordedModel
from codextui.teams.runner.provider import configured_model
from codextui.teams.runner.role_tools import (
    ASK_PERSON,
    RoleApprovals,
    RoleTools,
    ask_person_tool,
    load_tools,
)
from codextui.teams.runner.write_file import WRITE_FILE, write_file_tools

ModelFactory: TypeAlias = Callable[[Role], Model]
"""Returns the model of a role."""

RUN_CONFIG = RunConfig(
    # Traces would be sent to OpenAI; only `record_traces` turns them on.
    tracing_disabled=True,
    trace_include_sensitive_data=False,
    # A model that calls an unknown tool gets an error, and the run continues.
    tool_not_found_behavior="return_error_to_model",
)
"""The base configuration of the Agents SDK's runs."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """The agents, tools and records that the conversations of a run share.

    Attributes:
        team: the team.
        mode: how the roles are run.
        project: the folder of the project, absolute.
        agents: the agents, by role.
        codex_servers: the roles' Codex, by role.
        mcp_servers: the roles' other MCP servers, each once.
        store: the run's folder.
        budget: what the run has used.
        on_event: called with each event of the run.
        controls: what people have requested.
        publisher: publishes the run to the server.
        approvals: asks people on behalf of roles.
        run_config: the configuration of the Agents SDK.
    """

    team: Team
    mode: Mode
    project: Path
    agents: dict[str, Agent[Any]]
    codex_servers: dict[str, CodexToolServer]
    mcp_servers: tuple[MCPServer, ...]
    store: RunStore
    budget: Budget
    on_event: Callable[[RunEvent], None]
    controls: RunControls
    publisher: RunPublisher
    approvals: RoleApprovals
    run_config: RunConfig = field(default_factory=lambda: RUN_CONFIG)

    async def find_unmet(self, conditions: Iterable[Condition]) -> tuple[UnmetCondition, ...]:
        """Check conditions and return those that are not met."""
        board = self.publisher.board
        return await find_unmet(self.team, self.project, conditions, board.record_check)

    async def cancel_codex_calls(self, *roles: str) -> None:
        """Cancel the Codex calls of some roles, or of all, and interrupt their turns."""
        servers = [s for name, s in self.codex_servers.items() if not roles or name in roles]
        await asyncio.gather(*(server.cancel_calls() for server in servers))

    def leave_turns_running(self) -> None:
        """Do not interrupt the turns of Codex calls that are cancelled from now on."""
        for server in self.codex_servers.values():
            server.interrupts_turns = False


def create_run_context(
    team: Team,
    mode: Mode,
    project: Path,
    *,
    connection: TeamConnection,
    log: CallLog,
    store: RunStore,
    budget: Budget,
    on_event: Callable[[RunEvent], None],
    controls: RunControls,
    publisher: RunPublisher,
    approvals: RoleApprovals,
    model_factory: ModelFactory | None = None,
    run_config: RunConfig = RUN_CONFIG,
) -> RunContext:
    """Create the agents of a team, with their Codex, their tools and their gated handoffs.

    The parameters are attributes of `RunContext`, besides the connection to the server, the log of
    the run's Codex calls, and `model_factory`, which by default returns the configured models.
    Raises ConfigInvalid if a model or a tool is not available.
    """
    codex_servers = _create_codex_servers(team, project, connection, log, publisher)
    tools = {role.name: load_tools(role, team.folder) for role in team.roles.values()}
    record_model = functools.partial(
        RecordedModel,
        store=store,
        budget=budget,
        controls=controls,
        publisher=publisher,
        on_event=on_event,
    )
    agents = {}
    for role in team.roles.values():
        model = record_model((model_factory or configured_model)(role), role.name, name=role.model)
        agents[role.name] = _create_agent(team, role, mode, model)
        _add_tools(agents[role.name], tools[role.name], codex_servers.get(role.name), approvals)
        agents[role.name].tools += write_file_tools(role, project)
    context = RunContext(
        team=team,
        mode=mode,
        project=project,
        agents=agents,
        codex_servers=codex_servers,
        mcp_servers=tuple(dict.fromkeys(one for found in tools.values() for one in found.servers)),
        store=store,
        budget=budget,
        on_event=on_event,
        controls=controls,
        publisher=publisher,
        approvals=approvals,
        run_config=run_config,
    )
    if mode is Mode.HANDOFFS:
        _add_handoffs(context)
    return context


def _create_codex_servers(
    team: Team,
    project: Path,
    connection: TeamConnection,
    log: CallLog,
    publisher: RunPublisher,
) -> dict[str, CodexToolServer]:
    return {
        role.name: CodexToolServer(
            f"codex of {role.name}-codex",
            _thread_settings(role, project, team.routes, publisher),
            connection=connection,
            log=log,
            require_approval="always",
        )
        for role in team.roles.values()
        if role.codex
    }


def _thread_settings(
    role: Role, project: Path, routes: tuple[Route, ...], publisher: RunPublisher
) -> ThreadSettings:
    return ThreadSettings(
        handle=handle_with_suffix(role.name, "-codex"),
        parent=publisher.roles[role.name].thread.thread_id,
        cwd=project / role.cwd,
        model=role.codex_model,
        routes=routes,
        sandbox=role.sandbox,
        approval_policy=role.approval_policy,
        confined=True,
    )


def _create_agent(team: Team, role: Role, mode: Mode, model: Model) -> Agent[Any]:
    settings = ModelSettings()
    if role.effort:
        settings = ModelSettings(reasoning=Reasoning(effort=cast("Any", role.effort)))
    return Agent(
        name=role.name,
        handoff_description=role.about or None,
        instructions=role_instructions(team, role, mode),
        model=model,
        model_settings=settings,
    )


def _add_tools(
    agent: Agent[Any],
    found: RoleTools,
    codex_server: CodexToolServer | None,
    approvals: RoleApprovals,
) -> None:
    agent.tools = list(found.tools)
    if all(tool.name != ASK_PERSON for tool in found.tools):
        agent.tools.append(ask_person_tool(agent.name, approvals.ask_question))
    codex_servers = [codex_server] if codex_server is not None else []
    agent.mcp_servers = [*found.servers, *codex_servers]


def _add_handoffs(context: RunContext) -> None:
    gates = HandoffGates(
        context.team,
        context.project,
        context.on_event,
        on_checked=context.publisher.board.record_check,
        stopped_by=context.controls.stopped_by,
    )
    for role in context.team.roles.values():
        source = context.agents[role.name]
        source.handoffs = [
            gates.create_handoff(source, context.agents[name]) for name in role.handoffs
        ]


def role_instructions(team: Team, role: Role, mode: Mode) -> str:
    """Return the instructions of a role: its own, and those that follow from the configuration."""
    parts = [role.instructions.strip()]
    if role.produces:
        parts.append(f"When you are done these must be there:\n{_list(role.produces)}")
    if role.writes:
        parts.append(
            f"These files you write yourself, by the tool `{WRITE_FILE}`:\n"
            + "\n".join(f"- {pattern}" for pattern in role.writes)
        )
    if mode is Mode.HANDOFFS and role.handoffs:
        parts.append(f"You can hand off to:\n{_handoff_list(team, role)}")
    if role.codex:
        parts.append(
            "You work by the tool `codex`: tell it what to do in the project, and use "
            "`codex-reply` with the `threadId` that it answered to go on with the same thread. "
            f"Its sandbox is {role.sandbox}."
        )
    return "\n\n".join(parts)


def role_task(team: Team, role: Role, task: str, changed: tuple[str, ...] = ()) -> str:
    """Return the task of a role that is run in parallel.

    Args:
        team: the team.
        role: the role.
        task: the team's task.
        changed: the files that have changed since the role has done its task before.
    """
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


def _handoff_list(team: Team, role: Role) -> str:
    lines = []
    for name in role.handoffs:
        target = team.roles[name]
        about = f": {target.about}" if target.about else ""
        needs = ", ".join(map(str, target.requires))
        lines.append(f"- {name}{about}{f' (only once there is {needs})' if needs else ''}")
    return "\n".join(lines)


def _list(conditions: tuple[Condition, ...]) -> str:
    return "\n".join(f"- {condition}" for condition in conditions)
