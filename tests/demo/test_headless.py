"""How approvals are decided without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.demo.headless import decide
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Approved, Declined, Scope

PROJECT = Path("/demo/project")


def decision(asked: Asked) -> object:
    approval = Approval("a1", "t", "u", "i", "builder", 0.0, asked)
    return decide(approval, PROJECT)[0]


def patch(*paths: str, move_path: str = "") -> PatchAsked:
    return PatchAsked(tuple(FileChange(path, "update", "+x", move_path) for path in paths))


@pytest.mark.parametrize(
    "asked", [CommandAsked("git commit"), patch("README.md", "/demo/project/a")]
)
def test_requests_of_the_script_are_approved_once(asked: Asked):
    assert decision(asked) == Approved(Scope.ONCE)


@pytest.mark.parametrize(
    "asked",
    [
        CommandAsked("curl", network="https://example.com"),
        CommandAsked("ls", permissions={"network": True}),
        CommandAsked("y", stdin=True),
        patch(),
        patch("README.md", "/etc/passwd"),
        patch("../release/x"),
        patch("a.py", move_path="/tmp/a.py"),
        PatchAsked((FileChange("a", "add", ""),), grant_root="/"),
        PermissionsAsked({"network": {}}),
        QuestionsAsked(()),
        UnknownAsked("item/new/request", {}),
    ],
    ids=str,
)
def test_everything_else_is_declined(asked: Asked):
    assert isinstance(decision(asked), Declined)
