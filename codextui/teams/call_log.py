"""What became of every call of a Codex tool, so that none is done twice after a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from codextui.wire import fields
from codextui.wire.fields import JsonObject


@dataclass(frozen=True, slots=True)
class CodexCall:
    """One call, as far as it got.

    Attributes:
        thread_id: the thread that works on it.
        before: that thread's last turn before the call, empty where it had none.
        turn_id: the call's own turn, empty until that is known.
    """

    thread_id: str
    before: str = ""
    turn_id: str = ""


class CallLog:
    """The calls of a run by their ids; every change is kept before anything else happens.

    Args:
        calls: those that are known from before.
        save: keeps all of it; called at every change.
    """

    def __init__(
        self,
        calls: Mapping[str, CodexCall] | None = None,
        save: Callable[[JsonObject], None] | None = None,
    ) -> None:
        self._calls = dict(calls or {})
        self._save = save

    def get(self, call_id: str) -> CodexCall | None:
        """What is known of a call; None where it never began."""
        return self._calls.get(call_id)

    def note(self, call_id: str, call: CodexCall) -> CodexCall:
        """Keep how far a call got, and return it."""
        self._calls[call_id] = call
        if self._save is not None:
            self._save(self.to_wire())
        return call

    def forget(self, call_id: str) -> None:
        """Forget a call that never reached a thread."""
        self._calls.pop(call_id, None)

    @property
    def threads(self) -> frozenset[str]:
        """The threads that worked for this run."""
        return frozenset(call.thread_id for call in self._calls.values())

    def to_wire(self) -> dict[str, object]:
        """The JSON object that `parse_calls` reads."""
        return {call_id: asdict(call) for call_id, call in self._calls.items()}


def parse_calls(source: JsonObject) -> dict[str, CodexCall]:
    """Read what `CallLog.to_wire` wrote. Raises WireInvalid."""
    return {call_id: _parse(fields.as_object(value, call_id)) for call_id, value in source.items()}


def _parse(source: JsonObject) -> CodexCall:
    return CodexCall(
        thread_id=fields.text(source, "thread_id"),
        before=fields.text_or(source, "before"),
        turn_id=fields.text_or(source, "turn_id"),
    )
