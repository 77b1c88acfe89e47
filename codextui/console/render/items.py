"""Renders transcript items: messages, reasoning, file changes, tool calls and all others."""

from __future__ import annotations

import msgspec
from msgspec import structs
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.items import (
    AgentMessage,
    ApprovalItem,
    CommandExecution,
    ContextCompaction,
    ErrorMessage,
    FileChanges,
    GrowingText,
    Handoff,
    ItemContent,
    PlanText,
    Progress,
    Reasoning,
    Remark,
    RunNote,
    SubAgentCall,
    ToolCall,
    TranscriptItem,
    UnknownItem,
    UserMessage,
    WarningMessage,
    WebSearch,
)
from codextui.console.render.command import command_rows, progress_label
from codextui.console.render.diff import change_rows
from codextui.console.render.layout import (
    MAX_ROW_LENGTH,
    WHOLE,
    Filler,
    Fold,
    Row,
    indent,
    to_strips,
    update_strips,
    value_rows,
    wrap,
    wrap_with_glyph,
)
from codextui.console.render.markdown import DEFAULT_LIMITS, MarkdownLimits
from codextui.console.render.marks import mark_rows
from codextui.console.render.palette import Palette
from codextui.console.render.streaming_markdown import StreamingMarkdown
from codextui.jsonrpc.fields import Json
from codextui.protocol.changes import summarize_changes
from codextui.text.figures import format_count, format_elapsed, more_lines
from codextui.text.sanitize import last_frames, one_line, reveal, sanitize, to_json

MAX_MESSAGE_LINES = 40
"""Lines shown of a user message."""

MAX_MESSAGE_LENGTH = 8_000
"""Characters shown of a user message."""

MAX_MARKDOWN_LENGTH = 32_000
"""Characters of an answer, a plan or of reasoning that are laid out, and the end of the rest."""

MAX_MARKDOWN_LINES = 1_000
"""Lines of it that are laid out."""

MAX_DIFF_LINES = 20
"""Lines shown of each file's diff."""

MAX_ARGUMENT_ROWS = 4
"""Rows shown of a tool call's arguments."""

MAX_RESULT_ROWS = 6
"""Rows shown of a tool call's result."""

MAX_VALUE_ROWS = 12
"""Rows shown of an unknown item."""

_MAX_LAID_OUT = 4_000
"""Characters of arguments and results that are laid out; more would not fit the rows."""


class RenderedItem:
    """The rows of an item at one width. Streaming Markdown and output reuse unchanged strips.

    Attributes:
        item: the item.
        fold: how much of it is shown; see `refold`.
        rows: as of the last `update`, possibly none, and none wider than `width`. Pad them with
            `Strip.adjust_cell_length(width, palette.text)`.
    """

    def __init__(self, item: TranscriptItem, width: int, palette: Palette, room: int = 0) -> None:
        """Render an item.

        Args:
            item: the item.
            width: in cells, at least 10.
            palette: the styles.
            room: rows that each part of it may have, if that is more than usual.
        """
        self.item = item
        self.fold = Fold(room)
        self.rows: list[Strip] = []
        self._width = width
        self._palette = palette
        self._version: int | None = None
        self._drawn: list[Row] = []
        self._markdown: StreamingMarkdown | None = None
        self._source = ""
        self.update()

    def refold(self, room: int) -> None:
        """Give each part of the item this many rows, if that is more than usual."""
        if room != self.fold.room:
            self.fold.room = room
            self._version = None
            self._markdown = None
            self.update()

    def update(self) -> int:
        """Render what changed; return the first changed row, `len(rows)` if none changed."""
        if self.item.version == self._version:
            return len(self.rows)
        self._version = self.item.version
        parts = _markdown_parts(self.item, self._width, self._palette)
        if parts is not None and parts.source.strip():
            return self._update_markdown(parts)
        self._markdown = None
        self.fold.is_hiding = False
        rows = _item_rows(self.item, self._width, self._palette, self.fold)
        if rows and _has_space_above(self.item.content):
            rows = [[], *rows]
        if not self._drawn:
            self.rows.clear()  # The item may have been Markdown.
        first = update_strips(self.rows, self._drawn, rows)
        self._drawn = rows
        return first

    def _update_markdown(self, parts: _MarkdownParts) -> int:
        markdown, is_new = self._feed(parts)
        first = markdown.finish() if self.item.done else markdown.update()
        first = 0 if is_new else first
        self._markdown = None if self.item.done else markdown
        self.fold.is_hiding = markdown.is_hiding
        head = to_strips([[], *parts.head])
        start = len(head) + first
        body = markdown.rows[first:]
        if parts.gutter is not None:
            first_gutter, gutter = parts.gutter
            body = [
                Strip([first_gutter if index == 0 else gutter, *strip])
                for index, strip in enumerate(body, first)
            ]
        if is_new:
            self.rows = head
            self._drawn = []
        self.rows[start:] = [*body, *to_strips(parts.tail)]
        return 0 if is_new else start

    def _feed(self, parts: _MarkdownParts) -> tuple[StreamingMarkdown, bool]:
        """Return the Markdown, fed with the whole source, and whether it was started again."""
        old, self._source = self._source, parts.source
        if self._markdown is not None and parts.source.startswith(old):
            self._markdown.feed(parts.source[len(old) :])
            return self._markdown, False
        width = self._width - (0 if parts.gutter is None else 2)
        self._markdown = StreamingMarkdown(width, parts.palette, limits=self._limits)
        self._markdown.feed(parts.source)
        return self._markdown, True

    @property
    def _limits(self) -> MarkdownLimits:
        if self.fold.room >= WHOLE:
            return DEFAULT_LIMITS
        length = max(MAX_MARKDOWN_LENGTH, self.fold.room * MAX_ROW_LENGTH)
        length = min(length, DEFAULT_LIMITS.text)
        lines = max(MAX_MARKDOWN_LINES, self.fold.room)
        return structs.replace(DEFAULT_LIMITS, text=length, lines=lines, is_folded=True)


