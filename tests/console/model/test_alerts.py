"""Each approval is told once, and only if a person is still needed after a moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.console.model.alerts import (
    MAX_BODY,
    MAX_TITLE,
    Attention,
    describe_alert,
    describe_title,
    pops_up,
)
from codextui.console.model.labels import Asker
from codextui.protocol.approvals import Approval, CommandAsked, FileChange, PatchAsked

DELAY = 1.0


def approval(number: int, command: str = "npm test", handle: str = "backend") -> Approval:
    return Approval(f"a{number}", f"t{number}", "u", "", handle, 1.0, CommandAsked(command))


A, B = approval(1), approval(2)


@pytest.mark.parametrize(
    ("seen", "told", "due"),
    [
        ([(0, [A])], [[]], []),
        ([(0, [A]), (0.9, [A]), (1.0, [A])], [[], [], [A]], [A]),
        ([(0, [A]), (0.5, []), (1.5, [])], [[], [], []], []),
        ([(0, [A]), (0.5, []), (0.6, [A]), (1.2, [A])], [[], [], [], []], []),
        ([(0, [A]), (2, [A]), (3, [A])], [[], [A], []], [A]),
        ([(0, [A]), (2, [A]), (3, []), (4, [A]), (9, [A])], [[], [A], [], [], []], [A]),
        ([(0, [A, B]), (1, [A, B])], [[], [A, B]], [A, B]),
        ([(0, [A]), (1, [A, B]), (2, [B])], [[], [A], [B]], [B]),
        ([(0, [A]), (1, [A]), (2, [])], [[], [A], []], []),
    ],
    ids=[
        "not at once",
        "after the delay",
        "not what was decided before",
        "one that returns waits anew",
        "once",
        "once over a lost connection",
        "two together",
        "each at its time",
        "withdrawn",
    ],
)
def test_approvals_are_told(
    seen: list[tuple[float, list[Approval]]], told: list[list[Approval]], due: list[Approval]
) -> None:
    attention = Attention(DELAY)
    assert [list(attention.update(approvals, now)) for now, approvals in seen] == told
    assert list(attention.due) == due


def test_the_same_id_of_another_server_is_another_approval() -> None:
    attention = Attention(0)
    assert attention.update([A], 0) == (A,)
    other = structs.replace(A, asked_at=2.0)
    assert attention.update([other], 1) == (other,)


def test_the_next_check_is_when_the_next_one_is_due() -> None:
    attention = Attention(DELAY)
    assert attention.next_check(0) is None
    attention.update([A], 0)
    attention.update([A, B], 0.4)
    assert attention.next_check(0.4) == pytest.approx(0.6)
    attention.update([A, B], 1.0)
    assert attention.next_check(1.0) == pytest.approx(0.4)
    attention.update([A, B], 9.0)
    assert attention.next_check(9.0) is None


@given(
    st.lists(st.tuples(st.floats(0, 3), st.sets(st.integers(1, 5))), max_size=30),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_every_approval_that_waits_long_enough_is_told_exactly_once(
    steps: list[tuple[float, set[int]]], delay: float
) -> None:
    attention, now = Attention(delay), 0.0
    told: list[str] = []
    since: dict[int, float] = {}
    for pause, numbers in steps:
        now += pause
        since = {n: since.get(n, now) for n in numbers}
        told += [one.approval_id for one in attention.update(list(map(approval, numbers)), now)]
        assert len(told) == len(set(told))
        ripe = {f"a{n}" for n in numbers if now - since[n] >= delay}
        assert ripe <= set(told)
        due = {one.approval_id for one in attention.due}
        assert ripe <= due <= {f"a{n}" for n in numbers}
        wait = attention.next_check(now)
        assert (wait is None) == (due == {f"a{n}" for n in numbers})


@pytest.mark.parametrize(
    ("count", "server", "title"),
    [
        (0, "default", "codextui"),
        (1, "default", "? 1 needs you · codextui"),
        (3, "work", "? 3 need you · codextui work"),
    ],
)
def test_the_title_says_how_many_need_somebody(count: int, server: str, title: str) -> None:
    assert describe_title(count, server) == title


def test_an_alert_names_the_first_and_counts_the_others() -> None:
    fresh = [approval(1, "/bin/bash -lc 'npm test'"), B]
    alert = describe_alert(fresh, [*fresh, approval(3)], {}, "default")
    assert alert.body == "backend asks to run: npm test (and 1 more)"
    assert alert.title == "? 3 need you · codextui"
    assert (alert.count, alert.handle, alert.kind) == (3, "backend", "command")
    elsewhere = {"t1": Asker("", "Codex TUI", "Codex TUI · shop")}
    assert describe_alert([A], [A], elsewhere, "x").body.startswith("Codex TUI · shop asks to run")


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=100))
def test_texts_of_alerts_are_bounded_and_of_one_line(
    command: str, handle: str, server: str
) -> None:
    alert = describe_alert([approval(1, command, handle)] * 2, [A], {}, server)
    assert len(alert.title) <= MAX_TITLE + 1
    assert len(alert.body) <= MAX_BODY + 20
    for text in (alert.title, alert.body, alert.handle):
        assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in text)


@pytest.mark.parametrize(
    ("popup", "risky", "plain", "patch"),
    [
        ("always", True, True, True),
        ("never", False, False, False),
        (("risk",), True, False, False),
        (("risk:deletes",), True, False, False),
        (("risk:as root",), False, False, False),
        (("kind:patch",), False, False, True),
        (("kind:patch", "risk"), True, False, True),
        (("role:back*",), True, True, False),
        (("role:tester",), False, False, True),
    ],
)
def test_the_dialog_pops_up_only_for_what_is_chosen(
    popup: str | tuple[str, ...], risky: bool, plain: bool, patch: bool
) -> None:
    changes = (FileChange("a.py", "update"),)
    changed = structs.replace(approval(3, handle="tester"), asked=PatchAsked(changes))
    assert pops_up(approval(1, "rm -rf build"), popup) is risky
    assert pops_up(A, popup) is plain
    assert pops_up(changed, popup) is patch
