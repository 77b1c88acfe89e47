"""The parser of the command line: commands, options and help."""

from __future__ import annotations

import argparse
from pathlib import Path

from codextui.commands.client_parsers import add_client_commands, add_settings
from codextui.commands.parser_parts import (
    Commands,
    add_command,
    add_common_options,
    count,
    http_address,
    seconds,
)
from codextui.commands.team_parsers import add_config_command, add_team_commands
from codextui.commands.thread_parsers import (
    add_review_command,
    add_set_command,
    add_thread_commands,
    add_turn_commands,
    add_usage_command,
)

_DESCRIPTION = """\
Supervise Codex agents: without a command the console opens, on the shared server that is
started where none runs. The commands do the same from a script."""

_EPILOG = """\
THREAD is a handle (backend), a role of a run (shop/backend), a thread id, or the beginning of one
(6 characters or more).
PROMPT can be -, which reads it from standard input.

With --json a command prints JSON on standard output and nothing else there:
  ps, approvals, runs, history, decisions
                                one thread, approval, run or decision a line
  search                        one item with the text a line
  doctor                        one finding a line
  runs timeline                 one span a line
  read                          {"thread": ...}, then one event a line
  inspect                       {"codextui_capture": 1, ...}, then one frame a line
  new, reply, fork with --wait  one event of the turn a line, then {"thread",
                                "turn_id", "outcome", "content"}, the thread as it is then
  run                           one event of the run a line, each with "at"; the last is
                                "run_ended"
  every other command           one object
An event is {"seq", "thread_id", "turn_id", "at", "msg"}.

Exit codes: 0 done; 1 the server or Codex refused; 2 wrong usage or configuration; 3 no server;
with --wait also 4 the turn failed or never began, 5 it was interrupted; 130 Ctrl-C.
`run`: 0 the team is done, 4 it failed, 6 a gate was never met, 7 a person is
needed, 8 a limit was reached, 130 Ctrl-C, 143 SIGTERM; `run --resume` goes on."""

_DOCTOR_EPILOG = """\
Nothing is changed without --fix, no server is started, and no key is sent or printed. --fix sets
the modes of codextui's own folders and files, makes missing folders, and removes stale sockets
and what killed processes left behind; it never edits a configuration.

With --json a finding a line: {"severity": "ok" | "advice" | "problem", "check", "found", "file",
"line", "advice", "command", "fixable"}; --fix prints {"severity": "fixed" | "failed", ...} first.

Exit codes: 0 nothing is wrong (there may be advice); 1 there are problems; 2 wrong usage."""

