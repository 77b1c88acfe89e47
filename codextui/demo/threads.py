"""The demo of three threads: they build a small program, on the console or without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from codextui.client.connection import Connection
from codextui.client.updates import ApprovalOffered, ConnectionUpdate, Disconnected, EventReceived
from codextui.demo.console import run_beside_console
from codextui.demo.environment import DemoEnvironment, open_environment
from codextui.demo.headless import answer_approval, print_policy, run_to_end
from codextui.demo.report import EventFormatter, Line, Report
from codextui.demo.roles import BUILDER, FOLLOW_UP, ROLES, TESTER, Role
from codextui.demo.script import INSTANT, READABLE, ModelScript, Speed
from codextui.demo.threads_script import ThreadsScript
from codextui.demo.workspace import Workspace, check_results, create_workspace
from codextui.errors import CodexMissing, CodextuiError, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState

LIMIT_S = 180.0
"""Seconds a run without a screen may take; it usually takes about ten."""

CallTool = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Calls a tool of the shared server: `Connection.call`."""


def run_with_console() -> int:
    """Run the demo on the console and return the process's exit code.

    Starts a scripted model and a shared server, gives the three threads their tasks and opens
    the console on them. When the console is left, the server and the model stop; the workspace
    stays, and its path is printed.

    Raises:
        CodextuiError: the server did not start, or the configuration cannot be used.
    """
    report = Report(sys.stdout, json_lines=False)
    report.print(Line("started", "Starting a scripted model, and a shared server of its own."))
    try:
        workspace = create_workspace()
    except OSError as error:
        raise CodextuiError(f"The demo's workspace cannot be made: {error}") from error
    open_ = functools.partial(_open, workspace, READABLE)
    code, fault = run_beside_console(open_, _play_on_console)
    if fault:
        report.print(Line("failed", f"Something went wrong in the demo itself: {fault}"))
    report.print(Line("finished", "The demo is over: its server and its threads have ended."))
    report.print(Line("files", f"What was made is in {workspace.project} and {workspace.release}"))
    return code


async def _play_on_console(environment: DemoEnvironment) -> None:
    tasks: ThreadTasks | None = None

    def handle_update(update: ConnectionUpdate) -> None:
        if isinstance(update, EventReceived) and tasks is not None:
            tasks.handle_event(update.event)

    # If the person stopped the server, nothing failed; if not, the console says that it is gone.
    with contextlib.suppress(ServerUnreachable):
        connect = environment.connect
        async with Connection(connect, name="demo", on_update=handle_update) as connection:
            tasks = ThreadTasks(connection.call, environment.workspace.project)
            await tasks.run()


def run_headless(
    *, json_lines: bool, script: ModelScript | None = None, limit_s: float = LIMIT_S
) -> int:
    """Run the demo without a screen and return the process's exit code.

    Prints what happens line by line, answers approvals by a policy that it prints, says where
    the files are, and checks them.

    Args:
        json_lines: print one JSON object a line instead of text.
        script: the model's script; None is the demo's own.
        limit_s: seconds after which the run is given up.

    Returns:
        0 only if the files are there and right; else 1, after a line that says why; 130 if it
        was interrupted.
    """
    report = Report(sys.stdout, json_lines=json_lines)
    return run_to_end(report, lambda: _play_headless(report, script), limit_s=limit_s)


async def _play_headless(report: Report, script: ModelScript | None) -> str:
    workspace = await asyncio.to_thread(create_workspace)
    report.print(
        Line("started", "Three Codex threads build a small program. The model is a script.")
    )
    print_policy(report)
    report.print(_where("workspace", "The files are in", workspace))
    async with _open(workspace, INSTANT, script) as environment:
        await _HeadlessRun(environment, report).run()
        faults = tuple(environment.model.faults)
    report.print(_where("files", "What was made is in", workspace))
    return "; ".join([*faults, *await asyncio.to_thread(_check, workspace, report)])


def _open(
    workspace: Workspace, speed: Speed, script: ModelScript | None = None
) -> AbstractAsyncContextManager[DemoEnvironment]:
    script = script or ThreadsScript(speed, has_git=workspace.has_git)
    return open_environment(workspace, script, f"demo-{os.getpid()}")


def _where(kind: str, text: str, workspace: Workspace) -> Line:
    places = {"project": str(workspace.project), "release": str(workspace.release)}
    return Line(kind, f"{text} {workspace.project} and {workspace.release}", data=places)


