"""Fleets for journeys: thirty real threads at once, and yesterday's runs in the journal."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codextui.client.session import ClientSession
from codextui.client.spawn import open_socket
from codextui.config import paths
from codextui.demo import Answer, Fail, Patch, Run, Say, Script
from codextui.demo.workspace import Workspace
from codextui.protocol import events as ev
from codextui.protocol.runs import RunEventKind
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.config.team import Limits, Role, Team
from codextui.teams.publish.publisher import Publisher
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunOutcome
from codextui.teams.records.store import RunStore

COUNTED = "echo linted >> lint.txt"
"""What four threads ask for in one folder; its lines tell how often it ran."""

DAY_S = 24 * 3600.0

ROLES = ("lead", "coder", "tester")


@dataclass(frozen=True, slots=True)
class Member:
    """A thread of a fleet.

    Attributes:
        handle: its handle; its prompt begins with it.
        task: the rest of its prompt.
        answers: what the model answers.
        subject: what it asks, as it is shown in one line; empty if it asks nothing.
        makes: the file that is there only if what it asks was done.
    """

    handle: str
    task: str
    answers: Sequence[Answer]
    subject: str = ""
    makes: Path | None = None

    @property
    def prompt(self) -> str:
        return f"{self.handle}: {self.task}"


def fleet_of_thirty(workspace: Workspace, gate: asyncio.Event) -> list[Member]:
    """Return thirty threads: twelve ask, six write until the gate opens, two fail, ten answer.

    Four of those who ask want the same command, and two want to change files.
    """
    release = workspace.release

    def leaves(handle: str, task: str) -> Member:
        made = release / f"{handle}.txt"
        run = Run(f"touch {made}", escalate=True, justification=f"{task} belongs to the release.")
        return Member(handle, task, [run, Say(f"{task} is published.")], f"touch {made}", made)

    def patches(handle: str, task: str) -> Member:
        made = release / f"{handle}.md"
        patch = Patch.add(str(made), f"# {task}\n\nWritten by {handle}.\n")
        return Member(handle, task, [patch, Say(f"{task} is written.")], f"{handle}.md", made)

    def lints(handle: str) -> Member:
        run = Run(COUNTED, escalate=True)
        return Member(handle, "Lint it", [run, Say("It is clean.")], COUNTED)

    def writes(handle: str, task: str) -> Member:
        words = Say(f"Step by step I look at {task} and more", gate=gate, open_deltas=5)
        return Member(handle, task, [words])

    def answers(handle: str, task: str) -> Member:
        return Member(handle, task, [Say(f"{task}: that is done, and nothing is left.")])

    def fails(handle: str, task: str) -> Member:
        return Member(handle, task, [Fail(message=f"The model knows no {handle}.")])

    return [
        *(lints(handle) for handle in ("lint-api", "lint-web", "lint-docs", "lint-cli")),
        *(leaves(handle, task) for handle, task in _RELEASED.items()),
        *(patches(handle, task) for handle, task in _WRITTEN.items()),
        *(writes(handle, task) for handle, task in _BEING_DONE.items()),
        *(answers(handle, task) for handle, task in _ANSWERED.items()),
        *(fails(handle, task) for handle, task in _FAILING.items()),
    ]


_RELEASED = {
    "schema": "The schema of the orders",
    "invoice": "The template of the invoices",
    "currency": "The table of currencies",
    "shipping": "The rates of shipping",
    "tax-tables": "The tax tables of all states",
    "search-index": "The index of the search",
}
_WRITTEN = {"release-notes": "The notes of the release", "upgrade-guide": "The guide for upgrades"}
_BEING_DONE = {
    "checkout": "the checkout",
    "payments": "the payments",
    "login-page": "the login page",
    "cart": "the cart",
    "emails": "the emails",
    "reports": "the reports",
}
_ANSWERED = {
    "typo-fixes": "Fix the typing mistakes",
    "logging": "Log what the cron jobs do",
    "flaky-test": "Find out why a test is flaky",
    "readme": "Shorten the README",
    "icons": "Replace the icons",
    "cache": "Cache the prices",
    "backup": "Describe the backup",
    "metrics": "Count the requests",
    "favicon": "Draw a favicon",
    "licences": "List the licences",
}
_FAILING = {"translator": "Translate the shop", "forecast": "Forecast the demand"}


def script_of(members: Sequence[Member]) -> Script:
    """Return the script that answers the prompts of a fleet."""
    script = Script()
    for member in members:
        script.on(member.prompt, *member.answers)
    return script


def start_all(name: str, members: Sequence[Member], workspace: Workspace) -> dict[str, str]:
    """Start the threads in one session, in their order; return their ids by handle."""

    async def start() -> dict[str, str]:
        streams = await open_socket(paths.socket_path(name))
        async with ClientSession(streams) as session:
            await session.initialize("starter", supervise=False)
            return {one.handle: await start_one(session, one) for one in members}

    async def start_one(session: ClientSession, member: Member) -> str:
        arguments = {
            "handle": member.handle,
            "prompt": member.prompt,
            "cwd": str(workspace.project),
            "sandbox": "workspace-write",
            "approval-policy": "on-request",
        }
        started: Any = await session.call_tool("codex-start", arguments)
        return str(started["thread"]["thread_id"])

    return asyncio.run(start())


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that is over.

    Attributes:
        team: the team's name.
        task: what it was given.
        outcome: how it ended.
        message: its result, or why it failed.
    """

    team: str
    task: str
    outcome: RunOutcome
    message: str


