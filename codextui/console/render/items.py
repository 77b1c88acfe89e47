"""What each kind of item looks like."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model import items as b
from codextui.console.model.items import GrowingText, ToolCall, TranscriptItem, UserMessage
from codextui.console.render.command import command_rows
from codextui.console.render.diff import change_rows, summarize_changes
from codextui.console.render.layout import Row, indent, redraw, to_strips, wrap
from codextui.console.render.marks import mark_rows, marked_rows, run_mark_rows
from codextui.console.render.palette import Palette
from codextui.console.render.streaming_markdown import StreamingMarkdown
from codextui.console.render.values import to_json, value_rows
from codextui.text.figures import format_count, format_elapsed, more_lines
from codextui.text.sanitize import one_line, reveal, sanitize

MESSAGE_LINES = 40
"""Lines of a long message shown unless all of them are wanted."""

MESSAGE_SIZE = 8_000
"""Characters of a long message shown unless all of them are wanted."""


def user_rows(body: UserMessage, width: int, palette: Palette, *, full: bool) -> list[Row]:
    """The message, its line ends kept; one that came while the turn ran is marked."""
    text = sanitize(body.text)
    shown = text if full else _head(text)
    runs = [Segment("steered: ", palette.muted)] if body.steer else []
    runs.append(Segment(shown, palette.strong))
    glyph = "» " if body.steer else "> "
    rows = indent(wrap(runs, width - 2, exact=True), Segment(glyph, palette.accent))
    if len(shown) < len(text):
        mark = f"  … {_describe_rest(text[len(shown) :])}"
        rows.extend(wrap([Segment(mark, palette.muted)], width))
    return rows


def _head(text: str) -> str:
    return "\n".join(text.split("\n", MESSAGE_LINES)[:MESSAGE_LINES])[:MESSAGE_SIZE]


def _describe_rest(rest: str) -> str:
    lines = rest.removeprefix("\n").count("\n") + 1
    if lines > 1:
        return more_lines(lines)
    return f"{format_count(len(rest))} more characters"


ARGUMENT_ROWS = 4
"""Rows of arguments shown unless all of them are wanted."""

RESULT_ROWS = 6
"""Rows of a result shown unless all of them are wanted."""

_BRIEF = 4_000
"""Characters that are laid out where not all are wanted."""


def tool_call_rows(
    body: ToolCall, width: int, palette: Palette, *, unfinished: bool, full: bool
) -> list[Row]:
    """The tool with its arguments, its result, and how it ended."""
    inner = width - 2
    rows = indent(_call_rows(body, inner, palette, full=full), Segment("→ ", palette.accent))
    gutter = Segment("  ", palette.text)
    rows.extend(indent(_result_rows(body, inner, palette, full=full), gutter))
    ending, style = _ending(body, palette, unfinished=unfinished)
    return rows + indent(wrap([Segment(ending, style)], width - 2), gutter)


def _call_rows(body: ToolCall, width: int, palette: Palette, *, full: bool) -> list[Row]:
    name = f"{body.server}.{body.tool}" if body.server else body.tool
    runs = [Segment(reveal(name), palette.strong)]
    if body.arguments not in (None, {}, []):
        arguments = to_json(body.arguments, spread=full)
        runs.append(Segment(f" {reveal(arguments if full else arguments[:_BRIEF])}", palette.code))
    rows = wrap(runs, width, exact=True)
    return rows if full else _first_rows(rows, ARGUMENT_ROWS, width, palette)


def _result_rows(body: ToolCall, width: int, palette: Palette, *, full: bool) -> list[Row]:
    if body.result is None:
        return []
    text = body.result if isinstance(body.result, str) else to_json(body.result, spread=full)
    shown = Segment(sanitize(text if full else text[:_BRIEF]), palette.muted)
    rows = wrap([shown], width, exact=True)
    return rows if full else _first_rows(rows, RESULT_ROWS, width, palette)


def _first_rows(rows: list[Row], most: int, width: int, palette: Palette) -> list[Row]:
    if len(rows) <= most:
        return rows
    return rows[:most] + wrap([Segment("… there is more", palette.muted)], width)


def _ending(body: ToolCall, palette: Palette, *, unfinished: bool) -> tuple[str, Style]:
    took = "" if body.duration_ms is None else f" · {format_elapsed(body.duration_ms / 1000)}"
    match body.status:
        case _ if body.error:
            return f"✗ failed{took}: {sanitize(body.error)}", palette.bad
        case "inProgress" if unfinished:
            return "■ interrupted", palette.caution
        case "inProgress":
            return "● running", palette.running
        case "completed":
            return f"✓ done{took}", palette.good
        case "failed":
            return f"✗ failed{took}", palette.bad
        case status:
            return f"? {sanitize(status)}{took}", palette.caution


CHANGE_LINES = 20
"""Lines of a file's diff shown unless all of them are wanted."""

