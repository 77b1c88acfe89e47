"""The parsers of the commands about threads and their turns."""

from __future__ import annotations

import argparse
from pathlib import Path

from codextui.commands.parser_parts import Commands, add_command, seconds, thread_setting, tokens


def add_turn_commands(commands: Commands) -> None:
    """Add the commands that start threads and turns."""
    new = add_command(commands, "new", "threads:start_thread", "start a thread")
    new.add_argument("prompt", metavar="PROMPT", nargs="?")
    new.add_argument("--handle", metavar="NAME", help="what to call it, such as a role")
    new.add_argument("-C", "--cwd", metavar="FOLDER", type=Path, help="where it works")
    new.add_argument("-m", "--model", metavar="NAME")
    new.add_argument(
        "-s",
        "--sandbox",
        choices=("read-only", "workspace-write", "danger-full-access"),
        help="what its commands may touch",
    )
    new.add_argument(
        "-a",
        "--approval-policy",
        choices=("untrusted", "on-request", "never"),
        help="when it has to ask",
    )
    new.add_argument(
        "--budget", metavar="TOKENS", type=tokens, help="what it may use in all, such as 200k"
    )
    reply = add_command(
        commands, "reply", "threads:reply", "tell a thread something; steers a running turn"
    )
    steer = add_command(
        commands, "steer", "threads:steer", "tell the running turn of a thread something"
    )
    for parser in (reply, steer):
        parser.add_argument("thread", metavar="THREAD")
        parser.add_argument("prompt", metavar="PROMPT")
    for parser in (new, reply):
        _add_wait(parser)
    for parser in (new, reply, steer, _add_queue(commands)):
        _add_images(parser)


def _add_queue(commands: Commands) -> argparse.ArgumentParser:
    queue = add_command(
        commands, "queue", "queue:queue", "tell a thread something after the turn that runs"
    )
    queue.add_argument("thread", metavar="THREAD")
    queue.add_argument(
        "prompt", metavar="PROMPT", nargs="?", help="left out, what is queued is listed"
    )
    queue.add_argument(
        "--show", metavar="N", type=int, help="print a message in full, by its number in the list"
    )
    queue.add_argument(
        "--edit", metavar=("N", "PROMPT"), nargs=2, help="replace the text of a message"
    )
    queue.add_argument(
        "--move", metavar=("N", "TO"), nargs=2, type=int, help="give a message another place"
    )
    queue.add_argument("--remove", metavar="N", type=int, help="remove a message")
    queue.add_argument(
        "--start", action="store_true", help="go on with the queue, which waits after an interrupt"
    )
    return queue


def _add_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-i",
        "--image",
        metavar="FILE",
        action="append",
        type=Path,
        default=[],
        help="an image that goes with the prompt (PNG, JPEG, GIF, WebP); again for another",
    )


def _add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait", action="store_true", help="print the answer as it comes, until the turn ends"
    )


def add_thread_commands(commands: Commands) -> None:
    """Add the commands about threads."""
    fork = add_command(commands, "fork", "threads:fork", "start a thread with another one's past")
    fork.add_argument("thread", metavar="THREAD")
    fork.add_argument("prompt", metavar="PROMPT", nargs="?")
    fork.add_argument(
        "--turn", metavar="ID", help="the last turn to take over, by an id that `read` prints"
    )
    fork.add_argument("--handle", metavar="NAME", help="what to call it")
    _add_wait(fork)
    for name, about in (
        ("interrupt", "stop the running turn of a thread, and its commands"),
        ("kill", "end a thread and archive it"),
        ("resume", "take up a thread of Codex's history, or a killed one"),
        ("rename", "give a thread another handle"),
    ):
        parser = add_command(commands, name, f"threads:{name}", about)
        parser.add_argument("thread", metavar="THREAD")
        if name == "rename":
            parser.add_argument("handle", metavar="HANDLE")
    for name, about in (
        ("archive", "take a thread at rest out of Codex's lists"),
        ("unarchive", "bring a thread back into Codex's lists"),
    ):
        parser = add_command(commands, name, f"history:{name}", about)
        parser.add_argument("thread", metavar="THREAD")
    _add_handover_commands(commands)


def _add_handover_commands(commands: Commands) -> None:
    opening = add_command(
        commands, "open", "handover:open_thread", "open a thread in Codex's own TUI", json=False
    )
    opening.add_argument("thread", metavar="THREAD")
    where = opening.add_mutually_exclusive_group()
    where.add_argument(
        "--print", action="store_true", help="print the command instead, quoted for a shell"
    )
    where.add_argument(
        "--window",
        action="store_true",
        help="in a new window: of tmux, or by the command of `[ui] terminal`",
    )
    adopt = add_command(
        commands,
        "adopt",
        "handover:adopt",
        "take over a thread that another program has, once it lets go",
    )
    adopt.add_argument("thread", metavar="THREAD_ID", help="its whole id, as Codex shows it")
    wait = adopt.add_mutually_exclusive_group()
    wait.add_argument("--no-wait", action="store_true", help="only say who has it")
    wait.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, help="wait no longer (default: for ever)"
    )


def add_usage_command(commands: Commands) -> None:
    """Add `usage`."""
    parser = add_command(
        commands, "usage", "threads:print_usage", "show the limits of Codex's ChatGPT login"
    )
    parser.add_argument(
        "thread", metavar="THREAD", nargs="?", help="a thread, to show what it has cost"
    )


def add_review_command(commands: Commands) -> None:
    """Add `review`."""
    parser = add_command(
        commands, "review", "threads:review", "let Codex review changes, the uncommitted ones first"
    )
    parser.add_argument(
        "thread", metavar="THREAD", nargs="?", help="in its folder (default: a new thread here)"
    )
    parser.add_argument("-C", "--cwd", metavar="FOLDER", type=Path, help="the folder")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--base", metavar="BRANCH", help="what differs from a branch")
    target.add_argument("--commit", metavar="SHA", help="what a commit changes")
    target.add_argument("--instructions", metavar="TEXT", help="what to review, in words")
    parser.add_argument(
        "--detached", action="store_true", help="in a new thread instead of in THREAD"
    )
    parser.add_argument("--handle", metavar="NAME", help="what to call the new thread")
    _add_wait(parser)


def add_set_command(commands: Commands) -> None:
    """Add `set`."""
    parser = add_command(commands, "set", "threads:set_settings", "change the settings of a thread")
    parser.add_argument("thread", metavar="THREAD")
    parser.add_argument(
        "settings",
        metavar="KEY=VALUE",
        nargs="+",
        type=thread_setting,
        help="model, effort, approval-policy, sandbox, or budget: tokens in all, such as 200k, or "
        "off",
    )
