"""`codextui run`: runs a team, or resumes a run."""

from __future__ import annotations

import argparse
import asyncio
import functools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from codextui.client.spawn import ensure_server, open_socket
from codextui.commands.output import print_indented, print_json, print_line, print_note, read_prompt
from codextui.commands.run_text import print_costs
from codextui.commands.teams import find_team
from codextui.config import paths
from codextui.config.schema import load_config
from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.protocol.runs import RunEventKind
from codextui.teams.config.reader import load_teams
from codextui.teams.config.team import Mode, RunPlan, Team
from codextui.teams.publish.publisher import run_thread_id
from codextui.teams.records.events import RunEvent, RunLog
from codextui.teams.records.store import RunStore
from codextui.text.sanitize import one_line, sanitize

if TYPE_CHECKING:
    from codextui.teams.runner.run import RunResult

_VERBS = {
    RunEventKind.ROLE_STARTED: "",
    RunEventKind.TOOL_CALLED: "calls ",
    RunEventKind.TOOL_ANSWERED: "is answered ",
    RunEventKind.HANDED_OFF: "hands off ",
    RunEventKind.HANDOFF_REFUSED: "is refused to hand off ",
    RunEventKind.ROLE_FINISHED: "is done: ",
}


def print_event(event: RunEvent, *, as_json: bool) -> None:
    """Print an event on standard output; print on standard error what a person must do."""
    if as_json:
        print_json(event.to_json())
    else:
        _print_event_text(event)
    if event.kind is RunEventKind.PERSON_NEEDED:
        print_note(_describe_decision(event))
    if event.kind is RunEventKind.TROUBLE:
        print_note(sanitize(event.text))


def _describe_decision(event: RunEvent) -> str:
    approval = one_line(str(event.data.get("approval", "")))
    yes = f"`codextui approve {approval}` says yes"
    if event.data.get("asks") in ("questions", "elicitation"):
        yes = f"`codextui answer {approval} ANSWER` answers"
    return (
        f"needs input: `codextui approvals` shows it, {yes}, `codextui decline {approval}` says "
        "no; or open the console"
    )


def _print_event_text(event: RunEvent) -> None:
    role = one_line(event.role)
    match event.kind:
        case RunEventKind.ROLE_SAID:
            print_line(f"{role} says:")
            print_indented(sanitize(event.text))
        case RunEventKind.TOOL_CALLED | RunEventKind.TOOL_ANSWERED:
            print_line(f"{role} {_VERBS[event.kind]}{one_line(event.text, 160)}")
        case RunEventKind.HANDOFF_REFUSED | RunEventKind.SENT_BACK:
            first, _, rest = sanitize(event.text).partition("\n")
            print_line(f"{role} {_VERBS.get(event.kind, '')}{first}")
            print_indented(rest)
        case RunEventKind.RUN_ENDED:
            _print_end(event)
        case _:
            text = f"{_VERBS.get(event.kind, '')}{one_line(event.text)}"
            print_line(f"{role} {text}" if role else text)


def _print_end(event: RunEvent) -> None:
    print_line()
    print_line(sanitize(event.text))
    if "usage" in event.data:
        print_costs(event.data)


def run(options: argparse.Namespace) -> int:
    """Run a team, or resume a run; the exit code is the run's outcome.

    On a terminal the console opens, and the run continues in a process of its own when it is
    closed. Otherwise (`--headless`, `--json`) the events of the run are printed.
    """
    if options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _run_headless(options)
    return _run_with_console(options)


def _run_with_console(options: argparse.Namespace) -> int:
    """Start the run in a process that outlives the console, and open the console."""
    _, store = _create_run(options) if options.resume is None else _open_run(options)
    # -P: a role's tools are not imported from the current folder, which agents may write in.
    run = ("run", "--headless", "--resume", store.run_id)
    command = [sys.executable, "-P", "-m", "codextui", *run]
    with store.log_path.open("ab") as log:
        subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    from codextui.console.run import run as open_console  # noqa: PLC0415 - Textual

    code = open_console(
        options.server, config=options.config, first_thread=run_thread_id(store.run_id)
    )
    print_line(f"run {store.run_id}: what happened and happens is in {store.log_path}")
    return code


def _run_headless(options: argparse.Namespace) -> int:
    if options.resume is None:
        plan, store = _create_run(options)
        kind = RunEventKind.RUN_STARTED
    else:
        plan, store = _open_run(options)
        kind = RunEventKind.RUN_RESUMED
    with store.locked(), RunLog(store, print_note) as log:

        def handle(event: RunEvent) -> None:
            log.record(event)
            print_event(event, as_json=options.json)

        data = {"run": store.run_id, "project": str(plan.project), "mode": str(plan.mode)}
        handle(RunEvent(kind, "", f"run {store.run_id} in {plan.project} ({plan.mode})", data))
        try:
            result = asyncio.run(_run_team(options, plan, store, handle))
        except BaseException:
            print_note(f"`codextui run --resume {store.run_id}` goes on with it")
            raise
    if result.outcome:
        print_note(f"`codextui run --resume {store.run_id}` goes on with it")
    return int(result.outcome)


async def _run_team(
    options: argparse.Namespace,
    plan: RunPlan,
    store: RunStore,
    on_event: Callable[[RunEvent], None],
) -> RunResult:
    from codextui.teams.runner.run import run_team  # noqa: PLC0415 - the Agents SDK, where a team runs

    socket = await ensure_server(options.server, config=options.config)
    return await run_team(plan, store, functools.partial(open_socket, socket), on_event)


def _create_run(options: argparse.Namespace) -> tuple[RunPlan, RunStore]:
    if options.team is None or options.task is None:
        raise ConfigInvalid("say which TEAM is to run and what its TASK is, or --resume RUN")
    file = paths.config_path(options.config).absolute()
    team = find_team(load_teams(file), options.team)
    project = (options.cwd or Path.cwd()).resolve()
    if not project.is_dir():
        raise ConfigInvalid(f"{project} is no folder")
    mode = Mode(options.mode) if options.mode else team.mode
    plan = _load_plan(file, team, read_prompt(options.task), project, mode)
    store = RunStore.create(team.name)
    store.write(
        "run",
        {
            "team": team.name,
            "task": plan.task,
            "project": str(project),
            "mode": str(mode),
            "config": str(file),
            "server": options.server,
        },
    )
    store.write("prices", asdict(plan.prices))
    return plan, store


def _open_run(options: argparse.Namespace) -> tuple[RunPlan, RunStore]:
    if options.team is not None:
        raise ConfigInvalid("--resume goes on with a run's own team and task; name none")
    store = RunStore.open(options.resume)
    with store.reading("run") as stored:
        options.config = options.config or Path(fields.text(stored, "config"))
        options.server = fields.text_or(stored, "server", paths.DEFAULT_SERVER)
        name, task = fields.text(stored, "team"), fields.text(stored, "task")
        project, mode = Path(fields.text(stored, "project")), Mode(fields.text(stored, "mode"))
    team = find_team(load_teams(options.config), name)
    plan = _load_plan(options.config, team, task, project, mode)
    store.write("prices", asdict(plan.prices))
    return plan, store


def _load_plan(file: Path, team: Team, task: str, project: Path, mode: Mode) -> RunPlan:
    config = load_config(file)
    return RunPlan(team, task, project, mode, config.prices, config.traces)
