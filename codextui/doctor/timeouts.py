"""Checks time-outs that are shorter than what they limit: a turn, or the time a person takes."""

from __future__ import annotations

from collections.abc import Iterator

from codextui.config.tables import line_of, read_text
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.journal import Past, read_past
from codextui.doctor.machine import Machine
from codextui.doctor.teams import find_teams
from codextui.text.figures import format_elapsed


def check_timeouts(machine: Machine) -> Iterator[Finding]:
    """Compare the limits of the configuration with the journal."""
    past = read_past(machine)
    findings = [*_check_unattended(machine, past), *_check_runs(machine, past)]
    yield from findings
    if not findings:
        longest = format_elapsed(past.longest_turn_s) if past.longest_turn_s else "unknown"
        yield fine("timeouts", f"no time-out is shorter than a turn (the longest: {longest})")


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
