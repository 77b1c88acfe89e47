"""`codextui doctor`: says what is wrong on this machine, and repairs what is safe to repair."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from codextui.commands.config import advise_settings, find_mistakes
from codextui.commands.output import print_json, print_line, wrap_line
from codextui.config import paths
from codextui.config.schema import load_config
from codextui.config.tables import Mistake
from codextui.doctor.checks import run_checks
from codextui.doctor.findings import Finding, Severity, count
from codextui.doctor.fixes import RepairRefused, repair
from codextui.doctor.machine import ExaminedConfig, Machine, settle_process
from codextui.errors import ConfigInvalid
from codextui.setup.program import as_typed, this_program
from codextui.text.sanitize import one_line, sanitize

_WIDTH = max(len(severity) for severity in Severity) + 2
_MAX_LINE = 2_000


def examine(options: argparse.Namespace) -> int:
    """Print what the checks find; with `--fix`, repair what is safe first.

    Problems are first, then advice. Of what is fine only the names are printed, unless `--all` or
    `--json` asks for more.

    Returns:
        The exit code: 1 where there is a problem.

    Raises:
        ConfigInvalid: the file that `--config` names does not exist.
    """
    unsettled = list(settle_process())
    program = _own_program()
    file = paths.config_path(options.config)
    findings = [*unsettled, *_look(options.server, file)]
    if options.fix and _repair_all(findings, is_json=options.json):
        findings = [*unsettled, *_look(options.server, file)]
    typed = [replace(one, command=as_typed(one.command, program)) for one in findings]
    if options.json:
        for finding in typed:
            print_json(finding.to_json())
    else:
        _print_findings(typed, is_all=options.all)
        _print_summary(typed, program)
    return 1 if count(findings, Severity.PROBLEM) else 0


def _look(server: str, file: Path) -> list[Finding]:
    return run_checks(Machine(server, file, examine_config=_examine_config))


def _examine_config(file: Path) -> ExaminedConfig:
    themes = _find_theme_problems(file.parent / "themes")
    try:
        mistakes = find_mistakes(file)
        advice = () if mistakes else advise_settings(load_config(file))
    except ConfigInvalid as error:  # it cannot be read at all
        return ExaminedConfig((Mistake(0, "", str(error), str(file)),), theme_problems=themes)
    return ExaminedConfig(mistakes, advice, themes)


def _find_theme_problems(folder: Path) -> tuple[str, ...]:
    if not any(folder.glob("*.toml")):
        return ()
    from codextui.console.themes import load_themes  # noqa: PLC0415 - Textual, and seldom needed

    return load_themes(folder, shipped="").problems


def _own_program() -> str:
    """Return what a shell starts this codextui by."""
    try:
        return this_program().typed
    except (OSError, RuntimeError):  # on a machine where even that cannot be found out
        return "codextui"


def _repair_all(findings: Sequence[Finding], *, is_json: bool) -> bool:
    """Carry out all repairs, print each, and return whether there was one."""
    wanted = [(one.check, one.repair) for one in findings if one.repair is not None]
    for check, offered in wanted:
        try:
            done, failed = repair(offered), ""
        except (OSError, RepairRefused) as error:
            done, failed = "", f"{check} was not repaired: {error}"
        if is_json:
            severity = "failed" if failed else "fixed"
            print_json({"severity": severity, "check": check, "found": failed or done})
        else:
            print_line(_wrap("failed" if failed else "fixed", failed or done))
    return bool(wanted)


def _print_findings(findings: Sequence[Finding], *, is_all: bool) -> None:
    worst_first = (Severity.PROBLEM, Severity.ADVICE, Severity.OK)
    for finding in sorted(findings, key=lambda one: worst_first.index(one.severity)):
        if is_all or finding.severity is not Severity.OK:
            _print_finding(finding)
    fine = dict.fromkeys(one.check for one in findings if one.severity is Severity.OK)
    if fine and not is_all:
        print_line(_wrap(Severity.OK, f"{', '.join(fine)} (--all says what was found)"))


def _print_finding(finding: Finding) -> None:
    is_fine = finding.severity is Severity.OK
    where = f" ({finding.place})" if is_fine and finding.place is not None else ""
    print_line(_wrap(finding.severity, f"{finding.check}: {finding.found}{where}"))
    if is_fine:
        return
    indent = " " * _WIDTH
    if finding.place is not None:
        print_line(f"{indent}in {_line(str(finding.place))}")
    if finding.advice:
        print_line(_wrap("", finding.advice))
    if finding.command:
        print_line(f"{indent}type: {sanitize(finding.command)}")


def _print_summary(findings: Sequence[Finding], program: str) -> None:
    problems, advice = count(findings, Severity.PROBLEM), count(findings, Severity.ADVICE)
    fixable = sum(finding.repair is not None for finding in findings)
    print_line()
    print_line(
        f"{problems} {'problem' if problems == 1 else 'problems'}, {advice} "
        f"{'piece' if advice == 1 else 'pieces'} of advice, "
        f"{count(findings, Severity.OK)} fine"
    )
    if fixable:
        print_line(f"`{_line(program)} doctor --fix` repairs {fixable} of them")


def _wrap(label: str, text: str) -> str:
    return wrap_line(f"{label:{_WIDTH}}{_line(text)}", _WIDTH)


def _line(text: str) -> str:
    return one_line(text, _MAX_LINE)