VALUE_ROWS = 12
"""Rows of an unknown item shown unless all of them are wanted."""


@dataclass(frozen=True, slots=True)
class Flow:
    """An item that is Markdown, and what stands around it.

    Attributes:
        source: the Markdown as far as it has come, not made safe yet.
        palette: for the Markdown.
        head: rows above it.
        gutter: what stands before each of its rows, the first one and the others.
        tail: rows below it.
    """

    source: str
    palette: Palette
    head: tuple[Row, ...] = ()
    gutter: tuple[Segment, Segment] | None = None
    tail: tuple[Row, ...] = ()


def flow_of(item: TranscriptItem, width: int, palette: Palette) -> Flow | None:
    """How an item of Markdown is set; None for all others."""
    tail = tuple(_cut_off(width, palette)) if item.unfinished else ()
    match item.body:
        case b.AgentMessage(text=text):
            return Flow(text.text, palette, tuple(_dropped(text, width, palette)), None, tail)
        case b.PlanText(text=text):
            head = [[Segment("plan", palette.accent)], *_dropped(text, width, palette)]
            return Flow(text.text, palette, tuple(head), None, tail)
        case b.Reasoning(summary, raw):
            source = "\n\n".join(part.text for part in summary or raw)
            gutter = (Segment("~ ", palette.muted), Segment("  ", palette.muted))
            return Flow(source, _muted(palette), (), gutter, tail)
        case _:
            return None


def item_rows(item: TranscriptItem, width: int, palette: Palette, *, full: bool) -> list[Row]:
    """The rows of an item that is no Markdown."""
    unfinished = item.unfinished
    match item.body:
        case b.UserMessage() as body:
            return user_rows(body, width, palette, full=full)
        case b.CommandRun() as body:
            return command_rows(body, width, palette, unfinished=unfinished, full=full)
        case b.FileChanges() as body:
            return _file_rows(body, width, palette, unfinished=unfinished, full=full)
        case b.ToolCall() as body:
            return tool_call_rows(body, width, palette, unfinished=unfinished, full=full)
        case b.Unknown() as body:
            return _unknown_rows(body, width, palette, full=full)
        case b.AgentMessage() | b.PlanText() | b.Reasoning():
            return []
        case b.Handoff() | b.HandoffRefusal() | b.RunNote() | b.RoleRequest() as body:
            return run_mark_rows(body, width, palette, full=full)
        case body:
            return mark_rows(body, width, palette)


def is_set_off(body: b.Body) -> bool:
    """Whether an empty row stands above an item of this kind."""
    return not isinstance(
        body,
        b.ApprovalMark | b.Failure | b.Caution | b.Compaction | b.WebSearch | b.RunNote | b.Handoff,
    )


def placeholder_rows(item: TranscriptItem, width: int, palette: Palette) -> list[Row]:
    """What stands for Markdown of which nothing has come yet."""
    if isinstance(item.body, b.Reasoning) and not item.done:
        return marked_rows("~", "thinking …", palette.muted, width)
    return []


def _file_rows(
    body: b.FileChanges, width: int, palette: Palette, *, unfinished: bool, full: bool
) -> list[Row]:
    most = None if full else CHANGE_LINES
    glyph, words, style = _file_state(body.status, palette, unfinished=unfinished)
    title = f"{summarize_changes(body.changes)}: {words}"
    rows = marked_rows(glyph, title, style, width)
    inner = change_rows(body.changes, width - 2, palette, most=most)
    return rows + indent(inner, Segment("  ", palette.text))


def _file_state(status: str, palette: Palette, *, unfinished: bool) -> tuple[str, str, Style]:
    match status:
        case "completed":
            return "✓", "applied", palette.good
        case "declined":
            return "✗", "declined, not applied", palette.bad
        case "failed":
            return "✗", "failed, not applied", palette.bad
        case "inProgress" if unfinished:
            return "■", "unfinished, the turn ended first", palette.caution
        case "inProgress":
            return "●", "proposed, not applied yet", palette.running
        case _:
            return "?", one_line(status), palette.caution


