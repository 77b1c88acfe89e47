"""`codextui setup`: sets up MCP clients to use codextui."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import cast

from codextui.commands.output import print_line, print_note
from codextui.commands.running_server import choose_http
from codextui.config import paths
from codextui.config.paths import DEFAULT_SERVER
from codextui.config.schema import load_config
from codextui.errors import ConfigInvalid
from codextui.setup.files import write_entry
from codextui.setup.launch import HttpEndpoint, Launch, find_launch, http_endpoint
from codextui.setup.recipe import ConfigScope, Recipe
from codextui.text.sanitize import sanitize


def set_up(options: argparse.Namespace) -> int:
    """Print the recipe for a client, or write its entry into the client's file."""
    recipe = _recipe(options)
    if options.write:
        _write_entry(recipe, options.client)
    else:
        print_line(f"{sanitize(recipe.title)}:\n\n{sanitize(recipe.snippet)}")
    for text in recipe.notes:
        print_line(f"\n{sanitize(text)}")
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    module = import_module(f"codextui.setup.{options.client.replace('-', '_')}")
    scope = ConfigScope(options.scope) if options.scope else None
    if options.http is not None:
        http_recipe = cast(
            "Callable[[HttpEndpoint, str, ConfigScope | None], Recipe]", module.http_recipe
        )
        return http_recipe(_endpoint(options), options.name, scope)
    stdio_recipe = cast("Callable[[Launch, str, ConfigScope | None], Recipe]", module.stdio_recipe)
    launch = find_launch(options.command_path, _server_options(options))
    if launch.problem:
        print_note(f"codextui: warning: {sanitize(launch.problem)}")
    return stdio_recipe(launch, options.name, scope)


def _endpoint(options: argparse.Namespace) -> HttpEndpoint:
    """Return the endpoint at the given address, else where the server listens, or is to."""
    configured = None
    if options.server == DEFAULT_SERVER:
        configured = load_config(options.config or paths.config_path()).server.http
    address, warning = choose_http(options.server, options.http or None, configured)
    if warning:
        print_note(f"codextui: warning: {sanitize(warning)}")
    return http_endpoint(address, options.server)


def _server_options(options: argparse.Namespace) -> tuple[str, ...]:
    name_option = ("-L", options.server) if options.server != DEFAULT_SERVER else ()
    config_option = ("--config", str(options.config.absolute())) if options.config else ()
    return (*name_option, *config_option)


def _write_entry(recipe: Recipe, client: str) -> None:
    if recipe.location is None or recipe.entry is None:
        raise ConfigInvalid(recipe.refusal)
    path = sanitize(str(recipe.location.path))
    try:
        written = write_entry(recipe.location, recipe.entry)
    except ConfigInvalid:
        print_note(
            f"Nothing was changed. What belongs into {path}:\n\n{sanitize(recipe.snippet)}\n"
        )
        raise
    if not written.changed:
        print_line(f"{path} is set up already.")
    else:
        backup = f" What it was is in {sanitize(str(written.backup))}." if written.backup else ""
        print_line(f"{path} is written: {client} finds codextui when it starts again.{backup}")
    for name in written.obsolete:
        old = sanitize(name)
        print_line(
            f"\nIts server {old} starts `codex mcp-server`, which is gone: --name {old} helps."
        )
