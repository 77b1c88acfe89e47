"""Checks the terminal that the console would run in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping

from codextui.config.notices import Notice
from codextui.doctor.findings import Finding, Severity, fine
from codextui.doctor.machine import Machine
from codextui.doctor.programs import run_program

MIN_COLUMNS, MIN_ROWS = 80, 24
"""The size from which on the console shows a tree and a pane."""

TMUX_TIMEOUT_S = 1.0
"""Seconds that tmux may take to print a setting."""

_UTF8 = ("utf-8", "utf8")
_PLAIN = ("", "C", "POSIX")


def check_terminal(machine: Machine) -> Iterator[Finding]:
    """Check the kind of the terminal, its colours, locale and size, and tmux."""
    yield _check_kind(os.environ)
    yield _check_colours(os.environ)
    yield check_locale(os.environ)
    yield _check_size()
    if os.environ.get("TMUX"):
        yield from _check_tmux(machine)


def _check_kind(environ: Mapping[str, str]) -> Finding:
    term = environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        what = f"TERM is {term}" if term else "TERM is not set"
        return Finding(
            Severity.ADVICE,
            "terminal.type",
            f"{what}: the console cannot know what this terminal does",
            advice="The other commands do not need it.",
            command="export TERM=xterm-256color",
        )
    return fine("terminal.type", f"the terminal is a {term}")


def _check_colours(environ: Mapping[str, str]) -> Finding:
    term, colour = environ.get("TERM", ""), environ.get("COLORTERM", "")
    if environ.get("NO_COLOR"):
        what = "NO_COLOR is set: the console shows none, and states by their signs alone"
        return fine("terminal.colours", what)
    if colour in ("truecolor", "24bit") or term.endswith("-direct"):
        return fine("terminal.colours", "the terminal shows all colours")
    if "256color" in term:
        what = "the terminal shows 256 colours, of which the nearest are taken"
        return fine("terminal.colours", f"{what}; COLORTERM=truecolor says that it shows all")
    return Finding(
        Severity.ADVICE,
        "terminal.colours",
        f"a terminal of TERM={term or '(nothing)'} shows few colours",
        advice='Where yours shows more, say so; otherwise `theme = "terminal"` under [ui] takes '
        "its own.",
        command="export COLORTERM=truecolor",
    )


def check_locale(environ: Mapping[str, str]) -> Finding:
    """Check that the locale is one of UTF-8, by its name."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    variable = next((name for name in names if environ.get(name)), "")
    value = environ.get(variable, "") if variable else ""
    charset = value.partition(".")[2].partition("@")[0].lower()
    if charset in _UTF8 or not variable:
        return fine("terminal.locale", f"the locale is of UTF-8 ({value or 'none is set'})")
    is_plain = value in _PLAIN
    return Finding(
        Severity.ADVICE if is_plain else Severity.PROBLEM,
        "terminal.locale",
        f"the locale is not of UTF-8 ({variable}={value}): "
        + ("programs may print ? for letters" if is_plain else "frames and letters look broken"),
        command=f"export {variable}=C.UTF-8",
    )


def _check_size() -> Finding:
    if not sys.stdout.isatty():
        what = "the output is no terminal here: its size was not looked at"
        return fine("terminal.size", what)
    columns, rows = shutil.get_terminal_size()
    if columns >= MIN_COLUMNS and rows >= MIN_ROWS:
        return fine("terminal.size", f"the terminal has {columns} columns and {rows} rows")
    return Finding(
        Severity.ADVICE,
        "terminal.size",
        f"the terminal is small ({columns} columns, {rows} rows)",
        advice=f"From {MIN_COLUMNS} columns and {MIN_ROWS} rows on the tree and a pane have room.",
    )


def _check_tmux(machine: Machine) -> Iterator[Finding]:
    wants = [("focus-events", "-s", "you are notified of what you are looking at")]
    notify = machine.config.ui.notify
    if set(notify) & {Notice.DESKTOP, Notice.OSC9, Notice.OSC777}:
        lost = "notifications ([ui] notify) do not reach the terminal around tmux"
        wants.append(("allow-passthrough", "-g", lost))
    for option, scope, lost in wants:
        yield _check_option(option, scope, lost)


def _check_option(option: str, scope: str, lost: str) -> Finding:
    ran = run_program(("tmux", "show", f"{scope}v", option), timeout_s=TMUX_TIMEOUT_S)
    if ran.code != 0:
        return fine("terminal.tmux", f"tmux does not say what {option} is")
    if ran.output in ("on", "all"):
        return fine("terminal.tmux", f"tmux has {option} {ran.output}")
    command = f"tmux set {scope} {option} on"
    return Finding(
        Severity.ADVICE,
        "terminal.tmux",
        f"tmux has {option} {ran.output}: {lost}",
        advice=f"To keep it, put `set {scope} {option} on` into ~/.tmux.conf.",
        command=command,
    )
