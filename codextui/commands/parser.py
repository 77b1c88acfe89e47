"""The parser of the command line: commands, options and help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from codextui.config.address import HttpAddress

_DESCRIPTION = """\
Supervise Codex agents: without a command the console opens, on the shared server that is
started where none runs. The commands do the same from a script."""

_EPILOG = """\
THREAD is a handle (backend), a thread id, or the beginning of one (6 characters or more).
PROMPT can be -, which reads it from standard input.

With --json a command prints JSON on standard output and nothing else there:
  ps, approvals, runs, history  one thread, approval or run a line
  search                        one item with the text a line
  runs timeline                 one span a line
  read                          {"thread": ...}, then one event a line
  new, reply, fork with --wait  one event a line, then {"thread", "turn_id",
                                "outcome", "content"}
  run                           one happening a line; the last is "run_ended"
  every other command           one object
An event is {"seq", "thread_id", "turn_id", "at", "msg"}.

Exit codes: 0 done; 1 the server or Codex refused; 2 wrong usage or configuration; 3 no server;
with --wait also 4 the turn failed or never began, 5 it was interrupted; 130 Ctrl-C.
`run`: 0 the team is done, 4 it failed, 6 a gate was never met, 7 a person is
needed, 8 a limit was reached; `run --resume` goes on."""

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it


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
    _add_common(parser)
    _add_settings(parser, "leading_settings", hidden=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_server_commands(commands)
    _add_client_commands(commands)
    _add_read_commands(commands)
    _add_turn_commands(commands)
    _add_thread_commands(commands)
    _add_set_command(commands)
    _add_review_command(commands)
    _add_usage_command(commands)
    _add_approval_commands(commands)
    _add_team_commands(commands)
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


def _add(
    commands: _Commands, name: str, command: str, about: str, *, json: bool = True
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[:1].upper() + about[1:] + ".")
    parser.set_defaults(command=command)
    _add_common(parser)
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    # Suppressed, so that the command's default does not replace an option before the command.
    parser.add_argument(
        "-L",
        dest="server",
        metavar="NAME",
        type=_server_name,
        default=argparse.SUPPRESS,
        help="the shared server to use (default: default)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="the configuration file (default: the user's own)",
    )


def _add_server_commands(commands: _Commands) -> None:
    demo = _add(commands, "demo", "console:run_demo", "show a team at work, with a scripted model")
    demo.add_argument("--headless", action="store_true", help="run it without a screen")
    demo.add_argument("--team", action="store_true", help="five roles on the Agents SDK")
    demo.add_argument(
        "--mode",
        choices=("handoffs", "parallel"),
        default="handoffs",
        help="how the five roles run (default: handoffs)",
    )
    serve = _add(
        commands,
        "serve",
        "serve:serve_foreground",
        "run the shared server in the foreground",
        json=False,
    )
    serve.add_argument(
        "--idle-timeout",
        metavar="SECONDS",
        type=_seconds,
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
        type=_http_address,
        help="let MCP clients come by HTTP as well, with the token that `codextui token` prints",
    )
    serve.add_argument(
        "--http-anywhere",
        action="store_true",
        help="allow an address that other machines can reach; what is said travels unencrypted",
    )
    serve.add_argument("--daemon", action="store_true", help=argparse.SUPPRESS)
    token = _add(commands, "token", "serve:print_token", "print the token that HTTP clients show")
    token.add_argument(
        "--new", action="store_true", help="make another one; the one before is then worth nothing"
    )
    _add(commands, "kill-server", "serve:kill_server", "end the shared server and its turns")


def _add_client_commands(commands: _Commands) -> None:
    relay = _add(
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
    _add(
        commands,
        "shim-path",
        "codex_shim:print_path",
        "print the path of a `codex` whose `codex exec` runs on the shared server (CODEX_PATH)",
    )


def _add_setup_command(commands: _Commands) -> None:
    setup = _add(
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
    setup.add_argument("--write", action="store_true", help="write it into the client's own file")
    setup.add_argument(
        "--http",
        metavar="HOST:PORT",
        nargs="?",
        const=False,
        type=_http_address,
        help="let it come by HTTP, where `codextui serve --http` listens (default: as configured); "
        "the token is taken from the environment, and stands in no file",
    )
    scope = setup.add_mutually_exclusive_group()
    for name, about in (("user", "for all your projects"), ("project", "for this folder")):
        scope.add_argument(
            f"--{name}",
            dest="scope",
            action="store_const",
            const=name,
            help=f"{about}, where the client has both",
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

    add("-c", metavar="KEY=VALUE", read=_setting, about="a setting of Codex's for every thread")
    add("-m", "--model", metavar="NAME", read=lambda text: ("model", text), about="the model")
    for flag, value in (("enable", "true"), ("disable", "false")):
        add(
            f"--{flag}",
            metavar="FEATURE",
            read=lambda text, value=value: (f"features.{text}", value),  # type: ignore[misc] # it is bound here
            about=f"{flag} a feature of Codex's",
        )


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key.strip() or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key.strip(), value


def _add_read_commands(commands: _Commands) -> None:
    listing = _add(commands, "ps", "threads:list_threads", "list the threads")
    listing.add_argument("--all", action="store_true", help="killed ones too")
    history = _add(commands, "history", "history:list_history", "list the threads on Codex's disk")
    history.add_argument("--search", metavar="TEXT", default="", help="those that have this text")
    history.add_argument("--archived", action="store_true", help="the archived ones")
    history.add_argument(
        "--limit", metavar="N", type=_count, default=50, help="at most so many (default: 50)"
    )
    read = _add(commands, "read", "read:read_thread", "print what a thread said and did")
    read.add_argument("thread", metavar="THREAD")
    search = _add(commands, "search", "search:search", "search what all threads said and did")
    search.add_argument("text", metavar="TEXT", help="a part of a line, in any case")
    search.add_argument("--thread", metavar="THREAD", help="only this one")
    search.add_argument(
        "--limit", metavar="N", type=_count, default=50, help="at most so many (default: 50)"
    )


def _add_turn_commands(commands: _Commands) -> None:
    new = _add(commands, "new", "threads:start_thread", "start a thread")
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
        "--budget", metavar="TOKENS", type=_tokens, help="what it may use in all, such as 200k"
    )
    reply = _add(
        commands, "reply", "threads:reply", "tell a thread something; steers a running turn"
    )
    steer = _add(commands, "steer", "threads:steer", "tell the running turn of a thread something")
    for parser in (reply, steer):
        parser.add_argument("thread", metavar="THREAD")
        parser.add_argument("prompt", metavar="PROMPT")
    for parser in (new, reply):
        _add_wait(parser)
    for parser in (new, reply, steer, _add_queue(commands)):
        _add_images(parser)


def _add_queue(commands: _Commands) -> argparse.ArgumentParser:
    queue = _add(
        commands, "queue", "queue:queue", "tell a thread something after the turn that runs"
    )
    queue.add_argument("thread", metavar="THREAD")
    queue.add_argument(
        "prompt", metavar="PROMPT", nargs="?", help="left out, what is queued is listed"
    )
    queue.add_argument(
        "--remove", metavar="N", type=int, help="remove a message, by its number in the list"
    )
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


def _add_thread_commands(commands: _Commands) -> None:
    fork = _add(commands, "fork", "threads:fork", "start a thread with another one's past")
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
        parser = _add(commands, name, f"threads:{name}", about)
        parser.add_argument("thread", metavar="THREAD")
        if name == "rename":
            parser.add_argument("handle", metavar="HANDLE")
    for name, about in (
        ("archive", "take a thread at rest out of Codex's lists"),
        ("unarchive", "bring a thread back into Codex's lists"),
    ):
        parser = _add(commands, name, f"history:{name}", about)
        parser.add_argument("thread", metavar="THREAD")
    _add_handover_commands(commands)


def _add_handover_commands(commands: _Commands) -> None:
    opening = _add(
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
    adopt = _add(
        commands,
        "adopt",
        "handover:adopt",
        "take over a thread that another program has, once it lets go",
    )
    adopt.add_argument("thread", metavar="THREAD_ID", help="its whole id, as Codex shows it")
    wait = adopt.add_mutually_exclusive_group()
    wait.add_argument("--no-wait", action="store_true", help="only say who has it")
    wait.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, help="wait no longer (default: for ever)"
    )


def _add_usage_command(commands: _Commands) -> None:
    parser = _add(
        commands, "usage", "threads:print_usage", "show the limits of Codex's ChatGPT login"
    )
    parser.add_argument(
        "thread", metavar="THREAD", nargs="?", help="a thread, to show what it has cost"
    )


def _add_review_command(commands: _Commands) -> None:
    parser = _add(
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


def _add_set_command(commands: _Commands) -> None:
    parser = _add(commands, "set", "threads:set_settings", "change the settings of a thread")
    parser.add_argument("thread", metavar="THREAD")
    parser.add_argument(
        "settings",
        metavar="KEY=VALUE",
        nargs="+",
        type=_thread_setting,
        help="model, effort, approval-policy, sandbox, or budget: tokens in all, such as 200k, or "
        "off",
    )


def _add_approval_commands(commands: _Commands) -> None:
    _add(commands, "approvals", "approvals:list_approvals", "show what waits for a decision")
    approve = _add(commands, "approve", "approvals:approve", "say yes")
    scope = approve.add_mutually_exclusive_group()
    scope.add_argument("--session", action="store_true", help="yes for the rest of this thread")
    scope.add_argument("--always", action="store_true", help="yes for good, by the rule shown")
    decline = _add(commands, "decline", "approvals:decline", "say no")
    decline.add_argument("--message", metavar="TEXT", default="", help="what the agent is told")
    decline.add_argument("--stop", action="store_true", help="stop the turn as well")
    answer = _add(commands, "answer", "approvals:answer", "answer an agent's questions or form")
    for parser in (approve, decline, answer):
        parser.add_argument("approval", metavar="ID")
    answer.add_argument(
        "answers", metavar="[QUESTION=]ANSWER", nargs="+", help="one for each question or field"
    )


def _add_team_commands(commands: _Commands) -> None:
    teams = _add(commands, "teams", "teams:list_teams", "list the teams of the configuration")
    actions = teams.add_subparsers(metavar="check NAME")
    check = actions.add_parser("check", help="explain a team's graph and gates, and advise")
    check.set_defaults(command="teams:check_team")
    check.add_argument("team", metavar="NAME")
    _add_common(check)
    check.add_argument("--json", action="store_true", help="print JSON instead of text")
    run = _add(commands, "run", "run:run", "run a team of roles on a task")
    run.add_argument("team", metavar="TEAM", nargs="?")
    run.add_argument("task", metavar="TASK", nargs="?", help="what to do; - reads it")
    run.add_argument("-C", "--cwd", metavar="FOLDER", type=Path, help="the project (default: .)")
    run.add_argument(
        "--mode", choices=("handoffs", "parallel"), help="how, where not as configured"
    )
    run.add_argument("--headless", action="store_true", help="print what happens, line by line")
    run.add_argument("--resume", metavar="RUN", help="go on with a run that was cut off")
    _add_runs_command(commands)


def _add_runs_command(commands: _Commands) -> None:
    runs = _add(
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
        action.add_argument("run", metavar="RUN", help="as `codextui runs` lists it")
        if name == "export":
            action.add_argument("file", metavar="FILE", type=Path, help="a new file, or - for here")
        _add_common(action)
        action.add_argument("--json", action="store_true", help="print JSON instead of text")


_SETTING_VALUES = {
    "model": (),
    "effort": (),
    "approval-policy": ("untrusted", "on-request", "never"),
    "sandbox": ("read-only", "workspace-write", "danger-full-access"),
}


def _thread_setting(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if key == "budget" and equals:
        return key, 0 if value == "off" else _tokens(value)
    if key not in _SETTING_VALUES or not value.strip():
        names = ", ".join([*_SETTING_VALUES, "budget"])
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE; the keys are {names}")
    allowed = _SETTING_VALUES[key]
    if allowed and value not in allowed:
        raise argparse.ArgumentTypeError(f"{key} is one of {', '.join(allowed)}, not {value!r}")
    return key, value


def _tokens(text: str) -> int:
    from codextui.text.figures import parse_tokens  # noqa: PLC0415 - only for budgets

    try:
        count = parse_tokens(text)
    except (ValueError, OverflowError):
        count = 0
    if not count:
        raise argparse.ArgumentTypeError(f"{text!r} is no count of tokens, such as 200k or 1.5M")
    return count


def _server_name(value: str) -> str:
    from codextui.config.paths import check_server_name  # noqa: PLC0415 - only for -L
    from codextui.errors import ConfigInvalid  # noqa: PLC0415

    try:
        return check_server_name(value)
    except ConfigInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _http_address(value: str) -> HttpAddress:
    from codextui.config.address import parse_http_address  # noqa: PLC0415 - only for --http
    from codextui.errors import ConfigInvalid  # noqa: PLC0415

    try:
        return parse_http_address(value)
    except ConfigInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(value: str) -> int:
    count = int(value)
    if count < 1:
        raise ValueError
    return count


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError
    return seconds
