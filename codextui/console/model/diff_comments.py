"""Comments on the lines of a diff: found again in a newer one, and made a review. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from codextui.protocol.diff import FileDiff, Line
from codextui.text.sanitize import one_line, replace_surrogates

MAX_COMMENTS: Final = 200
"""Comments that a thread may have."""

MAX_COMMENT_LENGTH: Final = 8_000
"""Characters of a comment."""

MAX_QUOTED_LENGTH: Final = 500
"""Characters of the line that a comment quotes."""

Place: TypeAlias = tuple[int, int, int]
"""Index of a file, of a hunk in the file, and of a line in the hunk."""


class Comment(msgspec.Struct, frozen=True):
    """A comment on a line of a diff.

    Attributes:
        path: the file, the new path if it was renamed.
        sign: the sign of the line, a space for a line of context.
        number: the line's number in the new file; of a removed line in the old one.
        line: the beginning of the line.
        text: the comment.
        is_draft: whether it is not finished, so that it is not sent.
    """

    path: str
    sign: str
    number: int
    line: str
    text: str
    is_draft: bool = False

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What distinguishes it: a line has one comment."""
        return self.path, self.sign, self.number, self.line


def comment_on(path: str, line: Line, text: str = "", *, is_draft: bool = False) -> Comment:
    """Return a comment on a line of a file."""
    number = line.old if line.sign == "-" else line.new
    sign = line.sign if line.sign in ("+", "-") else " "
    quoted = replace_surrogates(line.text[:MAX_QUOTED_LENGTH])
    words = replace_surrogates(text[:MAX_COMMENT_LENGTH])
    return Comment(replace_surrogates(path), sign, number or 0, quoted, words, is_draft)


def with_comment(comments: Iterable[Comment], comment: Comment) -> tuple[Comment, ...]:
    """Return the comments with one added or replaced; one without a text is removed."""
    others = [one for one in comments if one.key != comment.key]
    if comment.text.strip():
        others.append(comment)
    return tuple(sorted(others, key=lambda one: (one.path, one.number, one.sign)))


def locate(
    comments: Iterable[Comment], files: Sequence[FileDiff]
) -> tuple[dict[Place, Comment], list[Comment]]:
    """Find the lines that comments are about, in files that may be newer than the comments are.

    A comment is about its line if that is still in its place, otherwise about the nearest line of
    the same file, sign and text. Of several diffs of a file the last one counts first.

    Returns:
        The comments by their place, and those whose line is not in the diff.
    """
    waiting = list(comments)
    found: dict[Place, Comment] = {}
    if not waiting:
        return found, waiting
    places = _places(files, {comment.path for comment in waiting})
    for is_exact in (True, False):
        for comment in list(waiting):
            same = places.get((comment.path, comment.sign, comment.line), [])
            free = [one for one in same if one[1] not in found]
            if is_exact:
                free = [one for one in free if one[0] == comment.number]
            if free:
                nearest = min(reversed(free), key=lambda one: abs(one[0] - comment.number))
                found[nearest[1]] = comment
                waiting.remove(comment)
    return found, waiting


def _places(
    files: Sequence[FileDiff], paths: Container[str]
) -> dict[tuple[str, str, str], list[tuple[int, Place]]]:
    """Return the numbers and places of lines by path, sign and text."""
    places: dict[tuple[str, str, str], list[tuple[int, Place]]] = defaultdict(list)
    for number, file in enumerate(files):
        if file.path not in paths:
            continue
        for at, hunk in enumerate(file.hunks):
            for index, line in enumerate(hunk.lines):
                if not line.is_note:
                    on = comment_on(file.path, line)
                    places[on.path, on.sign, on.line].append((on.number, (number, at, index)))
    return places


def finished(comments: Iterable[Comment]) -> list[Comment]:
    """Return the comments that are sent: all but the drafts."""
    return [comment for comment in comments if not comment.is_draft]


def review_message(comments: Sequence[Comment]) -> str:
    """Return the one message that tells an agent all comments, each with its file and line."""
    count = "a comment" if len(comments) == 1 else f"{len(comments)} comments"
    parts = [f"I have reviewed your changes and have {count}. Please deal with each."]
    for comment in comments:
        where = f"{comment.path}:{comment.number}"
        if comment.sign == "-":
            where += " (removed line)"
        # A line that holds a fence must not end the quote.
        fence = "`" * max(3, 1 + _longest_fence(comment.line))
        parts.append(
            f"{where}\n{fence}diff\n{comment.sign}{comment.line}\n{fence}\n{comment.text.strip()}"
        )
    return "\n\n".join(parts)


def _longest_fence(text: str) -> int:
    longest = length = 0
    for character in text:
        length = length + 1 if character == "`" else 0
        longest = max(longest, length)
    return longest


# Storage.


def dump_comments(comments: Sequence[Comment]) -> str:
    """Return comments as JSON, for the drafts."""
    return msgspec.json.encode(comments).decode()


def load_comments(text: str) -> tuple[Comment, ...]:
    """Read what `dump_comments` has returned; what cannot be read counts as none."""
    try:
        return tuple(msgspec.json.decode(text, type=list[Comment])[:MAX_COMMENTS])
    except (msgspec.MsgspecError, ValueError):
        return ()


def load_all(drafts: Mapping[str, str], thread_id: str) -> tuple[Comment, ...]:
    """Return the comments of a thread among the drafts."""
    return load_comments(drafts.get(thread_id, ""))


def describe_comment(comment: Comment) -> str:
    """Return a comment in one line, for a list."""
    draft = "draft: " if comment.is_draft else ""
    return f"{one_line(comment.path, 80)}:{comment.number}: {draft}{one_line(comment.text, 200)}"