class _MarkdownParts(msgspec.Struct, frozen=True):
    """An item that is shown as Markdown.

    Attributes:
        source: the Markdown so far, not sanitized.
        palette: for the Markdown.
        head: rows above it.
        gutter: prefixes of its first row and of all others, 2 cells wide; None for none.
        tail: rows below it.
    """

    source: str
    palette: Palette
    head: list[Row]
    gutter: tuple[Segment, Segment] | None
    tail: list[Row]


def _markdown_parts(item: TranscriptItem, width: int, palette: Palette) -> _MarkdownParts | None:
    tail = cut_off_rows(item, palette, width)
    match item.content:
        case AgentMessage(text):
            return _MarkdownParts(text.text, palette, _dropped(text, width, palette), None, tail)
        case PlanText(text):
            head = [[Segment("plan", palette.accent)], *_dropped(text, width, palette)]
            return _MarkdownParts(text.text, palette, head, None, tail)
        case Reasoning(summary, raw):
            source = "\n\n".join(part.text for part in summary or raw)
            gutter = (Filler("~ ", palette.muted), Filler("  ", palette.muted))
            return _MarkdownParts(source, _muted(palette), [], gutter, tail)
        case _:
            return None


def cut_off_rows(item: TranscriptItem, palette: Palette, width: int) -> list[Row]:
    """Lay out that a message was cut off; no rows if it was not."""
    match item.progress:
        case Progress.LOST as lost:
            words: str = lost
        case Progress.INTERRUPTED:
            words = "cut off, the turn ended first"
        case _:
            return []
    return wrap_with_glyph("■", words, palette.warning, width)


def _dropped(text: GrowingText, width: int, palette: Palette) -> list[Row]:
    if not text.dropped:
        return []
    words = f"… {format_count(text.dropped)} characters before are not kept"
    return wrap([Segment(words, palette.muted)], width)


def _muted(palette: Palette) -> Palette:
    bold = palette.muted + Style(bold=True)
    return structs.replace(
        palette, text=palette.muted, strong=bold, heading=bold, accent=palette.muted
    )


def _has_space_above(content: ItemContent) -> bool:
    return not isinstance(
        content,
        ApprovalItem
        | ErrorMessage
        | WarningMessage
        | ContextCompaction
        | Remark
        | WebSearch
        | RunNote
        | Handoff,
    )


def _item_rows(item: TranscriptItem, width: int, palette: Palette, fold: Fold) -> list[Row]:
    match item.content:
        case UserMessage() as message:
            return _user_rows(message, width, palette, fold)
        case AgentMessage() | PlanText():
            return []
        case Reasoning():
            is_open = not item.done
            return wrap_with_glyph("~", "thinking …", palette.muted, width) if is_open else []
        case CommandExecution() | FileChanges() | ToolCall() | SubAgentCall() | WebSearch():
            return _action_rows(item.content, width, palette, item.progress, fold)
        case ContextCompaction():
            words = "the conversation was summarised to fit the model"
            return wrap_with_glyph("·", words, palette.muted, width)
        case Remark(text):
            return _remark_rows(sanitize(text), width, palette, fold)
        case UnknownItem() as unknown:
            return _unknown_rows(unknown, width, palette, fold)
        case mark:
            return mark_rows(mark, width, palette, fold)


