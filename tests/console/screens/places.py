"""Every screen of the console, opened by keys in a state in which its keys have something to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.screens import frames_story, story, team_story
from console.screens.console import NOW, Console, build_console, usage
from console.screens.frames_story import THREAD as BACKEND
from textual.screen import Screen
from textual.widgets import Input, TextArea

from codextui.config.schema import ApprovalsConfig, Config, UiConfig
from codextui.console.model.findings import Finding, Verdict
from codextui.console.model.inbox import InboxMemory
from codextui.console.model.transcript import LOST
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.console.screens.broadcast import BroadcastScreen
from codextui.console.screens.comment import CommentScreen
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.copy import CopyScreen
from codextui.console.screens.decisions import DecisionsScreen
from codextui.console.screens.diff import DiffScreen
from codextui.console.screens.edit_turn import EditTurnScreen
from codextui.console.screens.first_steps import FirstStepsScreen
from codextui.console.screens.fork import ForkScreen
from codextui.console.screens.gates import GatesScreen
from codextui.console.screens.help import HelpScreen
from codextui.console.screens.history import HistoryScreen
from codextui.console.screens.inspector import InspectorScreen
from codextui.console.screens.keys import KeysScreen
from codextui.console.screens.labels import LabelsScreen
from codextui.console.screens.main import MainScreen
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.screens.pager import PagerScreen
from codextui.console.screens.palette import PaletteScreen
from codextui.console.screens.pick import PickScreen
from codextui.console.screens.preferences import PreferencesScreen
from codextui.console.screens.problem import ProblemScreen
from codextui.console.screens.queue import QueueScreen
from codextui.console.screens.queue_edit import QueueEditScreen
from codextui.console.screens.review import ReviewScreen
from codextui.console.screens.search import SearchScreen
from codextui.console.screens.settings import SettingsScreen
from codextui.console.screens.side_by_side import SideBySideScreen
from codextui.console.screens.timeline import TimelineScreen
from codextui.console.screens.tool_call import ToolCallScreen
from codextui.console.screens.tool_picker import ToolPickerScreen
from codextui.protocol import events as ev
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
)
from codextui.protocol.threads import QueuedMessage, ThreadState, WholeQueuedMessage

FORK, DOCS, CUT_OFF = "t-backend-2", "t-docs", "t-frontend"

FOUND = (
    Finding(Verdict.GOOD, "Codex", "0.171.0 at ~/.local/bin/codex"),
    Finding(Verdict.BAD, "Login", "Codex is not logged in", "Type: codex login"),
    Finding(Verdict.NOTE, "Daemon", "Codex's daemon did not run"),
)

ANSWER = """I sorted the items by **price**, and counted each of them once:

```python
def total(items: list[Item]) -> Money:
    return sum(item.price * item.amount for item in sorted(items))
```

The tests are green:

```sh
pytest -q tests/test_cost.py
```
"""

DIFF = """\
diff --git a/shop/cost.py b/shop/cost.py
--- a/shop/cost.py
+++ b/shop/cost.py
@@ -10,4 +10,5 @@ def total(items):
     result = 0
-    for item in items:
-        result += item.price * item.count
+    for item in sorted(items):
+        result += item.price * item.amount \x20
+\tprint("total", result)
     return result
@@ -40,2 +41,3 @@ def refund(order):
     order.refunded += amount
+    order.save()
     return order
