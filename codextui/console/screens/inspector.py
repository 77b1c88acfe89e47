"""The protocol inspector: the frames of MCP and of app-server as they flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from codextui.client.capture import Capture, find_captures, read_capture, save_capture
from codextui.console.bindings import KeyGroup
from codextui.console.model.frames import (
    Entry,
    FilterInvalid,
    FrameLog,
    FrameView,
    cycle_protocol,
    find_next,
    parse_filter,
)
from codextui.console.screens.inspector_calls import CALL_BINDINGS, CallActions
from codextui.console.screens.inspector_text import (
    FRAME_KEYS,
    LIST_KEYS,
    PLACEHOLDERS,
    Prompt,
    count_of,
    describe_capture,
    describe_empty,
    describe_heading,
    describe_log,
    fit_hints,
    read_body,
)
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.frame_list import FrameList
from codextui.console.widgets.json_view import JsonView
from codextui.errors import CodextuiError, ConfigInvalid, ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.frames import Frame
from codextui.text.sanitize import one_line, sanitize

if TYPE_CHECKING:
    from codextui.client.connection import FramesHandler

REDRAW_INTERVAL = 0.1
"""Seconds between redraws while frames come."""

CLOCK_INTERVAL = 1.0
"""Seconds between redraws of the ages of what waits."""

RETRY_S = 1.0
"""Seconds between attempts to see the frames of a server that is out of reach."""

NARROW = 110
"""Columns of a terminal below which the list or the frame is shown."""


class InspectorCalls(Protocol):
    """What the inspector asks the server for. The methods raise CodextuiError."""

    async def inspect(self, on_frames: FramesHandler) -> None:
        """Hand frames to a handler until cancelled or disconnected."""

    async def request(self, method: str, params: JsonObject) -> JsonObject:
        """Make a request of MCP, and return its result as it is."""


class InspectorOptions(msgspec.Struct, frozen=True):
    """What the inspector knows of the console.

    Attributes:
        server: the server's name.
        name_of: returns the handle of a thread, or its id.
        now: returns unix seconds.
        folder: returns the folder of captures, created. Raises ServerUnreachable.
        waiting: returns how many approvals wait for a person.
        key_groups: returns the keys of every place, for the help screen.
        thread: the id of the thread whose frames are shown at first; empty for all.
        current: the id of the thread that was looked at before; empty for none.
        retry_s: seconds between attempts to reach the server.
    """

    server: str
    name_of: Callable[[str], str]
    now: Callable[[], float]
    folder: Callable[[], Path]
    waiting: Callable[[], int]
    key_groups: Callable[[], Sequence[KeyGroup]]
    thread: str = ""
    current: str = ""
    retry_s: float = RETRY_S


class InspectorScreen(CallActions):
    """Shows frames, live or of a capture; the server is asked for them only while it is open."""

    CSS_PATH: ClassVar = ["inspector.tcss"]
    AUTO_FOCUS = "FrameList"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('filter')", "Filter", id="inspector.filter"),
        Binding("ctrl+f", "ask('search')", "Search", id="inspector.search"),
        Binding("n", "find(1)", "Next match", id="inspector.next_match"),
        Binding("N", "find(-1)", "Previous match", id="inspector.previous_match"),
        Binding("p", "cycle_protocol", "Both protocols, app-server, MCP", id="inspector.protocol"),
        Binding("t", "toggle_thread", "This thread, or all", id="inspector.thread"),
        Binding("a", "partner", "From a request to its answer, and back", id="inspector.answer"),
        *CALL_BINDINGS,
        Binding("s", "save", "Save what is shown as a capture", id="inspector.save"),
        Binding("o", "ask('load')", "Load a capture", id="inspector.load"),
        Binding("l", "live", "Back to the live frames", id="inspector.live"),
        Binding("x", "clear", "Clear the list", id="inspector.clear"),
        Binding("y", "copy", "Copy the frame", id="inspector.copy"),
        Binding("tab", "switch", "From the list to the frame, and back", id="inspector.switch"),
        Binding("question_mark", "help", "All keys", id="inspector.help"),
        Binding("escape,i,q", "back", "Back, or close", id="inspector.back"),
    ]

    def __init__(self, calls: InspectorCalls, options: InspectorOptions) -> None:
        """Inspect a server."""
        super().__init__(calls.request, options.now)
        self._calls = calls
        self._options = options
        self._live = FrameLog()
        self._capture: Capture | None = None
        self._log = self._live
        self._view = FrameView(self._log, options.name_of)
        self._filter_text = f"thread:{options.thread}" if options.thread else ""
        self._search = ""
        self._problem = ""
        self._is_live = False
        self._is_dirty = True
        self._waiting = 0
        self._prompt: Prompt | None = None
        self._captures: list[Path] = []
        self._list = FrameList(options.name_of)
        self._json = JsonView(id="frame")

    def compose(self) -> ComposeResult:
        """Yield the title, the list and the frame, a prompt, a note and the keys."""
        yield Static(id="title", markup=False)
        with Horizontal(id="both"):
            yield self._list
            yield self._json
        yield LineInput(id="prompt", compact=True, select_on_focus=False, max_length=1_000)
        yield Static(id="note", markup=False)
        yield DialogKeys(id="keys", are_bound=True)

    def on_mount(self) -> None:
        """Ask the server for its frames."""
        self._apply_filter()
        self.set_interval(REDRAW_INTERVAL, self._redraw_if_dirty)
        self.set_interval(CLOCK_INTERVAL, self._redraw)
        self.run_worker(self._inspect(), group="inspector", exit_on_error=False)
        self._redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Show the list or the frame where there is no room for both."""
        self.set_class(event.size.width < NARROW, "-narrow")
        self.call_after_refresh(self._show_keys)

    def on_descendant_focus(self) -> None:
        """Show the keys of what has the focus."""
        self._show_keys()

    # Frames.

    async def _inspect(self) -> None:
        """Receive frames until the screen is closed; try again while the server is away."""
        while True:
            try:
                await self._calls.inspect(self._take)
                self._problem = "the server has ended the inspection"
            except ServerUnreachable as error:
                self._problem = f"{error}; trying again"
            except CodextuiError as error:
                self._problem = str(error)
                self._lose()
                return
            self._lose()
            await asyncio.sleep(self._options.retry_s)

    def _lose(self) -> None:
        self._is_live = False
        self._live.end_waiting(self._options.now())
        self._redraw()

    def _take(self, frames: Sequence[Frame], lost: int) -> None:
        self._is_live = True
        self._problem = ""
        self._live.add(frames, lost)
        self._is_dirty = True

    def _redraw_if_dirty(self) -> None:
        if self._is_dirty:
            self._redraw()

    def _redraw(self) -> None:
        self._is_dirty = False
        self._view.update()
        now = self._now()
        wanted, name_of = self._view.filter, self._options.name_of
        waiting = [e for e in self._log.outstanding if wanted.fits(e, name_of)]
        self._list.show(waiting, self._view.shown, empty=self._describe_empty(), now=now)
        self._waiting = len(waiting)
        self._show_title()
        if self._list.current is not None:
            self._json.show_heading(
                describe_heading(self._list.current, self._options.name_of, now)
            )

    @on(FrameList.Moved)
    def _show_frame(self) -> None:
        self._show_title()
        entry = self._list.current
        if entry is None:
            self._json.show((), None)
            return
        heading = describe_heading(entry, self._options.name_of, self._now())
        self._json.show(heading, read_body(entry.frame))

    @property
    def chosen(self) -> Entry | None:
        """The frame of the cursor."""
        return self._list.current

    @property
    def last_thread(self) -> str:
        """The thread of the cursor, of the newest frame of any, or that was looked at before."""
        chosen = [] if self.chosen is None else [self.chosen]
        entries = [*chosen, *reversed(self._log.entries)]
        return next((one.thread for one in entries if one.thread), self._options.current)

    @on(JsonView.Copied)
    def _tell_copied(self, event: JsonView.Copied) -> None:
        self.explain(event.note, is_error=False)

    def _now(self) -> float:
        """Return the time; of a capture, when its last frame came."""
        if self._capture is None:
            return self._options.now()
        frames = self._capture.frames
        return frames[-1].at if frames else self._capture.at

    # Keys.

    def action_switch(self) -> None:
        """Move the focus from the list to the frame, or back."""
        if self._json.has_focus:
            self._focus_list()
        else:
            self._focus_frame()

    @on(FrameList.Opened)
    def _focus_frame(self) -> None:
        self.add_class("-reading")
        self._json.focus()

    @on(JsonView.Left)
    def _focus_list(self) -> None:
        self.remove_class("-reading")
        self._list.focus()

    def action_back(self) -> None:
        """Leave the prompt, then the frame, then the inspector."""
        if self._prompt is not None:
            self._close_prompt()
        elif self._json.has_focus:
            self._focus_list()
        elif self.is_active:
            self.dismiss(None)

    def action_help(self) -> None:
        """List all keys, those that work here first."""
        from codextui.console.screens.help import HelpScreen  # noqa: PLC0415

        place = "Inspector, in a frame" if self._json.has_focus else "Inspector"
        self.app.push_screen(HelpScreen(self._options.key_groups(), first=place))

    def action_cycle_protocol(self) -> None:
        """Show both protocols, then app-server's frames, then MCP's."""
        self._set_filter(cycle_protocol(self._filter_text))

    def action_toggle_thread(self) -> None:
        """Show only the frames of the thread of the cursor, or those of all."""
        words = self._filter_text.split()
        rest = [word for word in words if not word.startswith("thread:")]
        if rest != words:
            self._set_filter(" ".join(rest))
        elif self._list.current is None or not self._list.current.thread:
            self.explain("This frame belongs to no thread.")
        else:
            self._set_filter(" ".join([*rest, f"thread:{self._list.current.thread}"]))

    def action_partner(self) -> None:
        """Go from a request to its answer, or back."""
        entry = self._list.current
        if entry is None or entry.partner is None:
            waits = entry is not None and entry in self._log.outstanding
            what = "It has no answer yet." if waits else "It has neither answer nor request here."
            self.explain(what)
        elif not self._list.go_to(entry.partner):
            self.explain("The filter leaves it out, or it is remembered no more.")

    def action_find(self, step: int) -> None:
        """Go to the next frame that has the text, or the previous one."""
        if not self._search:
            self.explain("^f searches a text.")
            return
        shown = list(self._view.shown)
        current = self._list.current
        start = next((i for i, entry in enumerate(shown) if entry is current), len(shown) - 1)
        found = find_next(shown, self._search, start, step=step)
        if found is None:
            self.explain(f"No frame that is shown has “{one_line(self._search, 60)}”.")
        else:
            self._list.go_to(shown[found])

    def action_clear(self) -> None:
        """Clear the list; requests that wait stay."""
        if self._capture is not None:
            self.explain("A capture is not cleared; l shows the live frames.")
            return
        self._live.clear()
        self._redraw()

    def action_copy(self) -> None:
        """Copy the frame as JSON, without secrets, as it is shown."""
        if self._list.current is None:
            self.explain("There is no frame to copy.")
            return
        self.app.copy_to_clipboard(self._list.current.frame.body)
        self.explain("Copied, without secrets.", is_error=False)

    # Filter and search.

    def action_ask(self, prompt: Prompt) -> None:
        """Open the prompt for a filter, a search or a capture."""
        if prompt == "load":
            self.run_worker(self._list_captures(), group="captures", exit_on_error=False)
            return
        texts = {"filter": self._filter_text, "search": self._search}
        self._open_prompt(prompt, texts[prompt])

    def on_key(self, event: events.Key) -> None:
        """Choose a capture by the arrow keys."""
        if self._prompt != "load" or event.key not in ("up", "down") or not self._captures:
            return
        event.stop()
        shown = Path(self._input.value)
        at = self._captures.index(shown) if shown in self._captures else -1
        step = 1 if event.key == "down" else -1
        self._input.value = str(self._captures[(at + step) % len(self._captures)])
        self._input.action_end()

    @on(Input.Changed, "#prompt")
    def _try_filter(self, event: Input.Changed) -> None:
        if self._prompt == "filter":
            self._filter_text = event.value
            self._apply_filter()

    @on(Input.Submitted, "#prompt")
    def _submit(self, event: Input.Submitted) -> None:
        prompt, text = self._prompt, event.value.strip()
        self._close_prompt()
        if prompt == "search":
            self._search = text
            if text:
                self.action_find(-1)
        elif prompt == "load" and text:
            self.run_worker(self._load(Path(text)), group="captures", exit_on_error=False)

    def _set_filter(self, text: str) -> None:
        self._filter_text = text
        self._apply_filter()

    def _apply_filter(self) -> None:
        try:
            self._view.set_filter(parse_filter(self._filter_text))
            self.explain("")
        except FilterInvalid as error:
            self.explain(str(error))
        self._redraw()

    def _open_prompt(self, prompt: Prompt, text: str) -> None:
        self._prompt = prompt
        self._input.placeholder = PLACEHOLDERS[prompt]
        self._input.value = text
        self._input.add_class("-shown")
        self._input.focus()
        self._input.action_end()
        self._show_keys()

    def _close_prompt(self) -> None:
        self._prompt = None
        self._input.remove_class("-shown")
        self._list.focus()
        self.remove_class("-reading")
        self._show_keys()

    # Captures.

    def action_save(self) -> None:
        """Save the frames that are shown."""
        frames = [entry.frame for entry in self._view.shown]
        if not frames:
            self.explain("There is nothing to save.")
            return
        self.run_worker(self._save(frames), group="captures", exit_on_error=False)

    async def _save(self, frames: Sequence[Frame]) -> None:
        options = self._options
        try:
            path = await asyncio.to_thread(
                lambda: save_capture(options.folder(), options.server, frames)
            )
        except (OSError, CodextuiError) as error:
            self.explain(f"It cannot be saved: {one_line(str(error), 200)}")
        else:
            count = count_of(len(frames), "frame")
            self.explain(f"{count} saved, without secrets: {one_line(str(path))}", is_error=False)

    async def _list_captures(self) -> None:
        try:
            folder = await asyncio.to_thread(self._options.folder)
            self._captures = await asyncio.to_thread(find_captures, folder)
        except (OSError, CodextuiError) as error:
            self.explain(f"The captures cannot be listed: {one_line(str(error), 200)}")
            return
        found = f"{count_of(len(self._captures), 'capture')} in {folder}"
        self._open_prompt("load", str(self._captures[0] if self._captures else folder))
        self.explain(one_line(found), is_error=False)

    async def _load(self, path: Path) -> None:
        try:
            capture = await asyncio.to_thread(read_capture, path)
        except ConfigInvalid as error:
            self.explain(one_line(str(error), 300))
            return
        self._show_log(capture, FrameLog(max_entries=len(capture.frames) + 1))
        self._log.add(capture.frames)
        self._apply_filter()

    def action_live(self) -> None:
        """Show the live frames again."""
        if self._capture is None:
            self.explain("These are the live frames.", is_error=False)
            return
        self._show_log(None, self._live)
        self._apply_filter()

    def _show_log(self, capture: Capture | None, log: FrameLog) -> None:
        self._capture, self._log = capture, log
        self._view = FrameView(log, self._options.name_of)
        self._list.follows = True

    # What is on the screen.

    @property
    def _input(self) -> Input:
        return self.query_one("#prompt", Input)

    def _show_title(self) -> None:
        parts = describe_log(self._log, len(self._view.shown), self._waiting, self._filter_text)
        parts += [] if self._list.follows or not self._log.entries else ["end follows"]
        parts.insert(0, self._describe_source())
        if needed := self._options.waiting():
            parts.insert(0, f"? {needed} need you")
        title = self.query_one("#title", Static)
        title.update(" · ".join(parts))
        title.set_class(not self._is_live or self._capture is not None, "-not-live")

    def _describe_source(self) -> str:
        if self._capture is not None:
            return describe_capture(self._capture)
        if self._is_live:
            return f"Inspector: {one_line(self._options.server, 30)}, live"
        return f"Inspector: NOT LIVE: {one_line(self._problem, 200) or 'connecting'}"

    def _describe_empty(self) -> str:
        problem = "" if self._is_live or self._capture is not None else self._problem
        is_empty_capture = self._capture is not None and not self._capture.frames
        return describe_empty(
            is_empty_capture=is_empty_capture, has_frames=bool(self._log.entries), problem=problem
        )

    def _show_keys(self) -> None:
        line = self.query_one("#keys", Static)
        if self._prompt is not None:
            line.update("enter done   esc back")
            return
        hints = FRAME_KEYS if self._json.has_focus else LIST_KEYS
        bindings = (active.binding for active in self.active_bindings.values())
        line.update(fit_hints(hints, bindings, line.size.width or self.size.width - 2))

    def explain(self, text: str, *, is_error: bool = True) -> None:
        """Say something below the frames."""
        note = self.query_one("#note", Static)
        note.update(sanitize(text))
        note.set_class(bool(text), "-shown")
        note.set_class(is_error, "-error")
