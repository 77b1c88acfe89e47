"""One random schedule of requests, answers and ends, and the oracle that judges it.

A command runs if and only if exactly one valid approval won, and it was in the audit log when
Codex was answered.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from attack.replies import (
    ALWAYS,
    DENIED,
    NOES,
    OPEN,
    YESES,
    Reply,
    random_arguments,
    random_result,
)
from attack.stage import Answered, Client, RoundsClient, Stage

from codextui.codex.requests import COMMAND_APPROVAL, PATCH_APPROVAL
from codextui.errors import CodextuiError
from codextui.jsonrpc.fields import JsonObject

PATIENCE_S = 30
ENDED = frozenset({"withdrawn", "lost", "answered_elsewhere"})
"""How an approval ends that nobody has decided, or whose decision reached nobody."""


class Violation(AssertionError):
    """The oracle was contradicted."""


@dataclass
class Ask:
    """A request of Codex, and what may become of it.

    Attributes:
        approval_id: its approval.
        process: the Codex process that made it.
        request_id: its id there.
        thread_id: the thread that waits.
        yeses: the yeses that fit it.
        attempts: what was answered by whom, from its beginning, while it may have been open.
        racing: those since it was last looked at, which may have been overtaken.
        ends: how it may have ended otherwise since then.
        outcome: how it ended; OPEN where it has not.
    """

    approval_id: str
    process: int
    request_id: int
    thread_id: str
    yeses: frozenset[str]
    attempts: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    racing: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    ends: set[str] = field(default_factory=set)
    outcome: str = OPEN

    def attempt(self, name: str, outcomes: Iterable[str]) -> None:
        """Note an answer; a yes that does not fit declines, or is refused."""
        fitting = {word if word in NOES | self.yeses | {OPEN} else DENIED for word in outcomes}
        self.attempts.append((name, frozenset(fitting)))
        self.racing.append((name, frozenset(fitting)))

    def allowed(self, *, unattended: bool) -> set[str]:
        """Return how it may stand now."""
        allowed = set(self.ends)
        for _, outcomes in self.racing:
            allowed |= outcomes
        if unattended:
            allowed.add(DENIED)
        if not self.ends and all(OPEN in outcomes for _, outcomes in self.racing):
            allowed.add(OPEN)
        return allowed


class Schedule:
    """A random schedule on a stage.

    Args:
        stage: the server, the disk and Codex.
        random: makes every choice.
        number: tells it from other schedules on the stage.
    """

    def __init__(self, stage: Stage, random: Random, number: int) -> None:
        self.stage = stage
        self.random = random
        self.number = number
        self.asks: list[Ask] = []
        self.steps: list[str] = []
        self._counter = itertools.count(1)
        self._turns: dict[str, str] = {}
        self._tools: list[asyncio.Task[None]] = []
        threads = [f"thread-{number}-{i}" for i in range(random.choice((1, 1, 2)))]
        self._clients = self._choose_clients(threads)
        for thread in threads:
            self._start_turn(thread)

    async def run(self) -> None:
        """Play it, then decide what is still open, and look at everything again.

        Raises:
            Violation: the oracle was contradicted; the message has all steps.
        """
        try:
            for client in self._clients:
                if self.random.random() < 0.8:
                    self._note(f"{client.name} attaches")
                    client.attach()
            self._ask()
            for _ in range(self.random.randint(3, 12)):
                await self._step()
            await self._finish()
        except (Violation, TimeoutError) as error:
            raise Violation("\n".join([*self.steps, repr(error)])) from error
        finally:
            for client in self._clients:
                client.detach()
            for thread in self._turns:
                self.stage.end_turn(thread, self._turns[thread])

    def check_log(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Compare the audit log of a server that has ended with what was done.

        Raises:
            Violation: they differ.
        """
        for ask in self.asks:
            answers = self.stage.answers.get((ask.process, ask.request_id), [])
            ran = any(answer.granted for answer in answers)
            row = rows.get(ask.approval_id)
            try:
                self._require(row is not None, f"{ask.approval_id} is not in the audit log")
                assert row is not None
                is_lost = row["outcome"] == "lost" or bool(row.get("lost_at"))
                approved = row["outcome"] in YESES and not is_lost
                what = f"{ask.approval_id}: the log has {row['outcome']!r} by {row['by']!r}"
                self._require(ran == approved, f"{what}, and the command ran: {ran}")
                self._require(bool(row["outcome"]), f"{what}, but it is over")
                if row["outcome"] in YESES:
                    self._check_winner(ask, row["outcome"], row["by"])
            except Violation as error:
                raise Violation("\n".join([*self.steps, str(error)])) from error

    async def _step(self) -> None:
        steps: list[tuple[int, Callable[[], Awaitable[None] | None]]] = [
            (3, self._ask),
            (12, self._answer),
            (5, self._answer_by_tool),
            (3, self._attach_or_detach),
            (2, self._resolve_elsewhere),
            (1, self._end_turn),
            (1, self._interrupt_or_kill),
            (1, self._kill_codex),
            (1, self._repeat),
            (1, self._change_disk),
            (3, self._tick),
            (4, self._settle),
        ]
        (step,) = self.random.choices([s for _, s in steps], [weight for weight, _ in steps])
        waiting = step()
        if waiting is not None:
            await waiting

    def _choose_clients(self, threads: list[str]) -> list[Client | RoundsClient]:
        kinds: list[Callable[[str], Client | RoundsClient]] = [
            lambda name: Client(self.stage, f"console-{name}"),
            lambda name: Client(self.stage, f"console-{name}"),
            lambda name: Client(self.stage, f"caller-{name}", self.random.choice(threads)),
            lambda name: RoundsClient(self.stage, f"rounds-{name}", self.random.choice(threads)),
        ]
        count = self.random.choice((2, 3))
        return [self.random.choice(kinds)(f"{self.number}-{i}") for i in range(count)]

    # steps

    def _ask(self) -> None:
        thread = self.random.choice(list(self._turns))
        request_id = self.number * 1000 + next(self._counter)
        rule = self.random.random() < 0.3
        method = self.random.choice((COMMAND_APPROVAL, COMMAND_APPROVAL, PATCH_APPROVAL))
        params: JsonObject = {
            "threadId": thread,
            "turnId": self._turns[thread],
            "itemId": f"item-{request_id}",
        }
        if method == COMMAND_APPROVAL:
            params |= {"command": f"touch {request_id}", "cwd": "/"}
            if rule:
                params["proposedExecpolicyAmendment"] = ["touch"]
        approval_id = self.stage.request(request_id, method, params)
        has_rule = rule and method == COMMAND_APPROVAL
        yeses = YESES if has_rule else YESES - {ALWAYS}
        process = self.stage.codex.pid
        self.asks.append(Ask(approval_id, process, request_id, thread, frozenset(yeses)))
        self._note(f"Codex asks {approval_id} on {thread}: {method}{' with a rule' * has_rule}")

    def _answer(self) -> None:
        client, ask = self.random.choice(self._clients), self.random.choice(self.asks)
        reply = random_result(self.random)
        outcomes = reply.outcomes
        if reply.value is None and isinstance(client, RoundsClient):
            outcomes = NOES
        elif reply.value is None and client.thread_id:
            outcomes = frozenset({OPEN, DENIED})
        if client.answer(ask.approval_id, reply.value):
            self._attempt(ask, client.name, outcomes)
            self._note(f"{client.name} answers {ask.approval_id}: {reply.value}")
        else:
            self._note(f"{client.name} answers {ask.approval_id} unasked: {reply.value}")

    def _answer_by_tool(self, ask: Ask | None = None, reply: Reply | None = None) -> None:
        ask = ask or self.random.choice(self.asks)
        reply = reply or random_arguments(self.random)
        assert reply.value is not None
        refusable = reply.outcomes if reply.outcomes <= ask.yeses | NOES else {OPEN, DENIED}
        self._attempt(ask, "cli", refusable)
        self._note(f"cli answers {ask.approval_id}: {reply.value}")
        self._tools.append(asyncio.create_task(self._call_tool(ask, reply.value)))

    async def _call_tool(self, ask: Ask, value: Mapping[str, Any]) -> None:
        with suppress(CodextuiError):
            outcome = await self.stage.answer_by_tool(ask.approval_id, value)
            self._note(f"cli reads that {ask.approval_id} is {outcome}")

    def _attach_or_detach(self) -> None:
        client = self.random.choice(self._clients)
        hangs_up = self.random.random() < 0.5
        if self.random.random() < 0.5:
            self._note(f"{client.name} attaches")
            client.attach()
            return
        self._note(f"{client.name} {'hangs up' if hangs_up else 'detaches'}")
        client.detach(hangs_up=hangs_up)
        for ask in self.asks:  # its answers may have come too late
            ask.racing = [
                (name, outcomes | {OPEN} if name == client.name else outcomes)
                for name, outcomes in ask.racing
            ]

    def _resolve_elsewhere(self) -> None:
        ask = self.random.choice(self.asks)
        if ask.process != self.stage.codex.pid:
            return
        self._note(f"Codex no longer waits for {ask.approval_id}")
        self.stage.notify(
            "serverRequest/resolved", {"threadId": ask.thread_id, "requestId": ask.request_id}
        )
        self._may_end([ask])

    def _end_turn(self) -> None:
        thread = self.random.choice(list(self._turns))
        self._note(f"the turn of {thread} ends")
        status = self.random.choice(("completed", "interrupted"))
        self.stage.end_turn(thread, self._turns[thread], status)
        self._may_end(self._of(thread))
        self._start_turn(thread)

    async def _interrupt_or_kill(self) -> None:
        thread = self.random.choice(list(self._turns))
        turns = self.stage.server.turns
        if self.random.random() < 0.6:
            self._note(f"{thread} is interrupted")
            self._may_end(self._of(thread))
            with suppress(CodextuiError):
                await turns.interrupt(thread)
        else:
            self._note(f"{thread} is killed")
            self._may_end(self._of(thread))
            with suppress(CodextuiError):
                await turns.kill(thread)
            self.stage.server.registry.find(thread).killing = False
        self._start_turn(thread)

    def _kill_codex(self) -> None:
        self._note("Codex dies")
        self.stage.kill_codex()
        self._may_end(self.asks)
        for thread in self._turns:
            self._start_turn(thread)

    def _repeat(self) -> None:
        """Let Codex send a request again that is open: it is the same one."""
        for ask in self.asks:
            is_open = any(
                approval.approval_id == ask.approval_id
                for approval in self.stage.server.broker.approvals
            )
            if is_open and ask.process == self.stage.codex.pid:
                params: JsonObject = {
                    "threadId": ask.thread_id,
                    "turnId": self._turns[ask.thread_id],
                    "itemId": f"item-{ask.request_id}",
                }
                self._note(f"Codex repeats {ask.approval_id}")
                repeated = self.stage.request(ask.request_id, COMMAND_APPROVAL, params)
                self._require(repeated == ask.approval_id, "a repeated request is a new approval")
                return

    def _change_disk(self) -> None:
        disk = self.stage.disk
        disk.is_full = not disk.is_full and self.random.random() < 0.5
        self._note(f"the disk {'is full' if disk.is_full else 'has room'}")
        for ask in self.asks:
            ask.racing = [(name, outcomes | {OPEN}) for name, outcomes in ask.racing]

    async def _tick(self) -> None:
        for _ in range(self.random.randint(1, 6)):
            await asyncio.sleep(0)

    async def _settle(self) -> None:
        """Wait until nothing is on its way, and compare what became of each request."""
        for _ in range(20):
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self._tools)
            while self._deciding():
                self.stage.changed.clear()
                with suppress(TimeoutError):  # a decision that cannot be stored tells nobody
                    await asyncio.wait_for(self.stage.changed.wait(), 0.005)
        self._tools.clear()
        for ask in self.asks:
            self._look_at(ask)

    async def _finish(self) -> None:
        self.stage.disk.is_full = False
        await self._settle()
        self._note("what is open is decided")
        for ask in self.asks:
            if ask.outcome == OPEN:
                word = self.random.choice(sorted(ask.yeses | {DENIED}))
                self._answer_by_tool(ask, Reply({"decision": word}, frozenset({word})))
        await self._settle()
        for ask in self.asks:
            self._require(ask.outcome != OPEN, f"{ask.approval_id} cannot be decided")

    # the oracle

    def _look_at(self, ask: Ask) -> None:
        ends = self.stage.resolved.get(ask.approval_id, [])
        self._require(len(ends) <= 1, f"{ask.approval_id} ended {len(ends)} times: {ends}")
        outcome = ends[0] if ends else OPEN
        if ask.outcome != OPEN:
            self._require(outcome == ask.outcome, f"{ask.approval_id} ended again")
        else:
            allowed = ask.allowed(unattended=self.stage.unattended)
            what = f"{ask.approval_id} is {outcome!r} and may be {sorted(allowed)}"
            self._require(outcome in allowed, what)
        ask.outcome = outcome
        ask.racing.clear()
        ask.ends.clear()
        self._check_answers(ask, outcome)

    def _check_answers(self, ask: Ask, outcome: str) -> None:
        answers = self.stage.answers.get((ask.process, ask.request_id), [])
        approval_id = ask.approval_id
        self._require(len(answers) <= 1, f"{approval_id} was answered {len(answers)} times")
        for answer in answers:
            self._check_answer(ask, answer, outcome)
        ran = any(answer.granted for answer in answers)
        self._require(ran == (outcome in YESES), f"{approval_id} is {outcome!r}, and ran: {ran}")

    def _check_answer(self, ask: Ask, answer: Answered, outcome: str) -> None:
        said = f"Codex was answered {'yes' if answer.granted else 'no'} on {ask.approval_id}"
        is_yes = answer.outcome in YESES
        self._require(
            answer.granted == is_yes, f"{said} while the audit log had {answer.outcome!r}"
        )
        self._require(answer.outcome == outcome, f"{said}, and it is {outcome!r} now")
        if answer.outcome is not None and is_yes:
            self._check_winner(ask, answer.outcome, answer.by)

    def _check_winner(self, ask: Ask, outcome: str, by: str) -> None:
        """Require that whoever is named has given just that approval, validly."""
        valid = any(
            name == by and outcome in outcomes and outcome in ask.yeses
            for name, outcomes in ask.attempts
        )
        self._require(valid, f"{ask.approval_id} is {outcome!r} by {by!r}, who did not say so")

    def _attempt(self, ask: Ask, name: str, outcomes: Iterable[str]) -> None:
        if self.stage.disk.is_full:
            outcomes = {*outcomes, OPEN}
        ask.attempt(name, outcomes)

    def _may_end(self, asks: Iterable[Ask]) -> None:
        for ask in asks:
            ask.ends |= ENDED

    def _of(self, thread: str) -> list[Ask]:
        return [ask for ask in self.asks if ask.thread_id == thread]

    def _deciding(self) -> bool:
        undecided = {approval.approval_id for approval in self.stage.server.broker.approvals}
        return any(
            ask.approval_id not in undecided and ask.approval_id not in self.stage.resolved
            for ask in self.asks
        )

    def _start_turn(self, thread: str) -> None:
        turn = self._turns[thread] = f"turn-{self.number}-{next(self._counter)}"
        self.stage.start_turn(thread, turn)

    def _note(self, step: str) -> None:
        self.steps.append(step)

    def _require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise Violation(otherwise)