diff --git a/docs/notes.md b/docs/notes.md
new file mode 100644
--- /dev/null
+++ b/docs/notes.md
@@ -0,0 +1,2 @@
+# Notes
+`price` is in cents; nothing here is rounded before the total, so that no cent is lost on the way.
"""

COMMAND = CommandAsked(
    "git push origin main --force-with-lease && rm -rf build/",
    cwd="/srv/shop/backend",
    reason="The tests are green; the branch has to be there for the reviewer.",
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
INBOX: dict[str, Asked] = {
    "backend": CommandAsked("/bin/bash -lc 'npm test'"),
    "frontend": COMMAND,
    "docs": PATCH,
    "tester": CommandAsked("npm test"),
    "ops": PermissionsAsked({"network": {"enabled": True}}, "/srv/shop", "to install packages"),
    "deployer": CommandAsked("sudo systemctl restart shop"),
}
"""What asks in an inbox, by handle."""

DECIDED = (
    ("denied", "codextui", "console", "git push origin main --force-with-lease", "not on a Friday"),
    ("approved", "codextui", "console", "npm test", ""),
    ("approved_for_session", "claude-code", "client", "pytest -q tests", ""),
    ("approved_always", "codextui", "console", "git fetch", ""),
    ("denied", "codextui", "timeout", "curl https://example.org/install.sh | sh", "Nobody was …"),
    ("answered_elsewhere", "another program", "elsewhere", "src/app.py, README.md", ""),
    ("withdrawn", "", "nobody", "make deploy", ""),
    ("abort", "codextui", "console", "rm -rf build", ""),
)
TOOLS = (
    {
        "name": "codex",
        "title": "Codex",
        "description": "Start a thread of Codex's, and wait for its first answer.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "prompt": {"type": "string", "description": "What Codex should do."},
                "sandbox": {
                    "type": "string",
                    "enum": ["read-only", "workspace-write", "danger-full-access"],
                },
                "turns": {"type": "integer", "minimum": 1, "description": "How many at most."},
                "plan": {"type": "boolean", "description": "Whether it shows a plan first."},
            },
            "required": ["prompt"],
        },
    },
    {
        "name": "codex-threads",
        "title": "List threads",
        "description": "Every thread, and what it does.",
        "annotations": {"readOnlyHint": True},
        "inputSchema": {"type": "object", "properties": {}},
    },
)

LOADING = ("decisions", "files", "first", "history", "layout", "search", "syntax", "tools")
"""The groups of workers that load what a screen shows."""

Start = Callable[[Console], None]
Open = Callable[[Console], Awaitable[None]]


@dataclass(frozen=True)
class Place:
    """A screen, and how to come to it.

    Attributes:
        screen: its class.
        keys: pressed on the main screen, with the current thread in view.
        thread: the current thread.
        start: what happens on the server first, the connection included.
        then: what happens after the keys.
        again: what happens on the server first, when one comes back to the place.
        is_over_main: whether it shows what lies below it.
        size: of the terminal in which there is something to scroll.
    """

    screen: type[Screen[Any]]
    keys: tuple[str, ...] = ()
    thread: str = BACKEND
    start: Start | None = None
    then: Open | None = None
    again: Start | None = None
    is_over_main: bool = False
    size: tuple[int, int] = (160, 45)

    async def open(self, console: Console) -> None:
        """Come to the screen from the start of the console."""
        await self._come(console, self.start or fleet)

    async def reopen(self, console: Console) -> None:
        """Come to the screen once more, from the main screen."""
        await self._come(console, self.again)

    async def _come(self, console: Console, start: Start | None) -> None:
        if start is not None:
            start(console)
            await console.handled()
        if self.thread in console.app.state.threads:
            console.app.main.open_thread(self.thread)
            await console.when(lambda: is_open(console, self.thread))
        await console.swiftly(*self.keys)
        if self.then is not None:
            await self.then(console)
        await shows(console, self.screen)


def is_open(console: Console, thread_id: str) -> bool:
    """Return whether the pane of a thread has the focus, with items in it."""
    pane = console.app.main.workbench.grid.pane_of(thread_id)
    return pane is not None and pane.has_focus and bool(pane.visible_items())


async def shows(console: Console, screen: type[Screen[Any]]) -> None:
    """Wait until a screen is there, and has drawn itself."""
    await console.when(lambda: type(console.app.screen) is screen)


def fleet(console: Console) -> None:
    """Start a team's run, and threads that run, rest, were forked and were cut off."""
    server = console.server
    server.connect()
    for tool, result in RESULTS.items():
        server.results[tool] = result
    queued = tuple(QueuedMessage(f"q{n}", f"then do the thing number {n}") for n in range(1, 4))
    _turn(console, "backend", "u1", "Read the code")
    _turn(console, "backend", "u2", "Sort by price", DIFF)
    _turn(console, "backend-2", "u1", "Read the code", forked_from=BACKEND)
    _turn(console, "backend-2", "u3", "Sort by name", DIFF.replace("sorted", "by_name"))
    _turn(console, "frontend", "u1", "Show the total", ends="interrupted")
    _turn(console, "docs", "u1", "Tell what a refund is")
    _turn(console, "migrations", "u1", "Write the migration", ends=LOST)
    server.thread("backend", ThreadState.RUNNING, turn_id="u4", queued=queued)
    server.say(BACKEND, ev.TurnStarted(), "u4")
    server.item(BACKEND, _prompt("u4", "Round at the end"), "u4")
    server.item(BACKEND, _command(60), "u4")
    server.item(BACKEND, {"type": "agentMessage", "id": "m4", "text": ANSWER}, "u4")
    server.say(BACKEND, ev.DiffUpdated(DIFF), "u4")
    server.catch_up()


