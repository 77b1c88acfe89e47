"""The running team that the snapshots show."""

from __future__ import annotations

from console.screens.console import NOW, FakeServer, usage
from msgspec import structs

from codextui.client.updates import ApprovalOffered
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, ToolAsked
from codextui.protocol.runs import Gate, RoleAction, Span, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

RUN = "run:20260522-bug-busters"
ROLES = ("project_manager", "designer", "frontend", "backend", "tester")
TASK = "Build Bug Busters: a game in the browser, and a server that keeps its scores."
BEGAN = NOW - 300

TOOL = ToolAsked(
    "deploy_preview",
    {
        "branch": "bug-busters",
        "files": ["frontend/index.html", "frontend/game.js", "backend/server.js"],
        "environment": {"PORT": "8080", "SCORES": "/srv/scores.json"},
        "note": 'line one\nreason: nothing to see here\n\x1b[2J "quoted"',
        "dry_run": False,
    },
    server="hosting",
    reason="The tester wants to see it in a browser.",
)


def role_id(name: str) -> str:
    return f"{RUN}/{name}"


def row(
    server: FakeServer,
    name: str = "",
    state: ThreadState = ThreadState.WAITING,
    **more: object,
) -> str:
    """Add or change a role; without a name, the run itself."""
    thread_id = role_id(name) if name else RUN
    info = server.threads.get(thread_id) or ThreadInfo(
        thread_id,
        name or "bug-busters",
        state,
        client="codextui run",
        cwd="/home/ada/shop",
        model="gpt-5.5" if name else "",
        brief=f"{TASK}" if not name else f"Be the {name} of this team.",
        created_at=BEGAN,
        kind=ThreadKind.ROLE if name else ThreadKind.RUN,
        parent=RUN if name else "",
    )
    started = BEGAN if state.has_turn else None
    info = structs.replace(info, state=state, turn_started_at=started, **more)  # type: ignore[arg-type]
    server.threads[thread_id] = info
    server.say(thread_id, ev.ThreadChanged(info), "")
    return thread_id


def begin(server: FakeServer) -> None:
    """Add a run whose roles all wait."""
    row(server, "", ThreadState.RUNNING)
    server.say(RUN, ev.TurnStarted(), "t1")
    server.say(RUN, ev.RunNoted("run_started", "", f"bug-busters begins: {TASK}"), "t1")
    for name in ROLES:
        row(server, name)


def work(server: FakeServer, name: str, state: ThreadState = ThreadState.RUNNING) -> str:
    """Start the turn of a role."""
    thread_id = row(server, name, state, turn_id="t1", usage=usage(4_200))
    server.say(thread_id, ev.TurnStarted(), "t1")
    item = {"type": "userMessage", "id": "i1", "content": [{"type": "text", "text": TASK}]}
    server.item(thread_id, item, "t1")
    return thread_id


def codex_of(server: FakeServer, name: str, state: ThreadState = ThreadState.RUNNING) -> str:
    """Start a Codex thread of a role."""
    thread_id = server.thread(
        f"{name}-codex", state, parent=role_id(name), turn_id="u1", created_at=NOW - 90
    )
    server.say(thread_id, ev.TurnStarted())
    server.item(thread_id, {"type": "agentMessage", "id": "m1", "text": "I write the **server**."})
    return thread_id


def tell(server: FakeServer) -> None:
    """Add a run with a refused handoff and two working roles with their Codex threads."""
    begin(server)
    server.say("", ev.CodexReady("0.163.0"), "")
    manager = work(server, "project_manager")
    server.say(manager, ev.ItemStarted({"type": "agentMessage", "id": "i2", "text": ""}), "t1")
    server.say(manager, ev.TextDelta("i2", "The tests come last; first a design."), "t1")
    refused = ev.HandoffRefused(
        "project_manager",
        "tester",
        ("frontend/index.html is missing (frontend)", "backend/server.js is missing (backend)"),
    )
    for thread_id in (manager, RUN):
        server.say(thread_id, refused, "t1")
        server.say(thread_id, ev.HandedOff("project_manager", "designer"), "t1")
    server.say(manager, ev.TurnCompleted("The tests come last; first a design."), "t1")
    row(server, "project_manager", ThreadState.DONE, usage=usage(9_800))
    designer = work(server, "designer")
    call = {
        "type": "mcpToolCall",
        "id": "i2",
        "server": "codextui",
        "tool": "codex",
        "arguments": {"prompt": "Write design/design_spec.md: one page, the rules of the game."},
        "status": "completed",
        "result": {"content": [{"type": "text", "text": "design/design_spec.md is written."}]},
        "error": None,
        "durationMs": 41_000,
    }
    server.item(designer, call, "t1")
    for thread_id in (designer, RUN):
        server.say(thread_id, ev.HandedOff("designer", "frontend"), "t1")
    row(server, "designer", ThreadState.DONE, usage=usage(14_100))
    for name in ("frontend", "backend"):
        work(server, name)
        codex_of(server, name)
    server.say(
        role_id("backend"), ev.RoleRequested(RoleAction.MESSAGE, "Use port 8080.", "ada"), ""
    )
    server.say(RUN, ev.RunNoted("role_started", "frontend", "is at work"), "t1")
    server.say(RUN, ev.RunNoted("role_started", "backend", "is at work"), "t1")
    gates(server)
    spans(server)


