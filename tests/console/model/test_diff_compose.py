"""Two diffs of a file that follow each other are one, which does what both do."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codextui.console.model.diff_compose import compose_files
from codextui.protocol.diff import FileDiff, FileKind, parse_diff

LINES = st.lists(st.sampled_from("abcde"), max_size=14)
CONTEXT = st.integers(0, 3)


def diff(old: list[str], new: list[str], context: int = 3) -> FileDiff:
    lines = list(difflib.unified_diff(old, new, "a/x", "b/x", lineterm="", n=context))
    text = "\n".join(lines or ["--- a/x", "+++ b/x"])
    (file,) = parse_diff(f"{text}\n").files
    return file


def apply(file: FileDiff, old: list[str]) -> list[str]:
    """Apply a diff as strictly as it can be."""
    result: list[str] = []
    done = 0
    for hunk in file.hunks:
        header = hunk.header.split()[1][1:].split(",")
        start = int(header[0]) - (header[1] != "0")
        result += old[done:start]
        done = start
        for line in hunk.lines:
            if line.sign in (" ", "-"):
                assert old[done] == line.text
                assert line.old == done + 1
                done += 1
            if line.sign in (" ", "+"):
                result.append(line.text)
                assert line.new == len(result)
    return result + old[done:]


@given(LINES, LINES, LINES, CONTEXT, CONTEXT)
@example(["a", "b"], ["a"], ["b", "a"], 0, 0)
@settings(max_examples=300)
def test_one_diff_does_what_two_do(
    old: list[str], middle: list[str], new: list[str], before: int, after: int
) -> None:
    composed = compose_files(diff(old, middle, before), diff(middle, new, after))
    assert composed is not None
    assert apply(composed, old) == new
    signs = [line.sign for hunk in composed.hunks for line in hunk.lines]
    assert (composed.added, composed.removed) == (signs.count("+"), signs.count("-"))


@given(LINES, LINES)
def test_what_was_changed_back_is_gone(old: list[str], middle: list[str]) -> None:
    composed = compose_files(diff(old, middle), diff(middle, old))
    assert composed is not None
    assert apply(composed, old) == old


def parsed(text: str) -> FileDiff:
    (file,) = parse_diff(text).files
    return file


ADDED = parsed(
    "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"
)
CHANGED = parsed("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
DELETED = parsed("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n")


@pytest.mark.parametrize(
    ("first", "second", "kind", "counts"),
    [
        (ADDED, CHANGED, FileKind.ADDED, (1, 0)),
        (CHANGED, DELETED, FileKind.DELETED, (0, 1)),
        (DELETED, ADDED, FileKind.CHANGED, (1, 1)),
    ],
)
def test_what_happens_to_a_file_is_put_together(
    first: FileDiff, second: FileDiff, kind: FileKind, counts: tuple[int, int]
) -> None:
    composed = compose_files(first, second)
    assert composed is not None
    assert composed.kind is kind
    assert (composed.added, composed.removed) == counts


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CHANGED, CHANGED),  # the second does not begin where the first ends
        (CHANGED, parsed("diff --git a/x b/y\nrename from x\nrename to y\n")),
        (CHANGED, parsed("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n")),
        (CHANGED, parsed("diff --git a/x b/x\nBinary files a/x and b/x differ\n")),
        (CHANGED, parsed("--- a/x\n+++ b/x\n@@\n-b\n+c\n")),
        (parsed("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n… cut\n"), CHANGED),
    ],
)
def test_what_cannot_be_put_together_exactly_is_not(first: FileDiff, second: FileDiff) -> None:
    assert compose_files(first, second) is None


def test_a_missing_newline_at_the_end_is_kept() -> None:
    first = parsed("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n")
    second = parsed("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n\\ No newline at end of file\n+c\n")
    composed = compose_files(first, second)
    assert composed is not None
    assert [line.sign for line in composed.hunks[0].lines] == ["-", "+"]
    assert compose_files(first, CHANGED) is None
