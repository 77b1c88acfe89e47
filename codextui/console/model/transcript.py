"""The transcript of a thread: its turns and items, updated from events."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from codextui.console.model.item_reading import read_item
from codextui.console.model.items import (
    LEFT_RUNNING,
    AgentMessage,
    ApprovalItem,
    CommandExecution,
    ErrorMessage,
    FileChanges,
    GrowingText,
    ItemContent,
    Note,
    PlanText,
    Reasoning,
    ToolCall,
    TranscriptItem,
    TurnEnd,
    TurnStart,
    UserMessage,
    clip_change,
    content_size,
)
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked, ElicitationAsked

MAX_ITEMS = 5_000
"""Items stored per transcript."""

MAX_SIZE = 16_777_216
"""Approximate number of characters stored per transcript."""

MAX_DIFFS_SIZE = 8_388_608
"""Characters stored of the diffs of a transcript's turns; the oldest are dropped."""

MAX_REASONING_PARTS = 1_000
"""Paragraphs of one reasoning item; later ones are appended to the last."""

Delta: TypeAlias = (
    ev.TextDelta | ev.ReasoningDelta | ev.PlanDelta | ev.OutputDelta | ev.PatchUpdated
)
"""An event that extends an item."""

LOST = "lost"
"""Why a turn ended whose server or whose Codex process was lost."""

REJOINED = "rejoined"
"""The reason of an end that was none: the lost turn was found again, and goes on."""

_NOTE_PREFIX = "note:"
"""Prefix of the ids of notes."""

MIN_TURN = 0.05
"""Seconds of a turn below which its duration is unknown: all of a past one comes at once."""


class Turn(msgspec.Struct):
    """A turn of a thread.

    Attributes:
        turn_id: Codex's id, unique within its thread only.
        number: counts the turns this console has seen, from 1.
        prompt: its first user message, empty until that arrives.
        state: `running`, `completed`, `interrupted`, `failed`, `killed` or `lost`.
        started_at: unix seconds, None if the start was not seen.
        ended_at: unix seconds, None while it is running.
        tokens: tokens it used, None if unknown.
        diff: its unified diff so far, empty if there is none.
        diff_dropped: whether its diff is not kept any more.
    """

    turn_id: str
    number: int
    prompt: str = ""
    state: str = "running"
    started_at: float | None = None
    ended_at: float | None = None
    tokens: int | None = None
    diff: str = ""
    diff_dropped: bool = False


