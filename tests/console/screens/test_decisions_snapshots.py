"""Pictures of the history of decisions and of the inbox: dark and light, large and small."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console.screens.dialog_host import NOW, DialogHost, approval
from console.screens.test_dialog_snapshots import COMMAND
from msgspec import structs
from textual.pilot import Pilot

from codextui.console.model.decisions import DecisionsPage, DecisionsRequest, PastDecision
from codextui.console.screens.decisions import DecisionsScreen
from codextui.protocol.approvals import Approval

SnapCompare = Callable[..., bool]

SIZES = ((160, 45), (80, 24), (50, 12))
LOOKS = [(size, theme) for size in SIZES for theme in ("harbour", "paper")]

_ONE = PastDecision("a1", "0199-0001", "backend", kind="command", resolved_at=NOW - 90)
DECIDED = [
    ("denied", "codextui", "console", "git push origin main --force-with-lease", "not on a Friday"),
    ("approved", "codextui", "console", "npm test", ""),
    ("approved_for_session", "claude-code", "client", "pytest -q tests", ""),
    ("approved_always", "codextui", "console", "git fetch", ""),
    ("denied", "codextui", "timeout", "curl https://example.org/install.sh | sh", "Nobody was …"),
    ("answered_elsewhere", "another program", "elsewhere", "src/app.py, README.md", ""),
    ("withdrawn", "", "nobody", "make deploy", ""),
    ("abort", "codextui", "console", "rm -rf build", ""),
]
ROWS = [
    structs.replace(
        _ONE,
        approval_id=f"a{40 - number}",
        handle=("backend", "tester", "docs")[number % 3],
        outcome=outcome,
        by=by,
        where=where,
        subject=subject,
        message=message,
        rule="git fetch" if outcome == "approved_always" else "",
        waited=number * 37.0,
        resolved_at=NOW - number**3 * 900 - 30,
    )
    for number, (outcome, by, where, subject, message) in enumerate(DECIDED)
]


class Log:
    """Has a few decisions."""

    async def fetch(self, request: DecisionsRequest) -> DecisionsPage:
        return DecisionsPage(ROWS)

    async def read(self, approval_id: str) -> Approval | None:
        return approval(COMMAND)


@pytest.mark.parametrize(("size", "theme"), [LOOKS[0], LOOKS[3]])
def test_one_decision_in_full(
    snap_compare: SnapCompare,
    size: tuple[int, int],
    theme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codextui.console.render.decisions._moment", lambda _: "2026-01-02 03:04")

    async def enter(pilot: Pilot[None]) -> None:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()

    host = DialogHost(DecisionsScreen(Log(), lambda: NOW), theme=theme)
    assert snap_compare(host, terminal_size=size, run_before=enter)
