"""Finds the differences between two recordings: the genuine server's and ours."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from links import Frame
from peer import event_type

CHANCE = "exec_command_output_delta"
"""Event that a short command sends or not by chance, with every version."""


LATE = ("stdout", "aggregated_output", "formatted_output")
"""Members that are empty where the output of a short command came after its end."""

ENDS_OF_COMMANDS = ("item_completed CommandExecution", "exec_command_end")


@dataclass(frozen=True, slots=True)
class Difference:
    """One member or frame that differs.

    Attributes:
        where: the frame's label and the path of the member: `item_completed FileChange:
            params.msg.item.stdout`; `more: LABEL` or `less: LABEL` for a frame that only ours or
            only the genuine server sent.
        genuine: what the genuine server sent.
        ours: what ours sent.
    """

    where: str
    genuine: Any = None
    ours: Any = None


def differences(genuine: dict[str, Any], ours: dict[str, Any]) -> list[Difference]:
    """Return every difference, in order."""
    theirs, mine = _comparable(genuine), _comparable(ours)
    found = [*_unanswered(genuine, ours)]
    matcher = difflib.SequenceMatcher(
        None, [label(one) for one in theirs], [label(one) for one in mine], autojunk=False
    )
    for tag, start, stop, mine_start, mine_stop in matcher.get_opcodes():
        if tag == "equal":
            for left, right in zip(theirs[start:stop], mine[mine_start:mine_stop], strict=True):
                found.extend(_members(label(left), "", left, right))
        else:
            found += [Difference(f"less: {label(one)}", one) for one in theirs[start:stop]]
            found += [
                Difference(f"more: {label(one)}", None, one) for one in mine[mine_start:mine_stop]
            ]
    return found


def label(frame: Frame) -> str:
    """Return the kind of a frame."""
    if "method" not in frame:
        return f"answer to {frame['id']}"
    kind = event_type(frame)
    if not kind:
        return str(frame["method"])
    item = frame["params"]["msg"].get("item")
    return f"{kind} {item.get('type', '')}" if isinstance(item, dict) else kind


def _comparable(recording: dict[str, Any]) -> list[Frame]:
    """Return the frames in an order that does not depend on chance, without chance frames.

    MCP servers start at any time, so their frames come first, by name.
    """
    frames = [one for one in recording["frames"] if event_type(one) != CHANCE]
    startup = [one for one in frames if event_type(one).startswith("mcp_startup")]
    startup.sort(key=lambda one: str(one["params"]["msg"]))
    ordered: list[Frame] = []
    for frame in frames:
        if frame not in startup:
            ordered.insert(_place(frame, ordered), frame)
    return startup + _sort_elicitations(ordered)


def _sort_elicitations(frames: list[Frame]) -> list[Frame]:
    """Sort elicitations that come together: their order is chance."""
    ordered: list[Frame] = []
    for _, run in itertools.groupby(frames, key=lambda one: bool(_elicited_item(one))):
        ordered += sorted(run, key=_elicited_item)
    return [
        {**frame, "id": "<id>"} if frame.get("method") == "elicitation/create" else frame
        for frame in ordered
    ]


def _elicited_item(frame: Frame) -> str:
    """Return the item that an elicitation is about, empty for other frames."""
    if event_type(frame).endswith("approval_request"):
        return str(frame["params"]["msg"]["call_id"])
    asked = frame.get("method") == "elicitation/create"
    return str(frame["params"]["codex_call_id"]) if asked else ""


def _place(frame: Frame, before: list[Frame]) -> int:
    """Return the place of a frame among those before it.

    The end of a model's response usually follows its last item, but Codex already works on the
    response then, so it may come later by chance. In the same way Codex may ask about the first
    call of a response before the next one has arrived.
    """
    place = len(before)
    if event_type(frame) == "raw_response_completed":
        while place and event_type(before[place - 1]) != "raw_response_item":
            place -= 1
    elif event_type(frame) == "raw_response_item" and _is_call(frame):
        while place and _elicited_item(before[place - 1]):
            place -= 1
    return place or len(before)


def _is_call(frame: Frame) -> bool:
    return str(frame["params"]["msg"]["item"]["type"]).endswith("_call")


def _unanswered(genuine: dict[str, Any], ours: dict[str, Any]) -> Iterator[Difference]:
    left, right = genuine["unanswered"], ours["unanswered"]
    if left != right:
        yield Difference("unanswered", left, right)


def _members(where: str, path: str, left: Any, right: Any) -> Iterator[Difference]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            yield from _members(where, f"{path}.{key}", left.get(key), right.get(key))
            if (key in left) != (key in right) and left.get(key) is right.get(key):
                yield Difference(f"{where}: {path[1:]}.{key}", key in left, key in right)
    elif path == ".result.content" and isinstance(right, list):
        for number, (one, other) in enumerate(itertools.zip_longest(left, right)):
            yield from _members(where, f"{path}[{number}]", one, other)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _members(where, f"{path}[{number}]", one, other)
    elif where in ENDS_OF_COMMANDS and path.endswith(LATE) and "" in (left, right):
        return
    elif left != right or type(left) is not type(right):
        yield Difference(f"{where}: {path[1:]}", left, right)
