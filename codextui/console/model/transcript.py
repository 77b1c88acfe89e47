"""Everything that a thread said and did, in order."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from codextui.console.model import items as b
from codextui.console.model.item_reading import clip_change, read_body, weigh
from codextui.console.model.items import GrowingText, TranscriptItem
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval


@dataclass(slots=True)
class Turn:
    """A turn: a row of the dialog that forks through one.

    Attributes:
        turn_id: Codex's id, unique in its thread only.
        number: counts from 1 in what this console has seen.
        prompt: the first message of it, empty until it came.
        state: `running`, `completed`, `interrupted`, `failed`, `killed` or `lost`.
        started_at: unix seconds, None where the start was not seen.
        ended_at: unix seconds, None while it runs.
        tokens: what it used, None where unknown.
        tokens_before: the thread's total when it began, None where unknown.
    """

    turn_id: str
    number: int
    prompt: str = ""
    state: str = "running"
    started_at: float | None = None
    ended_at: float | None = None
    tokens: int | None = None
    tokens_before: int | None = None


MAX_ITEMS = 5_000
"""Items that one transcript keeps."""

MAX_WEIGHT = 16_777_216
"""Characters that one transcript keeps, about."""

MAX_PARTS = 1_000
"""Paragraphs that one reasoning item keeps apart."""


class Transcript:
    """The items of one thread, in the order in which they began.

    Items are known by turn and id. Deltas for an item that was never seen create it, a completed
    item replaces whatever its deltas had built, and the end of a turn closes what is still open.

    Attributes:
        items: oldest first; `items[0].ordinal` is `dropped`.
        version: grows with every change.
        dropped: items that were forgotten, from the start.
        turns: oldest first.
    """

    def __init__(self, *, max_items: int = MAX_ITEMS, max_weight: int = MAX_WEIGHT) -> None:
        self.items: list[TranscriptItem] = []
        self.version = 0
        self.dropped = 0
        self.turns: list[Turn] = []
        self._max_items = max_items
        self._max_weight = max_weight
        self._weight = 0
        self._items: dict[tuple[str, str], TranscriptItem] = {}
        self._turns: dict[str, Turn] = {}
        self._first_messages: dict[str, str] = {}
        self._open: dict[tuple[str, str], TranscriptItem] = {}
        self._changed: OrderedDict[int, TranscriptItem] = OrderedDict()
        self._brief: TranscriptItem | None = None

    # Reading.

    def changed_since(self, version: int) -> list[TranscriptItem]:
        """The items that changed after `version`, by ordinal; its cost is their number."""
        changed: list[TranscriptItem] = []
        for item in reversed(self._changed.values()):
            if item.version <= version:
                break
            changed.append(item)
        return sorted(changed, key=lambda item: item.ordinal)

    def find(self, turn_id: str, item_id: str) -> TranscriptItem | None:
        """The item, None where it was never seen or is forgotten."""
        return self._items.get((turn_id, item_id))

    def turn(self, turn_id: str) -> Turn | None:
        """The turn, None where it was never seen."""
        return self._turns.get(turn_id)

    # Writing: for `Board` alone. Each says whether it changed anything.

    def set_brief(self, text: str) -> bool:
        """Show what the thread was given before its first message comes and takes its place."""
        if self.items or self.dropped or not text:
            return False
        self._brief = self._add("", "brief", b.UserMessage(text), 0.0, done=True)
        return True

    def begin_turn(self, turn_id: str, at: float | None, tokens: int | None = None) -> bool:
        """Open a turn; every turn but the first is set off by a mark.

        Args:
            turn_id: Codex's id.
            at: unix seconds, None where the start was not seen.
            tokens: the thread's total before it, None where unknown.
        """
        if turn_id in self._turns or not turn_id:
            return False
        turn = Turn(turn_id, len(self.turns) + 1, started_at=at, tokens_before=tokens)
        self.turns.append(turn)
        self._turns[turn_id] = turn
        if turn.number > 1:
            self._add(turn_id, "turn", b.TurnStart(turn.number), at or 0.0, done=True)
        return True

    def end_turn(
        self, turn_id: str, reason: str, message: str, at: float, tokens: int | None = None
    ) -> bool:
        """Close a turn and whatever is still open in it; a turn ends once."""
        self.begin_turn(turn_id, None)
        turn = self._turns.get(turn_id)
        if turn is None or turn.ended_at is not None:
            return False
        turn.state, turn.ended_at = reason, at
        if tokens is not None and turn.tokens_before is not None:
            turn.tokens = max(0, tokens - turn.tokens_before)
        self._close_items(turn_id)
        seconds = None if turn.started_at is None else max(0.0, at - turn.started_at)
        end = b.TurnEnd(turn.number, reason, message, seconds, turn.tokens)
        self._add(turn_id, "end", end, at, done=True)
        return True

    def put_item(self, turn_id: str, source: JsonObject, at: float, *, done: bool) -> bool:
        """Take a whole item: new, or in the place of what its deltas had built."""
        self.begin_turn(turn_id, None)
        item_id = str(source.get("id", ""))
        body = read_body(source, steer=self._is_steer(turn_id, item_id, source))
        known = self._items.get((turn_id, item_id)) or self._take_brief(turn_id, item_id, body)
        if known is None:
            self._add(turn_id, item_id, body, at, done=done)
            return True
        if known.done and not done:
            return False
        self._keep_output(known.body, body)
        known.body = body
        known.done = known.done or done
        known.unfinished = known.unfinished and not done
        if known.done:
            self._open.pop((turn_id, item_id), None)
        self._touch(known, weigh(body) - known.weight)
        return True

    def add_delta(
        self,
        turn_id: str,
        msg: ev.TextDelta | ev.ReasoningDelta | ev.PlanDelta | ev.OutputDelta | ev.PatchUpdated,
        at: float,
    ) -> bool:
        """Take more of an item; what comes after its end is late and changes nothing."""
        item = self._items.get((turn_id, msg.item_id))
        if item is None:
            self.begin_turn(turn_id, None)
            item = self._add(turn_id, msg.item_id, _empty_body(msg), at, done=False)
        if item.done or not _extend(item.body, msg):
            return False
        self._touch(item, weigh(item.body) - item.weight)
        return True

    def put_approval(self, approval: Approval, at: float) -> bool:
        """Show that something was asked, once."""
        key = (approval.turn_id, f"approval:{approval.approval_id}")
        if key in self._items:
            return False
        self.begin_turn(approval.turn_id, None)
        self._add(*key, b.ApprovalMark(approval), at, done=False)
        self._open.pop(key, None)
        return True

    def resolve_approval(self, approval: Approval, outcome: ev.ApprovalResolved) -> bool:
        """Show what became of it, once."""
        item = self._items.get((approval.turn_id, f"approval:{approval.approval_id}"))
        if item is None or not isinstance(item.body, b.ApprovalMark) or item.done:
            return False
        item.body.outcome = outcome
        item.done = True
        self._touch(item)
        return True

    def add_note(self, turn_id: str, body: b.Note, at: float) -> bool:
        """Show something that is no item: an error, a warning, a handoff, an unknown event."""
        self.begin_turn(turn_id, None)
        self._add(turn_id, f"note:{self.dropped + len(self.items)}", body, at, done=True)
        return True

    # Within.

    def _add(
        self, turn_id: str, item_id: str, body: b.Body, at: float, *, done: bool
    ) -> TranscriptItem:
        ordinal = self.dropped + len(self.items)
        item = TranscriptItem(turn_id, item_id, ordinal, body, 0, done=done, at=at)
        self.items.append(item)
        self._items[turn_id, item_id] = item
        if not done:
            self._open[turn_id, item_id] = item
        self._touch(item, weigh(body))
        self._forget_old()
        return item

    def _touch(self, item: TranscriptItem, weight: int = 0) -> None:
        self.version += 1
        item.version = self.version
        item.weight += weight
        self._weight += weight
        self._changed[item.ordinal] = item
        self._changed.move_to_end(item.ordinal)

    def _close_items(self, turn_id: str) -> None:
        for key, item in [pair for pair in self._open.items() if pair[0][0] == turn_id]:
            del self._open[key]
            item.done = item.unfinished = True
            if isinstance(item.body, b.CommandRun) and self._turns[turn_id].state == "completed":
                item.body.status = b.LEFT_RUNNING
            self._touch(item)

    def _is_steer(self, turn_id: str, item_id: str, source: JsonObject) -> bool:
        if source.get("type") != "userMessage":
            return False
        return self._first_messages.setdefault(turn_id, item_id) != item_id

    def _take_brief(self, turn_id: str, item_id: str, body: b.Body) -> TranscriptItem | None:
        """The brief's item, where `body` is the message that it stood for."""
        self._name_turn(turn_id, body)
        brief = self._brief
        if brief is None or not isinstance(body, b.UserMessage):
            return None
        self._brief = None
        if not isinstance(brief.body, b.UserMessage) or not body.text.startswith(brief.body.text):
            return None
        if self._items.pop(("", "brief"), None) is None:
            return None
        brief.turn_id, brief.item_id = turn_id, item_id
        self._items[turn_id, item_id] = brief
        return brief

    def _name_turn(self, turn_id: str, body: b.Body) -> None:
        turn = self._turns.get(turn_id)
        if turn is not None and not turn.prompt and isinstance(body, b.UserMessage):
            turn.prompt = body.text

    @staticmethod
    def _keep_output(old: b.Body, new: b.Body) -> None:
        """A command that ended without its output in the item keeps what was streamed."""
        if isinstance(old, b.CommandRun) and isinstance(new, b.CommandRun) and not new.output:
            new.output = old.output

    def _forget_old(self) -> None:
        """Drop the oldest eighth when there is too much, so that it costs little per item."""
        if len(self.items) <= self._max_items and self._weight <= self._max_weight:
            return
        most, heaviest = self._max_items * 7 // 8, self._max_weight * 7 // 8
        count = 0
        while count < len(self.items) - 1 and (
            len(self.items) - count > most or self._weight > heaviest
        ):
            item = self.items[count]
            self._weight -= item.weight
            self._items.pop((item.turn_id, item.item_id), None)
            self._open.pop((item.turn_id, item.item_id), None)
            self._changed.pop(item.ordinal, None)
            count += 1
        del self.items[:count]
        self.dropped += count


