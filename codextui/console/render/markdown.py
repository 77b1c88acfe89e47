"""Markdown as rows: parsed by markdown-it, laid out by us.

No text is ever lost: HTML is shown as text, addresses are shown beside their words, images as
words, and what cannot be laid out (nested too deep, too long, too narrow) is shown as its source.
Link reference definitions are shown, not applied, so that a block's looks hang on it alone; that
is what lets `StreamingMarkdown` finish blocks one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from codextui.console.render.command import code_rows
from codextui.console.render.layout import MIN_WIDTH, Row, fill, indent, row_length, wrap
from codextui.console.render.palette import Palette
from codextui.text.sanitize import sanitize

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MIN_COLUMN = 4
"""Cells below which a column is not squeezed."""

_GAP = 3  # " │ "


def table_rows(
    lines: Sequence[Sequence[Row]], aligns: Sequence[str], width: int, palette: Palette
) -> list[Row] | None:
    """Lay out a table, its first line as the head; None where `width` is too small for it.

    Args:
        lines: of cells, each as styled text.
        aligns: for each column `left`, `right`, `center` or empty.
        width: in cells.
        palette: the styles.
    """
    if not lines or not aligns:
        return []
    widths = _column_widths(lines, len(aligns), width)
    if widths is None:
        return None
    rows: list[Row] = []
    for index, line in enumerate(lines):
        rows.extend(_line_rows(line, widths, aligns, palette))
        if index == 0:
            rows.append([Segment("─┼─".join("─" * size for size in widths), palette.faint)])
    return rows


def _column_widths(lines: Sequence[Sequence[Row]], count: int, width: int) -> list[int] | None:
    """Natural widths where they fit, else the widest columns give way."""
    room = width - _GAP * (count - 1)
    natural = [
        max((row_length(line[column]) for line in lines if column < len(line)), default=0)
        for column in range(count)
    ]
    natural = [max(size, 1) for size in natural]
    if sum(natural) <= room:
        return natural
    if sum(min(size, MIN_COLUMN) for size in natural) > room:
        return None
    most = _fair_share(natural, room)
    widths = [min(size, most) for size in natural]
    spare = room - sum(widths)
    for column in range(count):
        if spare > 0 and widths[column] < natural[column]:
            widths[column] += 1
            spare -= 1
    return widths


def _fair_share(natural: Sequence[int], room: int) -> int:
    """The most cells that every column may have so that all of them fit."""
    most = MIN_COLUMN
    rest = room
    for index, size in enumerate(sorted(natural)):
        most = max(MIN_COLUMN, rest // (len(natural) - index))
        if size > most:
            break
        rest -= size
    return most


def _line_rows(
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
    room = width - row_length(cell)
    before = {"right": room, "center": room // 2}.get(align, 0)
    cell = [Segment(" " * before, palette.text), *cell] if before > 0 else cell
    return fill(cell, width, palette.text)


MAX_DEPTH = 16
"""Levels of nesting (a list in a list is four) above which a block is shown as its source."""

MAX_BLOCK = 20_000
"""Characters of a block that is no code above which it, and all below it, is shown as source."""

MAX_TEXT = 100_000
"""Characters of one text after which the rest is shown as its source."""


_CODE = ("fence", "code_block")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """CommonMark, tables and strikethrough; no HTML, no references."""
    # Late: the first frame has no Markdown in it.
    from markdown_it import MarkdownIt  # noqa: PLC0415

    options = {"html": False, "maxNesting": MAX_DEPTH + 4}
    parser = MarkdownIt("commonmark", options)
    return parser.enable(["table", "strikethrough"]).disable("reference")


@lru_cache(maxsize=1)
def _block_parser() -> MarkdownIt:
    """The same for blocks alone, without what is in their lines: tells where each begins."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - as above

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_DEPTH + 4})
    return parser.enable("table").disable(["reference", "inline"])


def markdown_rows(source: str, width: int, palette: Palette) -> list[Row]:
    """Lay out Markdown, block after block with an empty row between them.

    Args:
        source: made safe before.
        width: in cells.
        palette: the styles.
    """
    tokens = _parser().parse(source)
    lines = source.split("\n")
    rows: list[Row] = []
    for block in top_blocks(tokens):
        rows.extend([[]] if rows else [])
        rows.extend(_top_rows(block, lines, width, palette))
    return rows


@dataclass(frozen=True, slots=True)
class Block:
    """A block that is in no other: the line that it begins at, and whether it is code."""

    line: int
    is_code: bool


def find_blocks(source: str) -> list[Block]:
    """The blocks of Markdown, by a look at how its lines begin; cheap."""
    return [
        Block(token.map[0], token.type in _CODE)
        for token in _block_parser().parse(source)
        if token.map and token.level == 0 and token.nesting >= 0
    ]


