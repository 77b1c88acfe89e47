"""What the widgets that show threads need to know beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codextui.console.model.run import NO_RUN, RunSummary
from codextui.console.render.palette import Palette, palette_from
from codextui.protocol.threads import ThreadState


@dataclass(frozen=True, slots=True)
class Looks:
    """A palette for every surface that the console draws on.

    Attributes:
        pane: behind a transcript.
        head: behind the head of a pane.
        head_current: behind the head of the pane that keys go to.
        side: behind the tree.
        bar: behind the status line and the keys.
        asking: behind the strip while a person is needed.
        lost: behind the status line while the server is out of reach.
    """

    pane: Palette
    head: Palette
    head_current: Palette
    side: Palette
    bar: Palette
    asking: Palette
    lost: Palette


def looks_from(variables: Mapping[str, str]) -> Looks:
    """Build the palettes from `App.theme_variables`."""
    return Looks(
        pane=palette_from(variables, surface="background"),
        head=palette_from(variables, surface="panel"),
        head_current=palette_from(variables, surface="primary-muted"),
        side=palette_from(variables, surface="surface"),
        bar=palette_from(variables, surface="surface"),
        asking=palette_from(variables, surface="warning-muted"),
        lost=palette_from(variables, surface="error-muted"),
    )


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
    standing_of: Callable[[str], RunSummary] = lambda _: NO_RUN
