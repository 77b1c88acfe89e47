"""Diffs as entries, and how a place is found again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.diff_comments import Comment
from codextui.console.model.diff_document import (
    Document,
    EntryKind,
    Section,
    anchor_of,
    build_document,
    file_notes,
    find_anchor,
)
from codextui.protocol.diff import parse_diff

DIFF = """diff --git a/x.py b/x.py
--- a/x.py
+++ b/x.py
@@ -1,3 +1,3 @@
 same
-old
+new
 end
@@ -11,1 +11,2 @@
 there
+more
diff --git a/y.py b/y.py
--- a/y.py
+++ b/y.py
@@ -1 +1 @@
-a
+b
"""


def document(diff: str = DIFF, *comments: Comment, side_by_side: bool = False) -> Document:
    sections = [Section("", "t1", parse_diff(diff))]
    return build_document(sections, lambda _: comments, side_by_side=side_by_side)


@pytest.mark.parametrize("side_by_side", [False, True])
def test_every_line_is_shown_once(side_by_side: bool) -> None:
    shown = document(side_by_side=side_by_side)
    lines = []
    for entry in shown.entries:
        old, new = shown.lines_of(entry)
        lines += [line for line in (old, new if new is not old else None) if line is not None]
    assert sorted(line.text for line in lines) == sorted(
        ["same", "old", "new", "end", "there", "more", "a", "b"]
    )


def test_files_and_hunks_can_be_gone_to() -> None:
    shown = document()
    kinds = [shown.entries[index].kind for index in shown.file_starts]
    assert kinds == [EntryKind.FILE, EntryKind.FILE]
    assert [shown.entries[index].kind for index in shown.hunk_starts] == [EntryKind.HUNK] * 3


@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_comment_stands_below_its_line(side_by_side: bool) -> None:
    shown = document(DIFF, Comment("x.py", "+", 2, "new", "why?"), side_by_side=side_by_side)
    (start,) = shown.comment_starts
    line = shown.line_of(shown.entries[start - 1])
    assert line is not None
    assert line.text == "new"


def test_a_comment_whose_line_is_gone_stands_at_the_end() -> None:
    shown = document(DIFF, Comment("z.py", "+", 2, "gone", "why?"))
    assert shown.comment_starts == (len(shown.entries) - 1,)


@given(st.integers(0), st.integers(0, 5))
def test_a_place_is_found_again_below_new_lines(place: int, added: int) -> None:
    before = document()
    index = place % len(before.entries)
    more = "".join(f"+line {number}\n" for number in range(added))
    after = document(DIFF.replace("+1,3 @@\n", f"+1,{3 + added} @@\n{more}"))
    found = after.entries[find_anchor(after, anchor_of(before, index))]
    entry = before.entries[index]
    assert found.kind is entry.kind
    assert (found.file, found.hunk) == (entry.file, entry.hunk)
    was, now = before.line_of(entry), after.line_of(found)
    assert (was and was.text) == (now and now.text)


def test_a_place_in_a_file_that_is_gone_is_somewhere() -> None:
    before, after = document(), document(DIFF[: DIFF.index("diff --git a/y")])
    assert find_anchor(after, anchor_of(before, len(before.entries) - 1)) < len(after.entries)
    assert find_anchor(document(""), anchor_of(before, 0)) == 0


@pytest.mark.parametrize(
    ("header", "notes"),
    [
        ("rename from x\nrename to y", ["content unchanged"]),
        ("old mode 100644\nnew mode 100755", ["mode 100644 → 100755 (executable now)"]),
        ("old mode 100755\nnew mode 100644", ["mode 100755 → 100644 (not executable any more)"]),
        ("Binary files a/x and b/x differ", ["binary file: its content is not shown"]),
        ("new file mode 100644", ["no lines"]),
    ],
)
def test_what_is_no_line_is_told(header: str, notes: list[str]) -> None:
    (file,) = parse_diff(f"diff --git a/x b/x\n{header}\n").files
    assert file_notes(file) == notes
