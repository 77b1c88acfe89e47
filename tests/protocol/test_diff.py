"""Unified diffs are parsed without losing a line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codextui.protocol.diff import FileDiff, FileKind, diff_lines, parse_diff

PIECES = st.sampled_from(
    [
        "diff --git a/x b/x",
        "--- a/x",
        "+++ b/x",
        "@@ -1,2 +1,2 @@ def f():",
        "@@ -1 +1 @@",
        "@@",
        "new file mode 100644",
        "rename from x",
        "rename to y",
        "Binary files a/x and b/x differ",
        "\\ No newline at end of file",
        "+added",
        "-removed",
        " same",
        "",
        "-- x",
        "what is this",
    ]
)


def only(text: str) -> FileDiff:
    (file,) = parse_diff(text).files
    return file


@given(st.lists(PIECES | st.text(st.characters(exclude_characters="\n"))).map("\n".join))
def test_no_line_of_any_text_is_lost(text: str) -> None:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    assert list(diff_lines(parse_diff(text))) == lines


TEXTS = st.lists(st.sampled_from(["a", "b", "-- c", "++ d", "", "@@ e", "\t", "é  "]), max_size=12)
FILES = st.dictionaries(
    st.sampled_from(["x.py", "a b.txt", "ü.md", 'q"uote', "sub/deep.c", "tab\there"]),
    TEXTS.map("\n".join) | st.just("\x00binary"),
    max_size=4,
)


@given(FILES, FILES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_counts_and_names_are_those_of_git(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, str], new: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q")
    write(folder, old)
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty")
    for name in old:
        (folder / name).unlink()
    write(folder, new)
    git(folder, "add", "-A")
    parsed = parse_diff(git(folder, "diff", "--cached", "-M", "HEAD"))
    counted = git(folder, "diff", "--cached", "-M", "-z", "--numstat", "HEAD")
    assert [counts(file) for file in parsed.files] == read_numstat(counted)


def counts(file: FileDiff) -> tuple[str, str, str]:
    return str(file.added), str(file.removed), file.path


def read_numstat(text: str) -> list[tuple[str, str, str]]:
    parts = iter(text.split("\0")[:-1])
    rows: list[tuple[str, str, str]] = []
    for part in parts:
        added, removed, name = part.split("\t", 2)
        if not name:  # a rename: the old and the new name follow
            next(parts)
            name = next(parts)
        # Git counts no lines of binary files.
        rows.append((added.replace("-", "0"), removed.replace("-", "0"), name))
    return rows


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "core.autocrlf=false", *arguments]
    done = subprocess.run(command, check=True, capture_output=True)
    return done.stdout.decode()


def test_a_removed_line_that_looks_like_a_header_is_a_line() -> None:
    file = only("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,1 @@\n--- old\n same\n")
    assert [(line.sign, line.text) for line in file.hunks[0].lines] == [
        ("-", "-- old"),
        (" ", "same"),
    ]


def test_lines_have_their_numbers_in_both_files() -> None:
    file = only("--- a/x\n+++ b/x\n@@ -7,2 +9,3 @@ def f():\n a\n-b\n+c\n+d\n")
    hunk = file.hunks[0]
    assert hunk.place == "def f():"
    assert [(line.old, line.new) for line in hunk.lines] == [
        (7, 9),
        (8, None),
        (None, 10),
        (None, 11),
    ]


def test_two_files_without_git_headers_are_two_files() -> None:
    one = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    assert [file.path for file in parse_diff(one + one.replace("/x", "/y")).files] == ["x", "y"]


def test_a_hunk_without_numbers_takes_all_that_follows() -> None:
    file = only("--- a/x\n+++ b/x\n@@\n same\n-a\n+b\n")
    assert (file.added, file.removed) == (1, 1)


@pytest.mark.parametrize(
    ("header", "path", "old_path", "kind"),
    [
        (
            "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n",
            "n",
            "",
            FileKind.ADDED,
        ),
        ("diff --git a/n b/n\nnew file mode 100644", "n", "", FileKind.ADDED),
        ("--- a/n\n+++ /dev/null", "n", "", FileKind.DELETED),
        ("diff --git a/a b b/c\nrename from a b\nrename to c", "c", "a b", FileKind.RENAMED),
        ("diff --git a/a b/c\ncopy from a\ncopy to c", "c", "a", FileKind.COPIED),
        ("diff --git a/x y b/x y\nold mode 100644\nnew mode 100755", "x y", "", FileKind.CHANGED),
        ('diff --git "a/\\303\\244\\t" "b/\\303\\244\\t"', "ä\t", "", FileKind.CHANGED),
        ("--- x\t2026-01-01\n+++ x\t2026-01-02", "x", "", FileKind.CHANGED),
    ],
)
def test_headers_tell_what_happens_to_a_file(
    header: str, path: str, old_path: str, kind: FileKind
) -> None:
    file = only(header + "\n")
    assert (file.path, file.old_path, file.kind) == (path, old_path, kind)


def test_binary_files_and_modes_are_told() -> None:
    assert only("diff --git a/x b/x\nBinary files a/x and b/x differ\n").is_binary
    assert only("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n").modes == (
        "100644",
        "100755",
    )


def test_what_comes_before_the_first_file_is_kept() -> None:
    assert parse_diff("From a letter\n\n--- a/x\n+++ b/x\n").preamble == ("From a letter", "")


def test_a_diff_that_was_cut_off_says_so_in_its_last_line() -> None:
    file = only("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n… 7 more characters are not kept here")
    assert file.hunks[0].lines[-1].is_note
