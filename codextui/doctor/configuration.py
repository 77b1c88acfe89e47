"""Checks the configuration of codextui: every mistake with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.errors import ConfigInvalid
from codextui.teams.config.reader import load_teams

_MISTAKE = re.compile(r"(?P<path>.+?):(?P<line>\d+): (?P<text>.+)")
_TOML = re.compile(r"(?P<path>.+?): (?P<text>.+\(at line (?P<line>\d+), column \d+\))")


def check_config(machine: Machine) -> Iterator[Finding]:
    """Check the whole file, with its teams."""
    file = machine.config_file
    if not file.exists():
        yield fine("config.file", "there is no configuration: the defaults hold", file)
        return
    errors = [machine.loaded.get().error]
    try:
        load_teams(file)
    except ConfigInvalid as error:
        errors.append(str(error))
    mistakes = dict.fromkeys(line for error in errors for line in error.splitlines())
    for mistake in mistakes:
        yield read_mistake(mistake, file)
    if not mistakes:
        yield fine("config.file", "the configuration can be used", file)


def read_mistake(text: str, file: Path) -> Finding:
    """Return the finding of a mistake, which is a line such as `FILE:LINE: KEY …`."""
    found = _MISTAKE.fullmatch(text) or _TOML.fullmatch(text)
    place = Place(Path(found["path"]), int(found["line"])) if found else Place(file)
    return Finding(
        Severity.PROBLEM,
        "config.file",
        found["text"] if found else text,
        place,
        advice="Correct the file; `config.example.toml` has every key with its default.",
    )
