"""`codextui setup`: sets up MCP clients to use codextui."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from codextui.commands.output import print_line, print_note
from codextui.commands.running_server import choose_http
from codextui.commands.setup_check import check_entry
from codextui.config import paths
from codextui.config.paths import DEFAULT_SERVER
from codextui.config.schema import load_config
from codextui.errors import ConfigInvalid
from codextui.setup.entries import Starts, describe_start, dropped_options, what_starts
from codextui.setup.files import write_entry
from codextui.setup.launch import HttpEndpoint, Launch, find_launch, http_endpoint
from codextui.setup.old_entries import OldEntries, old_entries_of
from codextui.setup.program import as_typed, this_program
from codextui.setup.recipe import ConfigScope, Entry, EntryLocation, Recipe
from codextui.setup.scopes import (
    Block,
    Scope,
    Started,
    choose_scope,
    find_block,
    find_started,
    tell_entries,
)
from codextui.text.sanitize import sanitize
from codextui.text.secrets import MASK

EXIT_NOT_YET = 1
"""Exit code where the client does not start codextui yet, or codextui does not answer."""

COMMAND_TIMEOUT_S = 60.0
"""Seconds that a client's own program may take to change its configuration."""


_MASKED: Final = (
    f"{MASK} stands for a value of your entry that is not shown: keep it, as --write does."
)

_STARTING: Final = ("command", "args", "env", "env_vars", "envFile", "cwd")
"""Settings of an entry that say what is started, and how."""


class Client(Protocol):
    """A module of `codextui.setup` for a client that keeps its servers in files."""

    TITLE: str
    DEFAULT_SCOPE: ConfigScope
    INHERITED: Sequence[str] | None

    def read_scopes(self) -> tuple[Scope, ...]:
        """Return its scopes in their order of precedence."""

    def stdio_recipe(self, launch: Launch, name: str, scope: Scope) -> Recipe:
        """Return the recipe for a server that it starts."""

    def http_recipe(self, endpoint: HttpEndpoint, name: str, scope: Scope) -> Recipe:
        """Return the recipe for a server that it reaches by HTTP."""


def set_up(options: argparse.Namespace) -> int:
    """Print the recipe for a client, or do what it says and check what the client starts then."""
    if not options.name.strip() or not options.name.isprintable():
        raise ConfigInvalid(f"{options.name!r} cannot name a server")
    if options.client == "agents-sdk":
        return _show_script(options)
    client = cast("Client", import_module(f"codextui.setup.{options.client.replace('-', '_')}"))
    scopes = client.read_scopes()
    wanted = ConfigScope(options.scope) if options.scope else None
    own = find_launch(options.command_path, ()).command if options.command_path else ""
    scope = choose_scope(scopes, options.name, wanted, client.DEFAULT_SCOPE, own=own)
    recipe = _recipe(options, client, scope)
    if not options.write:
        _tell(tell_entries(client.TITLE, scopes, options.name), after="\n")
        is_done = _is_done(recipe) or scope.entry(options.name) == recipe.entry
        if is_done:
            print_line(f"{client.TITLE} is set up already.")
        elif recipe.commands and MASK in recipe.snippet:
            print_line(sanitize(_instead_of_commands(options, scope)))
        else:
            _show(recipe)
        _tell_rest(options, client, recipe, scope)
        if not (is_done or recipe.refusal):
            print_line(f"\n--write does that, and checks what {client.TITLE} starts then.")
        return 0
    if recipe.commands and scope.problem:  # the client would begin its file anew
        raise ConfigInvalid(f"{scope.problem}. Nothing was changed: repair the file first")
    is_written = _write(recipe, client.TITLE)
    _tell_rest(options, client, recipe, scope)
    return _conclude(options, client, scope, recipe) if is_written else EXIT_NOT_YET


def _show_script(options: argparse.Namespace) -> int:
    from codextui.setup import agents_sdk  # noqa: PLC0415 - only for this client

    if options.http is not None:
        recipe = agents_sdk.http_recipe(_endpoint(options), options.name)
    else:
        recipe = agents_sdk.stdio_recipe(_launch(options), options.name)
    if options.write:
        raise ConfigInvalid(recipe.refusal)
    _show(recipe)
    _tell(recipe.notes, before="\n")
    return 0


def _recipe(options: argparse.Namespace, client: Client, scope: Scope) -> Recipe:
    if options.http is not None:
        return client.http_recipe(_endpoint(options), options.name, scope)
    return client.stdio_recipe(_launch(options), options.name, scope)


def _find_launch(options: argparse.Namespace) -> Launch:
    name_option = ("-L", options.server) if options.server != DEFAULT_SERVER else ()
    config_option = ("--config", str(options.config.absolute())) if options.config else ()
    return find_launch(options.command_path, (*name_option, *config_option))


def _launch(options: argparse.Namespace) -> Launch:
    launch = _find_launch(options)
    if launch.problem:
        print_note(f"codextui: warning: {sanitize(launch.problem)}")
    return launch