def run(console: Console) -> None:
    """Start a team's run."""
    console.server.connect()
    team_story.tell(console.server)
    console.server.catch_up()


def trouble(console: Console) -> None:
    """Start a team, of which some need a person."""
    console.server.connect()
    story.tell(console.server, 6)
    story.trouble(console.server)
    console.server.catch_up()


def inbox(console: Console) -> None:
    """Let six threads ask."""
    console.server.connect()
    ask(console)
    console.server.catch_up()


def ask(console: Console) -> None:
    """Let six threads ask, in the place of what they have asked before."""
    for approval in list(console.app.state.approvals.values()):
        console.server.resolve(approval)
    console.app._approvals.memory = InboxMemory()
    first = len(console.app.state.outcomes)
    for number, (handle, asked) in enumerate(INBOX.items(), first + 1):
        console.server.ask(console.server.running(handle), f"a{number}", asked)


def asks(asked: Asked) -> Start:
    """Let one thread ask."""

    def start(console: Console) -> None:
        console.server.connect()
        console.server.ask(console.server.running("backend"), "a1", asked)
        console.server.catch_up()

    return start


def no_codex(console: Console) -> None:
    """Have no Codex that can be used."""
    problem = "No Codex on PATH or in config. Type: npm install -g @openai/codex"
    console.server.results["codex-server"] = {"codex": {"pid": 1}, "problem": problem}
    console.server.connect()
    console.server.catch_up()


def crowd(console: Console) -> None:
    """Start more threads than there are letters."""
    fleet(console)
    for number in range(40):
        console.server.thread(f"more-{number}")


def still_no_codex(console: Console) -> None:
    """Find once more that there is no Codex."""
    console.app._problems.clear()
    console.app._check_codex()


async def frames(console: Console) -> None:
    """Let frames flow into the inspector."""
    await shows(console, InspectorScreen)
    assert console.server.on_frames is not None
    console.server.on_frames(frames_story.story(), 0)
    screen = console.app.screen
    assert isinstance(screen, InspectorScreen)
    screen._redraw()
    await console.handled()


async def tools(console: Console) -> None:
    """List the tools that can be called."""
    await frames(console)
    await console.swiftly("c")
    await console.when_shown("codex-threads")


async def tool(console: Console) -> None:
    """Open the form of a tool."""
    await tools(console)
    await console.swiftly("enter")


def until(words: str, *keys: str) -> Open:
    """Wait until a text is on the screen, and press keys."""

    async def then(console: Console) -> None:
        await console.when_shown(words)
        await console.swiftly(*keys)

    return then


async def preferences(console: Console) -> None:
    """Change a setting."""
    await shows(console, PreferencesScreen)
    await still(console)
    await console.swiftly("down", "right", "right")


async def all_keys(console: Console) -> None:
    """Show all keys."""
    await shows(console, PreferencesScreen)
    await console.swiftly("K")


