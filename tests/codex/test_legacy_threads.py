"""What Codex says is told of the thread that it is about."""

from __future__ import annotations

from typing import Any

from codextui.codex.legacy_threads import LegacyThreads


def diff(thread: str) -> dict[str, Any]:
    return {"threadId": thread, "turnId": "t", "diff": "d"}


def tokens(thread: str) -> dict[str, Any]:
    return {"threadId": thread, "turnId": "t", "tokenUsage": {}}


LIMITS = {"rateLimits": {"limitId": "codex"}}


def test_every_thread_hears_of_itself_alone() -> None:
    threads = LegacyThreads()
    told = [*threads.hear("turn/diff/updated", diff("a")), *threads.hear("x", diff("b"))]
    assert [(event.thread_id, event.msg["type"]) for event in told] == [("a", "turn_diff")]


def test_the_limits_of_the_account_are_told_with_every_thread() -> None:
    threads = LegacyThreads()
    for name in ("a", "b"):
        threads.hear("thread/tokenUsage/updated", tokens(name))
    assert threads.hear("account/rateLimits/updated", LIMITS) == ()
    for name in ("a", "b"):
        told = threads.hear("turn/diff/updated", diff(name))
        assert told[0].msg["rate_limits"] == {"limit_id": "codex"}


def test_a_closed_thread_is_forgotten() -> None:
    threads = LegacyThreads()
    threads.hear("thread/tokenUsage/updated", tokens("a"))
    assert [e.msg["type"] for e in threads.hear("thread/closed", {"threadId": "a"})] == [
        "token_count"
    ]
    assert threads.hear("thread/archived", {"threadId": "a"}) == ()


def test_what_names_no_thread_is_told_of_none() -> None:
    threads = LegacyThreads()
    threads.hear("turn/diff/updated", diff("a"))
    assert threads.hear("warning", {"message": "m"}) == ()
    assert threads.hear("warning", {"message": "m", "threadId": 3}) == ()
    assert threads.hear_request("currentTime/read", {}) == ((), None)
