"""The keys of the inspector that call a tool, or call it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType
from textual.screen import Screen

from codextui.console.model.frames import Entry
from codextui.errors import CodextuiError
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import decode_json
from codextui.protocol.frames import FrameKind
from codextui.text.sanitize import one_line, to_json
from codextui.text.secrets import MASK

if TYPE_CHECKING:
    from codextui.console.screens.tool_call import CallDraft
    from codextui.console.screens.tool_picker import ServerTool
    from codextui.console.widgets.answer_form import FieldState

CALL_BINDINGS: list[BindingType] = [
    Binding("c", "call", "Call a tool, ping, ask anything", id="inspector.call"),
    Binding("r", "call_again", "Call the tool of the frame again", id="inspector.again"),
]


class CallActions(Screen[None]):
    """Calls tools. What a form was filled in with is there again while the inspector is open."""

    def __init__(
        self,
        request: Callable[[str, JsonObject], Awaitable[JsonObject]],
        now: Callable[[], float],
    ) -> None:
        """Make the calls by `request`; `now` returns unix seconds."""
        super().__init__()
        self._request = request
        self._clock = now
        self._forms: dict[str, dict[str, FieldState]] = {}

    @property
    def chosen(self) -> Entry | None:
        """The frame of the cursor."""
        raise NotImplementedError

    @property
    def last_thread(self) -> str:
        """The id of the thread that a call is likely to be about; empty for none."""
        raise NotImplementedError

    def explain(self, text: str, *, is_error: bool = True) -> None:
        """Say something below the frames."""
        raise NotImplementedError

    def action_call(self) -> None:
        """Choose a tool, and call it by a form."""
        from codextui.console.screens.tool_call import CallDraft  # noqa: PLC0415
        from codextui.console.screens.tool_picker import ToolPickerScreen  # noqa: PLC0415

        def open_form(tool: ServerTool | None) -> None:
            if tool is not None:
                states = self._forms.get(tool.name, {})
                self._open_form(tool, CallDraft(states=states, thread=self.last_thread))

        self.app.push_screen(ToolPickerScreen(self._request), open_form)

    def action_call_again(self) -> None:
        """Open the form of the call that the frame belongs to, with its arguments."""
        entry = self.chosen
        call = entry if entry is None or entry.frame.kind is FrameKind.REQUEST else entry.partner
        if call is None or call.frame.method != "tools/call":
            self.explain("This frame belongs to no call of a tool.")
        elif call.frame.cut:
            self.explain("The call is too long: only a part of its arguments is known here.")
        else:
            arguments = _arguments_of(call.frame.body)
            work = self._find_and_open(call.frame.tool, arguments)
            self.run_worker(work, group="tools", exclusive=True, exit_on_error=False)

    async def _find_and_open(self, name: str, arguments: JsonObject) -> None:
        from codextui.console.screens.tool_call import CallDraft  # noqa: PLC0415
        from codextui.console.screens.tool_picker import list_tools  # noqa: PLC0415

        try:
            tools = await list_tools(self._request)
        except CodextuiError as error:
            self.explain(one_line(str(error), 300))
            return
        tool = next((one for one in tools if one.name == name), None)
        if not self.is_active:
            return
        if tool is None:
            self.explain(f"The server has no tool {one_line(name, 60)} for this console.")
            return
        has_secrets = MASK in to_json(arguments)
        note = f"Secrets are not known here: write them in place of {MASK}." if has_secrets else ""
        self._open_form(tool, CallDraft(arguments=arguments, note=note))

    def _open_form(self, tool: ServerTool, draft: CallDraft) -> None:
        from codextui.console.screens.tool_call import ToolCallScreen  # noqa: PLC0415

        keep = partial(self._forms.__setitem__)
        screen = ToolCallScreen(tool, self._request, self._clock, draft=draft, on_left=keep)
        self.app.push_screen(screen)


def _arguments_of(body: str) -> JsonObject:
    try:
        frame: Json = decode_json(body.encode())
    except (ValueError, RecursionError):
        return {}
    match frame:
        case {"params": {"arguments": dict(arguments)}}:
            return arguments
        case _:
            return {}