def _endpoint(options: argparse.Namespace) -> HttpEndpoint:
    """Return the endpoint at the given address, else where the server listens, or is to."""
    configured = None
    if options.server == DEFAULT_SERVER:
        configured = load_config(options.config or paths.config_path()).server.http
    address, warning = choose_http(options.server, options.http or None, configured)
    if warning:
        print_note(f"codextui: warning: {sanitize(warning)}")
    return http_endpoint(address, options.server)


def _show(recipe: Recipe) -> None:
    print_line(f"{sanitize(recipe.title)}:\n\n{sanitize(recipe.snippet)}")
    if MASK in recipe.snippet:
        print_line(f"\n{_MASKED}")


def _instead_of_commands(options: argparse.Namespace, scope: Scope) -> str:
    """Return what to type where the commands themselves would show what is in an entry."""
    name = shlex.quote(options.name)
    typed = _as_typed(f"codextui setup {options.client} --name {name} --{scope.kind} --write")
    return (
        f"Type:\n\n{typed}\n\nIt has the client's own program change the entry, whose variables "
        "have values that are not shown."
    )


def _tell(texts: Iterable[str], *, before: str = "", after: str = "") -> None:
    for text in texts:
        print_line(f"{before}{sanitize(text)}{after}")


def _tell_rest(options: argparse.Namespace, client: Client, recipe: Recipe, scope: Scope) -> None:
    """Tell what is lost of the entry that was there, the notes, and which old entries remain."""
    for dropped in dropped_options(scope.entry(options.name)):
        print_line(f"\nLeft out: {sanitize(dropped.text)} ({dropped.reason}).")
    _tell((*recipe.notes, *_sharing_notes(recipe, scope)), before="\n")
    for problem in dict.fromkeys(one.problem for one in client.read_scopes() if one.problem):
        print_line(f"\n{sanitize(problem)}: what it says is not known.")
    for old in old_entries_of(options.client, client.TITLE, client.read_scopes()):
        for name in old.names:
            place = (old.path, old.scope, old.only)
            if place == (scope.path, scope.kind, "") and name == options.name:
                continue
            where = f"{old.path} (it counts {old.only})" if old.only else str(old.path)
            print_line(
                f"\nIts server {sanitize(name)} in {sanitize(where)} starts `codex mcp-server`, "
                f"which is gone{sanitize(_way_out(old, name))}."
            )


def _way_out(old: OldEntries, name: str) -> str:
    """Return what to do about an old entry, as the end of a sentence."""
    if name in old.wrapped:
        return ": write codextui in the place of codex there"
    remedy = old.remedy(name)
    return f": {_as_typed(remedy)} changes that" if remedy else ""


def _as_typed(command: str) -> str:
    """Return a command line of ours as a shell finds it, also where codextui is not on PATH."""
    return as_typed(command, this_program().typed)


def _sharing_notes(recipe: Recipe, scope: Scope) -> tuple[str, ...]:
    """Return what those must know who share the file of a project, if its entry has our path."""
    command = (recipe.entry or {}).get("command")
    if scope.kind is not ConfigScope.PROJECT or not str(command or "").startswith("/"):
        return ()
    note = (
        f"{command} is a path of this machine. Where others use this file, too, write the name "
        "that all of you have on PATH: --command codextui."
    )
    return (note,)


def _write(recipe: Recipe, client: str) -> bool:
    """Do what a recipe says. Returns False where the person must do it."""
    if recipe.commands:
        return _run_commands(recipe, client)
    if recipe.location is not None and recipe.entry is not None:
        _write_file(recipe.location, recipe.entry, recipe.snippet, client)
    elif _is_done(recipe):
        print_line(f"{client} is set up already.")
    else:
        raise ConfigInvalid(recipe.refusal)
    return True


def _is_done(recipe: Recipe) -> bool:
    """Return whether there is nothing to do for what a client keeps to itself."""
    return not (recipe.location or recipe.commands or recipe.refusal)


def _write_file(location: EntryLocation, entry: Entry, snippet: str, client: str) -> None:
    path = sanitize(str(location.path))
    try:
        written = write_entry(location, entry)
    except ConfigInvalid:
        print_note(f"Nothing was changed. What belongs into {path}:\n\n{sanitize(snippet)}\n")
        if MASK in snippet:
            print_note(f"{_MASKED}\n")
        raise
    if not written.changed:
        print_line(f"{path} is set up already.")
    else:
        backup = f" What it was is in {sanitize(str(written.backup))}." if written.backup else ""
        print_line(f"{path} is written: {client} finds codextui when it starts again.{backup}")


