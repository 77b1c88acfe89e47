"""Pictures of the dialogs: dark and light, large and at 80x24."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from console.screens.dialog_host import DialogHost, FakeClock, approval, asking
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, TextArea

from codextui.console.bindings import check_keymap, default_keys, key_groups
from codextui.console.model.queue_edits import QueueEdits
from codextui.console.model.state import ThreadView
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.fork import ForkPoint, ForkScreen
from codextui.console.screens.help import HelpScreen
from codextui.console.screens.keys import KeysContext, KeysScreen
from codextui.console.screens.messages import NewThread
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.screens.problem import Problem, ProblemScreen
from codextui.console.screens.queue import QueueCalls, QueueScreen
from codextui.console.screens.queue_edit import QueueEditScreen
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
from codextui.protocol.threads import QueuedMessage, ThreadInfo, ThreadState, WholeQueuedMessage

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


NEW = NewThread(
    "Write the tests.\nThen run them.", "/srv", "gpt-5.5", "workspace-write", "", "tester"
)
TURNS = [
    *(ForkPoint(f"t{at}", f"Do thing {at} with care " * 8, "completed") for at in range(1, 15)),
    ForkPoint("t15", "Try again", "interrupted"),
    ForkPoint("t16", "Still at it", "running"),
]
MISSING = Problem(
    "There is no Codex",
    "No Codex on PATH or in config.",
    ("pip install 'codextui[codex]'", "npm install -g @openai/codex"),
)
QUEUE = tuple(QueuedMessage(f"q{at}", f"Then do thing {at} with care", at % 2) for at in (1, 2, 3))


def queue_dialog(*, edits: bool) -> Screen[Any]:
    """The queue of a thread, or the dialog that edits its second message."""

    async def read(_: str, queued_id: str) -> WholeQueuedMessage:
        return WholeQueuedMessage(queued_id, "Then do another thing, they said.", 0, "v2")

    info = ThreadInfo("t1", "backend", ThreadState.RUNNING, queued=QUEUE)
    view, calls = ThreadView(info), QueueCalls(lambda _: None, read, lambda: None)
    drafts = {"t1/q2": "Then do thing 2,\nwith more care"}
    if edits:
        return QueueEditScreen(view, QUEUE[1], calls, QueueEdits(drafts))
    return QueueScreen(view, calls, QueueEdits(drafts))


async def no_change(_: str, __: str | None) -> None:
    """Change nothing."""


def keys_dialog() -> Screen[Any]:
    places = {"Approvals": ApprovalScreen.BINDINGS, "Queue": QueueScreen.BINDINGS}
    own = {"approval.once": "f8,f9", "queue.start": ""}
    keymap = check_keymap(own, places)
    return KeysScreen(
        KeysContext(
            path="/home/ada/.config/codextui/config.toml",
            list_keys=lambda: key_groups(places, keymap),
            defaults=default_keys(places),
            read_keys=lambda: own,
            change=no_change,
        )
    )


DIALOGS: dict[str, Callable[[], Screen[Any]]] = {
    "queue": lambda: queue_dialog(edits=False),
    "queue-edit": lambda: queue_dialog(edits=True),
    "keys": keys_dialog,
    "new-thread": lambda: NewThreadScreen(NEW),
    "fork": lambda: ForkScreen("backend", TURNS),
    "confirm": lambda: ConfirmScreen(
        "Kill backend?", "Its turn ends, and with it the command that runs.", yes="Kill it"
    ),
    "help": lambda: HelpScreen(key_groups({"Approval": ApprovalScreen.BINDINGS}, {})),
    "trouble": lambda: ProblemScreen(MISSING),
}


@pytest.mark.parametrize(("size", "theme"), [LOOKS[0], LOOKS[3]])
@pytest.mark.parametrize("name", DIALOGS)
def test_a_dialog_is_shown(
    snap_compare: SnapCompare, name: str, size: tuple[int, int], theme: str
) -> None:
    host = DialogHost(DIALOGS[name](), theme=theme)
    assert snap_compare(host, terminal_size=size, run_before=still)


@pytest.mark.parametrize("theme", ["juniper", "beacon"])
def test_the_other_themes_show_a_patch(snap_compare: SnapCompare, theme: str) -> None:
    clock = FakeClock()
    host = DialogHost(asking([approval(PATCH)], clock), theme=theme)
    assert snap_compare(host, terminal_size=(80, 24), run_before=rested(clock))
