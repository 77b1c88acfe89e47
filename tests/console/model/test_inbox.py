"""The inbox keeps what the user looks at, whatever arrives, goes or is sorted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.console.model.inbox import MAX_GONE, Inbox, InboxMemory, Order
from codextui.protocol.approvals import Approval, Asked, CommandAsked, PatchAsked

COMMANDS = ("npm test", "/bin/bash -lc 'npm test'", "sudo rm -rf /x", "git push", "ls")


def approval(number: int, asked: Asked | None = None, thread: str = "t") -> Approval:
    asked = asked or CommandAsked(COMMANDS[number % len(COMMANDS)])
    return Approval(f"a{number}", thread, "u", "", "backend", float(number), asked)


def names(inbox: Inbox) -> list[str]:
    return [one.approval_id for one in inbox.approvals]


def test_the_oldest_stands_first_until_another_order_is_taken() -> None:
    queue = [
        approval(1, CommandAsked("ls"), "x"),
        approval(2, CommandAsked("sudo ls"), "y"),
        approval(3, CommandAsked("git push"), "x"),
    ]
    inbox = Inbox(queue)
    assert names(inbox) == ["a1", "a2", "a3"]
    assert inbox.next_order() is Order.THREAD
    assert names(inbox) == ["a1", "a3", "a2"]
    assert inbox.next_order() is Order.RISK
    assert names(inbox) == ["a2", "a3", "a1"]
    assert inbox.next_order() is Order.OLDEST
    assert names(inbox) == ["a1", "a2", "a3"]


def test_the_same_commands_stand_together_where_the_first_of_them_does() -> None:
    inbox = Inbox([approval(5), approval(2), approval(6), approval(3)])
    inbox.toggle_groups()
    assert names(inbox) == ["a5", "a6", "a2", "a3"]
    rows = inbox.entries
    assert [(row.same, row.is_first) for row in rows] == [
        (2, True),
        (2, False),
        (1, True),
        (1, True),
    ]
    inbox.toggle_groups()
    assert all(row.is_first for row in inbox.entries)


def test_sorting_keeps_the_current_one() -> None:
    inbox = Inbox([approval(number) for number in range(6)], "a4")
    for _ in range(3):
        inbox.next_order()
        assert inbox.current == approval(4)
    inbox.toggle_groups()
    assert inbox.current == approval(4)


def test_after_the_current_one_is_gone_the_next_in_the_list_is_current() -> None:
    inbox = Inbox([approval(number) for number in range(4)], "a2")
    inbox.remove([approval(2), approval(3)])
    assert inbox.current == approval(1)
    inbox.update([approval(0)])
    assert inbox.current == approval(0)
    inbox.update([])
    assert inbox.current is None
    assert inbox.position == (0, 0)


def test_a_mark_is_lost_with_a_change_and_kept_over_a_new_dialog() -> None:
    memory = InboxMemory()
    queue = [approval(1), approval(2)]
    first = Inbox(queue, memory=memory)
    assert first.toggle_mark()
    again = Inbox(queue, memory=memory)
    assert [one.approval_id for one in again.marked] == ["a1"]
    changed = structs.replace(queue[0], asked=PatchAsked())
    again.update([changed, queue[1]])
    assert again.marked == ()
    again.update([])  # the server is out of reach
    assert Inbox(queue, memory=memory).marked == (queue[0],)
    Inbox([queue[1]], memory=memory)
    assert memory.marks == {}


def test_all_that_ask_for_the_same_can_be_marked() -> None:
    inbox = Inbox([approval(0), approval(1), approval(3), approval(5)])
    assert inbox.mark_same(lambda _: True) == 3
    assert [one.approval_id for one in inbox.marked] == ["a0", "a1", "a5"]
    inbox.go_to("a3")
    assert inbox.mark_same(lambda one: one.approval_id != "a3") == 0


def test_what_was_answered_elsewhere_stays_at_the_end_of_the_list_for_a_while() -> None:
    inbox = Inbox([approval(1), approval(2)])
    inbox.update([approval(2)])
    inbox.show_gone(approval(1), "approved by claude-code")
    assert [row.outcome for row in inbox.entries] == ["", "approved by claude-code"]
    assert not inbox.go_to("a1")
    for number in range(10, 20):
        inbox.show_gone(approval(number), "declined")
    assert len(inbox.entries) == 1 + MAX_GONE
    inbox.drop_gone()
    assert len(inbox.entries) == 1


def test_one_that_returns_is_no_longer_shown_as_gone() -> None:
    inbox = Inbox([approval(1)])
    inbox.show_gone(approval(2), "resolved elsewhere")
    inbox.update([approval(1), approval(2)])
    assert [row.outcome for row in inbox.entries] == ["", ""]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("update"), st.sets(st.integers(0, 12))),
        st.tuples(st.just("decide"), st.integers(0, 12)),
        st.tuples(st.just("restore"), st.integers(0, 12)),
        st.tuples(st.just("move"), st.sampled_from([-1, 1])),
        st.tuples(st.sampled_from(["order", "group", "mark"]), st.none()),
    ),
    max_size=30,
)


@given(st.sets(st.integers(0, 12), min_size=1), steps)
def test_nothing_but_the_user_moves_the_selection(
    first: set[int], happened: list[tuple[str, object]]
) -> None:
    inbox = Inbox([approval(number) for number in sorted(first)])
    for what, value in happened:
        before = inbox.current
        match what, value:
            case "update", set(numbers):
                inbox.update([approval(number) for number in sorted(numbers)])
            case "decide", int(number):
                inbox.remove([approval(number)])
            case "restore", int(number):
                inbox.restore(f"a{number}")
            case "move", int(step):
                inbox.move(step)
            case "order", _:
                inbox.next_order()
            case "group", _:
                inbox.toggle_groups()
            case _:
                inbox.toggle_mark()
        if what != "move" and before in inbox.approvals:
            assert inbox.current == before
        at, total = inbox.position
        assert (inbox.current is None) == (total == 0)
        assert total == 0 or inbox.approvals[at - 1] == inbox.current
        assert len(set(names(inbox))) == total
        assert all(one in inbox.approvals for one in inbox.marked)


@pytest.mark.parametrize("order", list(Order))
def test_a_list_of_300_long_commands_is_sorted_at_once(order: Order) -> None:
    memory = InboxMemory(order=order, grouped=True)
    queue = [approval(n, CommandAsked(f"echo {n % 7};" * 200)) for n in range(300)]
    inbox = Inbox(queue, memory=memory)
    for _ in range(50):
        inbox.update(queue)
    assert sum(row.is_first for row in inbox.entries) == 7
