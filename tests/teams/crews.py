"""Crews whose roles are played by scripts, without Codex and without a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from agents.testing import ScriptedModel, assistant_message, function_call
from msgspec import structs

from codextui.errors import ThreadUnknown
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.codex.calls import CallLog, parse_calls
from codextui.teams.codex.connection import TeamConnection, TurnEnd
from codextui.teams.config.team import Artifact, Limits, Mode, Role, Team
from codextui.teams.publish.questions import Ask, People
from codextui.teams.publish.rows import Tell
from codextui.teams.publish.run import RunPublisher, publish_nothing
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.records.store import RunStore
from codextui.teams.runner.context import RunContext, create_run_context
from codextui.teams.runner.controls import RunControls


class Crash(BaseException):
    """The process was killed."""


class CrashingStore(RunStore):
    """A store whose process is killed right after it has kept something for the n-th time."""

    def __init__(self, folder: Path, after: int = 0) -> None:
        super().__init__(folder)
        self.left = after

    def write(self, part: str, content: JsonObject) -> None:
        super().write(part, content)
        self.left -= 1
        if self.left == 0:
            raise Crash


class FakeLink:
    """A shared server in memory, whose Codex answers at once; it outlives the crews."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.threads: dict[str, ThreadInfo] = {}

    async def call(self, tool: str, arguments: JsonObject) -> dict[str, object]:
        if tool == "codex-start":
            thread_id = f"thread-{len(self.threads) + 1}"
            handle = str(arguments["handle"])
            self.threads[thread_id] = ThreadInfo(thread_id, handle, ThreadState.IDLE)
            return {"thread": self.threads[thread_id].to_json()}
        assert tool == "codex-send"
        thread_id = str(arguments["thread"])
        self.said.append((thread_id, str(arguments["prompt"])))
        turn_id = f"turn-{len(self.said)}"
        self.threads[thread_id] = structs.replace(self.threads[thread_id], turn_id=turn_id)
        return {"turnId": turn_id}

    async def find(self, thread: str) -> ThreadInfo:
        if thread not in self.threads:
            raise ThreadUnknown(thread)
        return self.threads[thread]

    async def end_of(self, thread_id: str, turn_id: str) -> TurnEnd:
        return TurnEnd(f"The end of {turn_id} of {thread_id}.")


def role(
    name: str,
    *,
    needs: Sequence[str] = (),
    makes: Sequence[str] = (),
    to: Sequence[str] = (),
    codex: bool = False,
) -> Role:
    """A role, without Codex unless it is said."""
    return Role(
        name=name,
        instructions=f"You are {name}.",
        codex=codex,
        handoffs=tuple(to),
        requires=tuple(map(Artifact, needs)),
        produces=tuple(map(Artifact, makes)),
    )


def team(*roles: Role, **limits: int) -> Team:
    """A team whose first role gets the task."""
    return Team("t", {one.name: one for one in roles}, roles[0].name, limits=Limits(**limits))


async def nobody(role: str, kind: str, asked: JsonObject) -> JsonObject:
    """Ask where nobody is to be asked."""
    raise AssertionError((role, kind, asked))


def crew(
    of: Team,
    folder: Path,
    models: dict[str, ScriptedModel],
    mode: Mode = Mode.HANDOFFS,
    *,
    store: RunStore | None = None,
    link: FakeLink | None = None,
    heard: Tell = publish_nothing,
    ask: Ask = nobody,
) -> tuple[RunContext, list[RunEvent]]:
    """A crew that works in `folder`, and the list of what happens to it."""
    told: list[RunEvent] = []
    store = store or new_store(folder)
    log = CallLog(parse_calls(store.read("calls") or {}), lambda calls: store.write("calls", calls))
    budget = Budget(of.limits, store.read("spent"))
    telling = RunPublisher(of, folder, "", store=store, budget=budget, tell=heard)

    def tell(happening: RunEvent) -> None:
        told.append(happening)
        if heard is not publish_nothing:
            telling.see(happening)

    made = create_run_context(
        of,
        mode,
        folder,
        link=cast("TeamConnection", link),
        log=log,
        store=store,
        budget=budget,
        tell=tell,
        direction=RunControls(store),
        telling=telling,
        people=People(ask, store),
        model_of=lambda one: models[one.name],
    )
    return made, told


def new_store(folder: Path, after: int = 0) -> CrashingStore:
    """A store beside the project; after so many writes its process is killed."""
    kept = folder.parent / f"{folder.name}-run"
    kept.mkdir(exist_ok=True)
    return CrashingStore(kept, after)


def say(text: str) -> list[Any]:
    return [assistant_message(text)]


def hand(name: str, number: int = 0) -> list[Any]:
    return [function_call(f"transfer_to_{name}", {}, call_id=f"to-{name}-{number}")]


def doing(step: Any, *work: Callable[[], object]) -> dict[str, Any]:
    """An answer, and what is done when the model gives it."""

    def respond(_: Any) -> Any:
        for one in work:
            one()
        return step

    return {"responder": respond}


def kinds(told: Sequence[RunEvent]) -> list[tuple[str, str]]:
    """What happened to whom, without what was said."""
    shown = {
        RunEventKind.HANDED_OFF,
        RunEventKind.HANDOFF_REFUSED,
        RunEventKind.SENT_BACK,
        RunEventKind.ROLE_FINISHED,
    }
    return [(str(one.kind), one.role) for one in told if one.kind in shown]
