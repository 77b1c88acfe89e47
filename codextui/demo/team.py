"""The demo's team: five roles build a small game, on the console or without a screen.

It imports the Agents SDK, which the demo of three threads does without.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from agents.models.interface import Model
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from codextui.client.connection import Connection
from codextui.client.updates import ApprovalOffered, ConnectionUpdate
from codextui.commands.run_output import print_event
from codextui.demo.console import run_beside_console
from codextui.demo.environment import DemoEnvironment, open_environment
from codextui.demo.headless import answer_approval, print_policy, run_to_end
from codextui.demo.report import Line, Report
from codextui.demo.script import INSTANT, READABLE, Speed
from codextui.demo.team_script import FILES, FOLDER, TASK, TeamScript, content_of, describe_files
from codextui.demo.workspace import TeamWorkspace, create_team_workspace
from codextui.errors import CodextuiError
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import RunEventKind
from codextui.teams.config.reader import load_teams
from codextui.teams.config.team import Mode, Role, RunPlan
from codextui.teams.records.costs import Budget, end_event
from codextui.teams.records.events import RunEvent, RunOutcome
from codextui.teams.records.store import RunStore
from codextui.teams.runner.run import run_team

MODEL = "gpt-5.5"
"""The model of every role."""

LIMIT_S = 300.0
"""Seconds a run without a screen may take; it usually takes about twenty."""

_SHOWN_AFTER_CONSOLE = {
    RunEventKind.HANDOFF_REFUSED,
    RunEventKind.HANDED_OFF,
    RunEventKind.SENT_BACK,
    RunEventKind.RUN_ENDED,
}


@dataclass(frozen=True, slots=True)
class TeamEnvironment(DemoEnvironment):
    """The environment of the team's demo.

    Attributes:
        client: calls the scripted model for the roles.
    """

    client: AsyncOpenAI

    def create_model(self, _: Role) -> Model:
        """Return the model of a role: the same for all."""
        return OpenAIResponsesModel(MODEL, self.client)

    def new_run(self, mode: Mode) -> tuple[RunPlan, RunStore]:
        """Return a plan of the team's run, and a new store for it in the workspace."""
        team = load_teams(FOLDER / "team.toml")["bug-busters"]
        store = RunStore.create(team.name, self.workspace.root)
        return RunPlan(team, TASK, self.workspace.project, mode), store


@contextlib.asynccontextmanager
async def open_team_environment(
    workspace: TeamWorkspace, speed: Speed
) -> AsyncIterator[TeamEnvironment]:
    """Run what the team's demo needs. Raises what `open_environment` raises."""
    name = f"demo-team-{os.getpid()}"
    async with open_environment(workspace, TeamScript(speed), name) as demo:
        http = DefaultAsyncHttpxClient(trust_env=False)  # no proxy stands before loopback
        async with AsyncOpenAI(
            base_url=demo.model.base_url, api_key="none", max_retries=0, http_client=http
        ) as client:
            yield TeamEnvironment(workspace, demo.model, name, demo.socket, client)


def run_with_console(mode: Mode) -> int:
    """Run the demo's team on the console and return the process's exit code.

    The person at the console answers approvals. When the console is left, the run, the server
    and the model stop; the workspace stays, and its path is printed.

    Raises:
        CodextuiError: the server did not start, or the configuration cannot be used.
        OSError: the workspace cannot be made.
    """
    report = Report(sys.stdout, json_lines=False)
    report.print(Line("started", "Starting a scripted model, and a shared server of its own."))
    workspace = create_team_workspace()
    shown: list[RunEvent] = []

    def collect(event: RunEvent) -> None:
        if event.kind in _SHOWN_AFTER_CONSOLE:
            shown.append(dataclasses.replace(event, data={}))  # without the costs

    async def play(environment: TeamEnvironment) -> None:
        plan, store = environment.new_run(mode)
        connect, create_model = environment.connect, environment.create_model
        await run_team(plan, store, connect, collect, model_factory=create_model)

    open_ = functools.partial(open_team_environment, workspace, READABLE)
    code, fault = run_beside_console(open_, play)
    if fault:
        shown.append(RunEvent(RunEventKind.RUN_ENDED, "", fault))
    for event in shown:
        print_event(event, as_json=False, with_time=False)
    report.print(Line("files", describe_files(workspace.project)))
    return code


