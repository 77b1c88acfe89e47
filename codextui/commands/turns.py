"""What starts or steers a turn: new, reply, steer."""

from __future__ import annotations

import argparse
import asyncio
from functools import partial
from pathlib import Path

from codextui.client.spawn import open_socket
from codextui.commands.link import CLIENT_NAME, call_once, find_socket
from codextui.commands.output import emit, show
from codextui.commands.prompt import read_prompt
from codextui.errors import ConfigInvalid
from codextui.render.sanitize import one_line
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo


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
    from codextui.client.connection import Connection  # noqa: PLC0415 - mcp takes its time
    from codextui.commands.turn_watch import TurnWatch  # noqa: PLC0415 - see above

    connect = partial(open_socket, await find_socket(options, start=True))
    watch = TurnWatch(as_json=options.json)
    told = Connection(connect, name=CLIENT_NAME, on_fact=watch.take, decide=False)
    async with told as connection:
        await watch.ready()
        answer = await connection.call(tool, arguments)
        thread = ThreadInfo.parse(fields.as_object(answer.get("thread"), "thread"))
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
    thread = ThreadInfo.parse(fields.as_object(answer.get("thread"), "thread"))
    said = asked if asked and thread.kind is not ThreadKind.CODEX else done
    show(f"{said} {one_line(thread.handle)} ({one_line(thread.thread_id)})")
    return 0


def _snake(answer: JsonObject) -> JsonObject:
    """What a tool answered, with the name that turns have in a thread's row."""
    return {"turn_id" if key == "turnId" else key: value for key, value in answer.items()}
