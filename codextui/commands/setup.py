"""`codextui setup`: what another program must be told to use codextui."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import cast

from codextui.commands.output import note, show
from codextui.config import paths
from codextui.config.address import HttpAddress
from codextui.config.paths import DEFAULT_SERVER
from codextui.config.schema import load_config
from codextui.errors import ConfigInvalid
from codextui.setup.files import write_entry
from codextui.setup.launch import HttpEndpoint, Launch, find_launch, http_endpoint
from codextui.setup.recipe import Recipe, Scope
from codextui.text.sanitize import sanitize


def set_up(options: argparse.Namespace) -> int:
    """Print the snippet for a client, or write it into the client's own file."""
    recipe = _recipe(options)
    if options.write:
        _write(recipe, options.client)
    else:
        show(f"{sanitize(recipe.title)}:\n\n{sanitize(recipe.snippet)}")
    for text in recipe.notes:
        show(f"\n{sanitize(text)}")
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    module = import_module(f"codextui.setup.{options.client.replace('-', '_')}")
    scope = Scope(options.scope) if options.scope else None
    if options.http is not None:
        by_http = cast("Callable[[HttpEndpoint, str, Scope | None], Recipe]", module.http_recipe)
        return by_http(_endpoint(options), options.name, scope)
    make = cast("Callable[[Launch, str, Scope | None], Recipe]", module.stdio_recipe)
    launch = find_launch(options.command_path, _server_options(options))
    return make(launch, options.name, scope)


def _endpoint(options: argparse.Namespace) -> HttpEndpoint:
    """Where the server listens: as it was typed, or as the configuration has it."""
    address: HttpAddress | None = options.http or None
    if address is None and options.server == DEFAULT_SERVER:
        address = load_config(options.config or paths.config_path()).server.http
    if address is None or not address.port:
        raise ConfigInvalid(
            "where does the server listen? Type --http HOST:PORT, such as --http 127.0.0.1:8040, "
            "or set `http` under [server] in the configuration"
        )
    return http_endpoint(address, options.server)


def _server_options(options: argparse.Namespace) -> tuple[str, ...]:
    named = ("-L", options.server) if options.server != DEFAULT_SERVER else ()
    configured = ("--config", str(options.config.absolute())) if options.config else ()
    return (*named, *configured)


def _write(recipe: Recipe, client: str) -> None:
    if recipe.location is None or recipe.entry is None:
        raise ConfigInvalid(recipe.refusal)
    path = sanitize(str(recipe.location.path))
    try:
        written = write_entry(recipe.location, recipe.entry)
    except ConfigInvalid:
        note(f"Nothing was changed. What belongs into {path}:\n\n{sanitize(recipe.snippet)}\n")
        raise
    if not written.changed:
        show(f"{path} is set up already.")
    else:
        kept = f" What it was is in {sanitize(str(written.backup))}." if written.backup else ""
        show(f"{path} is written: {client} finds codextui when it starts again.{kept}")
    for name in written.obsolete:
        old = sanitize(name)
        show(f"\nIts server {old} starts `codex mcp-server`, which is gone: --name {old} helps.")