def _check(workspace: Workspace, report: Report) -> list[str]:
    """Check what was made, print each check, and return the faults."""
    faults = []
    for check in check_results(workspace):
        verdict = f"WRONG: {check.fault}" if check.fault else "yes"
        data = {"ok": not check.fault, "check": check.claim}
        report.print(Line("checked", f"{check.claim}: {verdict}", data=data))
        if check.fault:
            faults.append(f"{check.claim}: no. {check.fault}")
    return faults


class _HeadlessRun:
    """Runs the threads' tasks, prints every event and answers every approval."""

    def __init__(self, environment: DemoEnvironment, report: Report) -> None:
        self._environment = environment
        self._report = report
        self._formatter = EventFormatter()
        self._updates: asyncio.Queue[ConnectionUpdate] = asyncio.Queue()

    async def run(self) -> None:
        """Run the demo to its end. Raises CodextuiError."""
        connect, on_update = self._environment.connect, self._updates.put_nowait
        async with Connection(connect, name="demo", on_update=on_update) as connection:
            server = await connection.call("codex-server", {})
            if problem := fields.text_or(server, "problem"):
                raise CodexMissing(problem)
            tasks = ThreadTasks(connection.call, self._environment.workspace.project)
            watching = asyncio.create_task(self._watch(connection, tasks))
            running = asyncio.create_task(tasks.run())
            try:
                await asyncio.wait({watching, running}, return_when=asyncio.FIRST_COMPLETED)
                # Watching ends only by an error.
                await (watching if watching.done() else running)
            finally:
                watching.cancel()
                running.cancel()
                await asyncio.gather(watching, running, return_exceptions=True)

    async def _watch(self, connection: Connection, tasks: ThreadTasks) -> None:
        while True:
            match await self._updates.get():
                case EventReceived(event):
                    line = self._formatter.format(event)
                    if line is not None:
                        self._report.print(line)
                    tasks.handle_event(event)
                case ApprovalOffered(approval):
                    project = self._environment.workspace.project
                    await answer_approval(approval, connection, project, self._report)
                case Disconnected(reason):
                    self._report.print(Line("disconnected", reason))
                case _:
                    pass


class ThreadTasks:
    """Starts the three threads, and sends the builder a follow-up when the tests are done.

    Args:
        call: calls a tool of the server.
        project: the threads' working folder.
    """

    def __init__(self, call: CallTool, project: Path) -> None:
        self._call = call
        self._project = project
        self._ended_turns: Counter[str] = Counter()
        self._killed: set[str] = set()
        self._changed = asyncio.Event()
        self._thread_ids: dict[str, str] = {}

    def handle_event(self, event: ev.Event) -> None:
        """Note turns that end and threads that are killed. Takes every event, in order."""
        match event.msg:
            case ev.TurnCompleted() | ev.TurnAborted():
                self._ended_turns[event.thread_id] += 1
                self._changed.set()
            case ev.ThreadChanged(thread) if thread.state is ThreadState.KILLED:
                self._killed.add(thread.thread_id)
                self._changed.set()

    async def run(self) -> None:
        """Give the threads their tasks, and return when all of them are done or killed.

        Raises:
            CodextuiError: the server refused a call.
        """
        # A start returns at once, and the console shows the threads in this order.
        for role in ROLES:
            self._thread_ids[role.name] = await self._start(role)
        await self._wait_for_turns(BUILDER, 1)
        await self._wait_for_turns(TESTER, 1)
        builder = self._thread_ids[BUILDER.name]
        if builder not in self._killed:
            await self._call("codex-send", {"thread": builder, "prompt": FOLLOW_UP})
            await self._wait_for_turns(BUILDER, 2)
        for role in ROLES:
            await self._wait_for_turns(role, 1)

    async def _start(self, role: Role) -> str:
        started = await self._call(
            "codex-start",
            {
                "prompt": role.prompt,
                "handle": role.name,
                "cwd": str(self._project),
                "sandbox": role.sandbox,
                "approval-policy": "on-request",
                "developer-instructions": role.instructions,
            },
        )
        return fields.text(fields.as_object(started.get("thread"), "thread"), "thread_id")

    async def _wait_for_turns(self, role: Role, count: int) -> None:
        """Wait until `count` turns have ended, or the thread is killed."""
        thread_id = self._thread_ids[role.name]
        while self._ended_turns[thread_id] < count and thread_id not in self._killed:
            self._changed.clear()
            await self._changed.wait()
