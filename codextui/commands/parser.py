"""The parser of the command line: commands, options and help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from codextui.commands.parser_parts import (
    Commands,
    add_command,
    add_common_options,
    codex_setting,
    count,
    http_address,
    seconds,
)
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
    _add_settings(parser, "leading_settings", hidden=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_server_commands(commands)
    _add_client_commands(commands)
    _add_read_commands(commands)
    add_turn_commands(commands)
    add_thread_commands(commands)
    add_set_command(commands)
    add_review_command(commands)
    add_usage_command(commands)
    _add_approval_commands(commands)
    _add_team_commands(commands)
    _add_config_command(commands)
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
    token = add_command(
        commands, "token", "serve:print_token", "print the token that HTTP clients show"
    )
    token.add_argument(
        "--new", action="store_true", help="make another one; the one before is then worth nothing"
    )
    add_command(commands, "kill-server", "serve:kill_server", "end the shared server and its turns")


def _add_client_commands(commands: Commands) -> None:
    relay = add_command(
        commands,
        "mcp-server",
        "mcp_server:relay",
        "be an MCP server on standard input and output, as `codex mcp-server` was",
        json=False,
    )
    relay.set_defaults(takes_settings=True)
    relay.add_argument(
        "--tools",
        choices=("codex", "all"),
        default="codex",
        help="the two tools of Codex (the default), or all that supervisors have, too",
    )
    relay.add_argument(
        "--private",
        action="store_true",
        help="serve alone in this process, without the shared server: nobody else sees the "
        "threads, and their turns end with the client",
    )
    relay.add_argument(
        "--events",
        choices=("on", "off"),
        help="send codex/event during calls, as `codex mcp-server` did, or never; left out, they "
        "are for clients that ask for them or are known to show them",
    )
    relay.add_argument(
        "--no-events", dest="events", action="store_const", const="off", help=argparse.SUPPRESS
    )
    _add_settings(relay, "settings")
    _add_setup_command(commands)
    _add_login_command(commands)
    add_command(
        commands,
        "shim-path",
        "codex_shim:print_path",
        "print the path of a `codex` whose `codex exec` runs on the shared server (CODEX_PATH)",
    )


def _add_login_command(commands: Commands) -> None:
    login = add_command(
        commands, "login", "login:log_in", "log in the Codex that codextui uses", json=False
    )
    how = login.add_mutually_exclusive_group()
    for flag, about in (
        ("--with-api-key", "with the API key on standard input"),
        ("--device-auth", "with a code, on a machine without a browser"),
    ):
        how.add_argument(
            flag, dest="how", action="append_const", const=flag, default=[], help=about
        )
    how.add_argument("--status", action="store_true", help="say whether it is logged in")


def _add_setup_command(commands: Commands) -> None:
    setup = add_command(
        commands,
        "setup",
        "setup:set_up",
        "print what a client must be told to use codextui, or write it",
        json=False,
    )
    setup.add_argument(
        "client",
        metavar="CLIENT",
        choices=("claude-code", "cursor", "vscode", "codex", "agents-sdk", "inspector"),
        help="%(choices)s",
    )
    setup.add_argument(
        "--write",
        action="store_true",
        help="write it into the client's own file, or let the client's own program do so, and "
        "start what the client starts then, to see that it answers",
    )
    setup.add_argument(
        "--no-verify", dest="verify", action="store_false", help="with --write: start nothing"
    )
    setup.add_argument(
        "--http",
        metavar="HOST:PORT",
        nargs="?",
        const=False,
        type=http_address,
        help="let it come by HTTP (default: where the running server listens, else as configured); "
        "the token is taken from the environment, and stands in no file",
    )
    scope = setup.add_mutually_exclusive_group()
    for name, about in (
        ("user", "for all your projects"),
        ("project", "for this folder"),
        ("local", "for you in this folder"),
    ):
        scope.add_argument(
            f"--{name}",
            dest="scope",
            action="store_const",
            const=name,
            help=f"{about}, where the client has that; without these: where the name is already",
        )
    setup.add_argument(
        "--name",
        default="codextui",
        help="what the client calls it (default: codextui); codex, for example, takes the place "
        "of an entry that starts `codex mcp-server`",
    )
    setup.add_argument(
        "--command",
        dest="command_path",
        metavar="PATH",
        help="the codextui that the client starts (default: this one)",
    )


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


def _add_settings(parser: argparse.ArgumentParser, name: str, *, hidden: bool = False) -> None:
    """Add the options of Codex, which it accepts before and after `mcp-server`."""

    def add(*flags: str, metavar: str, read: Callable[[str], tuple[str, str]], about: str) -> None:
        parser.add_argument(
            *flags,
            dest=name,
            metavar=metavar,
            action="append",
            type=read,
            default=[],
            help=argparse.SUPPRESS if hidden else about,
        )

    add(
        "-c", metavar="KEY=VALUE", read=codex_setting, about="a setting of Codex's for every thread"
    )
    add("-m", "--model", metavar="NAME", read=lambda text: ("model", text), about="the model")
    for flag, value in (("enable", "true"), ("disable", "false")):
        add(
            f"--{flag}",
            metavar="FEATURE",
            read=lambda text, value=value: (f"features.{text}", value),  # type: ignore[misc] # it is bound here
            about=f"{flag} a feature of Codex's",
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


def _add_team_commands(commands: Commands) -> None:
    teams = add_command(
        commands, "teams", "teams:list_teams", "list the teams of the configuration"
    )
    actions = teams.add_subparsers(metavar="check NAME | new NAME")
    check = actions.add_parser(
        "check", help="explain a team, say what prevents it from running here, and advise"
    )
    check.set_defaults(command="teams:check_named_team")
    check.add_argument("team", metavar="NAME")
    check.add_argument("-C", "--cwd", metavar="FOLDER", type=Path, help="the project (default: .)")
    add_common_options(check)
    check.add_argument("--json", action="store_true", help="print JSON instead of text")
    new = actions.add_parser("new", help="add a small team to the configuration, and check it")
    new.set_defaults(command="teams:add_new_team")
    new.add_argument("team", metavar="NAME", help="small letters, digits, - and _")
    add_common_options(new)
    new.add_argument("--json", action="store_true", help="print JSON instead of text")
    run = add_command(commands, "run", "run:run", "run a team of roles on a task")
    run.add_argument("team", metavar="TEAM", nargs="?")
    run.add_argument("task", metavar="TASK", nargs="?", help="what to do; - reads it")
    run.add_argument("-C", "--cwd", metavar="FOLDER", type=Path, help="the project (default: .)")
    run.add_argument(
        "--mode", choices=("handoffs", "parallel"), help="how, where not as configured"
    )
    run.add_argument("--headless", action="store_true", help="print what happens, line by line")
    run.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a run that has not ended well, by its id or its name in `ps`",
    )
    _add_runs_command(commands)


def _add_config_command(commands: Commands) -> None:
    config = add_command(
        commands, "config", "config:show_config", "show the configuration as it applies"
    )
    actions = config.add_subparsers(metavar="check")
    check = actions.add_parser("check", help="find every mistake in the whole file")
    check.set_defaults(command="config:check_config")
    add_common_options(check)
    check.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add_runs_command(commands: Commands) -> None:
    runs = add_command(
        commands, "runs", "runs:list_recorded_runs", "list the runs of teams, and look at them"
    )
    actions = runs.add_subparsers(metavar="ACTION")
    for name, command, about in (
        ("show", "runs:show_run", "how a run went: handoffs, tokens, money"),
        ("timeline", "runs:show_timeline", "who worked when, and who waited for whom"),
        ("export", "runs:export_run", "write a run's spans and happenings as JSON lines"),
        ("remove", "runs:remove_run", "remove what is kept of a run"),
    ):
        action = actions.add_parser(
            name, help=about, description=f"{about[:1].upper()}{about[1:]}."
        )
        action.set_defaults(command=command)
        action.add_argument(
            "run", metavar="RUN", help="its id, its name in `ps`, or a beginning of its id"
        )
        if name == "export":
            action.add_argument("file", metavar="FILE", type=Path, help="a new file, or - for here")
        add_common_options(action)
        action.add_argument("--json", action="store_true", help="print JSON instead of text")


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
