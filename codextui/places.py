"""Where keys work: every place with its bindings, to check a keymap and to list the keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import BindingType

from codextui.app import ConsoleApp
from codextui.screens.approval import ApprovalScreen
from codextui.screens.approve_many import ApproveManyScreen
from codextui.screens.confirm import ConfirmScreen
from codextui.screens.diff import DiffScreen
from codextui.screens.fork import ForkScreen
from codextui.screens.gates import GatesScreen
from codextui.screens.help import HelpScreen
from codextui.screens.main import MainScreen
from codextui.screens.new_thread import NewThreadScreen
from codextui.screens.timeline import TimelineScreen
from codextui.screens.trouble import TroubleScreen
from codextui.widgets.choice_list import ChoiceList
from codextui.widgets.composer import Composer
from codextui.widgets.strip_view import StripView
from codextui.widgets.thread_tree import ThreadTree
from codextui.widgets.timeline_view import TimelineView
from codextui.widgets.transcript_pane import TranscriptPane

PLACES: dict[str, Sequence[BindingType]] = {
    "Console": [*MainScreen.BINDINGS, *ConsoleApp.BINDINGS],
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
