"""The palettes of the console's surfaces, built once for a theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codextui.render.palette import Palette, palette_from


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