def _action_rows(
    action: CommandExecution | FileChanges | ToolCall | SubAgentCall | WebSearch,
    width: int,
    palette: Palette,
    progress: Progress,
    fold: Fold,
) -> list[Row]:
    match action:
        case CommandExecution():
            return command_rows(action, width, palette, progress, fold)
        case FileChanges():
            return _file_rows(action, width, palette, progress, fold)
        case ToolCall():
            return _tool_call_rows(action, width, palette, progress, fold)
        case SubAgentCall():
            return _agent_call_rows(action, width, palette, progress, fold)
        case WebSearch():
            return _search_rows(action, width, palette)


def _user_rows(message: UserMessage, width: int, palette: Palette, fold: Fold) -> list[Row]:
    text = sanitize(message.text)
    lines = fold.take(text.split("\n"), MAX_MESSAGE_LINES)
    shown = fold.clip("\n".join(lines), MAX_MESSAGE_LENGTH)
    segments = [Segment("steered: ", palette.muted)] if message.is_steer else []
    segments.append(Segment(shown, palette.strong))
    glyph = "» " if message.is_steer else "> "
    rows = indent(wrap(segments, width - 2), Segment(glyph, palette.accent))
    if rest := text[len(shown) :]:
        rows.extend(wrap([Segment(f"  … {_describe_rest(rest)}", palette.muted)], width))
    return rows


def _describe_rest(rest: str) -> str:
    lines = rest.removeprefix("\n").count("\n") + 1
    if lines > 1:
        return more_lines(lines)
    return f"{format_count(len(rest))} more characters"


def _file_rows(
    changes: FileChanges, width: int, palette: Palette, progress: Progress, fold: Fold
) -> list[Row]:
    glyph, words, style = _file_status(changes.status, palette, progress)
    title = f"{summarize_changes(changes.changes)}: {words}"
    rows = wrap_with_glyph(glyph, title, style, width)
    inner = change_rows(changes.changes, width - 2, palette, max_lines=MAX_DIFF_LINES, fold=fold)
    return rows + indent(inner, Segment("  ", palette.text))


def _file_status(status: str, palette: Palette, progress: Progress) -> tuple[str, str, Style]:
    match status:
        case "completed":
            return "✓", "applied", palette.success
        case "declined":
            return "✗", "declined, not applied", palette.error
        case "failed":
            return "✗", "failed, not applied", palette.error
        case "inProgress" if progress is Progress.RUNNING:
            return "●", "proposed, not applied yet", palette.running
        case "inProgress" if progress is Progress.INTERRUPTED:
            return "■", "interrupted, the turn ended first", palette.warning
        case "inProgress":
            return progress_label(progress, palette)
        case _:
            return "?", one_line(status), palette.warning


def _tool_call_rows(
    call: ToolCall, width: int, palette: Palette, progress: Progress, fold: Fold
) -> list[Row]:
    inner = width - 2
    rows = indent(_call_rows(call, inner, palette, fold), Segment("→ ", palette.accent))
    ending, style = _call_ending(call, palette, progress, fold)
    below = [*_result_rows(call, inner, palette, fold), *wrap([Segment(ending, style)], inner)]
    return rows + indent(below, Segment("  ", palette.text))


def _call_rows(call: ToolCall, width: int, palette: Palette, fold: Fold) -> list[Row]:
    name = f"{call.server}.{call.tool}" if call.server else call.tool
    segments = [Segment(reveal(name), palette.strong)]
    prompt, others = _prompt_of(call.arguments)
    if others not in (None, {}, []):
        arguments = reveal(fold.clip(to_json(others), _MAX_LAID_OUT))
        segments.append(Segment(f" {arguments}", palette.code))
    rows = wrap(segments, width, keep_spaces=True)
    rows = _first_rows(rows, MAX_ARGUMENT_ROWS, width, palette, fold)
    return rows + _prompt_rows(prompt, width, palette, fold) if prompt else rows


def _prompt_of(arguments: Json) -> tuple[str, Json]:
    """Return what a call says to another agent, and its other arguments."""
    if isinstance(arguments, dict) and isinstance(prompt := arguments.get("prompt"), str):
        return prompt.strip(), {name: a for name, a in arguments.items() if name != "prompt"}
    return "", arguments


def _prompt_rows(prompt: str, width: int, palette: Palette, fold: Fold) -> list[Row]:
    text = sanitize(fold.clip(prompt, _MAX_LAID_OUT))
    segment = Segment(_first_lines(text, MAX_ARGUMENT_ROWS, fold), palette.text)
    rows = _first_rows(wrap([segment], width - 2), MAX_ARGUMENT_ROWS, width - 2, palette, fold)
    return indent(rows, Segment("> ", palette.accent))


def _result_rows(call: ToolCall, width: int, palette: Palette, fold: Fold) -> list[Row]:
    if call.result is None:
        return []
    text = call.result if isinstance(call.result, str) else to_json(call.result)
    text = last_frames(fold.clip(text, _MAX_LAID_OUT))
    text = _first_lines(sanitize(text), MAX_RESULT_ROWS, fold)
    rows = wrap([Segment(text, palette.muted)], width, keep_spaces=True)
    return _first_rows(rows, MAX_RESULT_ROWS, width, palette, fold)


