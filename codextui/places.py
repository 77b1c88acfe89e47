"""Where keys work: every place with its bindings, to check a keymap and to list the keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import BindingType

from codextui.app import ConsoleApp
from codextui.screens.dialog_places import DIALOG_PLACES
from codextui.screens.main import MainScreen
from codextui.widgets.composer import Composer
from codextui.widgets.thread_tree import ThreadTree
from codextui.widgets.transcript_pane import TranscriptPane

PLACES: dict[str, Sequence[BindingType]] = {
    "Console": [*MainScreen.BINDINGS, *ConsoleApp.BINDINGS],
    "Threads": ThreadTree.BINDINGS,
    "Panes": TranscriptPane.BINDINGS,
    "Writing": Composer.BINDINGS,
    **DIALOG_PLACES,
}
"""The bindings that are active at the same time, by the heading of the help screen."""
