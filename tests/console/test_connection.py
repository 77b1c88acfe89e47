from __future__ import annotations

from typing import Any

import pytest

from codextui.console.connection import CodexReport, check_codex
from codextui.errors import MessageInvalid, ServerUnreachable

RUNNING = {"codex": {"pid": 7}}


class Server:
    """Gives prepared reports of `codex-server`."""

    def __init__(self, *reports: dict[str, Any] | Exception) -> None:
        self._reports = list(reports)

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        assert (tool, arguments) == ("codex-server", {})
        report = self._reports.pop(0)
        if isinstance(report, Exception):
            raise report
        return report


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ([{**RUNNING, "problem": ""}], [""]),
        ([{"codex": {"pid": 0}}, RUNNING], ["", ""]),
        (
            [{**RUNNING, "problem": "broken"}, {**RUNNING, "problem": "worse"}, RUNNING],
            ["broken", "worse", ""],
        ),
        ([{**RUNNING, "problem": "broken"}, ServerUnreachable("gone")], ["broken"]),
    ],
)
async def test_codex_is_checked_until_it_works(
    reports: list[dict[str, Any] | Exception], told: list[str]
) -> None:
    said: list[CodexReport] = []
    await check_codex(Server(*reports), said.append, problem_interval_s=0)  # type: ignore[arg-type]
    assert [report.problem for report in said] == told


@pytest.mark.parametrize(
    ("codex", "report"),
    [
        ({"pid": 7, "version": "0.163.0"}, CodexReport(version="0.163.0")),
        ({"pid": 7, "version": "0.163.0", "attach": "own"}, CodexReport(version="0.163.0")),
        (
            {"pid": 0, "version": "0.171.0", "attach": "daemon", "address": "unix:///run/c"},
            CodexReport(version="0.171.0", attached="daemon"),
        ),
        ({"attach": "address", "address": "ws://h:1"}, CodexReport(attached="ws://h:1")),
        ({"pid": 0, "attach": "own"}, CodexReport(is_starting=True)),
        ({"attach": 5}, None),
    ],
)
def test_a_report_says_what_the_server_has_joined(
    codex: dict[str, Any], report: CodexReport | None
) -> None:
    if report is None:
        with pytest.raises(MessageInvalid):
            CodexReport.read({"codex": codex})
    else:
        assert CodexReport.read({"codex": codex}) == report