def _first_lines(text: str, count: int, fold: Fold) -> str:
    """Return the lines of a text that can have any of its first rows, and one more."""
    most = max(count, fold.room) + 1
    return "\n".join(text.split("\n", most)[:most])


def _first_rows(rows: list[Row], count: int, width: int, palette: Palette, fold: Fold) -> list[Row]:
    shown = fold.take(rows, count)
    if len(shown) == len(rows):
        return rows
    return shown + wrap([Segment("… there is more", palette.muted)], width)


def _call_ending(
    call: ToolCall, palette: Palette, progress: Progress, fold: Fold
) -> tuple[str, Style]:
    took = "" if call.duration_ms is None else f" · {format_elapsed(call.duration_ms / 1000)}"
    match call.status:
        case _ if call.error:
            return (
                f"✗ failed{took}: {sanitize(fold.clip_counted(call.error, _MAX_LAID_OUT))}",
                palette.error,
            )
        case "inProgress":
            glyph, words, style = progress_label(progress, palette)
            return f"{glyph} {words}", style
        case "completed":
            return f"✓ done{took}", palette.success
        case "failed":
            return f"✗ failed{took}", palette.error
        case status:
            return f"? {sanitize(status)}{took}", palette.warning


def _agent_call_rows(
    content: SubAgentCall, width: int, palette: Palette, progress: Progress, fold: Fold
) -> list[Row]:
    call, inner = content.call, width - 2
    rows = wrap_with_glyph("→", one_line(call.describe(), _MAX_LAID_OUT), palette.strong, width)
    below: list[Row] = []
    if content.prompt:
        below += _prompt_rows(content.prompt, inner, palette, fold)
    for answer in content.answers:
        text = sanitize(fold.clip(answer, _MAX_LAID_OUT))
        segment = Segment(_first_lines(text, MAX_RESULT_ROWS, fold), palette.muted)
        below += _first_rows(wrap([segment], inner), MAX_RESULT_ROWS, inner, palette, fold)
    ending = _agent_call_ending(call.status, palette, progress)
    below += wrap([ending], inner) if ending is not None else []
    return rows + indent(below, Segment("  ", palette.text))


def _agent_call_ending(status: str, palette: Palette, progress: Progress) -> Segment | None:
    match status:
        case "completed":
            return None
        case "inProgress":
            glyph, words, style = progress_label(progress, palette)
            return Segment(f"{glyph} {words}", style)
        case "interrupted":
            return Segment("■ interrupted", palette.warning)
        case "failed":
            return Segment("✗ failed", palette.error)
        case other:
            return Segment(f"? {one_line(other)}", palette.warning)


def _search_rows(search: WebSearch, width: int, palette: Palette) -> list[Row]:
    match search.action:
        case "openPage":
            words = f"opened {search.url or search.query}"
        case "findInPage":
            words = f"looked for {search.pattern!r} in {search.url}"
        case _:
            words = f"searched the web: {search.query}"
    return wrap_with_glyph("→", reveal(words), palette.text, width)


def _remark_rows(text: str, width: int, palette: Palette, fold: Fold) -> list[Row]:
    lines = fold.take(text.split("\n"), MAX_MESSAGE_LINES)
    shown = fold.clip("\n".join(lines), MAX_MESSAGE_LENGTH)
    segments = [Segment(shown, palette.muted)]
    if rest := text[len(shown) :]:
        segments.append(Segment(f"\n… {_describe_rest(rest)}", palette.muted))
    return indent(wrap(segments, width - 2), Segment("· ", palette.muted))


def _unknown_rows(unknown: UnknownItem, width: int, palette: Palette, fold: Fold) -> list[Row]:
    payload = {
        key: _start_of(value, fold)
        for key, value in unknown.payload.items()
        if key not in ("id", "type")
    }
    values = value_rows(payload, width - 2, palette)
    shown = fold.take(values, MAX_VALUE_ROWS)
    if len(shown) < len(values):
        more = f"… {format_count(len(values) - len(shown))} more rows"
        shown += wrap([Segment(more, palette.muted)], width - 2)
    kind = wrap_with_glyph("·", one_line(unknown.kind, 80), palette.muted, width)
    return kind + indent(shown, Segment("  ", palette.text))


def _start_of(value: Json, fold: Fold) -> Json:
    """Return the start of a long value as text, and every other one as it is."""
    text = value if isinstance(value, str) else to_json(value)
    shown = fold.clip_counted(text, _MAX_LAID_OUT)
    return value if shown == text else shown
