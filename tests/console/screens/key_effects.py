"""Every binding of the console: where it is pressed, after what, and what is to be seen then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from console.screens import team_story
from console.screens.console import Console
from console.screens.dialog_host import rows_on_screen
from console.screens.places import (
    BACKEND,
    CUT_OFF,
    DOCS,
    PLACES,
    Open,
    Place,
    crowd,
    fleet,
    frames,
    inbox,
    run,
)
from rich.segment import Segment
from textual.screen import Screen
from textual.widgets import Input, TextArea

from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.console.screens.broadcast import BroadcastScreen
from codextui.console.screens.comment import CommentScreen
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
from codextui.console.screens.queue import QueueScreen
from codextui.console.screens.queue_edit import QueueEditScreen
from codextui.console.screens.review import ReviewScreen
from codextui.console.screens.search import SearchScreen
from codextui.console.screens.settings import SettingsScreen
from codextui.console.screens.side_by_side import SideBySideScreen
from codextui.console.screens.timeline import TimelineScreen
from codextui.console.screens.tool_picker import ToolPickerScreen
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.frame_list import FrameList
from codextui.console.widgets.json_view import JsonView
from codextui.console.widgets.thread_tree import FilterField


@dataclass
class Before:
    """What there was before a key.

    Attributes:
        told: what was told since then.
        exits: what the app was left with since then, which goes on.
    """

    screen: Screen[Any]
    picture: list[list[Segment]]
    focused: object
    calls: int
    told: list[str]
    exits: list[object]


Effect = Callable[[Console, Before], bool]
"""Returns whether a key has done what it should."""


def look(console: Console, told: list[str], exits: list[object]) -> Before:
    """Return what there is now, and begin to note what is told."""
    told.clear()
    exits.clear()
    return Before(
        console.app.screen,
        picture(console),
        console.app.focused,
        len(asked(console)),
        told,
        exits,
    )


def picture(console: Console) -> list[list[Segment]]:
    """Return all that is on the screen, with its colours."""
    return [list(strip) for strip in rows_on_screen(console.app)]


def asked(console: Console) -> list[str]:
    """Return what was asked of the server, and decided."""
    server = console.server
    tools = [tool for tool, _ in server.calls if tool != "codex-server"]
    return [*tools, *(method for method, _ in server.requests), *("answer" for _ in server.answers)]


def opens(screen: type[Screen[Any]]) -> Effect:
    """Another screen is on top."""
    return lambda console, before: (
        type(console.app.screen) is screen and console.app.screen is not before.screen
    )


def closes(console: Console, before: Before) -> bool:
    """The screen is closed."""
    return before.screen not in console.app.screen_stack


def changes(console: Console, before: Before) -> bool:
    """The screen is the same, and looks otherwise."""
    return console.app.screen is before.screen and picture(console) != before.picture


def exits(console: Console, before: Before) -> bool:
    """The app is left."""
    return bool(before.exits)


def focuses(widget: type[object]) -> Effect:
    """A widget has the focus, and another had it before."""
    return lambda console, before: (
        isinstance(console.app.focused, widget) and console.app.focused is not before.focused
    )


def calls(*names: str) -> Effect:
    """Something is asked of the server."""
    return lambda console, before: set(names) <= set(asked(console)[before.calls :])


def says(words: str) -> Effect:
    """A text is told, or on the screen."""
    return lambda console, before: (
        any(words in text for text in before.told)
        or (words in console.shown() and picture(console) != before.picture)
    )


def writes(console: Console, before: Before) -> bool:
    """The text of a field is another one."""
    is_field = isinstance(console.app.focused, Input | TextArea)
    return is_field and picture(console) != before.picture


Keys = dict[str, Effect | tuple[tuple[str, ...], Effect]]
"""Binding id → the effect; or what is pressed before, and the effect."""


def on_main(thread: str = BACKEND, *keys: str, then: Open | None = None) -> Place:
    """Return the main screen of the fleet with a thread in view."""
    return Place(MainScreen, keys, thread, then=then)


async def focus_tree(console: Console) -> None:
    """Focus the tree."""
    console.app.main.workbench.thread_tree.focus()
    await console.settle()


def no_server(console: Console) -> None:
    """Lose the server."""
    fleet(console)
    console.server.disconnect("the server ended")


MARKED = ("m", "m")
EACH_PANE: Keys = {f"pane.go_{n}": says(f"no pane {n}") for n in range(5, 10)}

TABLE: list[tuple[Place, Keys]] = [
    (
        on_main(),
        {
            "thread.reply": focuses(Composer),
            "thread.queue": opens(QueueScreen),
            "thread.settings": opens(SettingsScreen),
            "thread.review": opens(ReviewScreen),
            "thread.usage": calls("codex-usage"),
            "decisions.open": opens(DecisionsScreen),
            "thread.new": opens(NewThreadScreen),
            "history.open": opens(HistoryScreen),
            "thread.interrupt": calls("codex-interrupt"),
            "thread.fork": calls("codex-fork"),
            "thread.fork_through": opens(ForkScreen),
            "thread.diff": opens(DiffScreen),
            "thread.side_by_side": opens(SideBySideScreen),
            "thread.open": says("opens in Codex"),
            "pane.unfold": changes,
            "search.open": opens(SearchScreen),
            "view.labels": opens(LabelsScreen),
            "pane.copy": opens(CopyScreen),
            "pane.read": opens(PagerScreen),
            "console.settings": opens(PreferencesScreen),
            "console.first_steps": opens(FirstStepsScreen),
            "thread.kill": opens(ConfirmScreen),
            "inspector.open": opens(InspectorScreen),
            "console.help": opens(HelpScreen),
            "console.detach": exits,
            "console.stop_server": opens(ConfirmScreen),
            "server.retry": says("The server is connected."),
            "thread.edit": opens(EditTurnScreen),
            "thread.continue_all": opens(ConfirmScreen),
            "folder.editor": says("editor opens"),
            "folder.shell": says("shell opens"),
            "thread.broadcast": (("m",), opens(BroadcastScreen)),
            "console.palette": opens(PaletteScreen),
            "console.picture": says("Picture of the screen"),
            "console.quit": exits,
        },
    ),
    (
        on_main(),
        {
            "pane.left": (("right",), changes),
            "pane.right": (("left",), changes),
            "pane.above": (("down",), changes),
            "pane.below": (("up",), changes),
            "pane.next": changes,
            "pane.previous": changes,
            "pane.go_1": (("2",), changes),
            "pane.go_2": (("1",), changes),
            "pane.go_3": (("1",), changes),
            "pane.go_4": (("1",), changes),
            **EACH_PANE,
            "pane.zoom": changes,
            "pane.zoom_out": (("z",), changes),
            "pane.pin": changes,
            "view.fewer_panes": changes,
            "view.more_panes": (("minus",), changes),
            "view.tree": changes,
            "view.narrower": changes,
            "view.wider": changes,
            "thread.mark": changes,
            "view.filter": focuses(FilterField),
            "view.away": says("Nothing is put away"),
            "view.clear": says("Nothing is over"),
            "pane.down": (("end", "k", "k"), changes),
            "pane.up": (("end",), changes),
            "pane.page_down": (("end", "pageup"), changes),
            "pane.page_up": (("end",), changes),
            "pane.top": (("end",), changes),
            "pane.next_item": (("end", "K", "K"), changes),
            "pane.previous_item": (("end",), changes),
            "pane.follow": (("home",), changes),
        },
    ),
    (on_main(DOCS), {"view.hide": says("docs is hidden")}),
    (
        on_main(CUT_OFF),
        {"thread.retry": calls("codex-send"), "thread.continue": calls("codex-send")},
    ),
    (Place(MainScreen, (), "", inbox), {"approvals.open": opens(ApprovalScreen)}),
    (
        Place(MainScreen, (), team_story.role_id("backend"), run),
        {
            "role.pause": calls("codex-role"),
            "role.rerun": opens(ConfirmScreen),
            "run.gates": opens(GatesScreen),
            "run.timeline": opens(TimelineScreen),
        },
    ),
    (
        on_main(then=focus_tree),
        {
            "tree.down": changes,
            "tree.up": (("j",), changes),
            "tree.page_down": changes,
            "tree.page_up": (("end",), changes),
            "tree.first": (("end",), changes),
            "tree.last": changes,
            "tree.show": (("end",), lambda console, _: console.current != BACKEND),
            "tree.fold": (("home",), changes),
            "tree.unfold": (("home", "left"), changes),
            "view.group": says("grouped by"),
            "tree.clear_filter": (("slash", *"docs", "enter"), changes),
        },
    ),
    (
        on_main(BACKEND, "r", *"Hi"),
        {
            "composer.send": calls("codex-send"),
            "composer.newline": writes,
            "composer.queue": calls("codex-queue"),
            "composer.editor": writes,
            "composer.leave": changes,
        },
    ),
    (
        PLACES["approvals"],
        {
            "approval.once": calls("answer"),
            "approval.session": calls("answer"),
            "approval.always": says("git push"),
            "approval.decline": calls("answer"),
            "approval.message": focuses(Input),
            "approval.stop": calls("answer"),
            "approval.later": closes,
            "approval.next": changes,
            "approval.previous": changes,
            "approval.open": closes,
            "approval.confirm": (("p",), calls("answer")),
            "approval.unseen": says("press an answer first"),
            "approval.mark": changes,
            "approval.mark_all": changes,
            "approval.mark_same": (("home",), changes),
            "approval.many": opens(ApproveManyScreen),
            "approval.decline_many": says("decline"),
            "approval.order": changes,
            "approval.group": changes,
            "approval.decisions": opens(DecisionsScreen),
        },
    ),
    (
        PLACES["approve-many"],
        {
            "many.approve": (("end",), calls("answer")),
            "many.cancel": closes,
            "many.down": changes,
            "many.up": (("j",), changes),
            "reader.up": (("j",), changes),
            "reader.down": changes,
            "reader.page_up": (("end",), changes),
            "reader.page_down": changes,
            "reader.home": (("end",), changes),
            "reader.end": changes,
        },
    ),
    (
        PLACES["new-thread"],
        {
            "new_thread.start": (tuple("Go"), calls("codex-start")),
            "new_thread.cancel": closes,
            "choice.next": (("tab",) * 4, changes),
            "choice.previous": ((*("tab",) * 4, "down"), changes),
            "choice.submit": (("tab",) * 4, changes),
        },
    ),
    (
        PLACES["approval-questions"],
        {
            "approval.answer": changes,
            "choice.turn": (("tab",), changes),
            "choice.clear": (("tab", "space"), changes),
        },
    ),
    (
        PLACES["fork"],
        {"fork.cancel": closes, "fork.next": (("k",), changes), "fork.previous": changes},
    ),
    (
        PLACES["edit"],
        {
            "edit.send": (tuple("!"), calls("codex-fork")),
            "edit.cancel": closes,
            "prompt.editor": writes,
        },
    ),
    (
        PLACES["broadcast"],
        {"broadcast.send": (tuple("Hi"), calls("codex-send")), "broadcast.cancel": closes},
    ),
    (
        PLACES["queue"],
        {
            "queue.close": closes,
            "queue.remove": calls("codex-queue"),
            "queue.start": says("A turn runs."),
            "queue.edit": opens(QueueEditScreen),
            "queue.up": (("j",), calls("codex-queue")),
            "queue.down": calls("codex-queue"),
            "queue.next": changes,
            "queue.previous": (("j",), changes),
        },
    ),
    (
        PLACES["settings"],
        {"settings.save": (tuple("x"), calls("codex-settings")), "settings.cancel": closes},
    ),
    (
        PLACES["preferences"],
        {
            "preferences.cancel": (("escape",), closes),
            "preferences.next": changes,
            "preferences.previous": changes,
            "preferences.more": changes,
            "preferences.less": changes,
            "preferences.edit": changes,
            "preferences.reset": changes,
            "preferences.keys": opens(KeysScreen),
            "preferences.save": closes,
        },
    ),
    (
        PLACES["keys"],
        {
            "keys.add": changes,
            "keys.reset": changes,
            "keys.unbind": changes,
            "keys.search": focuses(Input),
            "keys.next": changes,
            "keys.previous": (("j",), changes),
            "keys.close": closes,
        },
    ),
    (
        PLACES["queue-edit"],
        {"queue_edit.save": (tuple("!"), calls("codex-queue")), "queue_edit.cancel": closes},
    ),
    (
        PLACES["first-steps"],
        {
            "first.new": opens(NewThreadScreen),
            "first.demo": exits,
            "first.history": opens(HistoryScreen),
            "first.close": closes,
        },
    ),
    (PLACES["review"], {"review.start": calls("codex-review"), "review.cancel": closes}),
    (
        PLACES["diff"],
        {
            "diff.close": closes,
            "diff.sides": changes,
            "diff.blanks": changes,
            "diff.files": changes,
            "diff.scope": opens(PickScreen),
            "diff.comment": opens(CommentScreen),
            "diff.remove_comment": (("c", *"Why", "enter"), changes),
            "diff.restore_comment": (("c", *"Why", "enter", "x"), changes),
            "diff.list_comments": (("c", *"Why", "enter"), opens(PickScreen)),
            "diff.send_review": (("c", *"Why", "enter"), says("The review is on its way.")),
            "diff.read_again": says("This follows by itself"),
            "diff.up": changes,
            "diff.down": changes,
            "diff.old_side": (("v", "right"), changes),
            "diff.new_side": (("v", "left"), changes),
            "diff.page_up": (("end",), changes),
            "diff.page_down": changes,
            "diff.home": (("end",), changes),
            "diff.end": changes,
            "diff.next_hunk": changes,
            "diff.previous_hunk": (("n", "n"), changes),
            "diff.next_file": changes,
            "diff.previous_file": (("J",), changes),
        },
    ),
    (
        PLACES["side-by-side"],
        {
            "compare.close": closes,
            "compare.first": (("2",), changes),
            "compare.second": changes,
            "compare.third": says("There is no thread 3"),
            "compare.left": (("2",), changes),
            "compare.right": changes,
            "compare.pick": opens(PickScreen),
            "compare.diff": opens(DiffScreen),
            "compare.open": closes,
            "compare.keep": opens(ConfirmScreen),
            "compare.down": changes,
            "compare.up": (("end",), changes),
        },
    ),
    (
        PLACES["pick"],
        {"pick.cancel": closes, "pick.next": changes, "pick.previous": (("j",), changes)},
    ),
    (
        PLACES["pager"],
        {
            "pager.close": closes,
            "pager.next": (("p",), changes),
            "pager.previous": changes,
            "pager.down": changes,
            "pager.up": (("end",), changes),
            "pager.end": changes,
            "pager.copy": says("opied"),
        },
    ),
    (
        PLACES["history"],
        {
            "history.up": (("down",), changes),
            "history.down": changes,
            "history.page_up": (("pagedown",), changes),
            "history.page_down": changes,
            "history.switch": changes,
            "history.search": (("tab",), focuses(Input)),
            "history.archive": (("tab", "down"), calls("codex-archive")),
            "history.rename": (("tab",), focuses(Input)),
            "history.archived": calls("codex-history"),
            "history.retry": calls("codex-history"),
            "history.next": (("tab",), changes),
            "history.previous": (("tab", "j"), changes),
            "history.first": (("tab", "end"), changes),
            "history.last": (("tab",), changes),
            "history.close": closes,
            "history.open_thread": calls("codex-resume"),
        },
    ),
    (
        PLACES["decisions"],
        {
            "decisions.details": changes,
            "decisions.up": (("down",), changes),
            "decisions.down": changes,
            "decisions.page_up": (("pagedown",), changes),
            "decisions.page_down": changes,
            "decisions.switch": changes,
            "decisions.filter": focuses(Input),
            "decisions.retry": calls("codex-decisions"),
            "decisions.next": changes,
            "decisions.previous": (("j",), changes),
            "decisions.first": (("end",), changes),
            "decisions.last": changes,
            "decisions.open_thread": closes,
            "decisions.close": closes,
        },
    ),
    (
        PLACES["copy"],
        {
            "copy.all": says("opied"),
            "copy.part_1": says("opied"),
            "copy.part_2": says("opied"),
            "copy.part_3": says("opied"),
            "copy.part_4": says("no part 4"),
            "copy.part_5": says("no part 5"),
            "copy.part_6": says("no part 6"),
            "copy.part_7": says("no part 7"),
            "copy.part_8": says("no part 8"),
            "copy.part_9": says("no part 9"),
            "copy.close": closes,
        },
    ),
    (
        PLACES["palette"],
        {
            "palette.choose": closes,
            "palette.down": changes,
            "palette.up": (("down",), changes),
            "palette.page_down": changes,
            "palette.page_up": (("pagedown",), changes),
            "palette.close": closes,
        },
    ),
    (
        Place(LabelsScreen, ("apostrophe",), start=crowd),
        {"labels.close": closes, "labels.forget": (("m",), changes)},
    ),
    (
        PLACES["search"],
        {
            "search.choose": changes,
            "search.down": changes,
            "search.up": (("down", "down"), changes),
            "search.page_down": changes,
            "search.page_up": (("pagedown",), changes),
            "search.switch": changes,
            "search.next": (("tab",), changes),
            "search.previous": (("tab", "n"), changes),
            "search.close": closes,
        },
    ),
    (
        PLACES["gates"],
        {
            "gates.close": closes,
            "gates.save": says("icture"),
            "gates.down": changes,
            "gates.up": (("end",), changes),
        },
    ),
    (
        PLACES["timeline"],
        {
            "timeline.close": closes,
            "timeline.save": says("icture"),
            "timeline.up": changes,
            "timeline.down": changes,
            "timeline.previous": (("right",), changes),
            "timeline.next": changes,
            "timeline.closer": changes,
            "timeline.further": (("plus", "plus"), changes),
            "timeline.earlier": (("plus", "plus"), changes),
            "timeline.later": (("plus", "plus"), changes),
            "timeline.all": (("plus", "plus"), changes),
            "timeline.now": (("plus", "plus"), changes),
        },
    ),
    (
        PLACES["inspector"],
        {
            "inspector.filter": focuses(Input),
            "inspector.search": focuses(Input),
            "inspector.next_match": says("^f searches a text."),
            "inspector.previous_match": says("^f searches a text."),
            "inspector.protocol": changes,
            "inspector.thread": changes,
            "inspector.answer": changes,
            "inspector.call": opens(ToolPickerScreen),
            "inspector.save": says("saved, without secrets"),
            "inspector.load": focuses(Input),
            "inspector.live": says("These are the live frames."),
            "inspector.copy": says("Copied, without secrets."),
            "inspector.switch": focuses(JsonView),
            "inspector.help": opens(HelpScreen),
            "inspector.back": closes,
            "frames.up": changes,
            "frames.down": (("up",), changes),
            "frames.page_up": changes,
            "frames.page_down": (("home",), changes),
            "frames.first": changes,
            "frames.follow": (("home",), changes),
            "frames.open": focuses(JsonView),
            "inspector.again": calls("tools/list"),
            "inspector.clear": changes,
        },
    ),
    (
        Place(InspectorScreen, ("i",), then=frames, size=(160, 12)),
        {
            "frame.up": (("home", "enter", "j"), changes),
            "frame.down": (("home", "enter"), changes),
            "frame.page_up": (("home", "enter", "end"), changes),
            "frame.page_down": (("home", "enter"), changes),
            "frame.home": (("home", "enter", "end"), changes),
            "frame.end": (("home", "enter"), changes),
            "frame.fold": (("home", "enter", *"jjjjjj"), changes),
            "frame.unfold": (("home", "enter", *"jjjjjj", "space"), changes),
            "frame.leave": (("home", "enter"), focuses(FrameList)),
            "frame.unfold_all": (("home", "enter", "minus"), changes),
            "frame.copy_value": (("home", "enter"), says("Copied")),
            "frame.fold_all": (("home", "enter"), changes),
        },
    ),
    (
        PLACES["tools"],
        {"tools.next": changes, "tools.previous": (("j",), changes), "tools.cancel": closes},
    ),
    (
        PLACES["tool-call"],
        {
            "tool.call": (tuple("Go"), opens(ConfirmScreen)),
            "tool.cancel": says("No call runs."),
            "tool.schema": changes,
            "tool.back": closes,
        },
    ),
    (
        PLACES["confirm"],
        {"confirm.yes": closes, "confirm.no": closes, "confirm.other": changes},
    ),
    (
        PLACES["problem"],
        {
            "trouble.close": closes,
            "trouble.retry": closes,
            "trouble.demo": exits,
            "trouble.quit": exits,
        },
    ),
    (
        PLACES["help"],
        {
            "help.close": (("tab",), closes),
            "help.down": changes,
            "help.up": (("pagedown",), changes),
            "help.page_down": changes,
            "help.page_up": (("pagedown",), changes),
        },
    ),
]
"""All bindings by their ids, in places in which they have something to do."""
