"""Runs of teams whose models follow scripts, without Codex and without a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from agents.testing import ScriptedModel, assistant_message, function_call
from msgspec import structs

from codextui.errors import ThreadUnknown
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import RunEventKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.codex.calls import CallLog, parse_calls
from codextui.teams.codex.connection import TeamConnection, TurnResult
from codextui.teams.config.team import Artifact, Limits, Mode, Role, Team
from codextui.teams.publish.run import RunPublisher, publish_nothing
from codextui.teams.publish.threads import Publish
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent
from codextui.teams.records.store import RunStore
from codextui.teams.runner.context import RunContext, create_run_context
from codextui.teams.runner.controls import RunControls
from codextui.teams.runner.role_tools import AskPeople, RoleApprovals


class Crash(BaseException):
    """The process was killed."""


class CrashingStore(RunStore):
    """A store whose process is killed right after the n-th write."""

    def __init__(self, folder: Path, after: int = 0) -> None:
        super().__init__(folder)
        self.left = after

    def write(self, part: str, content: JsonObject) -> None:
        super().write(part, content)
        self.left -= 1
        if self.left == 0:
            raise Crash


class FakeConnection:
    """A shared server in memory, whose Codex answers at once; it outlives the runs."""

    def __init__(self) -> None:
        self.prompts: list[tuple[str, str]] = []
        self.threads: dict[str, ThreadInfo] = {}

    async def call(self, tool: str, arguments: JsonObject) -> dict[str, object]:
        if tool == "codex-start":
            thread_id = f"thread-{len(self.threads) + 1}"
            handle = str(arguments["handle"])
            self.threads[thread_id] = ThreadInfo(thread_id, handle, ThreadState.IDLE)
            return {"thread": self.threads[thread_id].to_json()}
        assert tool == "codex-send"
        thread_id = str(arguments["thread"])
        self.prompts.append((thread_id, str(arguments["prompt"])))
        turn_id = f"turn-{len(self.prompts)}"
        self.threads[thread_id] = structs.replace(self.threads[thread_id], turn_id=turn_id)
        return {"turnId": turn_id}

    async def find_thread(self, name: str) -> ThreadInfo:
        if name not in self.threads:
            raise ThreadUnknown(name)
        return self.threads[name]

    async def wait_for_turn(self, thread_id: str, turn_id: str) -> TurnResult:
        return TurnResult(f"The end of {turn_id} of {thread_id}.")


def role(
    name: str,
    *,
    needs: Sequence[str] = (),
    makes: Sequence[str] = (),
    to: Sequence[str] = (),
    codex: bool = False,
) -> Role:
    """A role, by default without Codex."""
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


async def ask_nobody(role: str, kind: str, asked: JsonObject) -> JsonObject:
    """Fail, where nothing must be asked."""
    raise AssertionError((role, kind, asked))


def create_run(
    of: Team,
    folder: Path,
    models: dict[str, ScriptedModel],
    mode: Mode = Mode.HANDOFFS,
    *,
    store: RunStore | None = None,
    connection: FakeConnection | None = None,
    publish: Publish = publish_nothing,
    ask: AskPeople = ask_nobody,
) -> tuple[RunContext, list[RunEvent]]:
    """The context of a run in `folder`, and the list of its events."""
    events: list[RunEvent] = []
    store = store or new_store(folder)
    log = CallLog(parse_calls(store.read("calls") or {}), lambda calls: store.write("calls", calls))
    budget = Budget(of.limits, store.read("spent"))
    publisher = RunPublisher(of, folder, "", store=store, budget=budget, publish=publish)

    def handle(event: RunEvent) -> None:
        events.append(event)
        if publish is not publish_nothing:
            publisher.handle_event(event)

    context = create_run_context(
        of,
        mode,
        folder,
        connection=cast("TeamConnection", connection),
        log=log,
        store=store,
        budget=budget,
        on_event=handle,
        controls=RunControls(store),
        publisher=publisher,
        approvals=RoleApprovals(ask, store),
        model_factory=lambda one: models[one.name],
    )
    return context, events


def new_store(folder: Path, after: int = 0) -> CrashingStore:
    """A store beside the project, whose process is killed after so many writes."""
    run_folder = folder.parent / f"{folder.name}-run"
    run_folder.mkdir(exist_ok=True)
    return CrashingStore(run_folder, after)


def say(text: str) -> list[Any]:
    return [assistant_message(text)]


def hand_off(name: str, number: int = 0) -> list[Any]:
    return [function_call(f"transfer_to_{name}", {}, call_id=f"to-{name}-{number}")]


def doing(step: Any, *work: Callable[[], object]) -> dict[str, Any]:
    """A response, and what is done when the model gives it."""

    def respond(_: Any) -> Any:
        for one in work:
            one()
        return step

    return {"responder": respond}


def kinds(events: Sequence[RunEvent]) -> list[tuple[str, str]]:
    """The kinds and roles of the events that change who is at work."""
    shown = {
        RunEventKind.HANDED_OFF,
        RunEventKind.HANDOFF_REFUSED,
        RunEventKind.SENT_BACK,
        RunEventKind.ROLE_FINISHED,
    }
    return [(str(one.kind), one.role) for one in events if one.kind in shown]