def _empty_body(
    msg: ev.TextDelta | ev.ReasoningDelta | ev.PlanDelta | ev.OutputDelta | ev.PatchUpdated,
) -> b.Body:
    match msg:
        case ev.TextDelta():
            return b.AgentMessage()
        case ev.ReasoningDelta():
            return b.Reasoning()
        case ev.PlanDelta():
            return b.PlanText()
        case ev.OutputDelta():
            return b.CommandRun()
        case ev.PatchUpdated():
            return b.FileChanges()


def _extend(
    body: b.Body,
    msg: ev.TextDelta | ev.ReasoningDelta | ev.PlanDelta | ev.OutputDelta | ev.PatchUpdated,
) -> bool:
    """Add to a body in place; False where the delta is not of its kind."""
    match body, msg:
        case (b.AgentMessage(text=text), ev.TextDelta(delta=delta)) | (
            b.PlanText(text=text),
            ev.PlanDelta(delta=delta),
        ):
            text.append(delta)
        case b.CommandRun(output=output), ev.OutputDelta(delta=delta):
            output.append(delta)
        case b.Reasoning(), ev.ReasoningDelta():
            _extend_reasoning(body, msg)
        case b.FileChanges(), ev.PatchUpdated(changes=changes):
            body.changes = tuple(clip_change(change) for change in changes)
        case _:
            return False
    return True


def _extend_reasoning(body: b.Reasoning, msg: ev.ReasoningDelta) -> None:
    parts = body.raw if msg.raw else body.summary
    part = max(0, msg.part)
    if part >= len(parts) and len(parts) < MAX_PARTS:
        parts.append(GrowingText())
    parts[min(part, len(parts) - 1)].append(msg.delta)
