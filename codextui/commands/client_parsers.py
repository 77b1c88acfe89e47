"""The parsers of the commands for MCP clients: `mcp-server`, `setup`, `login`, `shim-path`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from codextui.commands.parser_parts import Commands, add_command, codex_setting, http_address


def add_client_commands(commands: Commands) -> None:
    """Add what MCP clients start, and what sets them and Codex up."""
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
    add_settings(relay, "settings")
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
    _add_scopes(setup)
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


def _add_scopes(setup: argparse.ArgumentParser) -> None:
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


def add_settings(parser: argparse.ArgumentParser, name: str, *, hidden: bool = False) -> None:
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