def run_headless(mode: Mode, *, json_lines: bool) -> int:
    """Run the demo's team without a screen and return the process's exit code.

    Args:
        mode: how the team runs.
        json_lines: print one JSON object a line instead of text.

    Returns:
        0 only if every file is there and right, a gate was closed and a person was asked; else
        1, after a line that says why; 130 if it was interrupted.
    """
    report = Report(sys.stdout, json_lines=json_lines)

    async def play() -> str:
        workspace = await asyncio.to_thread(create_team_workspace)
        report.print(Line("started", "Five roles build a small game. The models are a script."))
        print_policy(report)
        run = _HeadlessRun(report, json_lines=json_lines)
        async with open_team_environment(workspace, INSTANT) as environment:
            fault = await run.run(environment, mode)
        where = {"project": str(workspace.project)}
        report.print(Line("files", describe_files(workspace.project), data=where))
        return fault or _find_fault(workspace, run.events)

    return run_to_end(report, play, limit_s=LIMIT_S)


class _HeadlessRun:
    """Runs the team, prints every event and answers every approval.

    Attributes:
        events: the run's events so far.
    """

    def __init__(self, report: Report, *, json_lines: bool) -> None:
        self.events: list[RunEvent] = []
        self._report = report
        self._json_lines = json_lines

    async def run(self, environment: TeamEnvironment, mode: Mode) -> str:
        """Run the team to its end and return what went wrong. Raises CodextuiError."""
        project = environment.workspace.project
        answers: list[asyncio.Task[None]] = []

        def handle_update(update: ConnectionUpdate) -> None:
            if isinstance(update, ApprovalOffered):
                answers.append(asyncio.create_task(answer(update.approval)))

        async def answer(approval: Approval) -> None:
            await answer_approval(approval, connection, project, self._report)

        connect = environment.connect
        async with Connection(connect, name="demo", on_update=handle_update) as connection:
            plan, store = environment.new_run(mode)
            with self._reporting_end(plan, store):
                end = await run_team(
                    plan,
                    store,
                    connect,
                    self._handle_event,
                    model_factory=environment.create_model,
                )
            await asyncio.gather(*answers)
        return "; ".join([*environment.model.faults, *([end.message] if end.outcome else [])])

    @contextlib.contextmanager
    def _reporting_end(self, plan: RunPlan, store: RunStore) -> Iterator[None]:
        """Report the end of a run that an exception ends."""
        try:
            yield
        except (asyncio.CancelledError, CodextuiError, OSError) as error:
            is_interrupted = isinstance(error, asyncio.CancelledError)
            outcome = RunOutcome.INTERRUPTED if is_interrupted else RunOutcome.FAILED
            why = "it did not run to its end" if is_interrupted else str(error)
            with store.reading("spent") as spent:
                budget = Budget(plan.team.limits, spent, plan.prices)
            self._handle_event(end_event(outcome, why, budget, run_id=store.run_id))
            raise

    def _handle_event(self, event: RunEvent) -> None:
        # `codextui run --resume` does not know the runs of the demo.
        data = {key: value for key, value in event.data.items() if key != "resume"}
        event = dataclasses.replace(event, data=data)
        self.events.append(event)
        print_event(event, as_json=self._json_lines, with_time=False)


def _find_fault(workspace: TeamWorkspace, events: list[RunEvent]) -> str:
    """Return what is wrong with the files and the run's events; "" if nothing is."""
    faults = [
        f"{name} is not what was to be written"
        for name in FILES
        if not (workspace.project / name).is_file()
        or (workspace.project / name).read_text(encoding="utf-8") != content_of(name)
    ]
    kinds = {event.kind for event in events}
    if not kinds & {RunEventKind.HANDOFF_REFUSED, RunEventKind.SENT_BACK}:
        faults.append("no gate was shut")
    if RunEventKind.PERSON_DECIDED not in kinds:
        faults.append("nobody was asked for approval")
    return "; ".join(faults)
