"""What the main screen needs to know from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codextui.keymap import KeyGroup
from codextui.model.standing import CostOf


@dataclass(frozen=True, slots=True)
class MainOptions:
    """How to show a server, and when and where.

    Attributes:
        server: the shared server's name.
        most_panes: 1 to 9.
        home: the person's home folder, shown as `~`.
        folder: where new threads work unless a person says otherwise.
        start_key: the key that starts a thread, as people read it.
        now: unix seconds.
        help_groups: the keys of every place, for the help screen.
        cost_of: what tokens cost; None where no prices are configured.
        leaving: what leaving does, in a word or two.
    """

    server: str
    most_panes: int
    home: str
    folder: str
    start_key: str
    now: Callable[[], float]
    help_groups: Callable[[], Sequence[KeyGroup]]
    cost_of: CostOf | None = None
    leaving: str = "detach"
