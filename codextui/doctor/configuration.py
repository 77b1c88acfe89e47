"""Checks the configuration of codextui, and the user's own themes: every mistake with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from codextui.config.tables import read_text
from codextui.config.toml_lines import line_of
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine

_LINE = re.compile(r"\bline (\d+)")
_CORRECT = "Correct the file; `config.example.toml` has every key with its default."


def check_config(machine: Machine) -> Iterator[Finding]:
    """Check the whole file, with its teams and keys, and the themes beside it."""
    file = machine.config_file
    examined = machine.examine_config(file)
    for mistake in examined.mistakes:
        found = f"{mistake.key} {mistake.problem}".strip()
        place = Place(Path(mistake.file), mistake.line)
        yield Finding(Severity.PROBLEM, "config.file", found, place, advice=_CORRECT)
    for sentence in examined.advice:
        key = sentence.partition(" ")[0].rstrip(":")
        place = Place(file, line_of(read_text(file), key))
        yield Finding(Severity.ADVICE, "config.file", sentence, place, command="codextui config")
    for problem in examined.theme_problems:
        yield _read_theme_problem(problem)
    if not file.exists():
        yield fine("config.file", "there is no configuration: the defaults hold", file)
    elif not examined.mistakes and not examined.advice:
        yield fine("config.file", "the configuration can be used", file)


def _read_theme_problem(text: str) -> Finding:
    """Return the finding of a theme that cannot be used: a line such as `FILE: line 3: …`."""
    name, _, problem = text.partition(": ")
    line = _LINE.search(problem)
    return Finding(
        Severity.ADVICE,
        "config.themes",
        f"a theme of yours cannot be used: {problem}",
        Place(Path(name), int(line[1]) if line else 0),
        advice="Correct the file, or move it away.",
    )
