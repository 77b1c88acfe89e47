"""What threads of other programs ask: decided by people only, here or there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server.approvals.test_broker import Log, Person, settle

from codextui.errors import ApprovalGone, ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, Asked, CommandAsked, Others, UnknownAsked
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, parse_elicit_result
from codextui.protocol.events import ApprovalResolved
from codextui.server.approvals.broker import ELSEWHERE, ApprovalBroker
from codextui.server.approvals.elicitation import ElicitationResponder
from codextui.server.approvals.parties import CannotAnswer

COMMAND = CommandAsked("rm -r build")


@pytest.fixture
def log() -> Log:
    return Log()


def ask(
    broker: ApprovalBroker, log: Log, asked: Asked = COMMAND, *, origin: str = "Codex TUI"
) -> Approval:
    approval = broker.ask(
        asked,
        key=(1, 7),
        thread_id="t",
        turn_id="u",
        item_id="i",
        handle="tui",
        origin=origin,
        on_decision=log.on_decision,
    )
    assert approval is not None
    return approval


async def test_no_time_out_ends_it_though_nobody_is_there(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.0)
    ask(broker, log)
    with broker.hold("t"):
        pass
    await asyncio.sleep(0.02)
    await settle()
    assert [one.origin for one in broker.approvals] == ["Codex TUI"]
    assert log.unattended == ["a1", "a1"]


async def test_it_is_not_timed_out_when_the_last_supervisor_leaves(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.0)
    console = Person("console")
    broker.attach(console)
    ask(broker, log)
    await settle()
    broker.detach(console)
    await settle()
    assert len(broker.approvals) == 1


async def test_one_of_ours_is_declined_as_ever(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.0)
    ask(broker, log, origin="")
    await log.changed.wait()
    assert "decide a1 denied by codextui" in log.calls


async def test_the_user_can_have_it_declined(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.0, others=Others.DECIDE)
    ask(broker, log)
    await log.changed.wait()
    assert "decide a1 denied by codextui" in log.calls


async def test_what_is_not_known_here_is_never_timed_out(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.0, others=Others.DECIDE)
    ask(broker, log, UnknownAsked("item/new/request", {"threadId": "t"}))
    await settle()
    assert len(broker.approvals) == 1


@pytest.mark.parametrize(("others", "is_asked"), [(Others.SHOW, False), (Others.DECIDE, True)])
async def test_an_mcp_client_is_asked_only_if_the_user_says_so(
    log: Log, others: Others, is_asked: bool
):
    broker = ApprovalBroker(log, log, others=others)
    caller = Person("client", "t")
    broker.attach(caller)
    ask(broker, log)
    await settle()
    assert ("a1" in caller.asked) == is_asked


async def test_a_caller_that_is_asked_first_does_not_keep_it_from_the_supervisors(log: Log):
    broker = ApprovalBroker(log, log, callers_first=True)
    caller, console = Person("client", "t"), Person("console")
    broker.attach(caller)
    broker.attach(console)
    ask(broker, log)
    await settle()
    assert list(console.asked) == ["a1"]
    assert caller.asked == {}


async def test_a_supervisor_that_has_nobody_to_ask_declines_nothing(log: Log):
    broker = ApprovalBroker(log, log)
    console = Person("console")
    broker.attach(console)
    ask(broker, log)
    await settle()
    console.asked["a1"].set_exception(CannotAnswer("nobody"))
    await settle()
    assert len(broker.approvals) == 1


async def test_an_answer_elsewhere_closes_it_and_ours_is_too_late(log: Log):
    broker = ApprovalBroker(log, log)
    console = Person("console")
    broker.attach(console)
    ask(broker, log)
    await settle()
    broker.withdraw(key=(1, 7), outcome=ELSEWHERE)
    await settle()
    assert console.withdrawn == ["a1"]
    with pytest.raises(ApprovalGone):
        await broker.decide("a1", Approved(), by="console")
    assert not [call for call in log.calls if call.startswith("codex")]


async def test_an_answer_elsewhere_while_ours_is_stored_wins_and_the_log_says_both(log: Log):
    broker = ApprovalBroker(log, log)
    ask(broker, log)
    log.disk.clear()
    deciding = asyncio.create_task(broker.decide("a1", Approved(), by="console"))
    await settle()
    broker.withdraw(key=(1, 7), outcome=ELSEWHERE)
    log.disk.set()
    with pytest.raises(ApprovalGone):
        await deciding
    assert log.calls[2:] == [
        "decide a1 approved by console",
        "record a1 lost",
        "resolved a1 answered_elsewhere",
    ]


async def test_an_answer_elsewhere_while_the_reason_of_ours_is_delivered_wins(log: Log):
    broker = ApprovalBroker(log, log)
    steered = asyncio.Event()

    async def deliver(decision: Decision) -> bool:
        await steered.wait()
        return not broker.is_too_late((1, 7)) and await log.on_decision(decision)

    broker.ask(
        COMMAND,
        key=(1, 7),
        thread_id="t",
        turn_id="u",
        item_id="i",
        handle="tui",
        origin="Codex TUI",
        on_decision=deliver,
    )
    deciding = asyncio.create_task(broker.decide("a1", Declined("not that"), by="console"))
    await settle()
    broker.withdraw(key=(1, 7), outcome=ELSEWHERE)
    steered.set()
    with pytest.raises(ApprovalGone):
        await deciding
    assert log.calls[2:] == [
        "decide a1 denied by console",
        "record a1 lost",
        "resolved a1 answered_elsewhere",
    ]
    assert not broker.is_too_late((1, 7))


async def test_a_yes_that_does_not_fit_declines_nothing(log: Log):
    broker = ApprovalBroker(log, log)
    ask(broker, log, UnknownAsked("item/new/request", {"threadId": "t"}))
    with pytest.raises(ServerRefused, match="does not fit"):
        await broker.decide("a1", Approved(), by="console")
    assert len(broker.approvals) == 1
    resolved = await broker.decide("a1", Declined(), by="console")
    assert resolved.outcome == "denied"


@dataclass
class Answering:
    """A channel whose client answers an elicitation with a prepared result."""

    result: JsonObject
    client_key: str = "console"

    async def request(self, method: str, params: JsonObject, *, for_call: Any) -> JsonObject:
        return self.result


async def decision_of(result: JsonObject, origin: str) -> Decision | None:
    approval = Approval("a1", "t", "u", "i", "tui", 1.0, COMMAND, origin)
    responder = ElicitationResponder("console", Answering(result))  # type: ignore[arg-type] # a part of a channel
    return await responder.ask(approval, None)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"action": "decline"}, Declined()),
        ({"action": "decline", "content": {"decision": "denied", "message": "no"}}, Declined("no")),
        ({"action": "cancel", "content": {"decision": "abort"}}, Aborted()),
        ({"decision": {"denied": {"rejection": "why"}}}, Declined("why")),
        ({"action": "accept", "content": {"decision": "approved"}}, Approved()),
        ({"action": "cancel"}, None),
        ({}, None),
        ({"action": "accept", "content": {"decision": "perhaps"}}, None),
        ({"action": "accept", "content": 7}, None),
        ({"action": ["decline"]}, None),
    ],
)
async def test_only_what_is_said_declines_for_another_program(
    result: JsonObject, expected: Decision | None
):
    assert await decision_of(result, "Codex TUI") == expected


WORDS = st.sampled_from(
    ["accept", "decline", "cancel", "approved", "denied", "abort", "?", None, 1]
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "action": WORDS,
            "decision": WORDS,
            "content": st.fixed_dictionaries({}, optional={"decision": WORDS}) | WORDS,
        },
    )
)
def test_doubt_declines_for_our_threads_and_leaves_those_of_others(result: dict[str, Any]):
    ours = asyncio.run(decision_of(result, ""))
    theirs = asyncio.run(decision_of(result, "Codex TUI"))
    assert ours == parse_elicit_result(result, rule=())
    assert theirs in (ours, None)
    if isinstance(ours, Approved):
        assert theirs == ours


def test_the_words_of_the_log_are_those_of_the_protocol():
    assert ELSEWHERE in (ApprovalResolved.__doc__ or "")
