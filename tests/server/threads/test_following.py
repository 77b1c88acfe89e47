"""Why threads of other programs are followed, and for how long."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codextui.errors import ServerRefused
from codextui.server.threads.following import ACTED, WAITING, FollowReasons

LIMIT = 3
THREADS = st.sampled_from(["a", "b", "c", "d", "e"])
SESSIONS = st.sampled_from(["console", "console-2"])
REASONS = st.sampled_from([WAITING, ACTED, "console", "console-2"])


def shown(model: dict[str, set[str]]) -> int:
    return sum(1 for reasons in model.values() if reasons - {WAITING, ACTED})


class Reasons(RuleBasedStateMachine):
    """A thread is followed exactly while a reason is left, whatever comes in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons = FollowReasons(LIMIT)
        self.model: dict[str, set[str]] = {}

    @rule(thread=THREADS, reason=REASONS)
    def add(self, thread: str, reason: str) -> None:
        is_shown = bool(self.model.get(thread, set()) - {WAITING, ACTED})
        is_beyond = reason not in (WAITING, ACTED) and not is_shown and shown(self.model) >= LIMIT
        if is_beyond:
            with pytest.raises(ServerRefused, match="which is the limit"):
                self.reasons.add(thread, reason)
        else:
            self.reasons.add(thread, reason)
            self.model.setdefault(thread, set()).add(reason)

    @rule(thread=THREADS, reason=REASONS)
    def remove(self, thread: str, reason: str) -> None:
        self.reasons.remove(thread, reason)
        self.model.get(thread, set()).discard(reason)

    @rule(session=SESSIONS)
    def disconnect(self, session: str) -> None:
        had = {thread for thread, reasons in self.model.items() if session in reasons}
        assert set(self.reasons.remove_everywhere(session)) == had
        for reasons in self.model.values():
            reasons.discard(session)

    @rule(thread=THREADS)
    def leave(self, thread: str) -> None:
        self.reasons.drop(thread)
        self.model.pop(thread, None)

    @invariant()
    def is_followed_while_there_is_a_reason(self) -> None:
        for thread in "abcde":
            assert (thread in self.reasons) == bool(self.model.get(thread))
            for reason in (WAITING, ACTED, "console", "console-2"):
                assert self.reasons.has(thread, reason) == (reason in self.model.get(thread, ()))


TestReasons = Reasons.TestCase


def test_what_waits_for_a_person_is_followed_beyond_the_limit() -> None:
    reasons = FollowReasons(1)
    reasons.add("a", "console")
    reasons.add("b", WAITING)
    reasons.add("c", ACTED)
    with pytest.raises(ServerRefused):
        reasons.add("b", "console")
    assert all(thread in reasons for thread in "abc")