def gates(server: FakeServer) -> None:
    """Publish the gates."""
    board = (
        Gate("REQUIREMENTS.md", (), ("designer",), True, "1.9 kB", BEGAN),
        Gate(
            "design/design_spec.md",
            ("designer",),
            ("frontend", "backend"),
            True,
            "2.1 kB",
            NOW - 130,
        ),
        Gate("frontend/index.html", ("frontend",), ("tester",), False, "is missing", BEGAN),
        Gate("frontend/game.js", ("frontend",), ("tester",), False, "is empty", NOW - 12),
        Gate("backend/server.js", ("backend",), ("tester",), False, "is missing", BEGAN),
        Gate("`node --check backend/server.js` succeeds", ("backend",), ("tester",), False, "", 0),
        Gate("tests/test.sh", ("tester",), (), False, "is missing", BEGAN),
    )
    server.say(RUN, ev.GatesChecked(board), "t1")


def spans(server: FakeServer) -> None:
    """Publish the spans."""
    for number, (role, kind, start, end, more) in enumerate(_SPANS):
        span = Span(
            f"s{number}",
            role,
            kind,
            started_at=BEGAN + start,
            ended_at=None if end is None else BEGAN + end,
            **more,  # type: ignore[arg-type]
        )
        server.say(RUN, ev.SpanChanged(span), "t1")


_SPANS: list[tuple[str, SpanKind, float, float | None, dict[str, object]]] = [
    ("project_manager", SpanKind.ROLE, 0, 60, {}),
    ("project_manager", SpanKind.MODEL, 0, 22, {"name": "gpt-5.5", "tokens": 4_200}),
    ("project_manager", SpanKind.TOOL, 22, 24, {"name": "web_search", "failed": True}),
    ("project_manager", SpanKind.MODEL, 26, 58, {"name": "gpt-5.5", "tokens": 5_600}),
    ("designer", SpanKind.GATE, 0, 60, {"waits_for": ("project_manager",)}),
    ("designer", SpanKind.ROLE, 60, 170, {}),
    ("designer", SpanKind.MODEL, 60, 75, {"name": "gpt-5.5", "tokens": 3_100}),
    ("designer", SpanKind.CODEX, 76, 150, {"name": "designer-codex", "tokens": 21_000}),
    ("designer", SpanKind.PERSON, 90, 112, {"name": "a1"}),
    ("designer", SpanKind.MODEL, 152, 169, {"name": "gpt-5.5", "tokens": 11_000}),
    ("frontend", SpanKind.GATE, 0, 170, {"waits_for": ("designer",)}),
    ("frontend", SpanKind.ROLE, 170, None, {}),
    ("frontend", SpanKind.MODEL, 170, 190, {"name": "gpt-5.5", "tokens": 4_200}),
    ("frontend", SpanKind.CODEX, 192, None, {"name": "frontend-codex"}),
    ("backend", SpanKind.GATE, 0, 170, {"waits_for": ("designer",)}),
    ("backend", SpanKind.ROLE, 170, None, {}),
    ("backend", SpanKind.PAUSED, 172, 200, {}),
    ("backend", SpanKind.MODEL, 200, 214, {"name": "gpt-5.5", "tokens": 4_200}),
    ("backend", SpanKind.CODEX, 216, None, {"name": "backend-codex"}),
    ("tester", SpanKind.GATE, 0, None, {"waits_for": ("frontend", "backend")}),
]


def ask_tool(server: FakeServer, name: str = "tester", approval_id: str = "a7") -> Approval:
    """Open the approval of a role's tool call."""
    row(server, name, ThreadState.NEEDS_INPUT, turn_id="t1", waits_for="approval")
    approval = Approval(approval_id, role_id(name), "t1", "", name, NOW - 14, TOOL)
    server.say(role_id(name), ev.ApprovalAsked(approval), "t1")
    server.on_update(ApprovalOffered(approval))
    return approval
