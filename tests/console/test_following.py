"""Threads of other programs are followed while they have a pane, by one call at a time each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.following import Follow, Following, FollowState, describe_follow
from codextui.protocol.threads import ThreadState


class Server:
    """Carries calls out when the test says so."""

    def __init__(self) -> None:
        self.pending: list[tuple[str, bool, int]] = []
        self.calls: list[tuple[str, bool]] = []
        self.following = Following(self.call)

    def call(self, thread_id: str, follow: bool, call_id: int) -> None:
        assert all(thread_id != pending for pending, _, _ in self.pending), "two at a time"
        self.pending.append((thread_id, follow, call_id))
        self.calls.append((thread_id, follow))

    def finish(self, error: str = "", at: int = 0) -> None:
        thread_id, _, call_id = self.pending.pop(at)
        self.following.on_done(thread_id, call_id, error)

    def state(self, thread_id: str) -> FollowState | None:
        follow = self.following[thread_id]
        return None if follow is None else follow.state


def test_a_shown_thread_is_followed_and_left_when_it_has_no_pane() -> None:
    server = Server()
    server.following.update(["a"], [])
    assert server.state("a") is FollowState.LOADING
    server.finish()
    assert server.state("a") is FollowState.LIVE
    server.following.update([], [])
    server.finish()
    assert server.calls == [("a", True), ("a", False)]
    assert server.state("a") is None


def test_a_thread_is_not_left_while_its_approval_is_open() -> None:
    server = Server()
    server.following.update(["a"], [])
    server.finish()
    server.following.update([], ["a"])
    assert server.calls == [("a", True)]
    server.following.update([], [])
    assert server.calls == [("a", True), ("a", False)]


def test_a_thread_that_left_its_pane_while_it_was_loading_is_left_afterwards() -> None:
    server = Server()
    server.following.update(["a"], [])
    server.following.update([], [])
    assert server.calls == [("a", True)]
    server.finish()
    assert server.calls == [("a", True), ("a", False)]


def test_a_thread_that_comes_back_while_it_is_left_is_followed_again() -> None:
    server = Server()
    server.following.update(["a"], [])
    server.finish()
    server.following.update([], [])
    server.following.update(["a"], [])
    server.finish()
    assert server.calls == [("a", True), ("a", False), ("a", True)]


def test_a_failure_is_kept_and_tried_again_only_when_the_user_asks() -> None:
    server = Server()
    server.following.update(["a"], [])
    server.finish("another process has it")
    assert server.following["a"] == Follow(FollowState.FAILED, 1, "another process has it")
    server.following.update(["a"], [])
    assert len(server.calls) == 1
    server.following.retry("a", is_followed=False)
    assert server.calls == [("a", True), ("a", True)]


def test_what_the_server_has_let_go_of_can_be_followed_again_and_what_is_live_is_left_alone() -> (
    None
):
    server = Server()
    server.following.update(["a"], [])
    server.finish()
    server.following.retry("a", is_followed=True)
    assert len(server.calls) == 1
    server.following.retry("a", is_followed=False)
    assert len(server.calls) == 2


def test_after_a_reconnect_all_that_is_shown_is_followed_and_old_answers_count_for_nothing() -> (
    None
):
    server = Server()
    server.following.update(["a", "b"], [])
    server.finish()
    old, server.pending = server.pending, []
    server.following.reset()
    server.following.update(["a", "b"], [])
    assert server.calls[2:] == [("a", True), ("b", True)]
    thread_id, _, call_id = old[0]
    server.following.on_done(thread_id, call_id, "the connection was lost")
    assert server.state("b") is FollowState.LOADING


@pytest.mark.parametrize(
    ("follow", "is_followed", "connected", "words"),
    [
        (None, False, True, "shows it live"),
        (Follow(FollowState.LOADING), False, True, "loading"),
        (Follow(FollowState.LOADING), True, True, "loading"),
        (Follow(FollowState.LIVE), True, True, ""),
        (Follow(FollowState.LIVE), False, True, "nothing was said yet"),
        (Follow(FollowState.LEAVING), True, True, "not followed"),
        (Follow(FollowState.FAILED, 1, "it is locked"), False, True, "it is locked"),
        (Follow(FollowState.LIVE), True, False, "out of reach"),
    ],
)
def test_a_pane_says_why_its_thread_is_not_live(
    follow: Follow | None, is_followed: bool, connected: bool, words: str
) -> None:
    text = describe_follow(follow, ThreadState.IDLE, is_followed=is_followed, connected=connected)
    assert words in text
    assert bool(words) == bool(text)


def test_a_pane_says_that_the_codex_of_its_thread_is_gone() -> None:
    follow, state = Follow(FollowState.LIVE), ThreadState.DISCONNECTED
    text = describe_follow(follow, state, is_followed=False, connected=True)
    assert text == "not followed: its Codex is out of reach"
    text = describe_follow(follow, state, is_followed=False, connected=True, is_away=True)
    assert text == "not open: its Codex was restarted. It is live again once a program opens it"


STEPS = st.one_of(
    st.tuples(st.just("show"), st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc"))),
    st.tuples(st.just("finish"), st.integers(0, 2), st.sampled_from(["", "no"])),
    st.tuples(st.just("retry"), st.sampled_from("abc"), st.booleans()),
    st.tuples(st.just("reset"), st.none(), st.none()),
)


@given(st.lists(STEPS, max_size=40))
def test_at_rest_exactly_what_is_shown_or_asks_is_followed(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    server = Server()
    shown: set[str] = set()
    asking: set[str] = set()
    on_server: set[str] = set()

    def finish(at: int, error: str) -> None:
        thread_id, follow, _ = server.pending[at]
        if not error:
            (on_server.add if follow else on_server.discard)(thread_id)
        elif not follow:
            on_server.discard(thread_id)
        server.finish(error, at)

    for kind, one, two in steps:
        match kind:
            case "show":
                shown, asking = one, two
                server.following.update(sorted(shown), asking)
            case "finish" if one < len(server.pending):
                finish(one, two)
            case "retry":
                server.following.retry(one, is_followed=two)
            case "reset":
                server.pending.clear()
                on_server.clear()
                server.following.reset()
                server.following.update(sorted(shown), asking)
    while server.pending:
        finish(0, "")
    failed = {t for t in "abc" if server.state(t) is FollowState.FAILED}
    assert shown - failed <= on_server
    assert on_server <= shown | asking
