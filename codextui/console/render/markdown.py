"""Renders Markdown: parsed by markdown-it, laid out in rows.

No text is lost: HTML is shown as text, addresses next to their links, images as words, and
blocks that cannot be laid out (nested too deep, too long, too narrow) as their source. Link
reference definitions are shown but not applied, so that the rows of a block depend on that block
alone. `StreamingMarkdown` relies on that to finish block after block.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from rich.segment import Segment
from rich.style import Style

from codextui.console.render.command import code_rows
from codextui.console.render.layout import WHOLE, Row, fill, indent, row_width, wrap
from codextui.console.render.palette import Palette
from codextui.text.sanitize import sanitize

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MAX_NESTING = 16
"""Levels of tokens (each nested list takes four) beyond which a block is shown as its source."""

MIN_BLOCK_WIDTH = 5
"""Cells below which a nested block is shown as its source."""

MIN_COLUMN_WIDTH = 4
"""Cells to which the columns of a table shrink; below, the table is shown as its source."""

_CODE = ("fence", "code_block")
_COLUMN_GAP = 3  # ` │ `
_EMPHASIS = {"strong": Style(bold=True), "em": Style(italic=True), "s": Style(strike=True)}


class MarkdownLimits(msgspec.Struct, frozen=True):
    """Lengths, in characters except for `lines`, beyond which Markdown is shown as its source.

    Attributes:
        block: of a block that is not code. While streaming, all text after it is source, too.
        text: of a streamed text; the rest of it is source.
        lines: of a streamed text; the rest of it is source.
        is_folded: whether only the end of that rest is shown, and a block of code that is longer
            than `text` is source as well. The rows of a text of any length are then bounded.
        open_block: of the last block of a streamed text, until it is finished.
        open_shown: shown of an open block beyond `open_block`, and of the rest of a folded text, or
            up to twice as many.
    """

    block: int = 20_000
    text: int = 100_000
    lines: int = WHOLE
    is_folded: bool = False
    open_block: int = 3_000
    open_shown: int = 3_000


DEFAULT_LIMITS = MarkdownLimits()
"""The limits of the console."""


class Block(msgspec.Struct, frozen=True):
    """A top-level block: the line it starts at, and whether it is code."""

    line: int
    is_code: bool


def markdown_rows(
    source: str, width: int, palette: Palette, *, limits: MarkdownLimits = DEFAULT_LIMITS
) -> list[Row]:
    """Lay out Markdown, with an empty row between blocks.

    Args:
        source: sanitized.
        width: in cells.
        palette: the styles.
        limits: only `block` is used.
    """
    lines = source.split("\n")
    rows: list[Row] = []
    for block in _top_level_blocks(_parser().parse(source)):
        rows.extend([[]] if rows else [])
        rows.extend(_block_rows(block, lines, width, palette, limits.block))
    return rows


def source_rows(source: str, width: int, palette: Palette) -> list[Row]:
    """Wrap sanitized Markdown as its source."""
    return wrap([Segment(source, palette.text)], width, keep_spaces=True)


def find_blocks(source: str) -> list[Block]:
    """Return the top-level blocks of Markdown without parsing what is in them."""
    return [
        Block(token.map[0], token.type in _CODE)
        for token in _block_parser().parse(source)
        if token.map and token.level == 0 and token.nesting >= 0
    ]


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """Return a parser for CommonMark, tables and strikethrough, without HTML and references."""
    # Not needed for the first frame.
    from markdown_it import MarkdownIt  # noqa: PLC0415

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING + 4})
    return parser.enable(["table", "strikethrough"]).disable("reference")


@lru_cache(maxsize=1)
def _block_parser() -> MarkdownIt:
    """Return a parser that finds the same blocks without parsing their inline content."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - as above

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING + 4})
    return parser.enable("table").disable(["reference", "inline"])