def _run_commands(recipe: Recipe, client: str) -> bool:
    """Run the commands of a client's own program; print them where it is not on PATH."""
    name = recipe.commands[0][0]
    program = _find_program(name)
    if program is None:
        what = f"Nothing was changed: {client} keeps this itself, and {name} is not on PATH"
        if MASK in recipe.snippet:
            print_note(f"{what}. Put its folder there, and type this again.\n")
        else:
            print_note(f"{what}. Type where it is:\n\n{sanitize(recipe.snippet)}\n")
        return False
    for command in recipe.commands:
        told = shlex.join(command[:-1] if command[-1].startswith("{") else command)  # no secrets
        try:
            failure = _run(program, command)
        except KeyboardInterrupt:
            print_note(f"{sanitize(told)} was interrupted.{sanitize(_undo(program, recipe))}")
            raise
        if failure:
            undone = _undo(program, recipe) if command is not recipe.commands[0] else ""
            raise ConfigInvalid(f"{told} failed: {failure}{undone}")
        print_line(f"Done: {sanitize(told)}")
    return True


def _find_program(program: str) -> str | None:
    """Return the path of a client's program, also where only its installer has put it."""
    home = Path.home()
    folders = [os.environ.get("PATH", os.defpath), home / ".local" / "bin", home / ".claude/local"]
    return shutil.which(program, path=os.pathsep.join(map(str, folders)))


def _undo(program: str, recipe: Recipe) -> str:
    """Restore what was there, and return a text that says so, or how to do it."""
    for command in recipe.undo:
        failure = _run(program, command)
        if failure:
            return f"\nWhat was there is lost until you type: {shlex.join(command)} ({failure})"
    return "\nWhat was there is there again." if recipe.undo else ""


def _run(program: str, command: Sequence[str]) -> str:
    """Run a command, and return what it said if it failed; else an empty text."""
    try:
        done = subprocess.run(  # noqa: S603 - the client's own program
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {COMMAND_TIMEOUT_S:g} seconds"
    except OSError as error:
        return str(error)
    said = (done.stderr + done.stdout).decode(errors="replace").strip()
    return (said or f"exit code {done.returncode}") if done.returncode else ""


def _conclude(options: argparse.Namespace, client: Client, written: Scope, recipe: Recipe) -> int:
    """Tell what the client starts now under the name, and check that it answers."""
    scopes, name = client.read_scopes(), options.name
    [now] = [scope for scope in scopes if scope.is_same(written)]
    started, block = find_started(scopes, name), find_block(scopes, now, name)
    if started is not None and not _starts_codextui(started.settings, recipe):
        print_note(sanitize(_tell_other(options, client.TITLE, started.scope, block)))
        return EXIT_NOT_YET
    if started is None:
        tell = print_line if block and block.asks else print_note
        tell(
            sanitize(f"\n{client.TITLE} does not start {name} yet. {block.reason if block else ''}")
        )
    elif not started.scope.is_same(written):
        place = f"the {name} of {started.scope.place}"
        reason = f" {block.reason}" if block else ""
        print_line(sanitize(f"\nHere {client.TITLE} starts {place}.{reason}"))
    is_good = not options.verify or _check(options, client, now, started)
    return 0 if is_good and (started or (block and block.asks)) else EXIT_NOT_YET


def _check(
    options: argparse.Namespace, client: Client, written: Scope, started: Started | None
) -> bool:
    """Check what the client starts, but start nothing that only a file of the project says.

    Others write that file, too: it may name a program of the project, or a server elsewhere, which
    would be sent our token.
    """
    scope = started.scope if started else written
    entry = started.settings if started else written.entry(options.name)
    if scope.kind is ConfigScope.PROJECT:
        if not scope.is_same(written):
            print_note(
                f"\nNot verified: others write {sanitize(scope.place)}, too, so that nothing of it "
                "was started."
            )
            return False
        entry = _own_part(options, client, written, entry)
    return check_entry(entry, client.INHERITED, options.server)


def _own_part(options: argparse.Namespace, client: Client, written: Scope, entry: Entry) -> Entry:
    """Return an entry of a project's file without what was in the file before, and tell of it."""
    if "url" in entry:
        return entry
    own = client.stdio_recipe(
        _find_launch(options), options.name, replace(written, servers={})
    ).entry
    if own is None:
        return entry
    if any(entry.get(key) != own.get(key) for key in _STARTING):
        print_line(f"\nThe check leaves out what {sanitize(written.place)} adds to our command.")
    return own


def _starts_codextui(entry: Entry, recipe: Recipe) -> bool:
    """Return whether an entry starts codextui, also by a command of another name (`--command`)."""
    own = (recipe.entry or {}).get("command", "")
    return entry.get("command") == own or what_starts(entry) is Starts.CODEXTUI


def _tell_other(options: argparse.Namespace, client: str, scope: Scope, block: Block | None) -> str:
    """Return what a client starts in the place of what was written, and what to do about it."""
    name = options.name
    what = f"{name} in {scope.place}, which is `{describe_start(scope.entry(name))}`"
    text = f"\n{client} does not start codextui yet, but {what}."
    if block is not None:
        return f"{text} {block.reason}"
    if scope.kind is None:
        return f"{text} It shadows what was written, and codextui does not change it."
    typed = f"codextui setup {options.client} --name {shlex.quote(name)} --{scope.kind} --write"
    return f"{text} It shadows what was written. Type: {_as_typed(typed)}"
