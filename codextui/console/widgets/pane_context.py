"""The context of the widgets that show threads: palettes, the clock, queries of the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from textual.message import Message

from codextui.console.model.run import NO_RUN, RunSummary
from codextui.console.render.palette import Palette, palette_from
from codextui.protocol.threads import ThreadState


class Palettes(msgspec.Struct, frozen=True):
    """A palette for each surface of the console.

    Attributes:
        pane: of a transcript.
        header: of a pane's header.
        header_current: of the current pane's header.
        tree: of the tree.
        bar: of the status line, and of the attention strip while it is empty.
        attention: of the attention strip while the user is needed.
        offline: of the status line while the server is out of reach.
    """

    pane: Palette
    header: Palette
    header_current: Palette
    tree: Palette
    bar: Palette
    attention: Palette
    offline: Palette


def palettes_from(variables: Mapping[str, str]) -> Palettes:
    """Build the palettes from `App.theme_variables`."""
    return Palettes(
        pane=palette_from(variables, surface="background"),
        header=palette_from(variables, surface="panel"),
        header_current=palette_from(variables, surface="primary-muted"),
        tree=palette_from(variables, surface="surface"),
        bar=palette_from(variables, surface="surface"),
        attention=palette_from(variables, surface="warning-muted"),
        offline=palette_from(variables, surface="error-muted"),
    )


class PaneContext(msgspec.Struct, frozen=True):
    """How to draw a thread.

    Attributes:
        palettes: the palettes.
        state_of: see `ConsoleState.state_of`.
        now: returns unix seconds.
        home: the user's home folder, shown as `~`.
        run_summary_of: see `ConsoleState.summarize_run`.
        follow_note_of: returns why a thread of another program is not shown live.
    """

    palettes: Palettes
    state_of: Callable[[str], ThreadState]
    now: Callable[[], float]
    home: str = ""
    run_summary_of: Callable[[str], RunSummary] = lambda _: NO_RUN
    follow_note_of: Callable[[str], str] = lambda _: ""


class ZoomRequested(Message):
    """A pane was clicked on twice."""

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class FoldsChanged(Message):
    """The current pane has begun or ceased to leave something out."""
