"""The timeline of a run: its visible time range, and the selected span."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import Enum, auto
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.run import RunView
from codextui.console.model.timeline import (
    ZOOM_STEPS,
    Lane,
    Window,
    build_lanes,
    fit_window,
    span_at,
    span_end,
)
from codextui.console.render.timeline import (
    Timeline,
    format_clock,
    label_width,
    lane_at,
    render_timeline,
)
from codextui.console.widgets.drawing import ThemedLineWidget
from codextui.protocol.runs import Span


class TimelineMode(Enum):
    """The choice of the visible time range: all of the run, up to now, or fixed by the user."""

    ALL = auto()
    FOLLOW = auto()
    FIXED = auto()


class TimelineView(ThemedLineWidget, can_focus=True):
    """Shows a lane for each role, and moves through time and roles."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "lane(-1)", "Role above", show=False, id="timeline.up"),
        Binding("down,j", "lane(1)", "Role below", show=False, id="timeline.down"),
        Binding("left,h", "span(-1)", "What was before", show=False, id="timeline.previous"),
        Binding("right,l", "span(1)", "What came after", show=False, id="timeline.next"),
        Binding("plus,equals_sign", "zoom(True)", "Closer", show=False, id="timeline.closer"),
        Binding("minus", "zoom(False)", "Further away", show=False, id="timeline.further"),
        Binding("pageup,comma", "scroll(-1)", "Earlier", show=False, id="timeline.earlier"),
        Binding("pagedown,full_stop", "scroll(1)", "Later", show=False, id="timeline.later"),
        Binding("home,0", "show_all", "All of it", show=False, id="timeline.all"),
        Binding("end", "follow", "Now, and follow", show=False, id="timeline.now"),
    ]

    class Redrawn(Message):
        """The timeline was redrawn, perhaps with another time range."""

    def __init__(
        self,
        run: Callable[[], RunView],
        now: Callable[[], float],
        roles: Callable[[], Sequence[str]],
    ) -> None:
        """Show all of a run at first.

        Args:
            run: returns the run as it is now.
            now: returns unix seconds.
            roles: returns the run's roles in the order of the tree.
        """
        super().__init__(id="timeline")
        self._roles = roles
        self._run = run
        self._now = now
        self._mode = TimelineMode.ALL
        self._window = Window(0.0, float(ZOOM_STEPS[0]), 1)
        self._role = ""
        self._span_id = ""
        self._lanes: list[Lane] = []
        self._timeline: Timeline | None = None
        self._strips: list[Strip] = []
        self._run_start = 0.0

    def on_resize(self) -> None:
        """Redraw at the new size."""
        self.update()

    def draw_again(self) -> None:
        """Draw everything with the palette as it is now."""
        self.update()

    def update(self) -> None:
        """Redraw the run as it is now."""
        if self._palette is None or self.size.width < 1:
            return
        now, spans = self._now(), self._run().spans.values()
        self._lanes = build_lanes(spans, self._roles())
        self._run_start = min((span.started_at for span in spans), default=now)
        self._update_window(spans, now)
        lane, span = self._selected()
        self._timeline = Timeline(self._lanes, self._window, now, self._run_start, lane, span)
        width, height = self.size
        self._strips = render_timeline(self._timeline, width, height, self._palette)
        self.refresh()
        self.post_message(self.Redrawn())

    @property
    def range_text(self) -> str:
        """The visible time range in words."""
        match self._mode:
            case TimelineMode.ALL:
                return "all of it"
            case TimelineMode.FOLLOW:
                return "follows now"
            case TimelineMode.FIXED:
                start, end = (
                    self._window.start - self._run_start,
                    self._window.end - self._run_start,
                )
                return f"from {format_clock(start)} to {format_clock(end)}"

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    # Keys and clicks.

    def on_click(self, event: events.Click) -> None:
        """Select the clicked span."""
        if self._timeline is None:
            return
        index = lane_at(self._timeline, self.size.height, event.y)
        if index is not None:
            self._role = self._lanes[index].role
            cell = event.x - label_width(self._lanes, self.size.width)
            at = self._window.start + (cell + 0.5) * self._window.step
            self._select(span_at(self._lanes[index], at, self._now()))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll to later times."""
        event.stop()
        self._scroll(max(1, self._window.cells // 8))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll to earlier times."""
        event.stop()
        self._scroll(-max(1, self._window.cells // 8))

    def action_lane(self, step: int) -> None:
        """Select another role, and the nearest of its spans."""
        if not self._lanes:
            return
        at, span = self._selected()
        lane = self._lanes[max(0, min(len(self._lanes) - 1, at + step))]
        self._role = lane.role
        start = self._window.start if span is None else span.started_at
        self._select(min(lane.selectable, key=lambda s: abs(s.started_at - start), default=None))

    def action_span(self, step: int) -> None:
        """Select the previous or next span of the role."""
        if not self._lanes:
            return
        at, span = self._selected()
        choices = self._lanes[at].selectable
        if span is not None and span in choices:
            index = max(0, min(len(choices) - 1, choices.index(span) + step))
            self._select(choices[index])

    def action_zoom(self, closer: bool) -> None:
        """Zoom in or out."""
        _, span = self._selected()
        now = self._now()
        if self._mode is TimelineMode.FOLLOW:
            around = now
        else:
            around = self._window.start + self._window.step * self._window.cells / 2
            if span is not None:
                around = (span.started_at + span_end(span, now)) / 2
        self._window = self._window.zoomed(closer=closer, around=around)
        if self._mode is TimelineMode.ALL:
            self._mode = TimelineMode.FIXED
        self.update()

    def action_scroll(self, direction: int) -> None:
        """Scroll by half of the visible time."""
        self._scroll(direction * max(1, self._window.cells // 2))

    def action_show_all(self) -> None:
        """Show all of the run, and what is still to come."""
        self._mode = TimelineMode.ALL
        self.update()

    def action_follow(self) -> None:
        """Follow the current time at the current zoom."""
        self._mode = TimelineMode.FOLLOW
        self.update()

    # Private helpers.

    def _scroll(self, cells: int) -> None:
        self._mode = TimelineMode.FIXED
        self._window = self._window.shifted(cells)
        self.update()

    def _select(self, span: Span | None) -> None:
        self._span_id = "" if span is None else span.span_id
        if span is not None and self._mode is not TimelineMode.ALL:
            window = self._window.scrolled_to(span, self._now())
            if window != self._window:
                self._mode = TimelineMode.FIXED
                self._window = window
        self.update()

    def _selected(self) -> tuple[int, Span | None]:
        """Return the index of the selected lane, and its selected span, by default the last one."""
        index = next((i for i, lane in enumerate(self._lanes) if lane.role == self._role), 0)
        if not self._lanes:
            return 0, None
        choices = self._lanes[index].selectable
        last = choices[-1] if choices else None
        return index, next((span for span in choices if span.span_id == self._span_id), last)

    def _update_window(self, spans: Collection[Span], now: float) -> None:
        """Calculate the visible time range."""
        cells = max(1, self.size.width - label_width(self._lanes, self.size.width))
        first, step = self._run_start, self._window.step
        match self._mode:
            case TimelineMode.ALL:
                self._window = fit_window(spans, cells, now)
            case TimelineMode.FOLLOW:
                self._window = Window(first, step, cells).following(first, now)
            case TimelineMode.FIXED:
                last = max(first, now - step)
                start = max(first - step * cells / 2, min(self._window.start, last))
                self._window = Window(start, step, cells)