def _top_level_blocks(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    blocks: list[Sequence[Token]] = []
    start = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            blocks.append(tokens[start : index + 1])
            start = index + 1
    return blocks


def _block_rows(
    block: Sequence[Token], lines: Sequence[str], width: int, palette: Palette, max_length: int
) -> list[Row]:
    first, last = block[0].map or (0, len(lines))
    source = "\n".join(lines[first:last]).rstrip("\n")
    is_too_long = len(source) > max_length and block[0].type not in _CODE
    if is_too_long or any(_depth(token) >= MAX_NESTING for token in block):
        return source_rows(source, width, palette)
    try:
        return _BlockLayout(palette).rows(block, width)
    except _TooNarrow:
        return source_rows(source, width, palette)


def _depth(token: Token) -> int:
    return token.level + max((child.level for child in token.children or ()), default=0)


class _TooNarrow(Exception):
    """A nested block or a table does not fit."""


class _BlockLayout:
    """Lays out the tokens of blocks."""

    def __init__(self, palette: Palette) -> None:
        self._palette = palette

    def rows(self, tokens: Sequence[Token], width: int, *, tight: bool = False) -> list[Row]:
        """Lay out blocks, unless `tight` with an empty row between them."""
        if width < MIN_BLOCK_WIDTH:
            raise _TooNarrow
        rows: list[Row] = []
        index = 0
        while index < len(tokens):
            end = _closing(tokens, index)
            rows.extend([[]] if rows and not tight else [])
            rows.extend(self._block(tokens[index], tokens[index + 1 : end], width))
            index = end + 1
        return rows

    def _block(self, token: Token, inner: Sequence[Token], width: int) -> list[Row]:
        palette = self._palette
        match token.type:
            case "paragraph_open":
                return wrap(self._segments(inner, palette.text), width)
            case "heading_open":
                return self._heading(token, inner, width)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(token, inner, width)
            case "blockquote_open":
                bar = Segment("│ ", palette.faint)
                quoted = self.rows(inner, width - 2) or [[]]
                return indent(quoted, bar, bar)
            case "fence" | "code_block":
                code = sanitize(token.content.removesuffix("\n"))
                return code_rows(code, (token.info.split() or [""])[0], width, palette)
            case "hr":
                return [[Segment("─" * width, palette.faint)]]
            case "table_open":
                return self._table(inner, width)
            case _:
                return wrap([Segment(sanitize(token.content), palette.text)], width)

    def _heading(self, token: Token, inner: Sequence[Token], width: int) -> list[Row]:
        style = self._palette.heading
        if token.tag == "h1":
            style += Style(underline=True)
        elif token.tag not in ("h2", "h3"):
            style += Style(italic=True)
        return wrap(self._segments(inner, style), width)

    def _list(self, token: Token, inner: Sequence[Token], width: int) -> list[Row]:
        tight = any(t.hidden and t.level == token.level + 2 for t in inner)
        number = int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None
        rows: list[Row] = []
        index = 0
        while index < len(inner):
            end = _closing(inner, index)
            marker = "• " if number is None else f"{number}. "
            number = None if number is None else number + 1
            content = self.rows(inner[index + 1 : end], width - len(marker), tight=tight)
            rows.extend([[]] if rows and not tight else [])
            rows.extend(
                indent(content or [[]], Segment(marker, self._palette.accent), is_text=True)
            )
            index = end + 1
        return rows

    def _table(self, inner: Sequence[Token], width: int) -> list[Row]:
        lines: list[list[Row]] = []
        aligns: list[str] = []
        for index, token in enumerate(inner):
            if token.type == "tr_open":
                lines.append([])
            elif token.type in ("th_open", "td_open"):
                style = self._palette.strong if token.tag == "th" else self._palette.text
                lines[-1].append(self._segments([inner[index + 1]], style))
                if len(lines) == 1:
                    aligns.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
        return _table_rows(lines, aligns, width, self._palette)

    def _segments(self, tokens: Sequence[Token], base: Style) -> Row:
        """Return the styled text of `inline` tokens."""
        segments: Row = []
        for token in tokens:
            segments += _InlineLayout(self._palette, base).segments(token.children or ())
        return segments


class _InlineLayout:
    """Converts the children of an `inline` token to styled text."""

    def __init__(self, palette: Palette, base: Style) -> None:
        self._palette = palette
        self._styles = [base]
        self._segments: Row = []
        self._links: list[tuple[str, int]] = []

    def segments(self, tokens: Sequence[Token]) -> Row:
        for token in tokens:
            self._add(token)
        return self._segments

    def _add(self, token: Token) -> None:
        style = self._styles[-1]
        match token.type:
            case "strong_open" | "em_open" | "s_open":
                self._styles.append(style + _EMPHASIS[token.tag])
            case "strong_close" | "em_close" | "s_close":
                self._styles.pop()
            case "link_open":
                self._links.append((str(token.attrs.get("href", "")), len(self._segments)))
                self._styles.append(style + self._palette.link)
            case "link_close":
                self._close_link()
            case "code_inline":
                self._append(token.content, style + self._palette.code)
            case "softbreak" | "hardbreak":
                self._append(" " if token.type == "softbreak" else "\n", style)
            case "image":
                self._append(f"[image: {token.content}]", style)
                self._append_address(str(token.attrs.get("src", "")))
            case _:
                self._append(token.content, style)

    def _close_link(self) -> None:
        self._styles.pop()
        address, start = self._links.pop()
        words = "".join(segment.text for segment in self._segments[start:])
        if address not in (words, f"mailto:{words}"):
            self._append_address(address)

    def _append_address(self, address: str) -> None:
        if address:
            self._append(f" ({address})", self._styles[-1] + self._palette.muted)

    def _append(self, text: str, style: Style) -> None:
        # Entities such as `&#x1b;` were decoded after the source was sanitized.
        if text:
            self._segments.append(Segment(sanitize(text), style))


def _closing(tokens: Sequence[Token], index: int) -> int:
    """Return the index of the token that closes the block opened at `index`."""
    opening = tokens[index]
    if opening.nesting <= 0:
        return index
    for end in range(index + 1, len(tokens)):
        if tokens[end].level == opening.level and tokens[end].nesting < 0:
            return end
    return len(tokens) - 1


def _table_rows(
    lines: Sequence[Sequence[Row]], aligns: Sequence[str], width: int, palette: Palette
) -> list[Row]:
    """Lay out a table, its first line as the head.

    Args:
        lines: cells of styled text.
        aligns: `left`, `right`, `center` or empty for each column.
        width: in cells.
        palette: the styles.

    Raises:
        _TooNarrow: the columns do not fit `width`.
    """
    if not lines or not aligns:
        return []
    widths = _column_widths(lines, len(aligns), width)
    rows: list[Row] = []
    for index, line in enumerate(lines):
        rows.extend(_table_line_rows(line, widths, aligns, palette))
        if index == 0:
            rows.append([Segment("─┼─".join("─" * size for size in widths), palette.faint)])
    return rows


def _column_widths(lines: Sequence[Sequence[Row]], count: int, width: int) -> list[int]:
    """Return the natural widths if they fit, otherwise shrink the widest columns."""
    room = width - _COLUMN_GAP * (count - 1)
    natural = [
        max((row_width(line[column]) for line in lines if column < len(line)), default=0)
        for column in range(count)
    ]
    natural = [max(size, 1) for size in natural]
    if sum(natural) <= room:
        return natural
    if sum(min(size, MIN_COLUMN_WIDTH) for size in natural) > room:
        raise _TooNarrow
    most = _fair_share(natural, room)
    widths = [min(size, most) for size in natural]
    spare = room - sum(widths)
    for column in range(count):
        if spare > 0 and widths[column] < natural[column]:
            widths[column] += 1
            spare -= 1
    return widths


def _fair_share(natural: Sequence[int], room: int) -> int:
    """Return the largest maximum width with which all columns fit."""
    most = MIN_COLUMN_WIDTH
    rest = room
    for index, size in enumerate(sorted(natural)):
        most = max(MIN_COLUMN_WIDTH, rest // (len(natural) - index))
        if size > most:
            break
        rest -= size
    return most


def _table_line_rows(
    line: Sequence[Row], widths: Sequence[int], aligns: Sequence[str], palette: Palette
) -> list[Row]:
    columns = [
        wrap(line[column] if column < len(line) else [], size) for column, size in enumerate(widths)
    ]
    rows: list[Row] = []
    for height in range(max(len(column) for column in columns)):
        row: Row = []
        for index, column in enumerate(columns):
            cell = column[height] if height < len(column) else []
            row.extend([Segment(" │ ", palette.faint)] if index else [])
            row.extend(_aligned(cell, widths[index], aligns[index], palette))
        rows.append(row)
    return rows


def _aligned(cell: Row, width: int, align: str, palette: Palette) -> Row:
    room = width - row_width(cell)
    before = {"right": room, "center": room // 2}.get(align, 0)
    cell = [Segment(" " * before, palette.text), *cell] if before > 0 else cell
    return fill(cell, width, palette.text)
