"""Where keys work: every place with its bindings, to check a keymap and to list the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.binding import BindingType

from codextui.console.bindings import APP_BINDINGS, KeyGroup, check_keymap, key_groups
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.diff import DiffScreen
from codextui.console.screens.fork import ForkScreen
from codextui.console.screens.gates import GatesScreen
from codextui.console.screens.help import HelpScreen
from codextui.console.screens.main import MainScreen
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.screens.timeline import TimelineScreen
from codextui.console.screens.trouble import TroubleScreen
from codextui.console.widgets.choice_list import ChoiceList
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.strip_view import StripView
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.console.widgets.timeline_view import TimelineView
from codextui.console.widgets.transcript_pane import TranscriptPane

PLACES: dict[str, Sequence[BindingType]] = {
    "Console": [*MainScreen.BINDINGS, *APP_BINDINGS],
    "Panes": TranscriptPane.BINDINGS,
    "Threads": ThreadTree.BINDINGS,
    "Writing": Composer.BINDINGS,
    "Approvals": ApprovalScreen.BINDINGS,
    "Several approvals": ApproveManyScreen.BINDINGS,
    "Reading what is asked, and diffs": StripView.BINDINGS,
    "Choosing an answer": ChoiceList.BINDINGS,
    "New thread": NewThreadScreen.BINDINGS,
    "Fork through a turn": ForkScreen.BINDINGS,
    "Diff": DiffScreen.BINDINGS,
    "Gate board": GatesScreen.BINDINGS,
    "Timeline": [*TimelineScreen.BINDINGS, *TimelineView.BINDINGS],
    "Yes or no": ConfirmScreen.BINDINGS,
    "Trouble": TroubleScreen.BINDINGS,
    "This list": HelpScreen.BINDINGS,
}
"""The bindings that are active at the same time, by the heading of the help screen."""


def checked_keys(keys: Mapping[str, str], path: Path | None) -> dict[str, str]:
    """`[ui.keys]` as Textual wants it.

    Args:
        keys: binding id → keys, as they stand in the file.
        path: the configuration's file, to name in messages.

    Raises:
        ConfigInvalid: a binding or a key does not exist, or two bindings have one key.
    """
    return check_keymap(keys, PLACES, path)


def grouped_keys(keymap: Mapping[str, str]) -> tuple[KeyGroup, ...]:
    """The keys of every place, as `checked_keys` has bound them."""
    return key_groups(PLACES, keymap)
