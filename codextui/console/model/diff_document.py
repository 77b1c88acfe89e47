"""A diff as the entries that are shown: sections, files, hunks, lines and comments. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto

import msgspec

from codextui.console.model.diff_comments import Comment, locate
from codextui.console.model.diff_words import pair_lines
from codextui.protocol.diff import Diff, FileDiff, Hunk, Line


class EntryKind(Enum):
    """The kinds of entries."""

    SECTION = auto()
    NOTE = auto()
    FILE = auto()
    HUNK = auto()
    LINE = auto()
    COMMENT = auto()


class Section(msgspec.Struct, frozen=True):
    """A diff under a heading.

    Attributes:
        title: whose changes these are; empty for a diff that needs no heading.
        thread_id: the thread that has made them, which gets the comments on them.
        diff: the parsed diff.
        notes: sentences about it.
    """

    title: str
    thread_id: str
    diff: Diff
    notes: tuple[str, ...] = ()


class ShownFile(msgspec.Struct, frozen=True):
    """A file of the document, and the index of its section."""

    section: int
    thread_id: str
    file: FileDiff


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An entry.

    Attributes:
        kind: what it is.
        file: index of its file in the document, -1 if it belongs to none.
        hunk: index of its hunk in the file, -1 if it belongs to none.
        old: index in the hunk of the line at the left, -1 for none.
        new: index in the hunk of the line at the right, -1 for none. In a unified diff both are
            the same for a line of context.
        text: the text of a section or a note.
        comment: index of a comment in the document, -1 for none.
    """

    kind: EntryKind
    file: int = -1
    hunk: int = -1
    old: int = -1
    new: int = -1
    text: str = ""
    comment: int = -1


class Document(msgspec.Struct, frozen=True):
    """All entries, and what they refer to.

    Attributes:
        sections: as given.
        files: the files of all sections.
        entries: in the order in which they are shown.
        file_starts: the index of the entry of each file.
        hunk_starts: the indexes of the entries of hunks, ascending.
        comments: the comments that are shown, with the id of their thread.
        comment_starts: the index of the entry of each comment.
    """

    sections: tuple[Section, ...]
    files: tuple[ShownFile, ...]
    entries: tuple[Entry, ...]
    file_starts: tuple[int, ...]
    hunk_starts: tuple[int, ...]
    comments: tuple[tuple[str, Comment], ...]
    comment_starts: tuple[int, ...]

    def hunk_of(self, entry: Entry) -> Hunk | None:
        """Return the hunk of an entry, None if it belongs to none."""
        if entry.file < 0 or entry.hunk < 0:
            return None
        return self.files[entry.file].file.hunks[entry.hunk]

    def lines_of(self, entry: Entry) -> tuple[Line | None, Line | None]:
        """Return the lines of an entry at the left and at the right."""
        hunk = self.hunk_of(entry)
        if hunk is None or entry.kind is not EntryKind.LINE:
            return None, None
        old = hunk.lines[entry.old] if entry.old >= 0 else None
        return old, hunk.lines[entry.new] if entry.new >= 0 else None

    def line_of(self, entry: Entry, *, is_left: bool = False) -> Line | None:
        """Return the line that a comment on an entry is about, by default that at the right."""
        old, new = self.lines_of(entry)
        line = (old or new) if is_left else (new or old)
        return None if line is None or line.is_note else line


def build_document(
    sections: Sequence[Section],
    comments_of: Callable[[str], Sequence[Comment]],
    *,
    side_by_side: bool = False,
) -> Document:
    """Lay out sections as entries.

    Args:
        sections: in order.
        comments_of: returns the comments of a thread.
        side_by_side: whether removed and added lines stand beside each other.
    """
    return _Builder(sections, comments_of, side_by_side=side_by_side).build()


