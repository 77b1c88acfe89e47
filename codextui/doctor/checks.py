"""The checks, and how they are run: side by side, each with a limit, and none can stop another."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codextui.doctor import (
    clients,
    codex,
    configuration,
    folders,
    journal,
    provider,
    sandbox,
    server,
    teams,
    terminal,
    threads,
    timeouts,
    traces,
)
from codextui.doctor.findings import Finding, Place, Severity
from codextui.doctor.machine import Machine

Look: TypeAlias = Callable[[Machine], Iterable[Finding]]
"""Looks at one subject. It changes nothing, blocks, and may raise."""

LIMIT_S = 8.0
"""Default of the seconds that a check may take."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Attributes:
        name: what is checked; its findings begin with it or are more exact.
        look: see Look.
        limit_s: seconds that it may take.
    """

    name: str
    look: Look
    limit_s: float = LIMIT_S


CHECKS: tuple[Check, ...] = (
    Check("codex.binary", codex.check_binary),
    Check("codex.config", codex.check_config),
    Check("codex.login", codex.check_login),
    Check("codex.daemon", codex.check_daemon),
    Check("codex.provider", provider.check_provider),
    Check("codex.sandbox", sandbox.check_sandbox),
    Check("folders", folders.check_folders),
    Check("folders.files", folders.check_files),
    Check("folders.disk", folders.check_disk),
    Check("server", server.check_server),
    Check("server.log", server.check_log),
    Check("journal", journal.check_journal),
    Check("terminal", terminal.check_terminal),
    Check("config", configuration.check_config),
    Check("clients", clients.check_entries),
    Check("clients.timeouts", timeouts.check_timeouts),
    Check("teams", teams.check_teams),
    Check("threads.reused", threads.check_reuse),
    Check("traces", traces.check_traces),
)
"""All checks, in the order in which their findings are printed."""


def run_checks(machine: Machine, checks: Sequence[Check] | None = None) -> list[Finding]:
    """Run checks side by side, all if none are named, and return their findings in order.

    A check that raises, or takes longer than it may, is a finding itself. Its thread then ends
    with the process.
    """
    running = [_Running(check, machine) for check in (CHECKS if checks is None else checks)]
    return [finding for one in running for finding in one.wait()]


class _Running:
    """A check that runs in a thread of its own."""

    def __init__(self, check: Check, machine: Machine) -> None:
        self._check = check
        self._machine = machine
        self._findings: list[Finding] = []
        self._deadline = time.monotonic() + check.limit_s
        self._thread = threading.Thread(target=self._run, name=check.name, daemon=True)
        self._thread.start()

    def wait(self) -> list[Finding]:
        """Return what it has found, at the latest when its time is over."""
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        findings = list(self._findings)
        return [*findings, _overdue(self._check)] if self._thread.is_alive() else findings

    def _run(self) -> None:
        try:
            for finding in self._check.look(self._machine):
                self._findings.append(finding)
        except Exception as error:  # noqa: BLE001 - one check must not hide the others
            self._findings.append(_failed(self._check, error))


def _overdue(check: Check) -> Finding:
    return Finding(
        Severity.PROBLEM,
        check.name,
        f"the check was not done within {check.limit_s:g} s",
        advice="A disk, a network or a program that it asked does not answer.",
    )


def _failed(check: Check, error: Exception) -> Finding:
    last = traceback.extract_tb(error.__traceback__)[-1]
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Finding(
        Severity.PROBLEM,
        check.name,
        f"the check itself failed ({why})",
        Place(Path(last.filename), last.lineno or 0),
        advice="The other checks are not affected. Please report it.",
    )
