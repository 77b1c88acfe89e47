"""What is done to a thread as a whole: fork, interrupt, kill, resume, rename."""

from __future__ import annotations

import argparse
import asyncio
import time
from functools import partial
from pathlib import Path

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.commands.call import CLIENT_NAME, call_once, find_socket
from codextui.commands.output import emit, note, read_prompt, show, show_table
from codextui.commands.wait import TurnWatch
from codextui.console.model.tree import tree_entries
from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo
from codextui.text.figures import format_elapsed, format_tokens
from codextui.text.sanitize import one_line


def start_thread(options: argparse.Namespace) -> int:
    """Start a thread, with or without a first turn."""
    if options.cwd is not None and not options.cwd.is_dir():
        raise ConfigInvalid(f"{options.cwd} is no folder")
    arguments: dict[str, object] = {"cwd": str((options.cwd or Path.cwd()).absolute())}
    if options.prompt is not None:
        arguments["prompt"] = read_prompt(options.prompt)
    elif options.wait:
        raise ConfigInvalid("there is nothing to wait for without a PROMPT")
    for name in ("handle", "model", "sandbox"):
        if getattr(options, name) is not None:
            arguments[name] = getattr(options, name)
    if options.approval_policy is not None:
        arguments["approval-policy"] = options.approval_policy
    if options.wait:
        return asyncio.run(run_and_wait(options, "codex-start", arguments))
    return report(options, call_once(options, "codex-start", arguments, start=True), "started")


def reply(options: argparse.Namespace) -> int:
    """Tell a thread something: a new turn, or more for the one that runs."""
    arguments = {"thread": options.thread, "prompt": read_prompt(options.prompt)}
    if options.wait:
        return asyncio.run(run_and_wait(options, "codex-send", arguments))
    answer = _snake(call_once(options, "codex-send", arguments, start=True))
    done = "steered" if answer.get("steered") is True else "told"
    return report(options, answer, done, asked="told")


def steer(options: argparse.Namespace) -> int:
    """Tell the running turn something. The server refuses where none runs."""
    arguments = {"thread": options.thread, "prompt": read_prompt(options.prompt)}
    answer = _snake(call_once(options, "codex-steer", arguments))
    return report(options, answer, "steered", asked="told")


async def run_and_wait(options: argparse.Namespace, tool: str, arguments: JsonObject) -> int:
    """Call a tool and print the turn that it starts or steers, until it ends.

    Args:
        options: says which server, and whether to print JSON.
        tool: its name; its result has `thread`, and `turnId` where that says more: empty where
            a role of a team is at rest, which then takes it up in its next turn.
        arguments: its arguments.

    Returns:
        The exit code: how the turn ended.

    Raises:
        CodextuiError: as `Connection.call` and `ensure_server`.
    """
    connect = partial(open_socket, await find_socket(options, start=True))
    watch = TurnWatch(as_json=options.json)
    told = Connection(connect, name=CLIENT_NAME, on_update=watch.take, decide=False)
    async with told as connection:
        await watch.ready()
        answer = await connection.call(tool, arguments)
        thread = ThreadInfo.from_json(fields.as_object(answer.get("thread"), "thread"))
        return await watch.follow(thread, fields.text_or(answer, "turnId", thread.turn_id))


def report(options: argparse.Namespace, answer: JsonObject, done: str, *, asked: str = "") -> int:
    """Print what came of a call on a thread, and return the exit code.

    Args:
        options: say whether to print JSON.
        answer: the tool's result, which has `thread`.
        done: what was done to it, in words.
        asked: the same of a role or a run, whose program is only asked for it; as `done` where
            empty.
    """
    if options.json:
        emit(answer)
        return 0
    thread = ThreadInfo.from_json(fields.as_object(answer.get("thread"), "thread"))
    said = asked if asked and thread.kind is not ThreadKind.CODEX else done
    show(f"{said} {one_line(thread.handle)} ({one_line(thread.thread_id)})")
    return 0


def _snake(answer: JsonObject) -> JsonObject:
    """What a tool answered, with the name that turns have in a thread's row."""
    return {"turn_id" if key == "turnId" else key: value for key, value in answer.items()}


def fork(options: argparse.Namespace) -> int:
    """Start a thread with another one's past."""
    arguments: dict[str, object] = {"thread": options.thread}
    if options.turn:
        arguments["turn"] = options.turn
    if options.prompt is not None:
        arguments["prompt"] = read_prompt(options.prompt)
    if options.handle:
        arguments["handle"] = options.handle
    if options.wait:
        if options.prompt is None:
            raise ConfigInvalid("there is nothing to wait for without a PROMPT")
        return asyncio.run(run_and_wait(options, "codex-fork", arguments))
    return report(options, call_once(options, "codex-fork", arguments, start=True), "forked as")


def interrupt(options: argparse.Namespace) -> int:
    """Stop the running turn, and its commands."""
    answer = call_once(options, "codex-interrupt", {"thread": options.thread})
    return report(options, answer, "interrupted", asked="asked to stop:")


def kill(options: argparse.Namespace) -> int:
    """End a thread and archive it."""
    return report(options, call_once(options, "codex-kill", {"thread": options.thread}), "killed")


def resume(options: argparse.Namespace) -> int:
    """Take up a thread of Codex's history, or a killed one."""
    answer = call_once(options, "codex-resume", {"thread": options.thread}, start=True)
    return report(options, answer, "resumed", asked="asked to go on:")


def rename(options: argparse.Namespace) -> int:
    """Give a thread another handle."""
    arguments = {"thread": options.thread, "handle": options.handle}
    return report(options, call_once(options, "codex-rename", arguments), "renamed to")


_HEADER = ("THREAD", "KIND", "STATE", "ELAPSED", "TOKENS", "WHERE", "WAITS FOR / BRIEF")

_DEEPEST = 12
"""Levels that are indented: forks of forks can be very many."""


def list_threads(options: argparse.Namespace) -> int:
    """List the server's threads."""
    answer = call_once(options, "codex-threads", {"all": True} if options.all else {})
    rows = fields.objects(answer, "threads")
    if options.json:
        for row in rows:
            emit(row)
        return 0
    threads = [ThreadInfo.from_json(row) for row in rows]
    if not threads:
        note("there are no threads; `codextui new PROMPT` starts one")
        return 0
    by_id = {thread.thread_id: thread for thread in threads}
    now = time.time()
    tree = tree_entries(threads)
    show_table(_HEADER, [thread_row(by_id[row.thread_id], row.depth, now) for row in tree])
    return 0


def thread_row(thread: ThreadInfo, depth: int, now: float) -> tuple[str, ...]:
    """The cells of a thread's row, safe to print.

    Args:
        thread: whose row it is.
        depth: under how many others it stands.
        now: unix seconds.
    """
    started = thread.turn_started_at
    where = f"{thread.cwd}@{thread.branch}" if thread.branch else thread.cwd
    last = f"waits for {thread.waits_for}" if thread.waits_for else thread.note or thread.brief
    return (
        "  " * min(depth, _DEEPEST) + one_line(thread.handle),
        thread.kind.value,
        thread.state.value,
        "-" if started is None else format_elapsed(now - started),
        format_tokens(thread.usage.total),
        one_line(where) or "-",
        one_line(last, 200),
    )
