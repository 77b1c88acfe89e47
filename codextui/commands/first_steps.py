"""Looks at this machine for the console: a few of the checks of `codextui doctor`."""

from __future__ import annotations

from pathlib import Path

from codextui.config import paths
from codextui.config.schema import Config
from codextui.console.model.findings import Finding, Verdict
from codextui.doctor import clients, codex, provider, sandbox
from codextui.doctor.checks import Check, run_checks
from codextui.doctor.findings import Finding as Checked
from codextui.doctor.findings import Severity
from codextui.doctor.machine import Machine

_CHECKS = (
    Check("codex.binary", codex.check_binary),
    Check("codex.config", codex.check_config),
    Check("codex.login", codex.check_login),
    Check("codex.daemon", codex.check_daemon),
    Check("codex.provider", provider.check_provider),
    Check("codex.sandbox", sandbox.check_sandbox),
    Check("clients.old-entry", clients.check_entries),
)
_TITLES = {
    "codex.binary": "Codex",
    "codex.login": "Login",
    "codex.daemon": "Daemon",
    "clients.old-entry": "Clients",
}
"""What is told if it is fine, too; of everything else only what is not."""

_VERDICTS = {
    Severity.OK: Verdict.GOOD,
    Severity.ADVICE: Verdict.NOTE,
    Severity.PROBLEM: Verdict.BAD,
}


def inspect_machine(config: Config) -> tuple[Finding, ...]:
    """Look for everything; blocks, and never raises."""
    machine = Machine(paths.DEFAULT_SERVER, paths.config_path(), config)
    told = [
        _tell(one)
        for one in run_checks(machine, _CHECKS)
        if one.check in _TITLES or one.severity is not Severity.OK
    ]
    if any(one.verdict is Verdict.BAD for one in told):
        text = "codextui doctor looks at everything, and --fix repairs what is safe to repair"
        told.append(Finding(Verdict.NOTE, "More", text))
    return tuple(told)


def _tell(checked: Checked) -> Finding:
    title = _TITLES.get(checked.check) or checked.check.rpartition(".")[2].capitalize()
    text = checked.found
    if checked.place is not None:
        text = f"{text}: {_short(checked.place.path)}"
    typed = f"Type: {checked.command}" if checked.command else ""
    advice = " ".join(part for part in (checked.advice, typed) if part)
    return Finding(_VERDICTS[checked.severity], title, text, advice)


def _short(path: Path) -> str:
    home = f"{Path.home()}/"
    text = str(path)
    return f"~/{text.removeprefix(home)}" if text.startswith(home) else text