async def queue_edit(console: Console) -> None:
    """Edit the first message that is queued."""
    await shows(console, QueueScreen)
    await console.swiftly("e")
    await console.when_shown("do the thing number 1, they say")


async def broadcast(console: Console) -> None:
    """Write to two marked threads."""
    console.app.main.open_thread(DOCS)
    await console.handled()
    await console.swiftly("m", "b")


async def answered(console: Console) -> None:
    """Answer a form once it was drawn."""
    await still(console)
    await console.swiftly("ctrl+s")


PLACES: dict[str, Place] = {
    "main": Place(MainScreen, (), "", trouble),
    "approvals": Place(ApprovalScreen, ("a", "G", "m", "m"), "", inbox, again=ask),
    "approval-patch": Place(ApprovalScreen, ("a",), "", asks(PATCH)),
    "approval-questions": Place(ApprovalScreen, ("a",), "", asks(QUESTIONS)),
    "approval-form": Place(ApprovalScreen, ("a",), "", asks(FORM), answered),
    "approve-many": Place(
        ApproveManyScreen, ("a", "m", "m", "Y"), "", inbox, again=ask, size=(80, 14)
    ),
    "broadcast": Place(BroadcastScreen, ("m",), then=broadcast),
    "comment": Place(CommentScreen, ("d", "n", "j", "c")),
    "confirm": Place(ConfirmScreen, ("X",)),
    "copy": Place(CopyScreen, ("y",)),
    "decisions": Place(DecisionsScreen, ("A",), then=until("make deploy")),
    "diff": Place(DiffScreen, ("d", "n", "j", "j")),
    "edit": Place(EditTurnScreen, ("e",)),
    "first-steps": Place(FirstStepsScreen, ("W",), then=until("✓ Codex")),
    "fork": Place(ForkScreen, ("F",)),
    "gates": Place(GatesScreen, ("g",), "", run, until("of 7 gates met"), size=(80, 14)),
    "help": Place(HelpScreen, ("question_mark",)),
    "history": Place(HistoryScreen, ("H",), then=until("older")),
    "inspector": Place(InspectorScreen, ("i",), then=frames),
    "keys": Place(KeysScreen, ("S",), then=all_keys),
    "labels": Place(LabelsScreen, ("apostrophe",), is_over_main=True),
    "new-thread": Place(NewThreadScreen, ("n",)),
    "pager": Place(PagerScreen, ("o",)),
    "palette": Place(PaletteScreen, ("ctrl+p", *"back")),
    "pick": Place(PickScreen, ("d", "s")),
    "preferences": Place(PreferencesScreen, ("S",), then=preferences),
    "problem": Place(ProblemScreen, (), "", no_codex, again=still_no_codex),
    "queue": Place(QueueScreen, ("u",)),
    "queue-edit": Place(QueueEditScreen, ("u",), then=queue_edit),
    "review": Place(ReviewScreen, ("v",)),
    "search": Place(SearchScreen, ("ctrl+f", *"sort"), then=until("Sort by"), is_over_main=True),
    "settings": Place(SettingsScreen, ("s",)),
    "side-by-side": Place(SideBySideScreen, ("D",)),
    "timeline": Place(TimelineScreen, ("T", "down", "left"), "", run, until("all of it")),
    "tools": Place(ToolPickerScreen, ("i",), then=tools),
    "tool-call": Place(ToolCallScreen, ("i",), then=tool),
}
"""The screens by a name for tests."""


def build(
    theme: str = "harbour",
    *,
    keys: Mapping[str, str] | None = None,
    config_path: Path | None = None,
) -> Console:
    """Build a console whose dialogs take keys at once."""
    config = Config(
        ui=UiConfig(theme=theme, layout=4, bell=False, keys=dict(keys or {})),
        approvals=ApprovalsConfig(quiet=0, popup="never"),
    )
    path = config_path or Path("/home/ada/.config/codextui/config.toml")
    return build_console(config=config, config_path=path, inspect=lambda: FOUND)


