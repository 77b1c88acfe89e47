"""Renders an item of any length in full, in pieces, and caches only the visible ones."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import TypeAlias, overload

from msgspec import structs
from rich.segment import Segment
from textual.strip import Strip

from codextui.console.model.items import (
    AgentMessage,
    CommandExecution,
    FileChanges,
    GrowingText,
    PlanText,
    TranscriptItem,
)
from codextui.console.render.command import prompt_rows
from codextui.console.render.diff import change_header_rows, line_rows
from codextui.console.render.items import RenderedItem, cut_off_rows
from codextui.console.render.layout import WHOLE, Row, indent, to_strips, wrap
from codextui.console.render.markdown import DEFAULT_LIMITS, find_blocks, source_rows
from codextui.console.render.palette import Palette
from codextui.protocol.changes import change_lines
from codextui.protocol.diff import Line
from codextui.text.sanitize import last_frames, sanitize
from codextui.text.shell import strip_shell

PIECE_LENGTH = 32_000
"""Characters of a piece."""

MARKDOWN_LENGTH = 8_000
"""Characters of Markdown from which another piece begins with the next block."""

PIECE_LINES = 400
"""Lines of a diff in a piece."""

MAX_KEPT = 6
"""Pieces whose rows are cached."""

Piece: TypeAlias = Callable[[], Sequence[Strip]]
"""Renders a part of an item; always the same rows."""


class PiecedRows(Sequence[Strip]):
    """The rows of pieces, which are rendered again when they are looked at.

    Creating it renders every piece once, to count its rows: do that in a thread.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        """Count the rows of each piece."""
        self._pieces = pieces
        self._ends = list(accumulate(len(piece()) for piece in pieces))
        self._kept: OrderedDict[int, Sequence[Strip]] = OrderedDict()

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Strip: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Strip]: ...
    def __getitem__(self, index: int | slice) -> Strip | Sequence[Strip]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        index = index + len(self) if index < 0 else index
        if not 0 <= index < len(self):
            raise IndexError(index)
        piece = bisect_right(self._ends, index)
        start = self._ends[piece - 1] if piece else 0
        return self._rows(piece)[index - start]

    def _rows(self, piece: int) -> Sequence[Strip]:
        rows = self._kept.get(piece)
        if rows is None:
            rows = self._kept[piece] = self._pieces[piece]()
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(piece)
        return rows


def item_pieces(item: TranscriptItem, width: int, palette: Palette) -> list[Piece]:
    """Return what renders an item part by part; what is not long by its text is one piece."""
    match item.content:
        case AgentMessage(text) | PlanText(text):
            return [*_markdown_pieces(item, text.text, width, palette)]
        case CommandExecution():
            return [*_command_pieces(item, item.content, width, palette)]
        case FileChanges():
            return [*_change_pieces(item, item.content, width, palette)]
        case _:
            return [partial(_item_rows, item, width, palette)]


def _markdown_pieces(
    item: TranscriptItem, text: str, width: int, palette: Palette
) -> Iterator[Piece]:
    """Yield the blocks that are laid out as Markdown, the rest as its source, and the ending."""
    *parts, rest = _cut_at_blocks(text)
    going_on = structs.replace(item, lost=False, unfinished=False, done=True)
    for at, part in enumerate(parts):
        kind = PlanText if at == 0 and isinstance(item.content, PlanText) else AgentMessage
        content = kind(GrowingText(part))
        yield partial(_item_rows, structs.replace(going_on, content=content), width, palette)
    if parts and rest:
        yield lambda: [Strip([])]
    for part in cut(rest):
        yield lambda part=part: to_strips(source_rows(sanitize(part), width, palette))  # type: ignore[misc]
    yield lambda: to_strips(cut_off_rows(item, palette, width))


def _cut_at_blocks(text: str) -> list[str]:
    """Return the Markdown that is laid out, cut between blocks; and last what is left."""
    limit = DEFAULT_LIMITS.text
    if len(text) > limit:
        limit = text.rfind("\n\n", 0, limit) + 2 if "\n\n" in text[:limit] else 0
    laid_out = text[:limit].rstrip("\n")
    lines = laid_out.split("\n") if laid_out else []
    starts = [block.line for block in find_blocks(sanitize(laid_out))]
    parts: list[str] = []
    first = 0
    for start, end in pairwise([*starts, len(lines)]):
        if sum(len(line) + 1 for line in lines[first:start]) >= MARKDOWN_LENGTH and start > first:
            parts.append("\n".join(lines[first:start]))
            first = start
        if end == len(lines):
            parts.append("\n".join(lines[first:]))
    return [*parts, text[limit:].strip("\n")]


def _command_pieces(
    item: TranscriptItem, run: CommandExecution, width: int, palette: Palette
) -> Iterator[Piece]:
    """Yield the command, its output, and how it ended."""
    command = strip_shell(run.command)
    yield lambda: to_strips(prompt_rows(command, width, palette) if command else [])
    for part in cut(run.output.text.removesuffix("\n")):
        yield partial(_output_rows, part, width, palette)
    ended = structs.replace(run, command="", output=GrowingText())
    yield partial(_item_rows, structs.replace(item, content=ended), width, palette, skip_blank=True)


def _output_rows(text: str, width: int, palette: Palette) -> list[Strip]:
    shown = sanitize(last_frames(text))
    rows = wrap([Segment(shown, palette.muted)], width - 2, keep_spaces=True)
    return to_strips(indent(rows, Segment("  ", palette.text)))


def _change_pieces(
    item: TranscriptItem, changes: FileChanges, width: int, palette: Palette
) -> Iterator[Piece]:
    """Yield how the changes stand, and each file's header and lines."""
    stand = structs.replace(item, content=structs.replace(changes, changes=()))
    yield partial(_item_rows, stand, width, palette)
    for change in changes.changes:
        header = partial(change_header_rows, change, width - 2, palette)
        yield lambda header=header: _indented(header())  # type: ignore[misc]
        lines = change_lines(change)
        for start in range(0, len(lines), PIECE_LINES):
            piece = lines[start : start + PIECE_LINES]
            path = change.move_path or change.path
            yield partial(_diff_rows, piece, width - 2, palette, path)


def _diff_rows(lines: Sequence[Line], width: int, palette: Palette, path: str) -> list[Strip]:
    return _indented(line_rows(lines, width, palette, path=path))


def _indented(rows: list[Row]) -> list[Strip]:
    return to_strips(indent(rows, Segment("  ")))


def _item_rows(
    item: TranscriptItem, width: int, palette: Palette, *, skip_blank: bool = False
) -> Sequence[Strip]:
    rows = RenderedItem(item, width, palette, WHOLE).rows
    return rows[1:] if skip_blank and rows and not rows[0].text else rows


def cut(text: str, length: int = PIECE_LENGTH) -> Iterator[str]:
    """Yield the lines of a text in pieces of about `length` characters; a long line is cut."""
    start = 0
    while start < len(text):
        end = text.rfind("\n", start, start + length) + 1
        if end <= start:
            end = min(len(text), start + length)
        if start + length >= len(text):
            end = len(text)
        yield text[start:end].removesuffix("\n") if end < len(text) else text[start:end]
        start = end
