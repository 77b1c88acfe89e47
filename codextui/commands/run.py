"""`codextui run`: runs a team, or resumes a run."""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import math
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codextui.client.spawn import ensure_server, open_socket
from codextui.commands.call import call_tool
from codextui.commands.output import print_line, print_note, read_prompt
from codextui.commands.run_names import find_run
from codextui.commands.run_output import RunInterrupted, RunOutput, run_interruptibly
from codextui.commands.teams import find_team
from codextui.config import paths
from codextui.config.schema import Config, load_config
from codextui.errors import CodextuiError, ConfigInvalid, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.protocol.runs import RunEventKind
from codextui.teams.config.reader import load_teams
from codextui.teams.config.team import Mode, RunPlan, Team, begin_team
from codextui.teams.publish.publisher import run_thread_id
from codextui.teams.records.costs import Budget, end_event
from codextui.teams.records.events import RunEvent, RunLog, RunOutcome
from codextui.teams.records.store import RunStore
from codextui.text.sanitize import sanitize

if TYPE_CHECKING:
    from codextui.teams.runner.run import RunResult

_EXIT_USAGE = 2
_EXIT_UNREACHABLE = 3


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
    # Whole seconds: not every disk has finer times.
    plan = replace(plan, team=begin_team(plan.team, math.floor(store.created_at)))
    with store.locked(), RunLog(store, print_note) as log:
        output = RunOutput(log, as_json=options.json)
        data = {"run": store.run_id, "project": str(plan.project), "mode": str(plan.mode)}
        text = f"run {store.run_id} in {plan.project} ({plan.mode})"
        output.handle(RunEvent(kind, "", text, data))
        return _run_to_end(options, plan, store, output)


def _run_to_end(
    options: argparse.Namespace, plan: RunPlan, store: RunStore, output: RunOutput
) -> int:
    """Run a team, report the end of its run whatever ends it, and return the exit code."""
    try:
        run_it = run_interruptibly(_run_team(options, plan, store, output.handle), output)
        return int(asyncio.run(run_it).outcome)
    except RunInterrupted as interrupted:
        outcome, why, code = RunOutcome.INTERRUPTED, str(interrupted), interrupted.exit_code
    except KeyboardInterrupt:
        outcome, why, code = RunOutcome.INTERRUPTED, "Ctrl-C", int(RunOutcome.INTERRUPTED)
    except CodextuiError as error:
        outcome, why, code = RunOutcome.FAILED, str(error), _exit_code(error)
    except Exception as error:  # noqa: BLE001 - a mistake of ours is reported, and the run ends
        print_note(sanitize(traceback.format_exc()))
        outcome, why = RunOutcome.FAILED, f"{type(error).__name__}: {error}"
        code = int(outcome)
    if options.json and outcome is RunOutcome.FAILED:
        print_note(f"codextui: {sanitize(why)}")
    budget = _read_budget(plan, store)
    output.handle(end_event(outcome, why, budget, run_id=store.run_id, exit_code=code))
    return code


def _exit_code(error: CodextuiError) -> int:
    match error:
        case ServerUnreachable():
            return _EXIT_UNREACHABLE
        case ConfigInvalid():
            return _EXIT_USAGE
        case _:
            return int(RunOutcome.FAILED)


def _read_budget(plan: RunPlan, store: RunStore) -> Budget:
    """Return what a run has used; nothing if that cannot be read."""
    try:
        with store.reading("spent") as recorded:
            return Budget(plan.team.limits, recorded, plan.prices)
    except ConfigInvalid:
        return Budget(plan.team.limits, prices=plan.prices)


async def _run_team(
    options: argparse.Namespace,
    plan: RunPlan,
    store: RunStore,
    on_event: Callable[[RunEvent], None],
) -> RunResult:
    from codextui.teams.runner.run import run_team  # noqa: PLC0415 - the Agents SDK, where a team runs

    # What the SDK logs, the run reports itself.
    logging.getLogger("openai.agents").addHandler(logging.NullHandler())
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
    config = load_config(file)
    _check_money(options, team, config)
    task = read_prompt(options.task)
    plan = RunPlan(team, task, project, mode, config.prices, config.traces)
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
    store = find_run(options, options.resume)
    with store.reading("run") as stored:
        options.config = options.config or Path(fields.text(stored, "config"))
        options.server = fields.text_or(stored, "server", paths.DEFAULT_SERVER)
        name, task = fields.text(stored, "team"), fields.text(stored, "task")
        project, mode = Path(fields.text(stored, "project")), Mode(fields.text(stored, "mode"))
    team = find_team(load_teams(options.config), name)
    config = load_config(options.config)
    _check_money(options, team, config)
    plan = RunPlan(team, task, project, mode, config.prices, config.traces)
    store.write("prices", asdict(plan.prices))
    return plan, store


def _codex_home(options: argparse.Namespace) -> Path | None:
    """Return the CODEX_HOME of the server, which is started; None if it does not say."""
    try:
        call_tool(options, "codex-history", {"limit": 1}, start=True)  # connects it with Codex
        report = call_tool(options, "codex-server", {})
        home = fields.text_or(fields.as_object(report.get("codex"), "codex"), "home")
    except CodextuiError:
        return None  # the run reports it
    return Path(home) if home else None


def _check_money(options: argparse.Namespace, team: Team, config: Config) -> None:
    """Check that a team's limit of money can be held. Raises ConfigInvalid."""
    if team.limits.money:
        from codextui.teams.runner.prices import check_prices  # noqa: PLC0415 - the Agents SDK

        check_prices(team, config.prices, _codex_home(options) or config.codex.home)
