from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import Mock

from codextui.protocol import events as ev
from codextui.protocol.runs import RUN_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.teams.codex.calls import CallLog, CodexCall
from codextui.teams.config.team import Limits
from codextui.teams.records.costs import Budget
from codextui.teams.runner.watch import RunWatch

RUN = f"{RUN_PREFIX}bugs"
ROLE = f"{RUN}/backend"


def thread(thread_id: str, parent: str, **more: object) -> ThreadInfo:
    return ThreadInfo(thread_id, thread_id, ThreadState.IDLE, parent=parent, **more)  # type: ignore[arg-type]


async def test_the_tokens_of_sub_agents_count_for_the_role_of_their_thread():
    log = CallLog()
    log.record("key", CodexCall("own"))
    threads = [
        thread(ROLE, RUN, kind=ThreadKind.ROLE),
        thread("own", ROLE, usage=Usage(100)),
        thread("child", "own", model="small"),
        thread("grandchild", "child", usage=Usage(7)),
        thread("another", "stranger", usage=Usage(1_000)),
        thread("circle", "circle", usage=Usage(1_000)),
    ]
    connection = SimpleNamespace(
        threads={one.thread_id: one for one in threads}, past_requests=[], approvals={}
    )
    publisher = Mock(roles={"backend": SimpleNamespace(thread=SimpleNamespace(thread_id=ROLE))})
    budget = Budget(Limits())
    watch = RunWatch(log, budget)
    watch.start(Mock(), publisher, Mock(), connection)  # type: ignore[arg-type]
    for thread_id in ("child", "another", "circle", ROLE, RUN):
        watch.handle_event(ev.Event(1, thread_id, "u", 0.0, ev.TokensCounted(Usage(30), Usage(30))))
    assert budget.usage == Usage(137)
    assert {key.thread: key.role for key in budget.ledger.entries} == dict.fromkeys(
        ["own", "grandchild", "child"], "backend"
    )
    assert budget.ledger.usage(model="small") == Usage(30)
