"""Carries out what people ask of a run and its roles (`RoleRequested`), or says why it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from agents.items import TResponseInputItem

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import RoleAction
from codextui.protocol.threads import ThreadState
from codextui.teams.config.team import Mode, Team
from codextui.teams.publish.publisher import role_thread, run_thread
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.records.store import RunStore
from codextui.teams.runner.ending import Ending, RunStopped

_PART = "direction"


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person said to a role.

    Attributes:
        message_id: unique in the run.
        text: what was said.
        by: who said it.
        at: before which item of the conversation it was read; -1 while it waits.
    """

    message_id: str
    text: str
    by: str
    at: int = -1


class RunControls:
    """Who is held, who is stopped, who is to begin again, and what was said to whom.

    Every change is kept, in one step, before anybody acts on it: after a crash nothing that was
    asked is lost, and nothing that was done is done again.

    Attributes:
        seen: when the server told of the last request that was taken; unix seconds.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        kept = store.read(_PART) or {}
        self.seen = fields.number_or(kept, "seen")
        self._count = fields.integer_or(kept, "count")
        self._waiting = _parse_messages(kept, "waiting")
        self._read = _parse_messages(kept, "read")
        self._paused = set(fields.texts(kept, "paused"))
        # Whoever goes on with a run goes on with the roles that were stopped.
        self._stopped: dict[str, str] = {}
        reruns = fields.as_object(kept.get("reruns", {}), "reruns")
        self._reruns = {name: fields.integer_or(reruns, name) for name in reruns}
        self._changed = asyncio.Event()

    def next_change(self) -> asyncio.Event:
        """What is set when anything is asked from now on."""
        return self._changed

    # Holding and stopping.

    def is_paused(self, role: str) -> bool:
        """Whether a person holds a role."""
        return role in self._paused

    def stopped_by(self, role: str) -> str:
        """Who stopped a role; empty where nobody has."""
        return self._stopped.get(role, "")

    def pause(self, roles: Iterable[str], at: float) -> None:
        """Hold roles before their next steps."""
        self._paused.update(roles)
        self._keep(at)

    def resume(self, roles: Iterable[str], at: float) -> None:
        """Let roles go on, also those that were stopped."""
        for role in roles:
            self._paused.discard(role)
            self._stopped.pop(role, None)
        self._keep(at)

    def stop(self, role: str, by: str, at: float = 0.0) -> None:
        """Stop a role; it goes on where it was when it is resumed, or the run is."""
        self._stopped[role] = by or "a person"
        self._paused.discard(role)
        self._keep(at)

    async def hold(self, role: str) -> None:
        """Wait for as long as a role is held."""
        while role in self._paused:
            await self.next_change().wait()

    # Beginning again.

    def rerun(self, roles: Iterable[str], at: float) -> None:
        """Let roles begin again from their start."""
        for role in roles:
            self._stopped.pop(role, None)
            self._paused.discard(role)
            self._reruns[role] = self._reruns.get(role, 0) + 1
        self._keep(at)

    def reruns(self, role: str) -> int:
        """How often it was asked so far that a role begins again."""
        return self._reruns.get(role, 0)

    # Messages.

    def say(self, roles: Iterable[str], text: str, by: str, at: float) -> None:
        """Say something to roles, which read it before their next step."""
        for role in roles:
            self._count += 1
            message = Message(f"said-{self._count}", text, by)
            self._waiting.setdefault(role, []).append(message)
        self._keep(at)

    def has_messages(self, role: str) -> bool:
        """Whether something waits to be read by a role."""
        return bool(self._waiting.get(role))

    def hand_over(self, role: str, strand: str, at: int) -> tuple[Message, ...]:
        """Put what waits for a role into a conversation, before its item `at`; return it."""
        waiting = self._waiting.pop(role, [])
        read = tuple(replace(message, at=at) for message in waiting)
        if read:
            self._read.setdefault(strand, []).extend(read)
            self._keep()
        return read

    def weave(self, strand: str, given: Sequence[TResponseInputItem]) -> list[TResponseInputItem]:
        """A conversation with what people said in it, each at its place."""
        woven: list[TResponseInputItem] = []
        messages = self._read.get(strand, [])
        for place, item in enumerate([*given, None]):
            woven += [{"role": "user", "content": m.text} for m in messages if m.at == place]
            if item is not None:
                woven.append(item)
        return woven

    def rewind(self, strand: str, at: int) -> None:
        """Take a conversation back to before its item `at`: what was said later is not in it."""
        kept = [message for message in self._read.get(strand, []) if message.at <= at]
        self._read[strand] = kept
        self._keep()

    def take(self, at: float) -> None:
        """Keep that a request was taken, where nothing else comes of it."""
        self._keep(at)

    def _keep(self, at: float = 0.0) -> None:
        self.seen = max(self.seen, at)
        content: JsonObject = {
            "seen": self.seen,
            "count": self._count,
            "waiting": _messages_to_wire(self._waiting),
            "read": _messages_to_wire(self._read),
            "paused": sorted(self._paused),
            "reruns": self._reruns,
        }
        self._store.write(_PART, content)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _messages_to_wire(messages: dict[str, list[Message]]) -> JsonObject:
    return {name: [asdict(one) for one in several] for name, several in messages.items()}


def _parse_messages(source: JsonObject, key: str) -> dict[str, list[Message]]:
    kept = fields.as_object(source.get(key, {}), key)
    return {name: [_parse(one) for one in fields.objects(kept, name)] for name in kept}


def _parse(source: JsonObject) -> Message:
    return Message(
        message_id=fields.text(source, "message_id"),
        text=fields.text(source, "text"),
        by=fields.text_or(source, "by"),
        at=fields.integer_or(source, "at", -1),
    )


ALL_OVER = ""
"""Where a conversation of the whole team begins, as a role to be run again."""


class ControlRequests:
    """Takes each request once, keeps it, and tells what comes of it."""

    def __init__(
        self,
        team: Team,
        mode: Mode,
        direction: RunControls,
        telling: RunPublisher,
        *,
        run_id: str,
        tell: Callable[[RunEvent], None],
        stop: Callable[[RunStopped], None],
    ) -> None:
        """Take requests for the rows of a run.

        Args:
            team: whose run.
            mode: how it runs.
            direction: keeps what is asked.
            telling: knows how the roles stand.
            run_id: the run's id.
            tell: is told what comes of it.
            stop: ends the run.
        """
        self._team = team
        self._mode = mode
        self._direction = direction
        self._telling = telling
        self._tell = tell
        self._stop = stop
        self._latest: list[tuple[str, ev.Msg]] = []
        self._run = run_thread(run_id)
        self._names = {role_thread(run_id, name): name for name in team.roles}

    def show_held(self) -> None:
        """Tell who was held when the run was left, and still is."""
        for name in self._team.roles:
            if self._direction.is_paused(name):
                self._hold_idle(name)
                self._say(name, "is held since the run was left: resume it")

    def take(self, event: ev.Event, *, past: bool = False) -> None:
        """Take an event of the server's; anything but a new request for this run is none of it.

        Args:
            event: what the server tells.
            past: whether it happened before this process ran the run: then nobody wants it held
                or stopped any more.
        """
        request = event.msg
        mine = event.thread_id == self._run or event.thread_id in self._names
        if not isinstance(request, ev.RoleRequested) or not mine:
            return
        try:
            self._take_new(event, request, past=past)
        except OSError as error:
            told = (
                f"what {request.by or 'a person'} asked cannot be kept, so it is not done: {error}"
            )
            self._tell(RunEvent(RunEventKind.TROUBLE, "", told))

    def _take_new(self, event: ev.Event, request: ev.RoleRequested, *, past: bool) -> None:
        if not self._is_new(event):
            return
        lasting = request.action in (RoleAction.MESSAGE, RoleAction.RERUN)
        if past and not lasting:
            self._direction.take(event.at)
        elif event.thread_id == self._run:
            self._take_for_run(request, event.at)
        else:
            self._take_for_role(self._names[event.thread_id], request, event.at)

    def _is_new(self, event: ev.Event) -> bool:
        """Whether a request was not taken before: a server tells its past again and again."""
        key = (event.thread_id, event.msg)
        if event.at > self._direction.seen:
            self._latest = [key]
            return True
        # Two can be told at the same moment.
        if event.at < self._direction.seen or not self._latest or key in self._latest:
            return False
        self._latest.append(key)
        return True

    def _take_for_role(self, role: str, request: ev.RoleRequested, at: float) -> None:
        refusal = self._refusal(role, request.action)
        if refusal:
            self._direction.take(at)
            self._say(role, refusal)
            return
        by, telling = request.by, self._telling.roles[role]
        match request.action:
            case RoleAction.MESSAGE:
                self._direction.say((role,), request.text, by, at)
                self._tell_waiting(role)
            case RoleAction.PAUSE:
                self._direction.pause((role,), at)
                self._say(role, f"is held before its next step{_by(by)}")
                self._hold_idle(role)
            case RoleAction.RESUME:
                self._direction.resume((role,), at)
                telling.go_on()
                if not telling.row.at_work:
                    telling.row.change(state=ThreadState.WAITING, note="")
                self._say(role, f"goes on{_by(by)}")
            case RoleAction.STOP:
                self._say(role, f"is stopped{_by(by)}")
                self._direction.stop(role, by, at)
                if not telling.row.at_work:
                    telling.abort("interrupted", f"stopped{_by(by)}")
            case RoleAction.RERUN:
                self._say(role, f"begins again from its start{_by(by)}")
                self._direction.rerun((role,), at)

    def _take_for_run(self, request: ev.RoleRequested, at: float) -> None:
        by = request.by
        living = [name for name in self._team.roles if not self._telling.is_over(name)]
        match request.action:
            case RoleAction.MESSAGE:
                self._direction.say(self._audience(living), request.text, by, at)
            case RoleAction.PAUSE:
                self._direction.pause(living, at)
                self._say("", f"is held before its next steps{_by(by)}")
                self._telling.row.change(state=ThreadState.PAUSED)
                for name in living:
                    self._hold_idle(name)
            case RoleAction.RESUME:
                self._direction.resume(tuple(self._team.roles), at)
                self._telling.row.change(state=ThreadState.RUNNING)
                for role in self._telling.roles.values():
                    role.go_on()
                self._say("", f"goes on{_by(by)}")
            case RoleAction.STOP:
                self._direction.take(at)
                self._say("", f"is stopped{_by(by)}")
                self._stop(RunStopped(Ending.PERSON, f"it was stopped{_by(by)}"))
            case RoleAction.RERUN:
                self._say("", f"begins again from its start{_by(by)}")
                self._direction.rerun(self._starts(), at)

    def _refusal(self, role: str, action: RoleAction) -> str:
        """Why nothing can come of it; empty where something can."""
        state = self._telling.roles[role].row.info.state
        held = self._direction.is_paused(role) or self._direction.stopped_by(role)
        match action:
            case RoleAction.PAUSE | RoleAction.STOP if self._telling.is_over(role):
                return f"cannot be held: it is {state.value}"
            case RoleAction.RESUME if not held:
                return "is not held"
            case RoleAction.RERUN if not self._telling.roles[role].row.turns:
                return "has not begun yet, so it cannot begin again"
            case _:
                return ""

    def _hold_idle(self, role: str) -> None:
        """Show at once that a role is held where no step of it goes on."""
        telling = self._telling.roles[role]
        if not telling.row.at_work:
            telling.pause()

    def _audience(self, living: list[str]) -> list[str]:
        """Who reads what is said to the run."""
        if self._mode is Mode.PARALLEL:
            return living or [self._team.entry]
        at_work = [name for name in living if self._telling.roles[name].row.at_work]
        return at_work or [self._team.entry]

    def _starts(self) -> tuple[str, ...]:
        """What is to be run again where the whole run is."""
        if self._mode is Mode.HANDOFFS:
            return (ALL_OVER,)
        begun = [name for name, role in self._telling.roles.items() if role.row.turns]
        return tuple(name for name in begun if not self._team.sources(name))

    def _tell_waiting(self, role: str) -> None:
        if not self._telling.roles[role].row.at_work and self._mode is Mode.HANDOFFS:
            self._say(role, "is not at work: it reads the message when it is next")

    def _say(self, role: str, text: str) -> None:
        self._tell(RunEvent(RunEventKind.ROLE_DIRECTED, role, text))


def _by(name: str) -> str:
    return f" by {name}" if name else ""
