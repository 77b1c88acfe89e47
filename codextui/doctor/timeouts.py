"""Checks time-outs that are shorter than what they limit: a turn, or the time a person takes."""

from __future__ import annotations

import os
from collections.abc import Iterator

from codextui.config.tables import read_text
from codextui.config.toml_lines import line_of
from codextui.doctor.clients import ClientEntry, entries_of, without_repeats
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.journal import Past, read_past
from codextui.doctor.machine import Machine
from codextui.doctor.teams import find_teams
from codextui.setup.entries import Starts, what_starts
from codextui.setup.old_entries import CLIENTS
from codextui.text.figures import format_elapsed

SHORT_CALL_S = 600.0
"""Seconds that a client should give a call at least, whatever the turns took up to now."""

_CODEX_DEFAULT_S = 60.0


def check_timeouts(machine: Machine) -> Iterator[Finding]:
    """Compare the limits of clients and of the configuration with what the journal tells."""
    past = read_past(machine)
    findings = [
        *_check_clients(past),
        *_check_unattended(machine, past),
        *_check_runs(machine, past),
    ]
    yield from without_repeats(findings)
    if not findings:
        longest = format_elapsed(past.longest_turn_s) if past.longest_turn_s else "unknown"
        yield fine("timeouts", f"no time-out is shorter than a turn (the longest: {longest})")


def _check_clients(past: Past) -> Iterator[Finding]:
    for setup, client in CLIENTS.items():
        for entry in entries_of(setup, client.TITLE, client.read_scopes()):
            if what_starts(entry.entry) is Starts.CODEXTUI:
                yield from _check_call(entry, past.longest_turn_s)


def _check_call(entry: ClientEntry, longest_turn_s: float) -> Iterator[Finding]:
    limit = call_limit(entry)
    if limit is None or limit >= max(longest_turn_s, SHORT_CALL_S):
        return
    is_shorter = limit < longest_turn_s
    turn = (
        f"the longest turn here took {format_elapsed(longest_turn_s)}"
        if is_shorter
        else "a turn can take hours"
    )
    yield Finding(
        Severity.PROBLEM if is_shorter else Severity.ADVICE,
        "timeouts.client",
        f"{entry.client} gives a call of its server {entry.name} {format_elapsed(limit)}, and "
        f"{turn}: it gives up while the agent goes on",
        entry.place,
        advice="" if entry.remedy else "Raise its time-out there.",
        command=entry.remedy,
    )


def call_limit(entry: ClientEntry) -> float | None:
    """Return the seconds that a client gives a call; None where it waits for a day or for ever."""
    match entry.setup:
        case "codex":
            seconds = _number(entry.entry.get("tool_timeout_sec"))
            return _CODEX_DEFAULT_S if seconds is None else seconds
        case "claude-code":
            own = _number(entry.entry.get("timeout"))
            milliseconds = _number(os.environ.get("MCP_TOOL_TIMEOUT")) if own is None else own
            return None if milliseconds is None else milliseconds / 1000
        case _:
            return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _check_unattended(machine: Machine, past: Past) -> Iterator[Finding]:
    limit = machine.config.approvals.unattended_timeout
    if limit is None:
        return
    is_short = 0 < limit < past.longest_wait_s
    if not is_short and not past.unattended:
        return
    if is_short:
        found = (
            f"approvals are declined after {format_elapsed(limit)} without anybody, and a person "
            f"has taken {format_elapsed(past.longest_wait_s)} to decide"
        )
    else:
        which = f"{past.unattended} approvals were"
        which = "an approval was" if past.unattended == 1 else which
        found = f"{which} declined because nobody was there"
    yield Finding(
        Severity.ADVICE,
        "timeouts.unattended",
        found,
        _place(machine, "approvals.unattended_timeout"),
        advice='Raise `unattended_timeout` under [approvals] ("never" waits for ever), or leave a '
        "console open.",
    )


def _check_runs(machine: Machine, past: Past) -> Iterator[Finding]:
    for name, team in find_teams(machine).items():
        limit = team.limits.minutes * 60
        if 0 < limit < past.longest_turn_s:
            yield Finding(
                Severity.ADVICE,
                "timeouts.run",
                f"team {name}: a run may take {format_elapsed(limit)}, and one turn here has taken "
                f"{format_elapsed(past.longest_turn_s)}",
                _place(machine, f"teams.{name}.limits.minutes"),
                advice="Allow more `minutes`, or 0 for no limit.",
            )


def _place(machine: Machine, key: str) -> Place | None:
    file = machine.config_file
    return Place(file, line_of(read_text(file), key)) if file.exists() else None
