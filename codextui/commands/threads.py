"""Commands on threads: ps, new, reply, steer, fork, interrupt, kill, resume and rename."""

from __future__ import annotations

import argparse
import asyncio
import time
from functools import partial
from pathlib import Path

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.commands.call import CLIENT_NAME, call_tool, find_socket
from codextui.commands.output import print_json, print_line, print_note, print_table, read_prompt
from codextui.commands.wait import TurnWatch
from codextui.console.model.tree import tree_entries
from codextui.errors import CodextuiError, ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.figures import format_running, format_tokens
from codextui.text.sanitize import one_line


def start_thread(options: argparse.Namespace) -> int:
    """Start a thread, with a first turn if there is a prompt."""
    if options.cwd is not None and not options.cwd.is_dir():
        raise ConfigInvalid(f"{options.cwd} is no folder")
    arguments: dict[str, object] = {"cwd": str((options.cwd or Path.cwd()).absolute())}
    if options.prompt is not None:
        arguments["prompt"] = read_prompt(options.prompt)
    elif options.wait:
        raise ConfigInvalid("there is nothing to wait for without a PROMPT")
    elif options.image:
        raise ConfigInvalid("an image needs a PROMPT: say what to do with it")
    arguments.update(image_arguments(options))
    for name in ("handle", "model", "sandbox", "budget"):
        if getattr(options, name) is not None:
            arguments[name] = getattr(options, name)
    if options.approval_policy is not None:
        arguments["approval-policy"] = options.approval_policy
    if options.wait:
        return asyncio.run(call_and_wait(options, "codex-start", arguments, made="started"))
    return print_result(
        options, call_tool(options, "codex-start", arguments, start=True), "started"
    )


def reply(options: argparse.Namespace) -> int:
    """Send a prompt to a thread: starts a turn, or steers the running one."""
    arguments = {"thread": options.thread, "prompt": read_prompt(options.prompt)}
    arguments.update(image_arguments(options))
    if options.wait:
        return asyncio.run(call_and_wait(options, "codex-send", arguments))
    result = _rename_turn_id(call_tool(options, "codex-send", arguments, start=True))
    done = "steered" if result.get("steered") is True else "told"
    return print_result(options, result, done, requested="told")


def steer(options: argparse.Namespace) -> int:
    """Steer the running turn of a thread; the server refuses if there is none."""
    arguments = {"thread": options.thread, "prompt": read_prompt(options.prompt)}
    arguments.update(image_arguments(options))
    result = _rename_turn_id(call_tool(options, "codex-steer", arguments))
    return print_result(options, result, "steered", requested="told")


async def call_and_wait(
    options: argparse.Namespace, tool: str, arguments: JsonObject, *, made: str = ""
) -> int:
    """Call a tool and print the turn that it starts or steers until the turn ends.

    Args:
        options: names the server, and says whether to print JSON.
        tool: the tool's name. Its result has `thread`, and may have `turnId`, which is empty for
            an idle role of a team: the role reads the prompt in its next turn.
        arguments: the tool's arguments.
        made: what to print of a thread that the tool has made, before its handle; empty for one
            that was there.

    Returns:
        The exit code for the end of the turn.

    Raises:
        CodextuiError: see `Connection.call` and `ensure_server`.
    """
    connect = partial(open_socket, await find_socket(options, start=True))
    watch = TurnWatch(as_json=options.json)
    async with Connection(
        connect, name=CLIENT_NAME, on_update=watch.handle, decide=False
    ) as connection:
        await watch.wait_until_ready()
        result = await connection.call(tool, arguments)
        thread = ThreadInfo.from_json(fields.as_object(result.get("thread"), "thread"))
        if made and not options.json:
            print_note(_describe_done(made, thread))
        end = await watch.follow(thread, fields.text_or(result, "turnId", thread.turn_id))
        if options.json:
            latest = await _read_thread(connection, thread.thread_id)
            print_json(end.to_json(latest or watch.last_thread or thread))
        return end.exit_code


async def _read_thread(connection: Connection, thread_id: str) -> ThreadInfo | None:
    """Return a thread as it is now; None if the server cannot tell."""
    try:
        result = await connection.call("codex-threads", {"thread": thread_id})
        return ThreadInfo.from_json(fields.objects(result, "threads")[0])
    except (CodextuiError, IndexError):
        return None


def print_result(
    options: argparse.Namespace, result: JsonObject, done: str, *, requested: str = ""
) -> int:
    """Print the result of a tool that acts on a thread, and return the exit code.

    Args:
        options: says whether to print JSON.
        result: the tool's result, which has `thread`.
        done: what was done to the thread.
        requested: the same for a role or a run, whose program carries it out later; `done` if
            empty.
    """
    if options.json:
        print_json(result)
        return 0
    thread = ThreadInfo.from_json(fields.as_object(result.get("thread"), "thread"))
    verb = requested if requested and thread.kind is not ThreadKind.CODEX else done
    print_line(_describe_done(verb, thread))
    return 0


def _describe_done(verb: str, thread: ThreadInfo) -> str:
    return f"{verb} {one_line(thread.handle)} ({one_line(thread.thread_id)})"


def image_arguments(options: argparse.Namespace) -> dict[str, object]:
    """Return the argument that names the images of a prompt, none where there are none."""
    images = [str(path.expanduser().absolute()) for path in options.image]
    return {"images": images} if images else {}


