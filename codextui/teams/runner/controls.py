"""People's requests to a run and its roles: messages, pause, resume, stop and rerun.

`ControlRequests` handles the server's `RoleRequested` events and reports what comes of them;
`RunControls` is the recorded state that the runs by handoffs and in parallel act on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from agents.items import TResponseInputItem
from msgspec import structs

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.codec import Message
from codextui.protocol.runs import RoleAction, RunEventKind
from codextui.protocol.threads import ThreadState
from codextui.teams.config.team import Mode, Team
from codextui.teams.publish.publisher import role_thread_id, run_thread_id
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped
from codextui.teams.records.store import RunStore

WHOLE_TEAM = ""
"""The role under which a rerun of a whole conversation by handoffs is requested."""

_PART = "direction"  # as in the runs that earlier releases recorded


class RoleMessage(Message, frozen=True, rename={"position": "at"}):
    """A message of a person to a role.

    Attributes:
        message_id: unique in the run.
        text: the text.
        by: who sent it.
        position: the index of the item before which the conversation has it; -1 if unread.
    """

    message_id: str
    text: str
    by: str = ""
    position: int = -1


class RunControls:
    """Which roles are paused, stopped or to be rerun, and the messages to them.

    Every change is stored, atomically, before anything acts on it: after a crash no request is
    lost, and none is carried out twice.

    Attributes:
        handled_until: the time of the last request that was handled, in unix seconds of the
            server.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        with store.reading(_PART) as stored:
            self.handled_until = fields.number_or(stored, "seen")
            self._message_count = fields.integer_or(stored, "count")
            self._unread = _parse_messages(stored, "waiting")
            self._read = _parse_messages(stored, "read")
            self._paused = set(fields.texts(stored, "paused"))
            reruns = fields.as_object(stored.get("reruns", {}), "reruns")
            self._reruns = {name: fields.integer_or(reruns, name) for name in reruns}
        # Not stored: to resume a run is to resume its stopped roles.
        self._stopped: dict[str, str] = {}
        self._changed = asyncio.Event()

    def next_change(self) -> asyncio.Event:
        """Return the event that is set by the next change."""
        return self._changed

    # Pause and stop.

    def is_paused(self, role: str) -> bool:
        """Return whether a role is paused."""
        return role in self._paused

    def stopped_by(self, role: str) -> str:
        """Return who stopped a role, empty if it is not stopped."""
        return self._stopped.get(role, "")

    def pause(self, roles: Iterable[str], at: float) -> None:
        """Pause roles before their next steps, as requested at a time."""
        self._paused.update(roles)
        self._save(at)

    def resume(self, roles: Iterable[str], at: float) -> None:
        """Resume paused and stopped roles, as requested at a time."""
        for role in roles:
            self._paused.discard(role)
            self._stopped.pop(role, None)
        self._save(at)

    def stop(self, role: str, by: str, at: float = 0.0) -> None:
        """Stop a role, which continues from there when it, or the run, is resumed."""
        self._stopped[role] = by or "a person"
        self._paused.discard(role)
        self._save(at)

    async def wait_while_paused(self, role: str) -> None:
        """Wait until a role is not paused."""
        while role in self._paused:
            await self.next_change().wait()

    # Rerun.

    def rerun(self, roles: Iterable[str], at: float) -> None:
        """Request that roles start over, as requested at a time."""
        for role in roles:
            self._stopped.pop(role, None)
            self._paused.discard(role)
            self._reruns[role] = self._reruns.get(role, 0) + 1
        self._save(at)

    def rerun_count(self, role: str) -> int:
        """Return how many reruns of a role were requested so far."""
        return self._reruns.get(role, 0)

    # Messages.

    def queue_message(self, roles: Iterable[str], text: str, by: str, at: float) -> None:
        """Queue a message that roles read before their next steps, as sent at a time."""
        for role in roles:
            self._message_count += 1
            message = RoleMessage(f"said-{self._message_count}", text, by)
            self._unread.setdefault(role, []).append(message)
        self._save(at)

    def has_messages(self, role: str) -> bool:
        """Return whether a role has unread messages."""
        return bool(self._unread.get(role))

    def deliver_messages(
        self, role: str, conversation: str, position: int
    ) -> tuple[RoleMessage, ...]:
        """Add a role's unread messages to a conversation, before the item at a position.

        Returns:
            The messages.
        """
        unread = self._unread.pop(role, [])
        delivered = tuple(structs.replace(message, position=position) for message in unread)
        if delivered:
            self._read.setdefault(conversation, []).extend(delivered)
            self._save()
        return delivered

    def insert_messages(
        self, conversation: str, items: Sequence[TResponseInputItem]
    ) -> list[TResponseInputItem]:
        """Return the items of a conversation with the delivered messages at their positions."""
        merged: list[TResponseInputItem] = []
        messages = self._read.get(conversation, [])
        for position, item in enumerate([*items, None]):
            merged += [
                {"role": "user", "content": message.text}
                for message in messages
                if message.position == position
            ]
            if item is not None:
                merged.append(item)
        return merged

    def rewind(self, conversation: str, position: int) -> None:
        """Remove the messages after a position from a conversation."""
        messages = self._read.get(conversation, [])
        self._read[conversation] = [one for one in messages if one.position <= position]
        self._save()

    def mark_handled(self, at: float) -> None:
        """Record that a request was handled that changes nothing else."""
        self._save(at)

    def _save(self, at: float = 0.0) -> None:
        self.handled_until = max(self.handled_until, at)
        content: JsonObject = {
            "seen": self.handled_until,
            "count": self._message_count,
            "waiting": _messages_to_json(self._unread),
            "read": _messages_to_json(self._read),
            "paused": sorted(self._paused),
            "reruns": self._reruns,
        }
        self._store.write(_PART, content)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _messages_to_json(messages: dict[str, list[RoleMessage]]) -> JsonObject:
    return {name: [one.to_json() for one in several] for name, several in messages.items()}


