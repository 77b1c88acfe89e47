"""Teams at their limits: many concurrent roles, and models that misbehave."""

from __future__ import annotations

import asyncio
import functools
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from agents.models.openai_responses import OpenAIResponsesModel
from contract.serving import Served, serving
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from codextui.client.spawn import open_socket
from codextui.demo import Call, ModelRequest, Patch, Say, Step
from codextui.demo.script import ModelScript
from codextui.protocol.runs import RunEventKind, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.config.reader import parse_teams
from codextui.teams.config.team import RunPlan
from codextui.teams.records.events import RunEvent, RunOutcome
from codextui.teams.records.store import RunStore
from codextui.teams.runner.run import RunResult, run_team

pytestmark = pytest.mark.contract

WAIT_S = 300
WORKERS = 18


@dataclass(frozen=True, slots=True)
class Stage:
    """A shared server, and a folder for a project and its runs."""

    served: Served
    folder: Path

    async def run(self, team: str) -> tuple[RunResult, list[RunEvent]]:
        """Run a team in this process, and return its result and events."""
        project, runs = self.folder / "project", self.folder / "runs"
        project.mkdir()
        runs.mkdir(mode=0o700)
        events: list[RunEvent] = []
        read = parse_teams(team)["t"]
        plan = RunPlan(read, "Do it.", project, read.mode)
        http = DefaultAsyncHttpxClient(trust_env=False)
        address = self.served.model.base_url
        async with AsyncOpenAI(
            base_url=address, api_key="none", max_retries=0, http_client=http
        ) as client:
            result = await run_team(
                plan,
                RunStore.create("t", runs),
                functools.partial(open_socket, self.served.options.socket),
                events.append,
                model_factory=lambda _: OpenAIResponsesModel("gpt-5.5", client),
            )
        return result, events

    async def rows(self) -> list[ThreadInfo]:
        """Return the threads of the run, its roles and Codex."""
        async with self.served.console("counter") as console:
            rows = (await console.call("codex-threads", all=True))["threads"]
        return [ThreadInfo.from_json(row) for row in rows]

    async def running(self) -> list[ThreadInfo]:
        """Return the threads that are running."""
        return [row for row in await self.rows() if row.state.has_turn]


@asynccontextmanager
async def staged(binary: Path, scratch: Path, script: ModelScript) -> AsyncIterator[Stage]:
    async with asyncio.timeout(WAIT_S), serving(binary, scratch, script) as served:  # type: ignore[arg-type] # any script will do
        yield Stage(served, scratch)


class Crowd:
    """The models of many roles; the workers' Codex threads wait until all of them run."""

    def __init__(self) -> None:
        self.at_work = 0
        self.all_at_work = asyncio.Event()

    def __call__(self, request: ModelRequest) -> Iterable[Step] | AsyncIterator[Step]:
        if request.thread_id:
            return self._write(request)
        asked = any(item.get("type") == "function_call_output" for item in request.input)
        if asked:
            return [Say("Done.")]
        [made] = re.findall(r"You write (\S+)\.", request.instructions)
        return [Call("codex", {"prompt": f"write {made}"})]

    async def _write(self, request: ModelRequest) -> AsyncIterator[Step]:
        name = request.first_user_text.removeprefix("write ")
        if request.number:
            yield Say("Written.")
            return
        if name.startswith("out/"):
            self.at_work += 1
            if self.at_work == WORKERS:
                self.all_at_work.set()
            await self.all_at_work.wait()
        yield Patch.add(name, "It is here.\n")


def crowd_config() -> str:
    roles = [("planner", "plan.md", ""), ("closer", "end.md", "out/*.md")]
    roles += [(f"worker-{number}", f"out/{number}.md", "plan.md") for number in range(WORKERS)]
    text = '[teams.t]\nmode = "parallel"\n[teams.t.defaults]\nsandbox = "workspace-write"\n'
    for name, makes, needs in roles:
        text += f'[teams.t.roles.{name}]\ninstructions = "You write {makes}."\n'
        text += f'produces = ["{makes}"]\n' + (f'requires = ["{needs}"]\n' if needs else "")
    return text