class Transcript:
    """The items of a thread, in the order in which they started.

    Items are identified by turn and item id. A delta for an unknown item creates it, a completed
    item replaces what its deltas have built, and the end of a turn closes its open items. Only
    `ConsoleState` calls the methods that change a transcript; they return whether they did.

    Attributes:
        items: oldest first; the first has the ordinal `dropped`.
        version: incremented by every change.
        dropped: items dropped from the start.
        turns: oldest first.
    """

    def __init__(self, *, max_items: int = MAX_ITEMS, max_size: int = MAX_SIZE) -> None:
        self.items: list[TranscriptItem] = []
        self.version = 0
        self.dropped = 0
        self.turns: list[Turn] = []
        self._max_items = max_items
        self._max_size = max_size
        self._size = 0
        self._items: dict[tuple[str, str], TranscriptItem] = {}
        self._turns: dict[str, Turn] = {}
        self._first_messages: dict[str, str] = {}
        self._open: dict[tuple[str, str], TranscriptItem] = {}
        self._changed: OrderedDict[int, TranscriptItem] = OrderedDict()
        self._brief: TranscriptItem | None = None
        self._at_risk: dict[str, list[TranscriptItem]] = {}
        self._asked: dict[tuple[str, str], set[str]] = {}

    @property
    def has_changes(self) -> bool:
        """Whether there is a change of files in it."""
        if any(turn.diff or turn.diff_dropped for turn in self.turns):
            return True
        return any(isinstance(item.content, FileChanges) for item in self.items)

    def changed_since(self, version: int) -> list[TranscriptItem]:
        """Return the items changed after `version`, by ordinal, in time linear in their number."""
        changed: list[TranscriptItem] = []
        for item in reversed(self._changed.values()):
            if item.version <= version:
                break
            changed.append(item)
        return sorted(changed, key=lambda item: item.ordinal)

    def set_brief(self, text: str) -> bool:
        """Show the thread's brief until its first user message arrives and replaces it."""
        if self.items or self.dropped or not text:
            return False
        self._brief = self._add("", "brief", UserMessage(text), done=True)
        return True

    def start_turn(self, turn_id: str, at: float | None) -> bool:
        """Start a turn; every turn but the first gets a `TurnStart` item.

        Args:
            turn_id: Codex's id.
            at: unix seconds, None if the start was not seen.
        """
        if turn_id in self._turns or not turn_id:
            return self._reopen(turn_id)
        turn = Turn(turn_id, len(self.turns) + 1, started_at=at)
        self.turns.append(turn)
        self._turns[turn_id] = turn
        if turn.number > 1:
            self._add(turn_id, "turn", TurnStart(turn.number), done=True)
        return True

    def set_diff(self, turn_id: str, diff: str, *, max_size: int = MAX_DIFFS_SIZE) -> bool:
        """Set the diff of a turn; beyond `max_size` those of the oldest turns are dropped."""
        self.start_turn(turn_id, None)
        turn = self._turns.get(turn_id)
        if turn is None or turn.diff == diff:
            return False
        turn.diff, turn.diff_dropped = diff, False
        size = sum(len(other.diff) for other in self.turns)
        for other in self.turns:
            if size <= max_size:
                break
            if other is not turn and other.diff:
                size -= len(other.diff)
                other.diff, other.diff_dropped = "", True
        return True

    def _reopen(self, turn_id: str) -> bool:
        """Go on with a turn that counted as lost, and was found again."""
        turn = self._turns.get(turn_id)
        if turn is None or turn.state != "lost":
            return False
        turn.state, turn.ended_at = "running", None
        self._reopen_items(turn)
        return True

    def _reopen_items(self, turn: Turn) -> None:
        """Let what the end of a turn has cut off go on, and its end be a break that is over."""
        for (turn_id, item_id), item in self._items.items():
            if turn_id != turn.turn_id:
                continue
            if item_id == "end" and isinstance(item.content, TurnEnd):
                item.content = msgspec.structs.replace(item.content, reason=REJOINED)
            elif item.unfinished:
                item.done = item.unfinished = item.lost = False
                self._open[turn_id, item_id] = item
            else:
                continue
            self._touch(item, item.size)

    def end_turn(
        self, turn_id: str, reason: str, message: str, at: float, tokens: int | None = None
    ) -> bool:
        """End a turn and close its open items; ignored if it has ended.

        Args:
            turn_id: Codex's id.
            reason: as in `TurnEnd`.
            message: as in `TurnEnd`.
            at: unix seconds.
            tokens: the tokens that the turn used, None if unknown.
        """
        self.start_turn(turn_id, None)
        turn = self._turns.get(turn_id)
        if turn is None or turn.ended_at is not None:
            return False
        turn.state, turn.ended_at, turn.tokens = reason, at, tokens
        self._recover_items(turn_id)
        self._close_items(turn_id)
        seconds = None if turn.started_at is None else max(0.0, at - turn.started_at)
        if seconds is not None and seconds < MIN_TURN:
            seconds = None
        last = self.items[-1].content if self.items else None
        if isinstance(last, ErrorMessage) and last.message == message:
            message = ""  # it stands right above
        end = TurnEnd(turn.number, reason, message, seconds, turn.tokens)
        self._add(turn_id, "end", end, done=True)
        return True

    def put_item(self, turn_id: str, source: JsonObject, *, done: bool) -> bool:
        """Add a `ThreadItem`, or replace what its deltas have built."""
        self.start_turn(turn_id, None)
        item_id = str(source.get("id", ""))
        content = read_item(source, is_steer=self._is_steer(turn_id, item_id, source))
        item = self._items.get((turn_id, item_id))
        if item is None:
            self._set_prompt(turn_id, content)
            item = self._claim_brief(turn_id, item_id, content)
        if item is None:
            self._add(turn_id, item_id, content, done=done)
            return True
        if item.done and not done:
            return False
        _keep_output(item.content, content)
        item.content = content
        item.done = item.done or done
        item.unfinished = item.unfinished and not done
        item.lost = item.lost and not done
        if item.done:
            self._open.pop((turn_id, item_id), None)
        self._touch(item, content_size(content))
        return True

    def add_delta(self, turn_id: str, delta: Delta) -> bool:
        """Extend an item; ignored if the item is done or of another kind."""
        item = self._items.get((turn_id, delta.item_id))
        if item is None:
            self.start_turn(turn_id, None)
            item = self._add(turn_id, delta.item_id, _empty_content(delta), done=False)
        if item.done or not _extend(item.content, delta):
            return False
        self._touch(item, content_size(item.content))
        return True

    def add_approval(self, approval: Approval) -> bool:
        """Add an open approval; ignored if it is known."""
        key = (approval.turn_id, f"approval:{approval.approval_id}")
        if key in self._items:
            return False
        self.start_turn(approval.turn_id, None)
        self._add(*key, ApprovalItem(approval), done=False)
        # It outlives its turn.
        self._open.pop(key, None)
        if not (isinstance(approval.asked, CommandAsked) and approval.asked.stdin):
            asking = self._asking_item(approval)
            self._asked.setdefault(asking, set()).add(approval.approval_id)
            self._update_waits(asking)
        return True

    def resolve_approval(self, approval: Approval, outcome: ev.ApprovalResolved) -> bool:
        """Set the outcome of an approval; ignored if it has one."""
        item = self._items.get((approval.turn_id, f"approval:{approval.approval_id}"))
        if item is None or not isinstance(item.content, ApprovalItem) or item.done:
            return False
        item.content.outcome = outcome
        item.done = True
        self._touch(item, item.size)
        for key, approval_ids in [*self._asked.items()]:
            if approval.approval_id in approval_ids:
                approval_ids.discard(approval.approval_id)
                self._update_waits(key)
        return True

    def correct_approval(self, turn_id: str, correction: ev.ApprovalCorrected) -> bool:
        """Set the correction of an approval's outcome; ignored if it is not known."""
        item = self._items.get((turn_id, f"approval:{correction.approval_id}"))
        if item is None or not isinstance(item.content, ApprovalItem):
            return False
        item.content.correction = correction
        self._touch(item, item.size)
        return True

    def add_note(self, turn_id: str, note: Note) -> bool:
        """Add a note: an error, a warning, an event of a run, an unknown event."""
        self.start_turn(turn_id, None)
        self._add(turn_id, f"{_NOTE_PREFIX}{self.dropped + len(self.items)}", note, done=True)
        return True

    # A lost server.

    def mark_lost(self, *, lost: bool) -> bool:
        """Mark the open items as cut off by the loss of the server, or as open again."""
        changed = [item for item in self._open.values() if item.lost != lost]
        for item in changed:
            item.lost = lost
            self._touch(item, item.size)
        return bool(changed)

    def items_at_risk(self) -> list[TranscriptItem]:
        """Return the items that a restarted server may not know, as their turn had not ended."""
        return [item for item in self.items if item.size and self._is_at_risk(item)]

    def recover(self, items: Iterable[TranscriptItem]) -> None:
        """Show these items of the transcript before once their turn has ended, as cut off.

        Items that have arrived by then are shown as they arrived. An item that was complete is
        not marked.
        """
        for item in items:
            self._at_risk.setdefault(item.turn_id, []).append(item)

    def recover_unknown_turns(self, at: float) -> bool:
        """Show what is left to recover of turns that the restarted server does not know."""
        unknown = [turn_id for turn_id in self._at_risk if turn_id not in self._turns]
        for turn_id in unknown:
            self.end_turn(turn_id, LOST, "", at)
        return bool(unknown)

    def _is_at_risk(self, item: TranscriptItem) -> bool:
        is_ours = item.item_id.startswith(_NOTE_PREFIX) or isinstance(
            item.content, TurnStart | TurnEnd | ApprovalItem
        )
        if is_ours:
            return False
        turn = self._turns.get(item.turn_id)
        return item.lost or (turn is not None and turn.ended_at is None)

    def _recover_items(self, turn_id: str) -> None:
        for old in self._at_risk.pop(turn_id, ()):
            item = self._items.get((turn_id, old.item_id))
            was_open = old.lost or not old.done
            if item is None:
                item = self._add(turn_id, old.item_id, old.content, done=True)
            elif (item.done and not item.unfinished) or item.size >= old.size:
                continue
            item.content, item.unfinished, item.lost = old.content, was_open, was_open
            item.done = True
            self._open.pop((turn_id, old.item_id), None)
            self._touch(item, old.size)

    # Approvals of items.

    def _asking_item(self, approval: Approval) -> tuple[str, str]:
        """Return the key of the item that an approval is about.

        The approval of an MCP tool may name no item: it is about the call that is open.
        """
        key = (approval.turn_id, approval.item_id)
        if key in self._items or not isinstance(approval.asked, ElicitationAsked):
            return key
        server = approval.asked.server
        calls = (
            open_key
            for open_key, item in self._open.items()
            if open_key[0] == approval.turn_id
            and isinstance(item.content, ToolCall)
            and item.content.server == server
        )
        return next(calls, key)

    def _update_waits(self, key: tuple[str, str]) -> None:
        if not self._asked.get(key):
            self._asked.pop(key, None)
        item = self._items.get(key)
        if item is not None and item.waits != (key in self._asked):
            item.waits = key in self._asked
            self._touch(item, item.size)

    def _add(
        self, turn_id: str, item_id: str, content: ItemContent, *, done: bool
    ) -> TranscriptItem:
        ordinal = self.dropped + len(self.items)
        waits = (turn_id, item_id) in self._asked
        item = TranscriptItem(turn_id, item_id, ordinal, content, 0, done=done, waits=waits)
        self.items.append(item)
        self._items[turn_id, item_id] = item
        if not done:
            self._open[turn_id, item_id] = item
        self._touch(item, content_size(content))
        self._drop_old_items()
        return item

    def _touch(self, item: TranscriptItem, size: int) -> None:
        self.version += 1
        item.version = self.version
        self._size += size - item.size
        item.size = size
        self._changed[item.ordinal] = item
        self._changed.move_to_end(item.ordinal)

    def _close_items(self, turn_id: str) -> None:
        for key, item in [pair for pair in self._open.items() if pair[0][0] == turn_id]:
            del self._open[key]
            item.done = item.unfinished = True
            is_completed = self._turns[turn_id].state == "completed"
            if isinstance(item.content, CommandExecution) and is_completed:
                item.content.status = LEFT_RUNNING
            self._touch(item, item.size)

    def _is_steer(self, turn_id: str, item_id: str, source: JsonObject) -> bool:
        if source.get("type") != "userMessage":
            return False
        return self._first_messages.setdefault(turn_id, item_id) != item_id

    def _set_prompt(self, turn_id: str, content: ItemContent) -> None:
        turn = self._turns.get(turn_id)
        if turn is not None and not turn.prompt and isinstance(content, UserMessage):
            turn.prompt = content.text

    def _claim_brief(
        self, turn_id: str, item_id: str, content: ItemContent
    ) -> TranscriptItem | None:
        """Turn the brief's item into that of the user message it was the beginning of."""
        brief = self._brief
        if brief is None or not isinstance(content, UserMessage):
            return None
        self._brief = None
        shown = brief.content
        if not isinstance(shown, UserMessage) or not content.text.startswith(shown.text):
            return None
        if self._items.pop(("", "brief"), None) is None:
            return None
        brief.turn_id, brief.item_id = turn_id, item_id
        self._items[turn_id, item_id] = brief
        return brief

    def _drop_old_items(self) -> None:
        """Drop the oldest eighth if a limit is exceeded: amortised, constant time per item."""
        if len(self.items) <= self._max_items and self._size <= self._max_size:
            return
        max_items, max_size = self._max_items * 7 // 8, self._max_size * 7 // 8
        count = 0
        while count < len(self.items) - 1 and (
            len(self.items) - count > max_items or self._size > max_size
        ):
            item = self.items[count]
            self._size -= item.size
            self._items.pop((item.turn_id, item.item_id), None)
            self._open.pop((item.turn_id, item.item_id), None)
            self._changed.pop(item.ordinal, None)
            count += 1
        del self.items[:count]
        self.dropped += count


