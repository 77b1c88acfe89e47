"""Replaces what changes from run to run by placeholders, so that recordings can be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from links import Frame
from peer import event_type

TIMES = re.compile(r"(_at|_at_ms|_time)$")
DURATIONS = re.compile(r"^(duration|duration_ms|time_to_first_token_ms)$")
TOKENS = re.compile(r"_tokens$")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

PATTERNS = [
    # Ids of the scripted model: a token of its run, then numbers.
    (re.compile(r"\b((?:msg|rs|fc|ctc|call)_)?[0-9a-f]{8}_(\d+)"), r"\1<model>_\2"),
    (re.compile(r"/\d{4}/\d\d/\d\d/rollout-[\dT-]+-"), "/<date>/rollout-<date>-"),
    (re.compile(r"Chunk ID: \w+"), "Chunk ID: <chunk>"),
    (re.compile(r"session ID \d+"), "session ID <process>"),
    (re.compile(r'"session_id": \d+'), '"session_id": <process>'),
    (re.compile(r"(handshaking with MCP server failed: ).*"), r"\1<why>"),
    (re.compile(r"Wall time: [\d.]+ seconds"), "Wall time: <seconds> seconds"),
    (re.compile(r"after [\d.]+s"), "after <seconds>s"),
    (re.compile(r"(codex_cli_rs/[\d.]+) \(.*"), r"\1 (<system>)"),
    (re.compile(r"(?s)^<environment_context>.*"), "<environment>"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:<port>"),
]


class Normaliser:
    """Replaces ids, times, durations, paths, token counts and Codex's own instructions.

    Args:
        places: the placeholder of each known path.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(sorted(places.items(), key=lambda place: -len(place[0])))
        self._ids: dict[str, str] = {}

    def frames(self, frames: list[Frame]) -> list[Frame]:
        """Return the frames with placeholders, and adjacent pieces of a command's output joined."""
        for frame in frames:
            self._name_ids(frame)
        return _joined([self._value("", frame) for frame in frames])

    def _name_ids(self, frame: Frame) -> None:
        """Number threads and turns in order of their first appearance."""
        params, result = frame.get("params", {}), frame.get("result", {})
        if event_type(frame):
            self._name("thread", params.get("_meta", {}).get("threadId"))
            self._name("turn", params.get("id"))
        elif frame.get("method") == "elicitation/create":
            self._name("thread", params.get("threadId"))
            self._name("turn", params.get("codex_event_id"))
        else:
            self._name("thread", result.get("structuredContent", {}).get("threadId"))

    def _name(self, kind: str, value: Any) -> None:
        if value and value not in self._ids:
            number = sum(name.startswith(f"<{kind}") for name in self._ids.values()) + 1
            self._ids[value] = f"<{kind} {number}>"

    def _value(self, key: str, value: Any) -> Any:
        if value is not None:
            for pattern, placeholder in (
                (TIMES, "<time>"),
                (DURATIONS, "<duration>"),
                (TOKENS, "<tokens>"),
            ):
                if pattern.search(key):
                    return placeholder
        match value:
            case dict():
                return self._object(value)
            case list():
                return [self._value("", one) for one in value]
            case str() if key == "process_id":
                return "<process>"
            case str():
                return self._text(value)
            case _:
                return value

    def _object(self, value: Frame) -> Frame:
        if value.get("role") == "developer":
            return {**self._object({**value, "role": ""}), "role": "developer", "content": "<own>"}
        return {self._text(key): self._value(key, one) for key, one in value.items()}

    def _text(self, text: str) -> str:
        for path, placeholder in self._places.items():
            text = text.replace(path, placeholder)
        for pattern, placeholder in PATTERNS:
            text = pattern.sub(placeholder, text)
        return UUID.sub(lambda found: self._ids.get(found[0], "<uuid>"), text)


def _joined(frames: list[Frame]) -> list[Frame]:
    """Join the output of a command, whose pieces are chance."""
    kept: list[Frame] = []
    for frame in frames:
        again = kept and event_type(frame) == event_type(kept[-1]) == "exec_command_output_delta"
        if not again:
            kept.append(frame)
    return kept