def _unknown_rows(body: b.Unknown, width: int, palette: Palette, *, full: bool) -> list[Row]:
    kind = one_line(body.kind, 80)
    rows = marked_rows("·", kind, palette.muted, width)
    payload = {key: value for key, value in body.payload.items() if key not in ("id", "type")}
    values = value_rows(payload if not full else body.payload, width - 2, palette)
    shown = values if full else values[:VALUE_ROWS]
    if len(shown) < len(values):
        mark = f"… {format_count(len(values) - len(shown))} more rows"
        shown = [*shown, *wrap([Segment(mark, palette.muted)], width - 2)]
    return rows + indent(shown, Segment("  ", palette.text))


def _cut_off(width: int, palette: Palette) -> list[Row]:
    return marked_rows("■", "cut off, the turn ended first", palette.caution, width)


def _dropped(text: GrowingText, width: int, palette: Palette) -> list[Row]:
    if not text.dropped:
        return []
    mark = f"… {format_count(text.dropped)} characters before are not kept"
    return wrap([Segment(mark, palette.muted)], width)


def _muted(palette: Palette) -> Palette:
    """For what the agent thinks: quieter than what it says."""
    bold = palette.muted + Style(bold=True)
    return replace(palette, text=palette.muted, strong=bold, heading=bold, accent=palette.muted)


class ItemView:
    """The rows of one item at one width in one palette. Finished ones are drawn once.

    While a message streams, only its open end is drawn again; finished rows keep their `Strip`
    objects.

    Attributes:
        item: whose rows these are.
        rows: as of the last `update`. None is wider than the width; fill up with
            `Strip.adjust_cell_length(width, palette.text)`. May be empty.
    """

    def __init__(
        self, item: TranscriptItem, width: int, palette: Palette, *, full: bool = False
    ) -> None:
        """Draw the item.

        Args:
            item: whose rows these are.
            width: in cells, 10 or more.
            palette: the styles.
            full: with every line of output and diff that the model has, rather than the end
                of each and a mark that says how much there is.
        """
        self.item = item
        self.rows: list[Strip] = []
        self._width = width
        self._palette = palette
        self._full = full
        self._version: int | None = None
        self._drawn: list[Row] = []
        self._markdown: StreamingMarkdown | None = None
        self._source = ""
        self.update()

    def update(self) -> int:
        """Draw again what changed; return the first row that did, `len(rows)` where none."""
        if self.item.version == self._version:
            return len(self.rows)
        self._version = self.item.version
        flow = flow_of(self.item, self._width, self._palette)
        if flow is not None and flow.source.strip():
            return self._draw_flow(flow)
        self._markdown = None
        return self._draw_rows(flow)

    def _draw_rows(self, flow: Flow | None) -> int:
        if flow is None:
            rows = item_rows(self.item, self._width, self._palette, full=self._full)
        else:
            rows = placeholder_rows(self.item, self._width, self._palette)
        if rows and is_set_off(self.item.body):
            rows = [[], *rows]
        if not self._drawn:
            self.rows.clear()  # Of Markdown that is gone, if of anything.
        first = redraw(self.rows, self._drawn, rows)
        self._drawn = rows
        return first

    def _draw_flow(self, flow: Flow) -> int:
        """Feed what is new; set only the rows that the Markdown says have changed."""
        markdown, fresh = self._take_source(flow)
        first = markdown.finish() if self.item.done else markdown.update()
        self._markdown = None if self.item.done else markdown
        head = to_strips([[], *flow.head])
        start = len(head) + (0 if fresh else first)
        gutter = flow.gutter
        body = markdown.rows[0 if fresh else first :]
        if gutter is not None:
            body = [
                _before(gutter[0] if start + index == len(head) else gutter[1], strip)
                for index, strip in enumerate(body)
            ]
        if fresh:
            self.rows = head
            self._drawn = []
        self.rows[start:] = [*body, *to_strips(flow.tail)]
        return 0 if fresh else start

    def _take_source(self, flow: Flow) -> tuple[StreamingMarkdown, bool]:
        """The Markdown with the whole source fed, and whether it is begun anew."""
        old, self._source = self._source, flow.source
        if self._markdown is not None and flow.source.startswith(old):
            self._markdown.feed(flow.source[len(old) :])
            return self._markdown, False
        width = self._width - (0 if flow.gutter is None else 2)
        self._markdown = StreamingMarkdown(width, flow.palette)
        self._markdown.feed(flow.source)
        return self._markdown, True


def _before(gutter: Segment, strip: Strip) -> Strip:
    return Strip([gutter, *strip])
