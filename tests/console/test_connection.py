from __future__ import annotations

from typing import Any

import pytest

from codextui.console.connection import check_codex
from codextui.errors import ServerUnreachable

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
    said: list[str] = []
    await check_codex(Server(*reports), said.append, problem_interval_s=0)  # type: ignore[arg-type]
    assert said == told
