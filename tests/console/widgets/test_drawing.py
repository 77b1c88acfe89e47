from __future__ import annotations

from codextui.console.widgets.drawing import Pacer


class Pane:
    def __init__(self) -> None:
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1


class Clock:
    def __init__(self) -> None:
        self.ticks = False

    def wake(self) -> None:
        self.ticks = True

    def rest(self) -> None:
        self.ticks = False


def build(per_frame: int = 3) -> tuple[Pacer, Clock]:
    clock = Clock()
    return Pacer(resume=clock.wake, pause=clock.rest, per_frame=per_frame), clock


def test_a_widget_marked_many_times_is_flushed_once() -> None:
    pacer, _ = build()
    pane = Pane()
    for _ in range(100):
        pacer.mark_dirty(pane)
    pacer.tick()
    pacer.tick()
    assert pane.flushed == 1


def test_a_frame_flushes_a_few_widgets_and_each_has_its_turn() -> None:
    pacer, _ = build(per_frame=3)
    panes = [Pane() for _ in range(7)]
    for pane in panes:
        pacer.mark_dirty(pane)
    flushed = []
    for _ in range(3):
        pacer.tick()
        flushed.append(sum(pane.flushed for pane in panes))
    assert flushed == [3, 6, 7]


def test_a_busy_widget_does_not_delay_another() -> None:
    pacer, _ = build(per_frame=1)
    busy, quiet = Pane(), Pane()
    pacer.mark_dirty(busy)
    pacer.mark_dirty(quiet)
    pacer.tick()
    pacer.mark_dirty(busy)
    pacer.tick()
    assert quiet.flushed == 1


def test_the_timer_is_paused_while_nothing_is_dirty() -> None:
    pacer, clock = build()
    assert not clock.ticks
    pacer.mark_dirty(Pane())
    assert clock.ticks
    pacer.tick()
    assert not clock.ticks


def test_a_widget_marked_while_it_is_flushed_is_flushed_again() -> None:
    pacer, clock = build()

    class Restless(Pane):
        def flush(self) -> None:
            super().flush()
            if self.flushed == 1:
                pacer.mark_dirty(self)

    pane = Restless()
    pacer.mark_dirty(pane)
    pacer.tick()
    assert clock.ticks
    pacer.tick()
    assert pane.flushed == 2
    assert not clock.ticks