def _keep_output(old: ItemContent, new: ItemContent) -> None:
    """Keep the streamed output of a command that completed without output in its item."""
    match old, new:
        case CommandExecution(), CommandExecution() if not new.output:
            new.output = old.output


def _empty_content(delta: Delta) -> ItemContent:
    match delta:
        case ev.TextDelta():
            return AgentMessage()
        case ev.ReasoningDelta():
            return Reasoning()
        case ev.PlanDelta():
            return PlanText()
        case ev.OutputDelta():
            return CommandExecution()
        case ev.PatchUpdated():
            return FileChanges()


def _extend(content: ItemContent, delta: Delta) -> bool:
    """Extend `content` in place; return False if `delta` is for another kind of item."""
    match content, delta:
        case (AgentMessage(text=text), ev.TextDelta(delta=more)) | (
            PlanText(text=text),
            ev.PlanDelta(delta=more),
        ):
            text.append(more)
        case CommandExecution(output=output), ev.OutputDelta(delta=more):
            output.append(more)
        case Reasoning(), ev.ReasoningDelta():
            _extend_reasoning(content, delta)
        case FileChanges(), ev.PatchUpdated(changes=changes):
            content.changes = tuple(clip_change(change) for change in changes)
        case _:
            return False
    return True


def _extend_reasoning(content: Reasoning, delta: ev.ReasoningDelta) -> None:
    parts = content.raw if delta.raw else content.summary
    part = max(0, delta.part)
    if part >= len(parts) and len(parts) < MAX_REASONING_PARTS:
        parts.append(GrowingText())
    parts[min(part, len(parts) - 1)].append(delta.delta)
