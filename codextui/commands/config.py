"""`codextui config`: shows the configuration as it applies, and checks the whole file."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from codextui.commands.output import print_json, print_line, print_table
from codextui.config import paths
from codextui.config.attach import AttachKind
from codextui.config.schema import Config, Export, read_config
from codextui.config.settings import describe_settings
from codextui.config.tables import ConfigFile, Mistake, find_syntax_mistake, read_text
from codextui.config.terminal import TerminalKind
from codextui.teams.config.reader import read_teams
from codextui.teams.config.team import Team
from codextui.text.sanitize import one_line

_SECTIONS = ("codex", "server", "approvals", "ui", "traces")
_LIMIT = 2000
"""Characters of a mistake or a value that are printed."""


def check_config(options: argparse.Namespace) -> int:
    """Print every mistake of the whole file, and advice.

    Returns:
        2 if there are mistakes, else 0.
    """
    file = paths.config_path(options.config)
    mistakes = find_mistakes(file)
    advice = () if mistakes else _advise_file(file)
    if options.json:
        told = [
            {"file": one.file, "line": one.line, "key": one.key, "text": one.problem}
            for one in mistakes
        ]
        found = {"file": str(file), "exists": file.exists(), "mistakes": told}
        print_json({**found, "advice": list(advice)})
        return 2 if mistakes else 0
    for mistake in mistakes:
        print_line(one_line(str(mistake), _LIMIT))
    if not mistakes:
        print_line(_describe_file(file, "no mistakes"))
    for line in advice:
        print_line(f"advice: {one_line(line)}")
    return 2 if mistakes else 0


def _advise_file(file: Path) -> tuple[str, ...]:
    """Return advice about a file without mistakes: its settings, and what its teams miss in it."""
    config, teams = load_whole(file)
    return (*advise_settings(config), *_advise_prices(config, teams))


def _advise_prices(config: Config, teams: Mapping[str, Team]) -> Iterator[str]:
    limited = [team for team in teams.values() if team.limits.money]
    if not limited:
        return
    from codextui.teams.runner.prices import price_problems  # noqa: PLC0415 - the Agents SDK

    for team in limited:
        for problem in price_problems(team, config.prices, config.codex.home):
            yield f"teams.{team.name} cannot run: {problem}"


def show_config(options: argparse.Namespace) -> int:
    """Print the file, and the value of every key but those of prices and teams."""
    file = paths.config_path(options.config)
    config, teams = load_whole(file)
    values = {
        section: {name: _plain(value) for name, value in _values(config, section)}
        for section in _SECTIONS
    }
    prices = sorted(config.prices.models)
    if options.json:
        print_json({"file": str(file), "exists": file.exists(), "values": values})
        return 0
    print_line(_describe_file(file, "what applies"))
    words = {setting.key: setting.value for setting in describe_settings(config)}
    rows = [
        (key, one_line(words.get(key) or _text(value)), "" if is_default else "changed")
        for key, value, is_default in _compare(config)
    ]
    rows += [
        (key, one_line(", ".join(names)) or "none", "changed" if names else "")
        for key, names in (("prices", prices), ("teams", teams))
    ]
    print_table(("KEY", "VALUE", ""), rows)
    return 0


def _compare(config: Config) -> Iterator[tuple[str, object, bool]]:
    """Yield every key with its value, and whether that is the default."""
    defaults = Config()
    for section in _SECTIONS:
        for name, value in _values(config, section):
            is_default = value == getattr(getattr(defaults, section), name)
            yield f"{section}.{name}", value, is_default


def load_whole(path: Path) -> tuple[Config, dict[str, Team]]:
    """Load a whole configuration file: all sections, teams, and the keys of the console.

    Raises:
        ConfigInvalid: with a line for every mistake: `FILE:LINE: KEY …`.
    """
    file = ConfigFile.load(path)
    config, teams = read_config(file), read_teams(file)
    _check_keys(file, config)
    file.check()
    return config, teams


def find_mistakes(path: Path) -> tuple[Mistake, ...]:
    """Return every mistake of a configuration file by its line; none if there is no file.

    Raises:
        ConfigInvalid: it cannot be read.
    """
    if path.exists() and (mistake := find_syntax_mistake(read_text(path), str(path))):
        return (mistake,)
    file = ConfigFile.load(path)
    config = read_config(file)
    read_teams(file)
    _check_keys(file, config)
    _check_theme(file, config, path)
    _check_server(file, config)
    return tuple(sorted(file.problems))


def _check_keys(file: ConfigFile, config: Config) -> None:
    if not config.ui.keys:
        return
    from codextui.console.binding_places import PLACES  # noqa: PLC0415 - Textual
    from codextui.console.bindings import find_key_problems  # noqa: PLC0415

    for binding_id, problem in find_key_problems(config.ui.keys, PLACES):
        file.report(f"ui.keys.{binding_id}", problem)


def _check_theme(file: ConfigFile, config: Config, path: Path) -> None:
    if config.ui.theme == Config().ui.theme:
        return
    from codextui.console.themes import find_theme_problem  # noqa: PLC0415 - Textual

    if problem := find_theme_problem(config.ui.theme, path):
        file.report("ui.theme", problem)


def _check_server(file: ConfigFile, config: Config) -> None:
    address, binary = config.server.http, config.codex.binary
    if address is not None and not (address.is_loopback or config.server.http_anywhere):
        file.report(
            "server.http",
            f"can be reached by other machines, unencrypted: use 127.0.0.1:{address.port}, or add "
            "http_anywhere = true",
        )
    if binary is not None and not (binary.is_file() and os.access(binary, os.X_OK)):
        file.report("codex.binary", f"names {binary}, which is no program that can be run")


def advise_settings(config: Config) -> tuple[str, ...]:
    """Return advice about valid settings: sentences that begin with the key."""
    return tuple(_advise(config))


def _advise(config: Config) -> Iterator[str]:
    codex, ui = config.codex, config.ui
    if codex.home is not None and not codex.home.is_dir():
        yield f"codex.home: there is no folder {codex.home}"
    if codex.token_env is not None:
        if codex.attach.kind is not AttachKind.ADDRESS:
            yield "codex.token_env is only used where attach is a ws:// address"
        elif not os.environ.get(codex.token_env):
            yield f"codex.token_env: {codex.token_env} is not set in this shell"
    commands = {
        "ui.notify_command": ui.notify_command[:1],
        "ui.copy_command": shlex.split(ui.copy_command or "")[:1],
        "ui.terminal": shlex.split(ui.terminal.template)[:1]
        if ui.terminal.kind is TerminalKind.TEMPLATE
        else (),
    }
    for key, words in commands.items():
        for program in words:
            if shutil.which(os.path.expanduser(program)) is None:  # noqa: PTH111 - a name or a path
                yield f"{key}: there is no program {program} on this machine"
    if config.traces.endpoint is not None and config.traces.export is not Export.OTLP:
        yield 'traces.endpoint is only used with traces.export = "otlp"'


def _describe_file(file: Path, found: str) -> str:
    name = one_line(str(file))
    return f"{found}: {name}" if file.exists() else f"{found}: there is no {name}, so defaults"


def _values(config: Config, section: str) -> Iterator[tuple[str, object]]:
    table = getattr(config, section)
    for field in fields(table):
        yield field.name, getattr(table, field.name)


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case tuple():
            return [str(item) for item in value]
        case dict():
            return value
        case _:
            return str(value)


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return ", ".join(f"{key} = {bound}" for key, bound in value.items()) or "none"
        case _:
            return str(value)
