"""What the queue dialog shows meanwhile, and edits that were not saved."""

from __future__ import annotations

import pytest

from codextui.console.model.queue_edits import QueueEdits, apply_moves, edit_key, find_place
from codextui.protocol.threads import QueuedMessage

QUEUE = tuple(QueuedMessage(name, f"do {name}") for name in "abcd")


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], "abcd"),
        ([("c", "b")], "acbd"),
        ([("c", "b"), ("c", "a")], "cabd"),
        ([("a", "")], "bcda"),
        ([("a", "a")], "abcd"),
        ([("x", "a")], "abcd"),
        ([("a", "x")], "abcd"),
    ],
)
def test_moves_show_before_they_are_carried_out(
    moves: list[tuple[str, str]], expected: str
) -> None:
    assert "".join(one.queued_id for one in apply_moves(QUEUE, moves)) == expected


def test_a_step_has_the_message_that_follows() -> None:
    for at in range(4):
        for step in (-1, 1):
            before = find_place(QUEUE, at, step)
            if not 0 <= at + step < 4:
                assert before is None
                continue
            assert before is not None
            moved = apply_moves(QUEUE, [(QUEUE[at].queued_id, before)])
            assert moved.index(QUEUE[at]) == at + step


def test_edits_of_messages_that_have_gone_are_taken_once() -> None:
    drafts: dict[str, str] = {}
    edits = QueueEdits(drafts)
    assert not edits
    for thread, name in (("t1", "a"), ("t1", "x"), ("t1", "y"), ("unknown", "z")):
        edits.keep(edit_key(thread, name), f"edit of {name}")
    edits.busy.add(edit_key("t1", "y"))
    queues = {"t1": QUEUE}
    assert edits.take_stranded(queues.get) == (("t1", "edit of x"),)
    assert edits.take_stranded(queues.get) == ()
    assert edits.read("t1/a") == "edit of a"
    edits.busy.clear()
    assert edits.take_stranded(queues.get) == (("t1", "edit of y"),)
    edits.forget("t1/a")
    assert list(drafts) == ["unknown/z"]
