"""Groups the bindings that are active together, to check the keymap and to list all keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.binding import BindingType

from codextui.console.bindings import (
    APP_BINDINGS,
    KeyGroup,
    check_keymap,
    default_keys,
    describe_clashes,
    key_groups,
)
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.console.screens.broadcast import BroadcastScreen
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.copy import CopyScreen
from codextui.console.screens.decisions import DecisionsScreen
from codextui.console.screens.diff import DiffScreen
from codextui.console.screens.edit_turn import EditTurnScreen
from codextui.console.screens.first_steps import FirstStepsScreen
from codextui.console.screens.fork import ForkScreen
from codextui.console.screens.gates import GatesScreen
from codextui.console.screens.help import HelpScreen
from codextui.console.screens.history import HistoryScreen
from codextui.console.screens.inspector import InspectorScreen
from codextui.console.screens.keys import KeysScreen
from codextui.console.screens.labels import LabelsScreen
from codextui.console.screens.main import MainScreen
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.screens.pager import PagerScreen
from codextui.console.screens.palette import PaletteScreen
from codextui.console.screens.pick import PickScreen
from codextui.console.screens.preferences import PreferencesScreen
from codextui.console.screens.problem import ProblemScreen
from codextui.console.screens.queue import QueueScreen
from codextui.console.screens.queue_edit import QueueEditScreen
from codextui.console.screens.review import ReviewScreen
from codextui.console.screens.search import FoundList, SearchScreen
from codextui.console.screens.settings import SettingsScreen
from codextui.console.screens.side_by_side import SideBySideScreen
from codextui.console.screens.timeline import TimelineScreen
from codextui.console.screens.tool_call import ToolCallScreen
from codextui.console.screens.tool_picker import ToolPickerScreen
from codextui.console.widgets.choice_list import ChoiceList
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.decision_list import DecisionList
from codextui.console.widgets.diff_view import DiffView
from codextui.console.widgets.frame_list import FrameList
from codextui.console.widgets.history_list import HistoryList
from codextui.console.widgets.json_view import JsonView
from codextui.console.widgets.prompt_field import PromptField
from codextui.console.widgets.settings_list import SettingsList
from codextui.console.widgets.strip_view import StripView
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.console.widgets.timeline_view import TimelineView
from codextui.console.widgets.transcript_pane import TranscriptPane
from codextui.errors import ConfigInvalid

PLACES: dict[str, Sequence[BindingType]] = {
    "Console": [*MainScreen.BINDINGS, *APP_BINDINGS],
    "Panes": TranscriptPane.BINDINGS,
    "Threads": ThreadTree.BINDINGS,
    "Writing": Composer.BINDINGS,
    "Approvals": ApprovalScreen.BINDINGS,
    "Several approvals": ApproveManyScreen.BINDINGS,
    "Reading what is asked, and diffs": StripView.BINDINGS,
    "Choosing an answer": ChoiceList.BINDINGS,
    "New thread": [*NewThreadScreen.BINDINGS, *PromptField.BINDINGS],
    "Fork through a turn": [*ForkScreen.BINDINGS, *PromptField.BINDINGS],
    "Edit a prompt": [*EditTurnScreen.BINDINGS, *PromptField.BINDINGS],
    "Writing to all marked": [*BroadcastScreen.BINDINGS, *PromptField.BINDINGS],
    "Queue": QueueScreen.BINDINGS,
    "Edit a queued message": [*QueueEditScreen.BINDINGS, *PromptField.BINDINGS],
    "Settings": SettingsScreen.BINDINGS,
    "Settings of the console": [*PreferencesScreen.BINDINGS, *SettingsList.BINDINGS],
    "Keys of the console": KeysScreen.BINDINGS,
    "First steps": FirstStepsScreen.BINDINGS,
    "Review": ReviewScreen.BINDINGS,
    "Diff": [*DiffScreen.BINDINGS, *DiffView.BINDINGS],
    "Side by side": [*SideBySideScreen.BINDINGS],
    "Picking from a list": PickScreen.BINDINGS,
    "Pager": PagerScreen.BINDINGS,
    "History": [*HistoryScreen.BINDINGS, *HistoryList.BINDINGS],
    "Decisions": [*DecisionsScreen.BINDINGS, *DecisionList.BINDINGS],
    "Copying": CopyScreen.BINDINGS,
    "Command palette": PaletteScreen.BINDINGS,
    "Jump labels": LabelsScreen.BINDINGS,
    "Search": [*SearchScreen.BINDINGS, *FoundList.BINDINGS],
    "Gate board": GatesScreen.BINDINGS,
    "Timeline": [*TimelineScreen.BINDINGS, *TimelineView.BINDINGS],
    "Inspector": [*InspectorScreen.BINDINGS, *FrameList.BINDINGS],
    "Inspector, in a frame": [*InspectorScreen.BINDINGS, *JsonView.BINDINGS],
    "Inspector, tools": ToolPickerScreen.BINDINGS,
    "Inspector, calling a tool": ToolCallScreen.BINDINGS,
    "Yes or no": ConfirmScreen.BINDINGS,
    "Trouble": ProblemScreen.BINDINGS,
    "This list": HelpScreen.BINDINGS,
}
"""The bindings that are active at the same time, by their heading on the help screen."""


def checked_keys(keys: Mapping[str, str], path: Path | None) -> dict[str, str]:
    """Check `[ui.keys]` against all places.

    Args:
        keys: binding id → comma-separated keys, as in the file.
        path: the configuration file, named in messages.

    Returns:
        the keymap for `App.set_keymap`.

    Raises:
        ConfigInvalid: a binding or a key does not exist, or two bindings share a key.
    """
    return check_keymap(keys, PLACES, path)


def changed_keys(keys: Mapping[str, str], binding_id: str, changed: str | None) -> dict[str, str]:
    """Return `[ui.keys]` with other keys for a binding, checked against all places.

    Args:
        keys: binding id → comma-separated keys, as in the file.
        binding_id: the binding.
        changed: its keys; None for the default ones.

    Raises:
        ConfigInvalid: the same as at the start; names the binding that has a key already.
    """
    proposed = {id_: bound for id_, bound in keys.items() if id_ != binding_id}
    if changed is not None:
        proposed[binding_id] = changed
    try:
        checked_keys(proposed, None)
    except ConfigInvalid as error:
        problems = str(error).splitlines()
        if all(" clashes (" in problem for problem in problems):
            problems = list(describe_clashes(binding_id, proposed, PLACES)) or problems
        raise ConfigInvalid("\n".join(problems)) from error
    return proposed


def rebindable_keys() -> dict[str, str]:
    """Return the default keys of all bindings with an id."""
    return default_keys(PLACES)


def grouped_keys(keymap: Mapping[str, str]) -> tuple[KeyGroup, ...]:
    """List the keys of all places; `keymap` is the result of `checked_keys`."""
    return key_groups(PLACES, keymap)
