"""Pictures of the dialogs: dark and light, large and at 80x24."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from console.screens.dialog_host import DialogHost, FakeClock, approval, asking
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from codextui.console.screens.approval import ApprovalScreen
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    UnknownAsked,
)

SnapCompare = Callable[..., bool]

COMMAND = CommandAsked(
    "git push origin main --force-with-lease && rm -rf build/",
    cwd="/srv/shop/backend",
    reason="The tests are green; the branch has to be there for the reviewer.",
    parsed=("git push origin main",),
    rule=("git", "push"),
)
PATCH = PatchAsked(
    (
        FileChange(
            "src/app.py", "update", "@@ -1,3 +1,4 @@\n import os\n-x = 1\n+x = 2\n+y = [3]\n"
        ),
        FileChange("README.md", "add", "# Shop\n\nSells things.\n"),
    ),
    reason="Count from two",
)
QUESTIONS = QuestionsAsked(
    (
        Question("q1", "Colour", "Which colour?", (("Blue", "as the logo"), ("Red", "loud")), True),
        Question("q2", "Token", "What is the token?", secret=True),
    )
)
FORM = ElicitationAsked(
    "github",
    "form",
    "Which issue is meant?",
    {
        "properties": {
            "title": {"type": "string", "title": "Title"},
            "count": {"type": "integer", "title": "How many"},
            "urgent": {"type": "boolean", "title": "Urgent"},
            "kind": {"type": "string", "enum": ["bug", "wish"], "enumNames": ["A bug", "A wish"]},
        },
        "required": ["title", "kind"],
    },
)
LONG = CommandAsked("python - <<'EOF'\n" + "\n".join(f"print({n})" for n in range(90)) + "\nEOF")
PERMISSIONS = PermissionsAsked({"network": {"enabled": True}}, "/srv/shop", "to install packages")
UNKNOWN = UnknownAsked("item/hologram/requestApproval", {"shape": {"faces": 20}, "spin": True})

WHOLE = ((80, 24), (160, 45))
LOOKS = [(size, theme) for size in WHOLE for theme in ("harbour", "paper")]


async def still(pilot: Pilot[None]) -> None:
    """Stop the cursors from blinking, and wait for what is being read."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    for field in (*pilot.app.screen.query(Input), *pilot.app.screen.query(TextArea)):
        field.cursor_blink = False
    await pilot.pause()


def rested(clock: FakeClock, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause()
        clock.advance(10)
        assert isinstance(pilot.app.screen, ApprovalScreen)
        pilot.app.screen._show_guard()
        await pilot.press(*keys)
        await still(pilot)

    return before


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_command_is_asked_for(
    snap_compare: SnapCompare, size: tuple[int, int], theme: str
) -> None:
    clock = FakeClock()
    queue = [approval(COMMAND, 1), approval(PATCH, 2, "docs")]
    host = DialogHost(asking(queue, clock), theme=theme)
    assert snap_compare(host, terminal_size=size, run_before=rested(clock))


ASKED: list[tuple[str, Asked, tuple[str, ...]]] = [
    ("patch", PATCH, ()),
    ("questions", QUESTIONS, ()),
    ("form", FORM, ("ctrl+s",)),
    ("long", LONG, ("pagedown",)),
    ("permissions", PERMISSIONS, ()),
    ("unknown", UNKNOWN, ("y",)),
    ("rule", COMMAND, ("p",)),
    ("message", COMMAND, ("e", "n", "o")),
]


@pytest.mark.parametrize(("size", "theme"), [LOOKS[0], LOOKS[3]])
@pytest.mark.parametrize(
    ("asked", "keys"), [one[1:] for one in ASKED], ids=[one[0] for one in ASKED]
)
def test_an_approval_is_asked_for(
    snap_compare: SnapCompare,
    asked: Asked,
    keys: tuple[str, ...],
    size: tuple[int, int],
    theme: str,
) -> None:
    clock = FakeClock()
    host = DialogHost(asking([approval(asked)], clock), theme=theme)
    assert snap_compare(host, terminal_size=size, run_before=rested(clock, *keys))


def test_a_key_that_came_too_early_is_told(snap_compare: SnapCompare) -> None:
    host = DialogHost(asking([approval(COMMAND)], FakeClock()))
    assert snap_compare(host, terminal_size=(80, 24), press=["y"])


@pytest.mark.parametrize("theme", ["juniper", "beacon"])
def test_the_other_themes_show_a_patch(snap_compare: SnapCompare, theme: str) -> None:
    clock = FakeClock()
    host = DialogHost(asking([approval(PATCH)], clock), theme=theme)
    assert snap_compare(host, terminal_size=(80, 24), run_before=rested(clock))