def _rename_turn_id(result: JsonObject) -> JsonObject:
    """Return a tool's result with the key that turns have in other output."""
    return {"turn_id" if key == "turnId" else key: value for key, value in result.items()}


def fork(options: argparse.Namespace) -> int:
    """Start a thread with the history of another one."""
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
        return asyncio.run(call_and_wait(options, "codex-fork", arguments, made="forked as"))
    return print_result(
        options, call_tool(options, "codex-fork", arguments, start=True), "forked as"
    )


def interrupt(options: argparse.Namespace) -> int:
    """Interrupt the running turn of a thread, and its commands."""
    result = call_tool(options, "codex-interrupt", {"thread": options.thread})
    return print_result(options, result, "interrupted", requested="asked to stop:")


def kill(options: argparse.Namespace) -> int:
    """End a thread and archive it."""
    return print_result(
        options, call_tool(options, "codex-kill", {"thread": options.thread}), "killed"
    )


def resume(options: argparse.Namespace) -> int:
    """Resume a thread of Codex's history, or a killed one."""
    result = call_tool(options, "codex-resume", {"thread": options.thread}, start=True)
    return print_result(options, result, "resumed", requested="asked to go on:")


def rename(options: argparse.Namespace) -> int:
    """Give a thread another handle."""
    arguments = {"thread": options.thread, "handle": options.handle}
    result = call_tool(options, "codex-rename", arguments)
    if "thread" in result or options.json:
        return print_result(options, result, "renamed to")
    print_line(f"named {one_line(str(result['name']))} ({one_line(str(result['thread_id']))})")
    return 0


def set_settings(options: argparse.Namespace) -> int:
    """Change settings of a thread."""
    settings: dict[str, object] = dict(options.settings)
    if len(settings) < len(options.settings):
        raise ConfigInvalid("a setting is given twice")
    result = call_tool(options, "codex-settings", {"thread": options.thread, **settings})
    if options.json:
        print_json(result)
    else:
        thread = ThreadInfo.from_json(fields.as_object(result.get("thread"), "thread"))
        print_line(f"{one_line(thread.handle)}: {one_line(fields.text_or(result, 'text'), 1000)}")
    return 0


def review(options: argparse.Namespace) -> int:
    """Review changes, in a thread or in a new one in a folder."""
    arguments: dict[str, object] = {}
    if options.thread is not None:
        if options.cwd is not None:
            raise ConfigInvalid("either THREAD or --cwd says what is reviewed")
        arguments |= {"thread": options.thread, "detached": options.detached}
    else:
        arguments["cwd"] = str((options.cwd or Path.cwd()).absolute())
    for name in ("base", "commit", "instructions", "handle"):
        if getattr(options, name) is not None:
            arguments[name] = getattr(options, name)
    if options.wait:
        made = "" if options.thread is not None and not options.detached else "reviewing in"
        return asyncio.run(call_and_wait(options, "codex-review", arguments, made=made))
    result = _rename_turn_id(call_tool(options, "codex-review", arguments, start=True))
    return print_result(options, result, "reviewing in")


def print_usage(options: argparse.Namespace) -> int:
    """Print the limits of Codex's login, and what a thread has cost."""
    arguments = {} if options.thread is None else {"thread": options.thread}
    result = call_tool(options, "codex-usage", arguments, start=True)
    if options.json:
        print_json({key: value for key, value in result.items() if key != "text"})
    else:
        for line in fields.text_or(result, "text").splitlines():
            print_line(one_line(line, 200))
    return 0


_HEADER = ("THREAD", "KIND", "STATE", "ELAPSED", "TOKENS", "WHERE", "WAITS FOR / BRIEF")

_MAX_INDENT_LEVEL = 12
"""Levels of forks that are indented."""


def list_threads(options: argparse.Namespace) -> int:
    """List the server's threads."""
    result = call_tool(options, "codex-threads", {"all": True} if options.all else {})
    rows = fields.objects(result, "threads")
    if options.json:
        for row in rows:
            print_json(row)
        return 0
    threads = [ThreadInfo.from_json(row) for row in rows]
    if problem := fields.text_or(result, "problem"):
        print_note(f"Codex does not work: {one_line(problem, 400)}")
    elif not threads:
        print_note("there are no threads; `codextui new PROMPT` starts one")
    if not threads:
        return 0
    by_id = {thread.thread_id: thread for thread in threads}
    now = time.time()
    tree = tree_entries(threads)
    print_table(_HEADER, [format_thread(by_id[row.thread_id], row.depth, now) for row in tree])
    return 0


def format_thread(thread: ThreadInfo, depth: int, now: float) -> tuple[str, ...]:
    """Return the sanitized cells of a thread's row.

    Args:
        thread: the thread.
        depth: its level in the tree of threads.
        now: the current time in unix seconds.
    """
    since = thread.state_since
    where = f"{thread.cwd}@{thread.branch}" if thread.branch else thread.cwd
    waits_for = thread.waits_for if thread.state is not ThreadState.NEEDS_INPUT else ""
    last = f"waits for {waits_for}" if waits_for else thread.note or thread.brief
    return (
        "  " * min(depth, _MAX_INDENT_LEVEL) + one_line(thread.handle),
        one_line(thread.origin, 20) or thread.kind.value,
        one_line(thread.state_word, 40),
        "-" if since is None else format_running(now - since),
        format_tokens(thread.usage.total),
        one_line(where) or "-",
        one_line(last, 200),
    )