def plain_rows(source: str, width: int, palette: Palette) -> list[Row]:
    """The source itself, wrapped, nothing lost."""
    return wrap([Segment(source, palette.text)], width, exact=True)


def top_blocks(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    """The tokens of each block that is in no other."""
    blocks: list[Sequence[Token]] = []
    start = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            blocks.append(tokens[start : index + 1])
            start = index + 1
    return blocks


def _top_rows(
    block: Sequence[Token], lines: Sequence[str], width: int, palette: Palette
) -> list[Row]:
    first, last = block[0].map or (0, len(lines))
    source = "\n".join(lines[first:last]).rstrip("\n")
    too_long = len(source) > MAX_BLOCK and block[0].type not in _CODE
    if too_long or any(_depth(token) >= MAX_DEPTH for token in block):
        return plain_rows(source, width, palette)
    try:
        return _Layout(palette).rows(block, width)
    except _TooNarrow:
        return plain_rows(source, width, palette)


def _depth(token: Token) -> int:
    return token.level + max((child.level for child in token.children or ()), default=0)


class _TooNarrow(Exception):
    """There is no room left to lay out what is nested here."""


class _Layout:
    """Lays out the tokens of blocks in one palette."""

    def __init__(self, palette: Palette) -> None:
        self._palette = palette

    def rows(self, tokens: Sequence[Token], width: int, *, tight: bool = False) -> list[Row]:
        """Blocks one below the other; unless `tight`, with an empty row between them."""
        if width < MIN_WIDTH // 2:
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
                return self._inlines(inner, width, palette.text)
            case "heading_open":
                return self._heading(token, inner, width)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(token, inner, width)
            case "blockquote_open":
                quoted = self.rows(inner, width - 2) or [[]]
                return indent(quoted, *[Segment("│ ", palette.faint)] * 2)
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
        return self._inlines(inner, width, style)

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
            rows.extend(indent(content or [[]], Segment(marker, self._palette.accent)))
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
                lines[-1].append(self._runs([inner[index + 1]], style))
                if len(lines) == 1:
                    aligns.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
        rows = table_rows(lines, aligns, width, self._palette)
        if rows is None:
            raise _TooNarrow
        return rows

    def _inlines(self, tokens: Sequence[Token], width: int, base: Style) -> list[Row]:
        return wrap(self._runs(tokens, base), width)

    def _runs(self, tokens: Sequence[Token], base: Style) -> Row:
        """The styled text of `inline` tokens."""
        runs: Row = []
        for token in tokens:
            _Inlines(self._palette, base, runs).add(token.children or ())
        return runs


_EMPHASIS = {"strong": Style(bold=True), "em": Style(italic=True), "s": Style(strike=True)}


class _Inlines:
    """Turns inline tokens into styled text."""

    def __init__(self, palette: Palette, base: Style, runs: Row) -> None:
        self._palette = palette
        self._styles = [base]
        self._runs = runs
        self._links: list[tuple[str, int]] = []

    def add(self, tokens: Sequence[Token]) -> None:
        """Append the text of `tokens`."""
        for token in tokens:
            self._add(token)

    def _add(self, token: Token) -> None:
        style = self._styles[-1]
        match token.type:
            case "strong_open" | "em_open" | "s_open":
                self._styles.append(style + _EMPHASIS[token.tag])
            case "strong_close" | "em_close" | "s_close":
                self._styles.pop()
            case "link_open":
                self._links.append((str(token.attrs.get("href", "")), len(self._runs)))
                self._styles.append(style + self._palette.link)
            case "link_close":
                self._close_link()
            case "code_inline":
                self._say(token.content, style + self._palette.code)
            case "softbreak" | "hardbreak":
                self._say(" " if token.type == "softbreak" else "\n", style)
            case "image":
                self._say(f"[image: {token.content}]", style)
                self._show_address(str(token.attrs.get("src", "")))
            case _:
                self._say(token.content, style)

    def _close_link(self) -> None:
        self._styles.pop()
        address, start = self._links.pop()
        words = "".join(run.text for run in self._runs[start:])
        if address not in (words, f"mailto:{words}"):
            self._show_address(address)

    def _show_address(self, address: str) -> None:
        if address:
            self._say(f" ({address})", self._styles[-1] + self._palette.muted)

    def _say(self, text: str, style: Style) -> None:
        """Entities may have brought in what had been made safe: make it safe again."""
        if text:
            self._runs.append(Segment(sanitize(text), style))


def _closing(tokens: Sequence[Token], index: int) -> int:
    """Where the block that opens at `index` ends."""
    opening = tokens[index]
    if opening.nesting <= 0:
        return index
    for end in range(index + 1, len(tokens)):
        if tokens[end].level == opening.level and tokens[end].nesting < 0:
            return end
    return len(tokens) - 1
