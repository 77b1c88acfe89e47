"""An item as rows, kept and brought up to date as it grows."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from codextui.model.transcript_item import TranscriptItem
from codextui.render.item_rows import Flow, flow_of, is_set_off, item_rows, placeholder_rows
from codextui.render.layout import Row, redraw, to_strips
from codextui.render.palette import Palette
from codextui.render.streaming_markdown import StreamingMarkdown


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
