"""What is done to a thread as a whole: fork, interrupt, kill, resume, rename."""

from __future__ import annotations

import argparse
import asyncio

from codextui.commands.link import call_once
from codextui.commands.prompt import read_prompt
from codextui.commands.turns import report, run_and_wait
from codextui.errors import ConfigInvalid


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
