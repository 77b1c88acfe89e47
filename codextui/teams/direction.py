"""What people have asked of a run and its roles, kept before anything is done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from agents.items import TResponseInputItem

from codextui.teams.run_store import RunStore
from codextui.wire import fields
from codextui.wire.fields import JsonObject

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


class Direction:
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
