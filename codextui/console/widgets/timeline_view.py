"""A run's timeline: which time is in sight, and what of it is chosen."""

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
from codextui.console.render.palette import Palette, palette_from
from codextui.console.render.timeline import (
    Timeline,
    format_clock,
    label_width,
    lane_at,
    render_timeline,
)
from codextui.console.widgets.drawing import LineWidget
from codextui.protocol.runs import Span


class Sight(Enum):
    """Which time is in sight."""

    ALL = auto()
    NOW = auto()
    STILL = auto()


class TimelineView(LineWidget, can_focus=True):
    """Draws the lanes, and moves through time and roles. It shows all until somebody zooms."""

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

    class Moved(Message):
        """It was drawn again: other time may be in sight."""

    def __init__(
        self,
        run: Callable[[], RunView],
        now: Callable[[], float],
        roles: Callable[[], Sequence[str]],
    ) -> None:
        """Take what tells how the run stands, unix seconds, and its roles in their order."""
        super().__init__(id="timeline")
        self._roles = roles
        self._run = run
        self._now = now
        self._sight = Sight.ALL
        self._window = Window(0.0, float(ZOOM_STEPS[0]), 1)
        self._role = ""
        self._span_id = ""
        self._lanes: list[Lane] = []
        self._picture: Timeline | None = None
        self._drawn: list[Strip] = []
        self._first = 0.0
        self._palette: Palette | None = None

    def on_mount(self) -> None:
        """Draw in the theme's colours."""
        self._restyle()
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._restyle())

    def on_resize(self) -> None:
        """Fit the new size."""
        self.update()

    def _restyle(self) -> None:
        self._palette = palette_from(self.app.theme_variables, surface="surface")
        self.update()

    def update(self) -> None:
        """Draw what the run has become."""
        if self._palette is None or self.size.width < 1:
            return
        now, spans = self._now(), self._run().spans.values()
        self._lanes = build_lanes(spans, self._roles())
        self._first = min((span.started_at for span in spans), default=now)
        self._look(spans, now)
        lane, span = self._chosen()
        self._picture = Timeline(self._lanes, self._window, now, self._first, lane, span)
        width, height = self.size
        self._drawn = render_timeline(self._picture, width, height, self._palette)
        self.refresh()
        self.post_message(self.Moved())

    @property
    def place(self) -> str:
        """Which time is in sight, in words."""
        match self._sight:
            case Sight.ALL:
                return "all of it"
            case Sight.NOW:
                return "follows now"
            case Sight.STILL:
                start, end = self._window.start - self._first, self._window.end - self._first
                return f"from {format_clock(start)} to {format_clock(end)}"

    def line(self, y: int) -> Strip:
        """The line at `y`."""
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(self.size.width)

    # Moving.

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        if self._picture is None:
            return
        index = lane_at(self._picture, self.size.height, event.y)
        if index is not None:
            self._role = self._lanes[index].role
            cell = event.x - label_width(self._lanes, self.size.width)
            at = self._window.start + (cell + 0.5) * self._window.step
            self._choose(span_at(self._lanes[index], at, self._now()))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go on to later times."""
        event.stop()
        self._scroll(max(1, self._window.cells // 8))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go back to earlier times."""
        event.stop()
        self._scroll(-max(1, self._window.cells // 8))

    def action_lane(self, step: int) -> None:
        """Choose another role, and there what is nearest in time."""
        if not self._lanes:
            return
        at, span = self._chosen()
        lane = self._lanes[max(0, min(len(self._lanes) - 1, at + step))]
        self._role = lane.role
        start = self._window.start if span is None else span.started_at
        self._choose(min(lane.selectable, key=lambda s: abs(s.started_at - start), default=None))

    def action_span(self, step: int) -> None:
        """Choose what came before or after in the same role."""
        if not self._lanes:
            return
        at, span = self._chosen()
        choices = self._lanes[at].selectable
        if span is not None and span in choices:
            index = max(0, min(len(choices) - 1, choices.index(span) + step))
            self._choose(choices[index])

    def action_zoom(self, closer: bool) -> None:
        """Show less time in more detail, or more time."""
        _, span = self._chosen()
        now = self._now()
        if self._sight is Sight.NOW:
            around = now
        else:
            around = self._window.start + self._window.step * self._window.cells / 2
            if span is not None:
                around = (span.started_at + span_end(span, now)) / 2
        self._window = self._window.zoomed(closer=closer, around=around)
        if self._sight is Sight.ALL:
            self._sight = Sight.STILL
        self.update()

    def action_scroll(self, direction: int) -> None:
        """Move by half of what is in sight."""
        self._scroll(direction * max(1, self._window.cells // 2))

    def action_show_all(self) -> None:
        """Show all of it, and what is still to come."""
        self._sight = Sight.ALL
        self.update()

    def action_follow(self) -> None:
        """Keep now in sight, as closely as it was looked at."""
        self._sight = Sight.NOW
        self.update()

    # Within.

    def _scroll(self, cells: int) -> None:
        self._sight = Sight.STILL
        self._window = self._window.shifted(cells)
        self.update()

    def _choose(self, span: Span | None) -> None:
        self._span_id = "" if span is None else span.span_id
        if span is not None and self._sight is not Sight.ALL:
            window = self._window.scrolled_to(span, self._now())
            if window != self._window:
                self._sight = Sight.STILL
                self._window = window
        self.update()

    def _chosen(self) -> tuple[int, Span | None]:
        """The index of the chosen lane, and what is chosen in it: the last, unless another is."""
        index = next((i for i, lane in enumerate(self._lanes) if lane.role == self._role), 0)
        if not self._lanes:
            return 0, None
        choices = self._lanes[index].selectable
        last = choices[-1] if choices else None
        return index, next((span for span in choices if span.span_id == self._span_id), last)

    def _look(self, spans: Collection[Span], now: float) -> None:
        """Have the time in sight that is to be."""
        cells = max(1, self.size.width - label_width(self._lanes, self.size.width))
        first, step = self._first, self._window.step
        match self._sight:
            case Sight.ALL:
                self._window = fit_window(spans, cells, now)
            case Sight.NOW:
                self._window = Window(first, step, cells).following(first, now)
            case Sight.STILL:
                last = max(first, now - step)
                start = max(first - step * cells / 2, min(self._window.start, last))
                self._window = Window(start, step, cells)
