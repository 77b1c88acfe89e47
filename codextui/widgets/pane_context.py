"""What the widgets that show threads need to know beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codextui.model.standing import ALONE, Standing
from codextui.widgets.looks import Looks
from codextui.wire.thread import ThreadState


@dataclass(frozen=True, slots=True)
class PaneContext:
    """How to draw a thread.

    Attributes:
        looks: the palettes.
        state_of: `Board.state_of`.
        now: unix seconds.
        home: the person's home folder, shown as `~`.
        standing_of: how the run of a thread stands, and what it costs.
    """

    looks: Looks
    state_of: Callable[[str], ThreadState]
    now: Callable[[], float]
    home: str = ""
    standing_of: Callable[[str], Standing] = lambda _: ALONE
