from __future__ import annotations

import asyncio
import sqlite3

import pytest

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.errors import ApprovalGone, CodexDied, ServerRefused
from codextui.protocol.approvals import Approval, CommandAsked, QuestionsAsked
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope
from codextui.protocol.events import ApprovalResolved
from codextui.server.approvals.broker import Broker, CannotAnswer


class Person:
    """An answerer that a test answers for."""

    def __init__(self, name: str, thread_id: str = "") -> None:
        self.name = name
        self.thread_id = thread_id
        self.asked: dict[str, asyncio.Future[Decision | None]] = {}
        self.withdrawn: list[str] = []

    def wants(self, approval: Approval) -> bool:
        return self.thread_id in ("", approval.thread_id)

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        future = asyncio.get_running_loop().create_future()
        self.asked[approval.approval_id] = future
        try:
            return await future
        except asyncio.CancelledError:
            self.withdrawn.append(approval.approval_id)
            raise


class Memory:
    """The record, the audience and Codex, in the order in which they hear of things."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.alone: list[str] = []
        self.heard = asyncio.Event()
        self.broken = False
        self.codex_is_there = True
        self.gate = asyncio.Event()
        self.gate.set()

    def open_approval(self, approval: Approval) -> None:
        self.said.append(f"open {approval.approval_id}")

    def resolve_approval(self, resolved: ApprovalResolved, *, at: float) -> None:
        self.said.append(f"record {resolved.approval_id} {resolved.outcome}")

    async def decide(self, resolved: ApprovalResolved, *, at: float) -> None:
        await self.gate.wait()
        if self.broken:
            raise sqlite3.OperationalError("disk full")
        self.said.append(f"decide {resolved.approval_id} {resolved.outcome} by {resolved.by}")

    def approval_asked(self, approval: Approval) -> None:
        self.said.append(f"asked {approval.approval_id}")

    def approval_resolved(self, approval: Approval, resolved: ApprovalResolved) -> None:
        self.said.append(f"resolved {resolved.approval_id} {resolved.outcome}")
        self.heard.set()

    def approval_unattended(self, approval: Approval) -> None:
        self.alone.append(approval.approval_id)

    async def answer(self, decision: Decision) -> bool:
        self.said.append(f"codex {decision}")
        if not self.codex_is_there:
            raise CodexDied("gone")
        return True


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def broker(memory: Memory) -> Broker:
    return Broker(memory, memory)


def ask(broker: Broker, memory: Memory, key: object = 1, thread_id: str = "t") -> Approval | None:
    return broker.ask(
        CommandAsked("rm -r build"),
        key=key,
        thread_id=thread_id,
        turn_id="u",
        item_id="i",
        handle="codex-1",
        answer=memory.answer,
    )


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_record_is_written_before_codex_is_told(broker: Broker, memory: Memory):
    ask(broker, memory)
    memory.gate.clear()
    deciding = asyncio.create_task(broker.decide("a1", Approved(), by="me"))
    await settle()
    assert memory.said == ["open a1", "asked a1"]
    memory.gate.set()
    await deciding
    assert memory.said[2:] == [
        "decide a1 approved by me",
        f"codex {Approved()}",
        "resolved a1 approved",
    ]


async def test_the_first_answer_wins_and_the_others_are_withdrawn(broker: Broker, memory: Memory):
    people = [Person("one"), Person("two"), Person("three")]
    for person in people:
        broker.attach(person)
    ask(broker, memory)
    await settle()
    people[1].asked["a1"].set_result(Declined("no"))
    people[2].asked["a1"].set_result(Approved())
    await settle()
    assert people[0].withdrawn == ["a1"]
    assert "decide a1 denied by two" in memory.said
    assert not any("approved" in said for said in memory.said)
    assert broker.approvals == ()


async def test_a_second_answer_is_refused_also_while_the_first_is_being_recorded(
    broker: Broker, memory: Memory
):
    ask(broker, memory)
    memory.gate.clear()
    deciding = asyncio.create_task(broker.decide("a1", Declined(), by="one"))
    await settle()
    assert broker.approvals == ()
    with pytest.raises(ApprovalGone):
        await broker.decide("a1", Approved(), by="two")
    memory.gate.set()
    await deciding
    with pytest.raises(ApprovalGone):
        await broker.decide("a1", Approved(), by="two")


async def test_a_decision_stands_though_the_decider_is_gone(broker: Broker, memory: Memory):
    ask(broker, memory)
    memory.gate.clear()
    deciding = asyncio.create_task(broker.decide("a1", Approved(), by="one"))
    await settle()
    deciding.cancel()
    memory.gate.set()
    await settle()
    assert memory.said[-1] == "resolved a1 approved"


async def test_who_cannot_answer_decides_nothing(broker: Broker, memory: Memory):
    one, two = Person("one"), Person("two")
    broker.attach(one)
    broker.attach(two)
    ask(broker, memory)
    await settle()
    one.asked["a1"].set_result(None)
    await settle()
    assert len(broker.approvals) == 1
    broker.detach(two)
    await settle()
    assert two.withdrawn == ["a1"]
    assert len(broker.approvals) == 1
    assert memory.said == ["open a1", "asked a1"]


async def test_who_comes_later_is_asked_what_is_open(broker: Broker, memory: Memory):
    ask(broker, memory, key=1, thread_id="t")
    ask(broker, memory, key=2, thread_id="other")
    supervisor, caller = Person("supervisor"), Person("caller", thread_id="other")
    broker.attach(supervisor)
    broker.attach(caller)
    await settle()
    assert list(supervisor.asked) == ["a1", "a2"]
    assert list(caller.asked) == ["a2"]


async def test_a_request_that_codex_repeats_is_asked_once(broker: Broker, memory: Memory):
    assert ask(broker, memory, key=(1, 7)) is not None
    assert ask(broker, memory, key=(1, 7)) is None
    assert ask(broker, memory, key=(1, "7")) is not None
    assert ask(broker, memory, key=(2, 7)) is not None
    assert len(broker.approvals) == 3


async def test_what_codex_no_longer_waits_for_is_withdrawn(broker: Broker, memory: Memory):
    person = Person("one")
    broker.attach(person)
    ask(broker, memory)
    await settle()
    broker.withdraw(key=1)
    await settle()
    assert person.withdrawn == ["a1"]
    assert memory.said[2:] == ["record a1 withdrawn", "resolved a1 withdrawn"]
    broker.withdraw(key=1)
    assert len(memory.said) == 4


async def test_who_asked_learns_that_nobody_decided(broker: Broker, memory: Memory):
    ends: list[str] = []
    for key in ("withdrawn", "decided"):
        broker.ask(
            CommandAsked("rm -r build"),
            key=key,
            thread_id="t",
            turn_id="u",
            item_id="",
            handle="backend",
            answer=memory.answer,
            on_withdrawn=lambda key=key: ends.append(key),  # type: ignore[misc]  # its default is a string
        )
    await broker.decide("a2", Approved(), by="console")
    broker.withdraw(thread_id="t")
    assert ends == ["withdrawn"]


async def test_only_what_is_meant_is_withdrawn(broker: Broker, memory: Memory):
    for key, thread_id in enumerate(("a", "a", "b")):
        ask(broker, memory, key=key, thread_id=thread_id)
    broker.withdraw(thread_id="a", turn_id="another")
    assert len(broker.approvals) == 3
    broker.withdraw(thread_id="a")
    assert [approval.thread_id for approval in broker.approvals] == ["b"]
    broker.withdraw(outcome="lost")
    assert memory.said[-1] == "resolved a3 lost"


async def test_a_decision_that_codex_did_not_live_to_read_is_lost(broker: Broker, memory: Memory):
    ask(broker, memory)
    memory.codex_is_there = False
    resolved = await broker.decide("a1", Approved(), by="me")
    assert resolved.outcome == "lost"
    assert memory.said[-2:] == ["record a1 lost", "resolved a1 lost"]


async def test_a_decision_that_cannot_be_recorded_is_not_carried_out(
    broker: Broker, memory: Memory
):
    person = Person("one")
    broker.attach(person)
    ask(broker, memory)
    memory.broken = True
    with pytest.raises(ServerRefused, match="disk full"):
        await broker.decide("a1", Approved(), by="me")
    assert len(broker.approvals) == 1
    assert not any(said.startswith("codex") for said in memory.said)
    memory.broken = False
    await broker.decide("a1", Approved(), by="me")
    assert memory.said[-1] == "resolved a1 approved"


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
async def test_the_record_says_what_codex_is_told(
    broker: Broker, memory: Memory, decision: Decision, outcome: str
):
    ask(broker, memory)
    resolved = await broker.decide("a1", decision, by="me")
    assert resolved.outcome == outcome


async def test_a_plain_yes_to_questions_is_a_no(broker: Broker, memory: Memory):
    broker.ask(
        QuestionsAsked(()),
        key=1,
        thread_id="t",
        turn_id="u",
        item_id="",
        handle="",
        answer=memory.answer,
    )
    assert (await broker.decide("a1", Approved(), by="me")).outcome == "denied"


async def test_ids_go_on_where_the_server_before_ended(memory: Memory):
    approval = ask(Broker(memory, memory, last_number=41), memory)
    assert approval is not None
    assert approval.approval_id == "a42"


async def resolved(memory: Memory, said: str, times: int = 1) -> None:
    async with asyncio.timeout(10):
        while memory.said.count(said) < times:
            memory.heard.clear()
            await memory.heard.wait()


async def test_who_says_that_nobody_can_be_asked_declines_where_nobody_else_can(
    broker: Broker, memory: Memory
):
    one = Person("one")
    broker.attach(one)
    ask(broker, memory)
    await settle()
    one.asked["a1"].set_exception(CannotAnswer("one has no dialog"))
    await settle()
    assert "decide a1 denied by one" in memory.said
    assert f"codex {Declined('one has no dialog')}" in memory.said


async def test_who_says_that_nobody_can_be_asked_decides_nothing_for_another(
    broker: Broker, memory: Memory
):
    one, two = Person("one"), Person("two")
    broker.attach(one)
    broker.attach(two)
    ask(broker, memory)
    await settle()
    one.asked["a1"].set_exception(CannotAnswer("one has no dialog"))
    await settle()
    assert len(broker.approvals) == 1
    two.asked["a1"].set_result(Approved())
    await settle()
    assert memory.said[-1] == "resolved a1 approved"


@pytest.mark.parametrize("seconds", [0.0, 0.01])
async def test_what_nobody_can_answer_is_declined_after_a_while_and_the_agent_reads_why(
    memory: Memory, seconds: float
):
    ask(Broker(memory, memory, unattended_s=seconds), memory)
    assert memory.alone == ["a1"]
    assert memory.said == ["open a1", "asked a1"]
    await resolved(memory, "resolved a1 denied")
    assert "decide a1 denied by codextui" in memory.said
    told = next(said for said in memory.said if said.startswith("codex "))
    assert "Nobody was there to decide" in told


async def test_no_clock_runs_while_somebody_can_answer(memory: Memory):
    broker = Broker(memory, memory, unattended_s=0.0)
    one = Person("one")
    broker.attach(one)
    ask(broker, memory)
    ask(Broker(memory, memory, unattended_s=0.0), memory, key=2)
    await resolved(memory, "resolved a1 denied")  # the one that nobody can answer
    assert len(broker.approvals) == 1
    broker.detach(one)
    assert memory.alone == ["a1", "a1"]
    await resolved(memory, "resolved a1 denied", times=2)
    assert broker.approvals == ()
    assert memory.said.count("decide a1 denied by codextui") == 2


async def test_the_clock_stops_when_somebody_comes(memory: Memory):
    broker = Broker(memory, memory, unattended_s=0.05)
    ask(broker, memory)
    one = Person("one")
    broker.attach(one)
    ask(Broker(memory, memory, unattended_s=0.1), memory, key=2)
    await resolved(memory, "resolved a1 denied")  # later than the first clock would have struck
    assert len(broker.approvals) == 1


async def test_without_a_limit_it_waits(broker: Broker, memory: Memory):
    ask(broker, memory)
    assert memory.alone == ["a1"]
    ask(Broker(memory, memory, unattended_s=0.0), memory, key=2)
    await resolved(memory, "resolved a1 denied")
    assert len(broker.approvals) == 1