def runs_of_a_day(count: int) -> list[PastRun]:
    """Return runs of which every third one failed."""
    runs = []
    for number in range(count):
        team, task = _TEAMS[number % len(_TEAMS)], _TASKS[number % len(_TASKS)]
        failed = number % 3 == 2
        message = "the tests of the cart fail" if failed else f"{task}: it is merged"
        outcome = RunOutcome.FAILED if failed else RunOutcome.DONE
        runs.append(PastRun(f"{team}-{number + 1}", task, outcome, message))
    return runs


_TEAMS = ("shop", "bug-busters", "docs")
_TASKS = ("Speed up the search", "Mend what the nightly tests found", "Write the manual", "Sort it")


def publish_runs(name: str, runs: Sequence[PastRun], project: Path, folder: Path) -> list[str]:
    """Publish runs from their begin to their end, as a team's program does; return their ids."""
    folder.mkdir(mode=0o700)

    async def publish_all() -> list[str]:
        connect = functools.partial(open_socket, paths.socket_path(name))
        async with TeamConnection(connect, name="teams of yesterday") as connection:
            return [await publish(connection, run) for run in runs]

    async def publish(connection: TeamConnection, run: PastRun) -> str:
        roles = {one: Role(name=one, instructions=f"You are the {one}.") for one in ROLES}
        team = Team(run.team, roles, ROLES[0], limits=Limits())
        store = RunStore.create(run.team, folder)
        async with Publisher(connection, store.run_id) as publisher:
            published = RunPublisher(
                team,
                project,
                run.task,
                store=store,
                budget=Budget(team.limits),
                publish=publisher.publish,
            )
            published.begin()
            for role in ROLES:
                published.begin_role_turn(role, f"{run.task}, as the {role}")
                said = {"id": f"{role}-said", "type": "agentMessage", "text": f"{role}: it is done"}
                published.roles[role].thread.publish(ev.ItemCompleted(said))
                published.roles[role].end_turn(said["text"])
            ended = RunEvent(RunEventKind.RUN_ENDED, "", run.message, {})
            published.handle_event(ended)
            await published.finish(run.outcome, run.message)
        return published.thread.thread_id

    return asyncio.run(publish_all())


def age_journal(path: Path, seconds: float) -> None:
    """Make everything in the journal of a server that does not run older."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE events SET at = at - ?", (seconds,))
        database.execute(
            "UPDATE threads SET created_at = created_at - :age, updated_at = updated_at - :age,"
            " row = json_set(row, '$.created_at', json_extract(row, '$.created_at') - :age)",
            {"age": seconds},
        )