COMPLETION_PLACES = {
    "bash": """in ~/.bashrc:\n  eval "$(codextui completion bash)\"""",
    "zsh": """in ~/.zshrc, after compinit:\n  eval "$(codextui completion zsh)\"""",
    "fish": """in ~/.config/fish/config.fish:\n  codextui completion fish | source""",
}
"""Where the script of tab completion belongs, by shell."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser. Its result's `command` is `MODULE:FUNCTION` in `codextui.commands`."""
    parser = argparse.ArgumentParser(
        prog="codextui",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(
        command="console:open_console", server="default", config=None, takes_settings=False
    )
    _add_version(parser)
    add_common_options(parser)
    add_settings(parser, "leading_settings", hidden=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_server_commands(commands)
    add_client_commands(commands)
    _add_read_commands(commands)
    add_turn_commands(commands)
    add_thread_commands(commands)
    add_set_command(commands)
    add_review_command(commands)
    add_usage_command(commands)
    _add_approval_commands(commands)
    add_team_commands(commands)
    add_config_command(commands)
    _add_doctor_command(commands)
    _add_completion_commands(commands)
    return parser


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "--codex",
        dest="version_codex",
        action="store_true",
        help="with --version: print also which Codex is found, and which versions work",
    )
    parser.add_argument(
        "--json", dest="version_json", action="store_true", help="with --codex: print JSON"
    )


def _add_server_commands(commands: Commands) -> None:
    demo = add_command(
        commands, "demo", "console:run_demo", "show a team at work, with a scripted model"
    )
    demo.add_argument("--headless", action="store_true", help="run it without a screen")
    demo.add_argument("--team", action="store_true", help="five roles on the Agents SDK")
    demo.add_argument(
        "--mode",
        choices=("handoffs", "parallel"),
        default="handoffs",
        help="how the five roles run (default: handoffs)",
    )
    _add_serve_command(commands)
    token = add_command(
        commands, "token", "serve:print_token", "print the token that HTTP clients show"
    )
    token.add_argument(
        "--new", action="store_true", help="make another one; the one before is then worth nothing"
    )
    add_command(commands, "kill-server", "serve:kill_server", "end the shared server and its turns")


def _add_serve_command(commands: Commands) -> None:
    serve = add_command(
        commands,
        "serve",
        "serve:serve_foreground",
        "run the shared server in the foreground",
        json=False,
    )
    serve.add_argument(
        "--idle-timeout",
        metavar="SECONDS",
        type=seconds,
        help="end after so long without clients and running turns; 0 is never, and the default "
        "in the foreground",
    )
    serve.add_argument(
        "--until-stdin-ends",
        action="store_true",
        help="end when standard input does, for a program that has a server of its own",
    )
    serve.add_argument(
        "--http",
        metavar="HOST:PORT",
        type=http_address,
        help="let MCP clients come by HTTP as well, with the token that `codextui token` prints; a "
        "server that runs already then listens there, too",
    )
    serve.add_argument(
        "--http-anywhere",
        action="store_true",
        help="allow an address that other machines can reach; what is said travels unencrypted",
    )
    serve.add_argument("--daemon", action="store_true", help=argparse.SUPPRESS)


def _add_doctor_command(commands: Commands) -> None:
    doctor = add_command(
        commands,
        "doctor",
        "doctor:examine",
        "say what is wrong on this machine, and what to type: Codex, folders, the server, the "
        "terminal, the configuration, other clients, teams",
    )
    doctor.formatter_class = argparse.RawDescriptionHelpFormatter
    doctor.epilog = _DOCTOR_EPILOG
    doctor.add_argument(
        "--all", action="store_true", help="print also what was looked at and is fine"
    )
    doctor.add_argument(
        "--fix",
        action="store_true",
        help="repair what is surely safe, say each time what was done, and look again",
    )


def _add_read_commands(commands: Commands) -> None:
    listing = add_command(commands, "ps", "threads:list_threads", "list the threads")
    listing.add_argument("--all", action="store_true", help="killed ones too")
    history = add_command(
        commands, "history", "history:list_history", "list the threads on Codex's disk"
    )
    history.add_argument("words", metavar="TEXT", nargs="*", help="those that have this text")
    history.add_argument("--search", metavar="TEXT", default="", help="the same")
    history.add_argument("--archived", action="store_true", help="the archived ones")
    history.add_argument(
        "--limit", metavar="N", type=count, default=50, help="at most so many (default: 50)"
    )
    inspect = add_command(
        commands,
        "inspect",
        "inspect:inspect_frames",
        "print the frames of MCP and of app-server as they flow, until Ctrl-C",
    )
    inspect.add_argument("--thread", metavar="THREAD", help="only those that concern this thread")
    inspect.add_argument(
        "--filter",
        metavar="TERMS",
        help="only those that fit, as in the console: method:turn/ dir:in client:NAME proto:mcp "
        "is:error, or any text; - before a term negates it",
    )
    inspect.add_argument(
        "--save", metavar="FILE", type=Path, help="write them to this new file as well (a capture)"
    )
    read = add_command(commands, "read", "read:read_thread", "print what a thread said and did")
    read.add_argument("thread", metavar="THREAD")
    search = add_command(
        commands, "search", "search:search", "search what all threads said and did"
    )
    search.add_argument("text", metavar="TEXT", help="a part of a line, in any case")
    search.add_argument("--thread", metavar="THREAD", help="only this one")
    search.add_argument(
        "--limit", metavar="N", type=count, default=50, help="at most so many (default: 50)"
    )


def _add_approval_commands(commands: Commands) -> None:
    add_command(commands, "approvals", "approvals:list_approvals", "show what waits for a decision")
    decisions = add_command(
        commands, "decisions", "decisions:list_decisions", "show what was decided"
    )
    decisions.add_argument(
        "filter",
        metavar="FILTER",
        nargs="*",
        help="words, outcome:declined, by:NAME, where:timeout, kind:patch, role:NAME, thread:ID",
    )
    decisions.add_argument("--show", metavar="APPROVAL", help="one, with all that was asked")
    decisions.add_argument(
        "--limit", metavar="N", type=count, default=50, help="at most so many (default: 50)"
    )
    approve = add_command(commands, "approve", "approvals:approve", "say yes")
    scope = approve.add_mutually_exclusive_group()
    scope.add_argument("--session", action="store_true", help="yes for the rest of this thread")
    scope.add_argument("--always", action="store_true", help="yes for good, by the rule shown")
    decline = add_command(commands, "decline", "approvals:decline", "say no")
    decline.add_argument("--message", metavar="TEXT", default="", help="what the agent is told")
    decline.add_argument("--stop", action="store_true", help="stop the turn as well")
    answer = add_command(
        commands, "answer", "approvals:answer", "answer an agent's questions or form"
    )
    for parser in (approve, decline, answer):
        parser.add_argument("approval", metavar="ID")
    answer.add_argument(
        "answers", metavar="[QUESTION=]ANSWER", nargs="+", help="one for each question or field"
    )


def _add_completion_commands(commands: Commands) -> None:
    parser = add_command(
        commands,
        "completion",
        "completion:print_script",
        "print the script of tab completion for a shell",
        json=False,
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "where the script belongs:\n" + "\n".join(COMPLETION_PLACES.values())
    # Called by the scripts; without a help it is not listed.
    hidden = commands.add_parser("complete")
    hidden.set_defaults(command="complete:complete")
    for shown in (parser, hidden):
        shown.add_argument(
            "shell", metavar="SHELL", choices=tuple(COMPLETION_PLACES), help="%(choices)s"
        )
    hidden.add_argument("line", metavar="WORD", nargs=argparse.REMAINDER)
