"""The threads that the snapshots of the main screen show."""

from __future__ import annotations

from console.screens.console import FakeServer, usage

from codextui.protocol.approvals import CommandAsked
from codextui.protocol.events import (
    CodexReady,
    DiffUpdated,
    ItemStarted,
    PlanStep,
    PlanUpdated,
    TurnStarted,
)
from codextui.protocol.threads import ThreadState

ROLES = ("backend", "frontend", "tester", "docs", "migrations", "security")

MESSAGE = """I have read the service. The plan:

1. Add **`/orders/{id}/refund`** with validation.
2. Store the refund in `refunds`, in the same transaction.

```python
def refund(order: Order, amount: Money) -> Refund:
    if amount > order.paid:
        raise RefundTooLarge(order.id, amount)
    return Refund(order.id, amount)
```

The table needs a migration; I will *not* touch the old column.
"""

DIFF = """\
@@ -10,6 +10,9 @@ class Order:
     paid: Money
     state: State

+    def refundable(self) -> Money:
+        return self.paid - self.refunded
+
-    def cancel(self):
+    def cancel(self) -> None:
"""


def tell(server: FakeServer, count: int = 3) -> None:
    """Add threads that work on the refunds of a shop."""
    server.say("", CodexReady("0.163.0"), "")
    for number, role in enumerate(ROLES[:count]):
        brief = f"You are {role}. Build the refund endpoint of the shop, with tests."
        thread_id = server.thread(
            role,
            ThreadState.RUNNING,
            turn_id="u1",
            brief=brief,
            usage=usage(12_345 * (number + 1)),
            context_window=272_000,
        )
        server.say(thread_id, TurnStarted())
        server.item(thread_id, _said(brief))
        server.item(thread_id, _thought())
        server.item(
            thread_id, _ran("rg -n 'class Order' src", "src/shop/order.py:12:class Order:\n")
        )
        if number % 3 == 0:
            steps = (
                PlanStep("Read the service", "completed"),
                PlanStep("Write the endpoint", "inProgress"),
                PlanStep("Test it", "pending"),
            )
            server.say(thread_id, PlanUpdated("", steps))
        if number % 2 == 0:
            server.item(thread_id, _changed())
            server.say(thread_id, DiffUpdated(f"--- a/order.py\n+++ b/order.py\n{DIFF}"))
        server.say(thread_id, ItemStarted({"type": "agentMessage", "id": "m1", "text": ""}))
        server.text(thread_id, MESSAGE)


def trouble(server: FakeServer) -> None:
    """Add threads that failed, rest, were forked, were killed and need input."""
    server.thread("tester", ThreadState.FAILED, note="stream disconnected before completion")
    server.thread("backend-fork", ThreadState.IDLE, forked_from="t-backend")
    server.thread("old", ThreadState.IDLE)
    server.thread("old", ThreadState.KILLED)
    asked = CommandAsked(
        "curl -sS https://registry.npmjs.org/left-pad | head -20",
        "/home/ada/shop",
        "needs the network to see the newest version",
        rule=("curl", "-sS"),
    )
    server.ask("t-frontend", "a1", asked)


def _said(text: str) -> dict[str, object]:
    return {"type": "userMessage", "id": "p1", "content": [{"type": "text", "text": text}]}


def _thought() -> dict[str, object]:
    summary = "**Looking at the service**\n\nThe order model has no notion of refunds yet."
    return {"type": "reasoning", "id": "r1", "summary": [summary], "content": []}


def _ran(command: str, output: str) -> dict[str, object]:
    return {
        "type": "commandExecution",
        "id": "c1",
        "command": command,
        "cwd": "/home/ada/shop",
        "status": "completed",
        "aggregatedOutput": output,
        "exitCode": 0,
        "durationMs": 84,
        "commandActions": [],
        "source": "agent",
    }


def _changed() -> dict[str, object]:
    change = {
        "path": "src/shop/order.py",
        "kind": {"type": "update", "move_path": None},
        "diff": DIFF,
    }
    return {"type": "fileChange", "id": "f1", "status": "completed", "changes": [change]}


def neighbours(server: FakeServer) -> None:
    """Add threads of other programs: two of Codex's TUI, one of an IDE, an `exec`, a sub-agent."""
    foreign = {"ours": False, "followed": False, "turn_id": ""}
    server.thread(
        "tui-1",
        ThreadState.RUNNING,
        origin="Codex TUI",
        name="Fix the login page",
        cwd="/home/ada/portal",
        branch="login",
        **foreign,
    )
    server.thread("tui-2", ThreadState.IDLE, origin="Codex TUI", brief="Why is it slow?", **foreign)
    server.thread(
        "agent-1", ThreadState.RUNNING, origin="Codex TUI", parent="t-tui-2", model="", **foreign
    )
    server.thread("ide-1", ThreadState.IDLE, origin="IDE", cwd="/home/ada/site", **foreign)
    server.thread("exec-1", ThreadState.FAILED, origin="exec", cwd="/srv/nightly", **foreign)