@pytest.mark.slow
async def test_twenty_roles_are_published_and_eighteen_of_them_work_concurrently(
    codex_binary: Path, scratch: Path
) -> None:
    crowd = Crowd()
    async with staged(codex_binary, scratch, crowd) as stage:
        result, events = await stage.run(crowd_config())
        assert not stage.served.model.faults
        rows = await stage.rows()
    assert result.outcome is RunOutcome.DONE, result.message
    assert Counter((row.kind, row.state) for row in rows) == {
        (ThreadKind.RUN, ThreadState.DONE): 1,
        (ThreadKind.ROLE, ThreadState.DONE): WORKERS + 2,
        (ThreadKind.CODEX, ThreadState.IDLE): WORKERS + 2,
    }
    assert crowd.at_work == WORKERS
    finished = [one.role for one in events if one.kind is RunEventKind.ROLE_FINISHED]
    assert len(finished) == len(set(finished)) == WORKERS + 2
    assert (finished[0], finished[-1]) == ("planner", "closer")
    made = {path.name for path in (scratch / "project").glob("**/*.md")}
    assert made == {"plan.md", "end.md", *(f"{number}.md" for number in range(WORKERS))}


def role_of(request: ModelRequest) -> str:
    [name] = re.findall(r"You are (left|right)\.", request.instructions)
    return str(name)


def pair(limit: str) -> str:
    text = f"[teams.t]\n[teams.t.limits]\n{limit}\n"
    for one, other in (("left", "right"), ("right", "left")):
        text += f'[teams.t.roles.{one}]\ninstructions = "You are {one}."\nhandoffs = ["{other}"]\n'
    return text


class Odd:
    """The models of two roles, one of which misbehaves.

    Attributes:
        asked: the roles, as often as each was asked.
        read: the outputs of calls that they were given to read.
    """

    def __init__(self, act: Callable[[str, int], list[Step]]) -> None:
        self._act = act
        self.asked: list[str] = []
        self.read: list[str] = []

    def __call__(self, request: ModelRequest) -> Iterable[Step]:
        if request.thread_id:
            return [Say("Here you are.")]
        if request.last_output is not None:
            self.read.append(request.last_output)
        self.asked.append(role_of(request))
        return self._act(self.asked[-1], len(self.asked))


def hand_to(name: str) -> Call:
    return Call(f"transfer_to_{name}")


def hands_off_forever(role: str, _: int) -> list[Step]:
    return [hand_to("right" if role == "left" else "left")]


def calls_codex_forever(_: str, __: int) -> list[Step]:
    return [Call("codex", {"prompt": "more"})]


def thinks_forever(_: str, __: int) -> list[Step]:
    return [Say("Well …", gate=asyncio.Event())]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "limit"),
    [
        (hands_off_forever, "turns = 9"),
        (calls_codex_forever, "turns = 4"),
        (calls_codex_forever, "tokens = 1000"),
        (thinks_forever, "minutes = 0.05"),
    ],
)
async def test_a_team_that_never_ends_is_stopped_by_its_limit_and_leaves_nothing_running(
    codex_binary: Path, scratch: Path, act: Callable[[str, int], list[Step]], limit: str
) -> None:
    odd = Odd(act)
    async with staged(codex_binary, scratch, odd) as stage:
        result, _ = await stage.run(pair(limit))
        assert await stage.running() == []
    assert result.outcome is RunOutcome.BUDGET, result.message
    kind, _, most = limit.partition(" = ")
    assert kind in result.message
    if kind == "turns":
        assert len(odd.asked) == int(most)


async def test_unknown_tools_and_arguments_that_are_no_json_are_errors_for_the_model(
    codex_binary: Path, scratch: Path
) -> None:
    calls: list[Step] = [
        Call("fly", {"to": "the moon"}),
        Call("codex"),
        Call("codex-reply", {"a": 1}),
    ]
    odd = Odd(lambda _, number: [calls[number - 1]] if number <= len(calls) else [Say("No.")])
    async with staged(codex_binary, scratch, odd) as stage:
        result, _ = await stage.run(pair("turns = 9"))
    assert result.outcome is RunOutcome.DONE, result.message
    assert "fly" in odd.read[0]
    assert ["prompt" in text for text in odd.read[1:]] == [True, True]


async def test_only_the_first_of_two_handoffs_is_taken_and_the_run_continues(
    codex_binary: Path, scratch: Path
) -> None:
    def act(role: str, _: int) -> list[Step]:
        both: list[Step] = [hand_to("right"), hand_to("right"), Call("codex", {"prompt": "go"})]
        return both if role == "left" else [Say("Mine.")]

    odd = Odd(act)
    async with staged(codex_binary, scratch, odd) as stage:
        result, events = await stage.run(pair("turns = 9"))
    assert result.outcome is RunOutcome.DONE, result.message
    assert odd.asked[-1] == "right"
    assert [one.data["to"] for one in events if one.kind is RunEventKind.HANDED_OFF] == ["right"]
