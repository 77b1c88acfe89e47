"""`open` hands a thread to Codex's own TUI, `adopt` takes one over from another program."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from codextui.client import session
from codextui.client.codex_tui import Call, TuiCommand, prepare_tui, run_tui
from codextui.client.terminal_window import choose_window, open_window, window_args
from codextui.codex.writer_lock import describe_held, find_holder, is_thread_id
from codextui.commands.call import CLIENT_NAME, find_socket
from codextui.commands.output import print_line, print_note
from codextui.commands.threads import print_result
from codextui.config import paths
from codextui.config.schema import Config, load_config
from codextui.errors import ConfigInvalid, ThreadHeld, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.sanitize import one_line, sanitize

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0


def open_thread(options: argparse.Namespace) -> int:
    """Open a thread in Codex's own TUI, here or in a window, or print how."""
    is_here = not options.print and not options.window
    if is_here and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigInvalid(
            "Codex's own TUI needs a terminal; without one, --print prints the command and "
            "--window opens it in a new window"
        )
    config = load_config(paths.config_path(options.config))
    command = asyncio.run(_prepare(options, config))
    if options.print:
        line = command.shell_line
        print_line(sanitize(line) if sys.stdout.isatty() else line)
    elif options.window:
        terminal = choose_window(config.ui.terminal, os.environ)
        args = window_args(terminal, command.window_words, command.handle, os.environ)
        asyncio.run(open_window(args))
        print_line(f"opened {one_line(command.handle)} in a new window")
    else:
        run_tui(command)
    return 0


async def _prepare(options: argparse.Namespace, config: Config) -> TuiCommand:
    call = await _open_call(options)
    thread = await _find_thread(call, options.thread)
    return await prepare_tui(call, thread, token_env=config.codex.token_env, env=os.environ)


async def _find_thread(call: Call, name: str) -> ThreadInfo:
    """Return a thread of the server, or one that only Codex's history may have."""
    try:
        result = await call("codex-threads", {"thread": name})
    except ThreadUnknown:
        if not is_thread_id(name):
            raise
        return ThreadInfo(name, name[:8], ThreadState.IDLE, ours=False, followed=False)
    return ThreadInfo.from_json(fields.objects(result, "threads")[0])


def adopt(options: argparse.Namespace) -> int:
    """Take over a thread, and wait for the process that has it loaded."""
    result = asyncio.run(_adopt(options))
    code = print_result(options, result, "adopted")
    thread = ThreadInfo.from_json(fields.as_object(result.get("thread"), "thread"))
    if thread.adopted:
        print_note(
            "The program that it comes from may still have it open: both can write to it, and "
            "codextui ends no turn that was started there."
        )
    return code


async def _adopt(options: argparse.Namespace) -> JsonObject:
    call = await _open_call(options)
    thread_id = options.thread
    if not is_thread_id(thread_id):
        thread_id = (await _find_thread(call, thread_id)).thread_id
    try:
        return await call("codex-adopt", {"thread": thread_id})
    except ThreadHeld:
        if options.no_wait:
            raise
    try:
        async with asyncio.timeout(options.timeout):
            return await _adopt_when_free(call, thread_id)
    except TimeoutError:
        raise ThreadHeld(
            f"Thread {thread_id} was not let go within {options.timeout:g} seconds"
        ) from None


async def _adopt_when_free(call: Call, thread_id: str) -> JsonObject:
    """Adopt a thread as soon as the process that holds it lets go of it; never by force."""
    report = await call("codex-server", {})
    home = Path(fields.text(fields.as_object(report.get("codex"), "codex"), "home"))
    noted = ""
    for pause_s in _pauses():
        holder = await asyncio.to_thread(find_holder, home, thread_id)
        note = describe_held(thread_id, holder)
        if holder is None:
            # Free, or held by a process that cannot be seen from here: Codex knows.
            try:
                return await call("codex-adopt", {"thread": thread_id})
            except ThreadHeld:
                holder = await asyncio.to_thread(find_holder, home, thread_id)
                note = describe_held(thread_id, holder)
        if note != noted:
            noted = note
            print_note(f"{sanitize(note)} Waiting until it lets go; Ctrl-C ends the wait.")
        await asyncio.sleep(pause_s)
    raise AssertionError("the pauses have no end")


def _pauses() -> Iterator[float]:
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


async def _open_call(options: argparse.Namespace) -> Call:
    path = await find_socket(options, start=True)
    return partial(session.call_once, path, CLIENT_NAME)