async def still(console: Console) -> None:
    """Wait for all that is loaded, and stop the cursors from blinking."""
    for _ in range(3):
        for worker in [one for one in console.app.workers if one.group in LOADING]:
            await worker.wait()
        await console.settle()
    for field in (*console.app.screen.query(Input), *console.app.screen.query(TextArea)):
        field.cursor_blink = False
    await console.settle()


def _turn(
    console: Console,
    handle: str,
    turn_id: str,
    prompt: str,
    diff: str = "",
    *,
    ends: str = "",
    **more: object,
) -> None:
    """Let a thread do a turn."""
    server = console.server
    thread_id = server.thread(
        handle, brief=prompt, usage=usage(9_000), context_window=272_000, **more
    )
    server.say(thread_id, ev.TurnStarted(), turn_id)
    server.item(thread_id, _prompt(turn_id, prompt), turn_id)
    answer = {"type": "agentMessage", "id": f"m-{turn_id}", "text": f"{prompt}: done."}
    server.item(thread_id, answer, turn_id)
    if diff:
        server.say(thread_id, ev.DiffUpdated(diff), turn_id)
    server.clock += 90
    server.say(thread_id, ev.TurnAborted(ends) if ends else ev.TurnCompleted(), turn_id)


def _prompt(turn_id: str, text: str) -> dict[str, object]:
    content = [{"type": "text", "text": text}]
    return {"type": "userMessage", "id": f"p-{turn_id}", "content": content}


def _command(lines: int) -> dict[str, object]:
    return {
        "type": "commandExecution",
        "id": "c4",
        "command": "pytest -v tests",
        "cwd": "/home/ada/shop",
        "status": "completed",
        "exitCode": 0,
        "aggregatedOutput": "\n".join(f"tests/test_cost.py::test_{n} PASSED" for n in range(lines)),
    }


def _decision(number: int) -> dict[str, object]:
    outcome, by, where, subject, message = DECIDED[number]
    approval = Approval(
        f"a{40 - number}", BACKEND, "u1", "i1", "backend", NOW - 200, CommandAsked(subject)
    )
    return {
        "approval_id": approval.approval_id,
        "thread_id": (BACKEND, DOCS, CUT_OFF)[number % 3],
        "handle": ("backend", "docs", "frontend")[number % 3],
        "kind": "command",
        "outcome": outcome,
        "by": by,
        "where": where,
        "subject": subject,
        "message": message,
        "rule": "git fetch" if outcome == "approved_always" else "",
        "waited": number * 37.0,
        "resolved_at": NOW - number**3 * 900 - 30,
        "approval": approval.to_json(),
    }


def _past(number: int, **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "thread_id": f"p{number}",
        "name": "",
        "brief": f"An older conversation, number {number}",
        "origin": "Codex TUI",
        "cwd": "/home/ada/shop",
        "branch": "main",
        "model": "gpt-5.5",
        "created_at": NOW - 7200,
        "recent_at": NOW - 60 * number,
        "archived": False,
        "loaded": False,
        "state": "",
        "handle": "",
    }
    return row | more


PAST = [
    _past(1, name="Fix the login page", loaded=True, handle="tui-1"),
    _past(2, brief="Why does the search take four seconds on the staging server?", origin="IDE"),
    _past(700, name="backend", origin="", loaded=True, handle="backend", state="running"),
    _past(3000, brief="Summarise the changelog for the release notes", origin="exec"),
    _past(90_000, brief="日本語のドキュメントを書いて", cwd="/srv/docs", branch="", model="o4"),
    *(_past(100_000 + number) for number in range(40)),
]

RESULTS: dict[str, dict[str, object]] = {
    "codex-decisions": {"decisions": [_decision(number) for number in range(len(DECIDED))]},
    "codex-history": {"threads": PAST, "cursor": ""},
    "codex-queue": {
        "message": WholeQueuedMessage("q1", "then do the thing number 1, they say.").to_json()
    },
    "tools/list": {"tools": list(TOOLS)},
}
"""What the server's tools return."""
