"""Where keys work in the dialogs, to check a keymap against and to list the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.binding import BindingType

from codextui.screens.approval import ApprovalScreen
from codextui.screens.approve_many import ApproveManyScreen
from codextui.screens.confirm import ConfirmScreen
from codextui.screens.diff import DiffScreen
from codextui.screens.fork import ForkScreen
from codextui.screens.gates import GatesScreen
from codextui.screens.help import HelpScreen
from codextui.screens.new_thread import NewThreadScreen
from codextui.screens.timeline import TimelineScreen
from codextui.screens.trouble import TroubleScreen
from codextui.widgets.choice_list import ChoiceList
from codextui.widgets.strip_view import StripView
from codextui.widgets.timeline_view import TimelineView

_READER, _CHOICES = StripView.BINDINGS, ChoiceList.BINDINGS

DIALOG_PLACES: Mapping[str, Sequence[BindingType]] = {
    "Approvals": [*ApprovalScreen.BINDINGS, *_READER, *_CHOICES],
    "Several approvals": [*ApproveManyScreen.BINDINGS, *_READER],
    "New thread": [*NewThreadScreen.BINDINGS, *_CHOICES],
    "Fork": ForkScreen.BINDINGS,
    "Questions": ConfirmScreen.BINDINGS,
    "Diff": [*DiffScreen.BINDINGS, *_READER],
    "Gate board": [*GatesScreen.BINDINGS, *_READER],
    "Timeline": [*TimelineScreen.BINDINGS, *TimelineView.BINDINGS],
    "Help": [*HelpScreen.BINDINGS, *_READER],
    "Trouble": TroubleScreen.BINDINGS,
}
"""The bindings that are active at the same time, by the heading of the help screen."""
