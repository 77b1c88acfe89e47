from __future__ import annotations

import asyncio
import sqlite3

import pytest

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.errors import ApprovalGone, CodexDied, ServerRefused
from codextui.protocol.approvals import Approval, CommandAsked, QuestionsAsked
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope
from codextui.protocol.events import ApprovalResolved
from codextui.server.approvals.broker import ApprovalBroker
from codextui.server.approvals.parties import CannotAnswer


class Person:
    """A responder that a test answers for."""

    def __init__(self, name: str, thread_id: str = "") -> None:
        self.name = name
        self.thread_id = thread_id
        self.supervises = not thread_id
        self.asked: dict[str, asyncio.Future[Decision | None]] = {}
        self.withdrawn: list[str] = []

    def accepts(self, approval: Approval) -> bool:
        return self.thread_id in ("", approval.thread_id)

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        future = asyncio.get_running_loop().create_future()
        self.asked[approval.approval_id] = future
        try:
            return await future
        except asyncio.CancelledError:
            self.withdrawn.append(approval.approval_id)
            raise


class Log:
    """The audit log, the observer and Codex: what they are called with, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.unattended: list[str] = []
        self.changed = asyncio.Event()
        self.broken = False
        self.failures = 0
        self.codex_alive = True
        self.disk = asyncio.Event()
        self.disk.set()

    def record_approval(self, approval: Approval) -> None:
        self.calls.append(f"open {approval.approval_id}")

    def record_resolution(
        self, approval: Approval, resolved: ApprovalResolved, *, at: float
    ) -> None:
        assert approval.approval_id == resolved.approval_id
        self.calls.append(f"record {resolved.approval_id} {resolved.outcome}")

    def record_loss(self, approval_id: str, *, at: float) -> None:
        self.calls.append(f"record {approval_id} lost")

    async def record_decision(
        self, approval: Approval, resolved: ApprovalResolved, *, at: float
    ) -> None:
        await self.disk.wait()
        if self.broken:
            self.failures += 1
            self.changed.set()
            raise sqlite3.OperationalError("disk full")
        self.calls.append(f"decide {resolved.approval_id} {resolved.outcome} by {resolved.by}")

    def on_asked(self, approval: Approval) -> None:
        self.calls.append(f"asked {approval.approval_id}")

    def on_resolved(self, approval: Approval, resolved: ApprovalResolved) -> None:
        self.calls.append(f"resolved {resolved.approval_id} {resolved.outcome}")
        self.changed.set()

    def on_unattended(self, approval: Approval) -> None:
        self.unattended.append(approval.approval_id)

    async def on_decision(self, decision: Decision) -> bool:
        self.calls.append(f"codex {decision}")
        if not self.codex_alive:
            raise CodexDied("gone")
        return True


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def broker(log: Log) -> ApprovalBroker:
    return ApprovalBroker(log, log)


def ask(
    broker: ApprovalBroker, log: Log, key: object = 1, thread_id: str = "t", origin: str = ""
) -> Approval | None:
    return broker.ask(
        CommandAsked("rm -r build"),
        key=key,
        thread_id=thread_id,
        turn_id="u",
        item_id="i",
        handle="codex-1",
        origin=origin,
        on_decision=log.on_decision,
    )


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_decision_is_stored_before_codex_reads_it(broker: ApprovalBroker, log: Log):
    ask(broker, log)
    log.disk.clear()
    deciding = asyncio.create_task(broker.decide("a1", Approved(), by="me"))
    await settle()
    assert log.calls == ["open a1", "asked a1"]
    log.disk.set()
    await deciding
    assert log.calls[2:] == [
        "decide a1 approved by me",
        f"codex {Approved()}",
        "resolved a1 approved",
    ]


async def test_the_first_answer_wins_and_the_others_are_withdrawn(broker: ApprovalBroker, log: Log):
    people = [Person("one"), Person("two"), Person("three")]
    for person in people:
        broker.attach(person)
    ask(broker, log)
    await settle()
    people[1].asked["a1"].set_result(Declined("no"))
    people[2].asked["a1"].set_result(Approved())
    await settle()
    assert people[0].withdrawn == ["a1"]
    assert "decide a1 denied by two" in log.calls
    assert not any("approved" in call for call in log.calls)
    assert broker.approvals == ()


async def test_a_second_decision_is_refused_even_while_the_first_is_being_stored(
    broker: ApprovalBroker, log: Log
):
    ask(broker, log)
    log.disk.clear()
    deciding = asyncio.create_task(broker.decide("a1", Declined(), by="one"))
    await settle()
    assert broker.approvals == ()
    with pytest.raises(ApprovalGone):
        await broker.decide("a1", Approved(), by="two")
    log.disk.set()
    await deciding
    with pytest.raises(ApprovalGone):
        await broker.decide("a1", Approved(), by="two")


async def test_a_decision_stands_when_its_client_disconnects(broker: ApprovalBroker, log: Log):
    ask(broker, log)
    log.disk.clear()
    deciding = asyncio.create_task(broker.decide("a1", Approved(), by="one"))
    await settle()
    deciding.cancel()
    log.disk.set()
    await settle()
    assert log.calls[-1] == "resolved a1 approved"


async def test_a_responder_that_cannot_answer_decides_nothing(broker: ApprovalBroker, log: Log):
    one, two = Person("one"), Person("two")
    broker.attach(one)
    broker.attach(two)
    ask(broker, log)
    await settle()
    one.asked["a1"].set_result(None)
    await settle()
    assert len(broker.approvals) == 1
    broker.detach(two)
    await settle()
    assert two.withdrawn == ["a1"]
    assert len(broker.approvals) == 1
    assert log.calls == ["open a1", "asked a1"]


async def test_a_new_responder_is_offered_the_open_approvals(broker: ApprovalBroker, log: Log):
    ask(broker, log, key=1, thread_id="t")
    ask(broker, log, key=2, thread_id="other")
    supervisor, caller = Person("supervisor"), Person("caller", thread_id="other")
    broker.attach(supervisor)
    broker.attach(caller)
    await settle()
    assert list(supervisor.asked) == ["a1", "a2"]
    assert list(caller.asked) == ["a2"]


async def test_a_repeated_request_of_codex_is_asked_once(broker: ApprovalBroker, log: Log):
    assert ask(broker, log, key=(1, 7)) is not None
    assert ask(broker, log, key=(1, 7)) is None
    assert ask(broker, log, key=(1, "7")) is not None
    assert ask(broker, log, key=(2, 7)) is not None
    assert len(broker.approvals) == 3


async def test_an_approval_that_codex_no_longer_waits_for_is_withdrawn(
    broker: ApprovalBroker, log: Log
):
    person = Person("one")
    broker.attach(person)
    ask(broker, log)
    await settle()
    broker.withdraw(key=1)
    await settle()
    assert person.withdrawn == ["a1"]
    assert log.calls[2:] == ["record a1 withdrawn", "resolved a1 withdrawn"]
    broker.withdraw(key=1)
    assert len(log.calls) == 4


async def test_what_was_lost_and_is_asked_again_has_waited_since_it_was_first_asked(log: Log):
    now = 100.0
    broker = ApprovalBroker(log, log, clock=lambda: now)
    ask(broker, log, origin="Codex TUI")  # it is adopted meanwhile
    broker.withdraw(thread_id="t", outcome="lost", why="the connection broke")
    now = 140.0
    again, another = ask(broker, log, key=2), ask(broker, log, key=3)
    assert again is not None
    assert another is not None
    assert (again.approval_id, again.asked_at, another.asked_at) == ("a2", 100.0, 140.0)
    broker.withdraw(key=2)  # nobody lost this one
    now = 150.0
    third = ask(broker, log, key=4)
    next_server = ApprovalBroker(log, log, last_number=4, lost=[again], clock=lambda: now)
    fourth = ask(next_server, log)
    assert third is not None
    assert fourth is not None
    assert (third.asked_at, fourth.asked_at) == (150.0, 100.0)


async def test_whoever_asked_learns_that_the_approval_was_withdrawn(
    broker: ApprovalBroker, log: Log
):
    ends: list[str] = []
    for key in ("withdrawn", "decided"):
        broker.ask(
            CommandAsked("rm -r build"),
            key=key,
            thread_id="t",
            turn_id="u",
            item_id="",
            handle="backend",
            on_decision=log.on_decision,
            on_withdrawn=lambda key=key: ends.append(key),  # type: ignore[misc]  # its default is a string
        )
    await broker.decide("a2", Approved(), by="console")
    broker.withdraw(thread_id="t")
    assert ends == ["withdrawn"]


async def test_only_approvals_that_fit_all_criteria_are_withdrawn(broker: ApprovalBroker, log: Log):
    for key, thread_id in enumerate(("a", "a", "b")):
        ask(broker, log, key=key, thread_id=thread_id)
    broker.withdraw(thread_id="a", turn_id="another")
    assert len(broker.approvals) == 3
    broker.withdraw(thread_id="a")
    assert [approval.thread_id for approval in broker.approvals] == ["b"]
    broker.withdraw(outcome="lost")
    assert log.calls[-1] == "resolved a3 lost"


async def test_a_decision_is_lost_when_codex_has_died(broker: ApprovalBroker, log: Log):
    ask(broker, log)
    log.codex_alive = False
    resolved = await broker.decide("a1", Approved(), by="me")
    assert resolved.outcome == "lost"
    assert log.calls[-2:] == ["record a1 lost", "resolved a1 lost"]


async def test_a_decision_that_cannot_be_stored_is_not_delivered(broker: ApprovalBroker, log: Log):
    person = Person("one")
    broker.attach(person)
    ask(broker, log)
    log.broken = True
    with pytest.raises(ServerRefused, match="disk full"):
        await broker.decide("a1", Approved(), by="me")
    assert len(broker.approvals) == 1
    assert not any(call.startswith("codex") for call in log.calls)
    log.broken = False
    await broker.decide("a1", Approved(), by="me")
    assert log.calls[-1] == "resolved a1 approved"


async def test_an_approval_that_codex_drops_ends_though_its_decision_cannot_be_stored(
    broker: ApprovalBroker, log: Log
):
    ask(broker, log)
    log.broken = True
    log.disk.clear()
    deciding = asyncio.create_task(broker.decide("a1", Approved(), by="me"))
    await settle()
    broker.withdraw(thread_id="t", outcome="lost")
    log.disk.set()
    with pytest.raises(ServerRefused, match="disk full"):
        await deciding
    assert broker.approvals == ()
    assert log.calls[-2:] == ["record a1 lost", "resolved a1 lost"]


async def test_a_responder_whose_decision_cannot_be_stored_is_asked_again(
    broker: ApprovalBroker, log: Log
):
    person = Person("one")
    broker.attach(person)
    ask(broker, log)
    await settle()
    log.broken = True
    first = person.asked["a1"]
    first.set_result(Approved())
    await settle()
    again = person.asked["a1"]
    assert again is not first
    assert broker.is_attended("a1")
    log.broken = False
    again.set_result(Declined())
    await settle()
    assert log.calls[2:] == ["decide a1 denied by one", f"codex {Declined()}", "resolved a1 denied"]


async def test_an_unattended_approval_is_declined_once_that_can_be_stored(
    log: Log,
):
    broker = ApprovalBroker(log, log, unattended_s=0.0, ask_again_s=0.01)
    log.broken = True
    ask(broker, log)
    async with asyncio.timeout(10):
        while log.failures < 3:
            log.changed.clear()
            await log.changed.wait()
    assert log.calls == ["open a1", "asked a1"]
    log.broken = False
    await wait_for(log, "resolved a1 denied")


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (Approved(), "approved"),
        (Approved(Scope.SESSION), "approved_for_session"),
        (Approved(Scope.ALWAYS), "denied"),  # Codex proposed no rule
        (Answered({"q": "yes"}), "denied"),  # nobody asked a question
        (Declined("why"), "denied"),
        (Aborted(), "abort"),
    ],
)
async def test_the_audit_log_says_what_codex_is_sent(
    broker: ApprovalBroker, log: Log, decision: Decision, outcome: str
):
    ask(broker, log)
    resolved = await broker.decide("a1", decision, by="me")
    assert resolved.outcome == outcome


async def test_a_yes_without_answers_declines_questions(broker: ApprovalBroker, log: Log):
    broker.ask(
        QuestionsAsked(()),
        key=1,
        thread_id="t",
        turn_id="u",
        item_id="",
        handle="",
        on_decision=log.on_decision,
    )
    assert (await broker.decide("a1", Approved(), by="me")).outcome == "denied"


async def test_approval_ids_continue_those_of_the_earlier_server(log: Log):
    approval = ask(ApprovalBroker(log, log, last_number=41), log)
    assert approval is not None
    assert approval.approval_id == "a42"


async def wait_for(log: Log, call: str, times: int = 1) -> None:
    async with asyncio.timeout(60):
        while log.calls.count(call) < times:
            log.changed.clear()
            await log.changed.wait()


async def test_an_error_of_the_only_responder_declines(broker: ApprovalBroker, log: Log):
    one = Person("one")
    broker.attach(one)
    ask(broker, log)
    await settle()
    one.asked["a1"].set_exception(CannotAnswer("one has no dialog"))
    await settle()
    assert "decide a1 denied by one" in log.calls
    assert f"codex {Declined('one has no dialog')}" in log.calls


async def test_an_error_of_one_responder_decides_nothing_while_another_can_answer(
    broker: ApprovalBroker, log: Log
):
    one, two = Person("one"), Person("two")
    broker.attach(one)
    broker.attach(two)
    ask(broker, log)
    await settle()
    one.asked["a1"].set_exception(CannotAnswer("one has no dialog"))
    await settle()
    assert len(broker.approvals) == 1
    two.asked["a1"].set_result(Approved())
    await settle()
    assert log.calls[-1] == "resolved a1 approved"


@pytest.mark.parametrize("seconds", [0.0, 0.01])
async def test_an_unattended_approval_is_declined_after_a_while_with_a_reason(
    log: Log, seconds: float
):
    ask(ApprovalBroker(log, log, unattended_s=seconds), log)
    assert log.unattended == ["a1"]
    assert log.calls == ["open a1", "asked a1"]
    await wait_for(log, "resolved a1 denied")
    assert "decide a1 denied by codextui" in log.calls
    reason = next(call for call in log.calls if call.startswith("codex "))
    assert "Nobody was there to decide" in reason


async def test_nothing_times_out_while_a_turn_is_being_ended(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.0)
    with broker.hold("t"), broker.hold("t"):
        ask(broker, log)
        await settle()
        assert log.calls == ["open a1", "asked a1"]
    await wait_for(log, "resolved a1 denied")


async def test_no_timer_runs_while_a_responder_is_connected(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.0)
    one = Person("one")
    broker.attach(one)
    ask(broker, log)
    ask(ApprovalBroker(log, log, unattended_s=0.0), log, key=2)
    await wait_for(log, "resolved a1 denied")  # the one that nobody can answer
    assert len(broker.approvals) == 1
    broker.detach(one)
    assert log.unattended == ["a1", "a1"]
    await wait_for(log, "resolved a1 denied", times=2)
    assert broker.approvals == ()
    assert log.calls.count("decide a1 denied by codextui") == 2


async def test_the_timer_stops_when_a_responder_connects(log: Log):
    broker = ApprovalBroker(log, log, unattended_s=0.05)
    ask(broker, log)
    one = Person("one")
    broker.attach(one)
    ask(ApprovalBroker(log, log, unattended_s=0.1), log, key=2)
    await wait_for(log, "resolved a1 denied")  # later than the first clock would have struck
    assert len(broker.approvals) == 1


async def test_without_a_timeout_an_approval_stays_open(broker: ApprovalBroker, log: Log):
    ask(broker, log)
    assert log.unattended == ["a1"]
    ask(ApprovalBroker(log, log, unattended_s=0.0), log, key=2)
    await wait_for(log, "resolved a1 denied")
    assert len(broker.approvals) == 1


async def test_callers_come_first_where_they_decide_and_supervisors_where_they_cannot(log: Log):
    broker = ApprovalBroker(log, log, callers_first=True)
    supervisor, caller = Person("console"), Person("caller", "t")
    broker.attach(supervisor)
    broker.attach(caller)
    ask(broker, log, key=1)
    ask(broker, log, key=2, thread_id="without a caller")
    await settle()
    assert list(supervisor.asked) == ["a2"]
    assert list(caller.asked) == ["a1"]
    caller.asked["a1"].set_exception(CannotAnswer("caller has no dialog"))
    await settle()
    assert list(supervisor.asked) == ["a2", "a1"]
    assert len(broker.approvals) == 2
    ask(broker, log, key=3)
    await settle()
    assert "a3" not in supervisor.asked
    broker.detach(caller)
    await settle()
    assert "a3" in supervisor.asked
    broker.attach(Person("late", "t"))
    supervisor.asked["a3"].set_result(Approved())
    await settle()
    assert "decide a3 approved by console" in log.calls


async def test_a_caller_that_cannot_answer_and_has_nobody_beside_it_declines(log: Log):
    broker = ApprovalBroker(log, log, callers_first=True)
    caller = Person("caller", "t")
    broker.attach(caller)
    ask(broker, log)
    await settle()
    caller.asked["a1"].set_exception(CannotAnswer("caller has no dialog"))
    await settle()
    assert "decide a1 denied by caller" in log.calls
