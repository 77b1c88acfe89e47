"""`codextui run`: a team at work."""

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
from codextui.commands.output import emit, note, read_prompt, show, show_indented
from codextui.commands.run_text import show_costs
from codextui.commands.teams import config_file, find_team
from codextui.config import paths
from codextui.config.schema import load_config
from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.protocol.runs import RunEventKind
from codextui.teams.config.reader import load_teams
from codextui.teams.config.team import Mode, Team
from codextui.teams.publish.publisher import run_thread_id
from codextui.teams.records.events import RunEvent, RunLog
from codextui.teams.records.store import RunStore
from codextui.teams.runner.plan import RunPlan
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


def report(event: RunEvent, *, as_json: bool) -> None:
    """Print an event on standard output; what a person must do on standard error too."""
    if as_json:
        emit(event.to_json())
    else:
        _show(event)
    if event.kind is RunEventKind.PERSON_NEEDED:
        note(_how_to_decide(event))
    if event.kind is RunEventKind.TROUBLE:
        note(sanitize(event.text))


def _how_to_decide(event: RunEvent) -> str:
    approval = one_line(str(event.data.get("approval", "")))
    yes = f"`codextui approve {approval}` says yes"
    if event.data.get("asks") in ("questions", "elicitation"):
        yes = f"`codextui answer {approval} ANSWER` answers"
    return (
        f"needs input: `codextui approvals` shows it, {yes}, `codextui decline {approval}` says "
        "no; or open the console"
    )


def _show(event: RunEvent) -> None:
    role = one_line(event.role)
    match event.kind:
        case RunEventKind.ROLE_SAID:
            show(f"{role} says:")
            show_indented(sanitize(event.text))
        case RunEventKind.TOOL_CALLED | RunEventKind.TOOL_ANSWERED:
            show(f"{role} {_VERBS[event.kind]}{one_line(event.text, 160)}")
        case RunEventKind.HANDOFF_REFUSED | RunEventKind.SENT_BACK:
            first, _, rest = sanitize(event.text).partition("\n")
            show(f"{role} {_VERBS.get(event.kind, '')}{first}")
            show_indented(rest)
        case RunEventKind.RUN_ENDED:
            _show_end(event)
        case _:
            text = f"{_VERBS.get(event.kind, '')}{one_line(event.text)}"
            show(f"{role} {text}" if role else text)


def _show_end(event: RunEvent) -> None:
    show()
    show(sanitize(event.text))
    if "usage" in event.data:
        show_costs(event.data)


def run(options: argparse.Namespace) -> int:
    """Run a team, or go on with a run; return how it ended.

    On a terminal the console opens, and the run goes on by itself when it is left; otherwise
    (`--headless`, `--json`) what happens is printed.
    """
    if options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _run_here(options)
    return _run_beside_console(options)


def _run_beside_console(options: argparse.Namespace) -> int:
    """Start the run as a process that outlives the console, and open that."""
    _, store = _begin(options) if options.resume is None else _take_up(options)
    command = [sys.executable, "-m", "codextui", "run", "--headless", "--resume", store.run_id]
    with store.log_path.open("ab") as log:
        subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    from codextui.console.app import run as open_console  # noqa: PLC0415 - Textual

    code = open_console(
        options.server, config=options.config, first_thread=run_thread_id(store.run_id)
    )
    show(f"run {store.run_id}: what happened and happens is in {store.log_path}")
    return code


def _run_here(options: argparse.Namespace) -> int:
    if options.resume is None:
        plan, store = _begin(options)
        kind = RunEventKind.RUN_STARTED
    else:
        plan, store = _take_up(options)
        kind = RunEventKind.RUN_RESUMED
    with store.locked(), RunLog(store, note) as log:

        def handle(event: RunEvent) -> None:
            log.record(event)
            report(event, as_json=options.json)

        data = {"run": store.run_id, "project": str(plan.project), "mode": str(plan.mode)}
        handle(RunEvent(kind, "", f"run {store.run_id} in {plan.project} ({plan.mode})", data))
        try:
            result = asyncio.run(_run(options, plan, store, handle))
        except BaseException:
            note(f"`codextui run --resume {store.run_id}` goes on with it")
            raise
    if result.outcome:
        note(f"`codextui run --resume {store.run_id}` goes on with it")
    return int(result.outcome)


async def _run(
    options: argparse.Namespace,
    plan: RunPlan,
    store: RunStore,
    on_event: Callable[[RunEvent], None],
) -> RunResult:
    from codextui.teams.runner.run import run_team  # noqa: PLC0415 - the Agents SDK, where a team runs

    socket = await ensure_server(options.server, config=options.config)
    return await run_team(plan, store, functools.partial(open_socket, socket), on_event)


def _begin(options: argparse.Namespace) -> tuple[RunPlan, RunStore]:
    if options.team is None or options.task is None:
        raise ConfigInvalid("say which TEAM is to run and what its TASK is, or --resume RUN")
    file = config_file(options)
    team = find_team(load_teams(file), options.team)
    project = (options.cwd or Path.cwd()).resolve()
    if not project.is_dir():
        raise ConfigInvalid(f"{project} is no folder")
    mode = Mode(options.mode) if options.mode else team.mode
    plan = _plan(file, team, read_prompt(options.task), project, mode)
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


def _take_up(options: argparse.Namespace) -> tuple[RunPlan, RunStore]:
    if options.team is not None:
        raise ConfigInvalid("--resume goes on with a run's own team and task; name none")
    store = RunStore.open(options.resume)
    kept = store.read("run") or {}
    options.config = options.config or Path(fields.text(kept, "config"))
    options.server = fields.text_or(kept, "server", paths.DEFAULT_SERVER)
    team = find_team(load_teams(options.config), fields.text(kept, "team"))
    project = Path(fields.text(kept, "project"))
    mode = Mode(fields.text(kept, "mode"))
    plan = _plan(options.config, team, fields.text(kept, "task"), project, mode)
    store.write("prices", asdict(plan.prices))
    return plan, store


def _plan(file: Path, team: Team, task: str, project: Path, mode: Mode) -> RunPlan:
    config = load_config(file)
    return RunPlan(team, task, project, mode, config.prices, config.traces)