def _parse_messages(source: JsonObject, key: str) -> dict[str, list[RoleMessage]]:
    stored = fields.as_object(source.get(key, {}), key)
    return {
        name: [RoleMessage.from_json(one) for one in fields.objects(stored, name)]
        for name in stored
    }


class ControlRequests:
    """Handles requests of people: each one once, and with a report of what comes of it."""

    def __init__(
        self,
        team: Team,
        mode: Mode,
        controls: RunControls,
        publisher: RunPublisher,
        *,
        run_id: str,
        on_event: Callable[[RunEvent], None],
        stop: Callable[[RunStopped], None],
    ) -> None:
        """Handle the requests of a run.

        Args:
            team: the team.
            mode: how the roles are run.
            controls: records the requests.
            publisher: knows and publishes the states of the roles.
            run_id: the run's id.
            on_event: called with what comes of each request.
            stop: ends the run.
        """
        self._team = team
        self._mode = mode
        self._controls = controls
        self._publisher = publisher
        self._on_event = on_event
        self._stop = stop
        self._latest: list[tuple[str, ev.Msg]] = []
        self._run_thread = run_thread_id(run_id)
        self._roles = {role_thread_id(run_id, name): name for name in team.roles}

    def publish_paused(self) -> None:
        """Publish which roles were paused in an earlier process, and still are."""
        for name in self._team.roles:
            if self._controls.is_paused(name):
                self._publish_pause(name)
                self._report(name, "is held since the run was left: resume it")

    def handle(self, event: ev.Event, *, past: bool = False) -> None:
        """Handle an event of the server; ignores all but new requests for this run.

        Args:
            event: the event.
            past: whether it is older than this process. A pause or stop is then outdated.
        """
        request = event.msg
        ours = event.thread_id == self._run_thread or event.thread_id in self._roles
        if not isinstance(request, ev.RoleRequested) or not ours:
            return
        try:
            self._handle_request(event, request, past=past)
        except OSError as error:
            by = request.by or "a person"
            text = f"what {by} asked cannot be kept, so it is not done: {error}"
            self._on_event(RunEvent(RunEventKind.TROUBLE, "", text))

    def _handle_request(self, event: ev.Event, request: ev.RoleRequested, *, past: bool) -> None:
        if not self._is_new(event):
            return
        outdated = past and request.action not in (RoleAction.MESSAGE, RoleAction.RERUN)
        if outdated:
            self._controls.mark_handled(event.at)
        elif event.thread_id == self._run_thread:
            self._handle_run_request(request, event.at)
        else:
            self._handle_role_request(self._roles[event.thread_id], request, event.at)

    def _is_new(self, event: ev.Event) -> bool:
        """Return whether a request was not handled before; servers replay their events."""
        key = (event.thread_id, event.msg)
        if event.at > self._controls.handled_until:
            self._latest = [key]
            return True
        # Two requests can have the same time.
        if event.at < self._controls.handled_until or not self._latest or key in self._latest:
            return False
        self._latest.append(key)
        return True

    def _handle_role_request(self, role: str, request: ev.RoleRequested, at: float) -> None:
        refusal = self._refusal(role, request.action)
        if refusal:
            self._controls.mark_handled(at)
            self._report(role, refusal)
            return
        by, publisher = request.by, self._publisher.roles[role]
        match request.action:
            case RoleAction.MESSAGE:
                self._controls.queue_message((role,), request.text, by, at)
                self._report_unread(role)
            case RoleAction.PAUSE:
                self._controls.pause((role,), at)
                self._report(role, f"is held before its next step{_by(by)}")
                self._publish_pause(role)
            case RoleAction.RESUME:
                self._controls.resume((role,), at)
                publisher.resume()
                if not publisher.thread.in_turn:
                    publisher.thread.update(state=ThreadState.WAITING, note="")
                self._report(role, f"goes on{_by(by)}")
            case RoleAction.STOP:
                self._report(role, f"is stopped{_by(by)}")
                self._controls.stop(role, by, at)
                if not publisher.thread.in_turn:
                    publisher.abort_turn("interrupted", f"stopped{_by(by)}")
            case RoleAction.RERUN:
                self._report(role, f"begins again from its start{_by(by)}")
                self._controls.rerun((role,), at)

    def _handle_run_request(self, request: ev.RoleRequested, at: float) -> None:
        by = request.by
        unfinished = [name for name in self._team.roles if not self._publisher.is_finished(name)]
        match request.action:
            case RoleAction.MESSAGE:
                self._controls.queue_message(self._recipients(unfinished), request.text, by, at)
            case RoleAction.PAUSE:
                self._controls.pause(unfinished, at)
                self._report("", f"is held before its next steps{_by(by)}")
                self._publisher.thread.update(state=ThreadState.PAUSED)
                for name in unfinished:
                    self._publish_pause(name)
            case RoleAction.RESUME:
                self._controls.resume(tuple(self._team.roles), at)
                self._publisher.thread.update(state=ThreadState.RUNNING)
                for role in self._publisher.roles.values():
                    role.resume()
                self._report("", f"goes on{_by(by)}")
            case RoleAction.STOP:
                self._controls.mark_handled(at)
                self._report("", f"is stopped{_by(by)}")
                self._stop(RunStopped(RunOutcome.PERSON, f"it was stopped{_by(by)}"))
            case RoleAction.RERUN:
                self._report("", f"begins again from its start{_by(by)}")
                self._controls.rerun(self._first_roles(), at)

    def _refusal(self, role: str, action: RoleAction) -> str:
        """Return why a request cannot be carried out, empty if it can."""
        state = self._publisher.roles[role].thread.info.state
        held = self._controls.is_paused(role) or self._controls.stopped_by(role)
        match action:
            case RoleAction.PAUSE | RoleAction.STOP if self._publisher.is_finished(role):
                return f"cannot be held: it is {state.value}"
            case RoleAction.RESUME if not held:
                return "is not held"
            case RoleAction.RERUN if not self._publisher.roles[role].thread.turn_count:
                return "has not begun yet, so it cannot begin again"
            case _:
                return ""

    def _publish_pause(self, role: str) -> None:
        """Publish that a role is paused, unless the turn that is running will do so."""
        publisher = self._publisher.roles[role]
        if not publisher.thread.in_turn:
            publisher.pause()

    def _recipients(self, unfinished: list[str]) -> list[str]:
        """Return the roles that read a message to the run."""
        if self._mode is Mode.PARALLEL:
            return unfinished or [self._team.entry]
        working = [name for name in unfinished if self._publisher.roles[name].thread.in_turn]
        return working or [self._team.entry]

    def _first_roles(self) -> tuple[str, ...]:
        """Return the roles to rerun for a rerun of the run."""
        if self._mode is Mode.HANDOFFS:
            return (WHOLE_TEAM,)
        begun = [name for name, role in self._publisher.roles.items() if role.thread.turn_count]
        return tuple(name for name in begun if not self._team.dependencies(name))

    def _report_unread(self, role: str) -> None:
        if not self._publisher.roles[role].thread.in_turn and self._mode is Mode.HANDOFFS:
            self._report(role, "is not at work: it reads the message when it is next")

    def _report(self, role: str, text: str) -> None:
        self._on_event(RunEvent(RunEventKind.ROLE_DIRECTED, role, text))


def _by(name: str) -> str:
    return f" by {name}" if name else ""