class _Builder:
    """Collects the entries of a document."""

    def __init__(
        self,
        sections: Sequence[Section],
        comments_of: Callable[[str], Sequence[Comment]],
        *,
        side_by_side: bool,
    ) -> None:
        self._sections = tuple(sections)
        self._comments_of = comments_of
        self._side_by_side = side_by_side
        self._files = [
            ShownFile(number, section.thread_id, file)
            for number, section in enumerate(self._sections)
            for file in section.diff.files
        ]
        self._entries: list[Entry] = []
        self._file_starts: list[int] = []
        self._hunk_starts: list[int] = []
        self._comments: list[tuple[str, Comment]] = []
        self._comment_starts: list[int] = []
        self._located: dict[tuple[int, int, int], tuple[str, Comment]] = {}
        self._lost: dict[str, list[Comment]] = {}

    def build(self) -> Document:
        """Return the document."""
        self._locate_comments()
        at = 0
        for number, section in enumerate(self._sections):
            self._add_section(section)
            for file in section.diff.files:
                self._add_file(at, file)
                at += 1
            is_last = all(
                one.thread_id != section.thread_id for one in self._sections[number + 1 :]
            )
            if is_last:
                self._add_lost(section.thread_id)
        return Document(
            self._sections,
            tuple(self._files),
            tuple(self._entries),
            tuple(self._file_starts),
            tuple(self._hunk_starts),
            tuple(self._comments),
            tuple(self._comment_starts),
        )

    def _locate_comments(self) -> None:
        for thread_id in dict.fromkeys(section.thread_id for section in self._sections):
            mine = [n for n, shown in enumerate(self._files) if shown.thread_id == thread_id]
            files = [self._files[number].file for number in mine]
            found, lost = locate(self._comments_of(thread_id), files)
            for (number, hunk, line), comment in found.items():
                self._located[mine[number], hunk, line] = thread_id, comment
            self._lost[thread_id] = lost

    def _add_section(self, section: Section) -> None:
        if section.title:
            self._entries.append(Entry(EntryKind.SECTION, text=section.title))
        notes = [*section.notes, *section.diff.preamble]
        self._entries.extend(Entry(EntryKind.NOTE, text=note) for note in notes)

    def _add_file(self, at: int, file: FileDiff) -> None:
        self._file_starts.append(len(self._entries))
        self._entries.append(Entry(EntryKind.FILE, at))
        for note in file_notes(file):
            self._entries.append(Entry(EntryKind.NOTE, at, text=note))
        for number, hunk in enumerate(file.hunks):
            self._hunk_starts.append(len(self._entries))
            self._entries.append(Entry(EntryKind.HUNK, at, number))
            self._add_lines(at, number, hunk)

    def _add_lines(self, at: int, number: int, hunk: Hunk) -> None:
        for old, new in _line_pairs(hunk, side_by_side=self._side_by_side):
            self._entries.append(Entry(EntryKind.LINE, at, number, old, new))
            for index in dict.fromkeys((old, new)):
                if (located := self._located.get((at, number, index))) is not None:
                    self._add_comment(*located, at, number)

    def _add_comment(self, thread_id: str, comment: Comment, file: int, hunk: int) -> None:
        entry = Entry(EntryKind.COMMENT, file, hunk, comment=len(self._comments))
        self._comment_starts.append(len(self._entries))
        self._comments.append((thread_id, comment))
        self._entries.append(entry)

    def _add_lost(self, thread_id: str) -> None:
        for comment in self._lost.get(thread_id, ()):
            self._add_comment(thread_id, comment, -1, -1)


def _line_pairs(hunk: Hunk, *, side_by_side: bool) -> Iterator[tuple[int, int]]:
    if side_by_side:
        for old, new in pair_lines(hunk.lines):
            yield -1 if old is None else old, -1 if new is None else new
        return
    for index, line in enumerate(hunk.lines):
        yield -1 if line.sign == "+" else index, -1 if line.sign == "-" else index


def file_notes(file: FileDiff) -> list[str]:
    """Return what is told of a file beside its lines."""
    notes: list[str] = []
    if file.modes:
        notes.append(f"mode {file.modes[0]} → {file.modes[1]}{_mode_word(*file.modes)}")
    if file.is_binary:
        notes.append("binary file: its content is not shown")
    elif not file.hunks and not file.modes:
        is_moved = bool(file.old_path)
        notes.append("content unchanged" if is_moved else "no lines")
    return notes


def _mode_word(old: str, new: str) -> str:
    was, is_ = old.endswith("755"), new.endswith("755")
    if was == is_:
        return ""
    return " (executable now)" if is_ else " (not executable any more)"


class Anchor(msgspec.Struct, frozen=True):
    """An entry as it can be found again in a newer document.

    Attributes:
        kind: the kind of the entry.
        thread_id: the thread of its file, empty for none.
        path: the path of its file, empty for none.
        text: the line with its sign, or the text of a section or note.
        number: the line's number, or the hunk's first line.
        index: its index in the document.
    """

    kind: EntryKind
    thread_id: str = ""
    path: str = ""
    text: str = ""
    number: int = 0
    index: int = 0


def anchor_of(document: Document, index: int) -> Anchor:
    """Return the anchor of an entry."""
    entry = document.entries[index]
    shown = document.files[entry.file] if entry.file >= 0 else None
    thread_id, path = ("", "") if shown is None else (shown.thread_id, shown.file.path)
    text, number = entry.text, 0
    hunk, line = document.hunk_of(entry), document.line_of(entry)
    if line is not None:
        text, number = line.sign + line.text, line.new or line.old or 0
    elif entry.kind is EntryKind.COMMENT:
        text = document.comments[entry.comment][1].text
    elif hunk is not None and hunk.lines:
        text, number = hunk.place, hunk.lines[0].new or hunk.lines[0].old or 0
    return Anchor(entry.kind, thread_id, path, text, number, index)


def find_anchor(document: Document, anchor: Anchor) -> int:
    """Return the index of the entry that is most like an anchor; 0 in an empty document."""

    def distance(index: int) -> tuple[bool, bool, bool, bool, int, int]:
        other = anchor_of(document, index)
        return (
            (other.path, other.thread_id) != (anchor.path, anchor.thread_id),
            other.path != anchor.path,
            other.text != anchor.text,
            other.kind is not anchor.kind,
            abs(other.number - anchor.number),
            abs(index - anchor.index),
        )

    return min(_candidates(document, anchor), key=distance, default=0)


def _candidates(document: Document, anchor: Anchor) -> Sequence[int]:
    """Return the entries of the anchor's file, or all if the file is gone."""
    mine = {n for n, shown in enumerate(document.files) if shown.file.path == anchor.path}
    if not mine:
        return range(len(document.entries))
    return [index for index, entry in enumerate(document.entries) if entry.file in mine]
