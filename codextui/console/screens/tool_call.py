"""Calls a tool of the server by a form made from its JSON schema, and shows the result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar, TypeAlias

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker

from codextui.console.render.frames import format_wait
from codextui.console.widgets.answer_form import AnswerForm
from codextui.console.widgets.form_fields import FieldKind, FormField, form_fields, form_problem
from codextui.console.widgets.json_view import JsonView
from codextui.errors import CodextuiError, MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.excerpt import shorten
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import ElicitationAsked
from codextui.protocol.frames import MAX_SHOWN
from codextui.text.sanitize import one_line, sanitize, to_json
from codextui.text.secrets import mask_json, mask_text

Request: TypeAlias = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Makes a request of MCP, and returns its result. Raises CodextuiError."""

MAX_PREVIEW = 400
"""Characters of the arguments that are shown before a destructive call."""


class ServerTool(msgspec.Struct, frozen=True):
    """A tool as `tools/list` has it.

    Attributes:
        name: its name.
        title: its title for people.
        description: what it does.
        schema: the JSON schema of its arguments.
        reads: whether it changes nothing.
        destroys: whether it may undo or overwrite something, or set an agent to work.
    """

    name: str
    title: str = ""
    description: str = ""
    schema: JsonObject = {}
    reads: bool = False
    destroys: bool = True

    @classmethod
    def read(cls, tool: JsonObject) -> ServerTool:
        """Read a tool; without annotations it counts as destructive, as MCP says."""
        hints = tool.get("annotations")
        hints = hints if isinstance(hints, dict) else {}
        schema = tool.get("inputSchema")
        reads = hints.get("readOnlyHint") is True
        return cls(
            fields.text(tool, "name"),
            fields.text_or(tool, "title"),
            fields.text_or(tool, "description"),
            schema if isinstance(schema, dict) else {},
            reads,
            not reads and hints.get("destructiveHint") is not False,
        )

    @property
    def form(self) -> ElicitationAsked:
        """Its arguments as a form."""
        return ElicitationAsked(schema=self.schema)

    @property
    def mark(self) -> str:
        """What a call does, in a word or two."""
        if self.reads:
            return "reads"
        return "asks first" if self.destroys else "changes"


async def list_tools(request: Request) -> list[ServerTool]:
    """Return the server's tools. Raises CodextuiError."""
    tools: list[ServerTool] = []
    cursor: JsonObject = {}
    for _ in range(20):
        page = await request("tools/list", cursor)
        tools.extend(ServerTool.read(tool) for tool in fields.objects(page, "tools"))
        following = fields.text_or(page, "nextCursor")
        if not following:
            break
        cursor = {"cursor": following}
    return tools


class ToolPickerScreen(ModalScreen[ServerTool | None]):
    """Lists the server's tools; returns the one that was chosen."""

    CSS_PATH: ClassVar = ["dialog.tcss", "tool_call.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Next tool", show=False, id="tools.next"),
        Binding("k", "move(-1)", "Previous tool", show=False, id="tools.previous"),
        Binding("escape", "cancel", "Cancel", id="tools.cancel"),
    ]

    def __init__(self, request: Request) -> None:
        """List the tools that `request` finds."""
        super().__init__()
        self._request = request
        self._tools: Sequence[ServerTool] = ()

    def compose(self) -> ComposeResult:
        """Yield the tools, and what the highlighted one does."""
        with Vertical(classes="dialog"):
            yield Static("Call a tool", classes="dialog-title", markup=False)
            yield OptionList(compact=True)
            yield Static("… loading", id="about", classes="dialog-quiet", markup=False)
            yield Static("↑ ↓ choose   ⏎ its form   esc cancel", classes="dialog-keys")

    def on_mount(self) -> None:
        """Ask the server for its tools."""
        self.query_one(OptionList).focus()
        self.run_worker(self._load(), group="tools", exit_on_error=False)

    async def _load(self) -> None:
        about = self.query_one("#about", Static)
        try:
            self._tools = await list_tools(self._request)
        except CodextuiError as error:
            about.update(f"✗ {one_line(str(error), 300)}")
            return
        options = self.query_one(OptionList)
        options.add_options([_option(tool) for tool in self._tools])
        options.highlighted = 0 if self._tools else None
        if not self._tools:
            about.update("The server shows no tools.")

    @on(OptionList.OptionHighlighted)
    def _describe(self, event: OptionList.OptionHighlighted) -> None:
        tool = self._tools[event.option_index]
        self.query_one("#about", Static).update(sanitize(tool.description)[:1_000])

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        if self.is_active:
            self.dismiss(self._tools[event.option_index])

    def action_move(self, step: int) -> None:
        """Highlight another tool."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_cancel(self) -> None:
        """Close without a choice."""
        if self.is_active:
            self.dismiss(None)


class ToolCallScreen(ModalScreen[None]):
    """The form of a tool, its call and its result.

    A call goes on when the dialog is left; its answer is among the frames.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "tool_call.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "call", "Call it", id="tool.call"),
        Binding("ctrl+g", "cancel_call", "Cancel the call", id="tool.cancel"),
        Binding("escape", "back", "Back to the form, or close", id="tool.back"),
    ]

    def __init__(self, tool: ServerTool, request: Request, now: Callable[[], float]) -> None:
        """Show the form of `tool`."""
        super().__init__()
        self._tool = tool
        self._request = request
        self._now = now
        # A stable sort: the required ones first, each group in the schema's order.
        self._fields = sorted(form_fields(tool.form), key=lambda field: not field.required)
        self._call: Worker[None] | None = None
        self._began = 0.0
        self._is_impatient = False
        self._is_cancelled = False
        self._is_left = False

    def compose(self) -> ComposeResult:
        """Yield the form, the result, a note and the keys."""
        tool = self._tool
        with Vertical(classes="dialog"):
            title = f"{one_line(tool.name, 60)}: {one_line(tool.title, 80)}"
            yield Static(title, classes="dialog-title", markup=False)
            yield Static(sanitize(tool.description)[:1_000], classes="dialog-quiet", markup=False)
            yield AnswerForm([_labelled(field) for field in self._fields], id="form")
            yield JsonView(id="result")
            yield Static(id="note", markup=False)
            yield Static(id="keys", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Focus the first field."""
        self.set_interval(1, self._show_age)
        if problem := form_problem(self._tool.form):
            self._explain(problem)
        elif not self._fields:
            self._explain("It takes no arguments.", is_error=False)
        self.query_one(AnswerForm).focus_first()
        self._show_keys()

    @on(AnswerForm.Submitted)
    def action_call(self) -> None:
        """Check the arguments, ask first where it is destructive, and call."""
        if self._call is not None:
            self._is_impatient = True
            self._show_age()
            return
        if form_problem(self._tool.form):
            return
        answers = self.query_one(AnswerForm).answers()
        if answers is None:
            self._explain("Some arguments are not right.")
            return
        arguments = _without_defaults(answers, self._fields)
        if not self._tool.destroys:
            self._start(arguments, True)
            return
        from codextui.console.screens.confirm import ConfirmScreen  # noqa: PLC0415

        name = one_line(self._tool.name, 60)
        shown = one_line(to_json(mask_json(arguments, mask_text)), MAX_PREVIEW)
        message = f"It may change files, start an agent or end something. Its arguments: {shown}"
        screen = ConfirmScreen(f"Call {name}?", message, yes="Call it")
        self.app.push_screen(screen, partial(self._start, arguments))

    def action_cancel_call(self) -> None:
        """Cancel the call that runs, which stops its turn."""
        if self._call is None:
            self._explain("No call runs.")
        else:
            self._is_cancelled = True
            self._call.cancel()

    def action_back(self) -> None:
        """Go back from the result to the form, or close."""
        if self.has_class("-result"):
            self.remove_class("-result")
            self.query_one(AnswerForm).focus_first()
            self._explain("")
            self._show_keys()
            return
        if self._call is not None:
            self.app.notify("The call goes on; its answer will be among the frames.", markup=False)
        if self.is_active:
            self._is_left = True
            self.dismiss(None)

    def _start(self, arguments: JsonObject, agreed: bool | None) -> None:
        if not agreed or self._call is not None:
            return
        self._began, self._is_cancelled = self._now(), False
        work = self._perform(arguments)
        # Of the app, so that it goes on when this dialog is left.
        self._call = self.app.run_worker(work, group="tool-calls", exit_on_error=False)
        self._show_age()

    async def _perform(self, arguments: JsonObject) -> None:
        params: JsonObject = {"name": self._tool.name, "arguments": arguments}
        result: Json = None
        try:
            result = await self._request("tools/call", params)
            failed = isinstance(result, dict) and result.get("isError") is True
            word = "✗ failed" if failed else "✓ answered"
        except asyncio.CancelledError:
            if not self._is_cancelled:  # the console ends
                raise
            word, result = "∅ cancelled", "The call was cancelled."
        except CodextuiError as error:
            word, result = "✗ refused", str(error)
        took = format_wait(max(0.0, self._now() - self._began))
        self._call, self._is_impatient = None, False
        if not self._is_left:
            self._show_result(f"{word} after {took}", result)
        else:
            name = one_line(self._tool.name, 60)
            self.app.notify(f"{name}: {word} after {took}", markup=False)

    def _show_result(self, heading: str, result: Json) -> None:
        try:
            shown, _, is_cut = shorten(mask_json(result, mask_text), MAX_SHOWN)
        except MessageInvalid:
            shown, is_cut = "The result is no JSON.", False
        cut = "   (a part of it)" if is_cut else ""
        view = self.query_one(JsonView)
        self.add_class("-result")
        view.show((f"{heading}{cut}", ""), shown)
        view.focus()
        self._explain("")
        self._show_keys()

    @on(JsonView.Left)
    def _leave_result(self) -> None:
        self.action_back()

    def _show_age(self) -> None:
        if self._call is not None:
            age = format_wait(max(0.0, self._now() - self._began))
            before = "The call before has not been answered yet: " if self._is_impatient else ""
            self._explain(f"{before}… called, waits for {age}   ^g cancels it", is_error=False)

    def _explain(self, text: str, *, is_error: bool = True) -> None:
        note = self.query_one("#note", Static)
        note.update(sanitize(text))
        note.set_class(bool(text), "-shown")
        note.set_class(is_error, "-error")

    def _show_keys(self) -> None:
        keys = "^s call   tab next field   esc close"
        if self.has_class("-result"):
            keys = "space fold   + - all   ^s call again   esc form"
        self.query_one("#keys", Static).update(keys)


def _option(tool: ServerTool) -> Option:
    name, title = one_line(tool.name, 40), one_line(tool.title, 60)
    return Option(Content.assemble((f"{name:<18}", "bold"), f" {tool.mark:<10}  {title}"))


def _labelled(field: FormField) -> FormField:
    """Return a field whose label says what is to be typed where that is not plain."""
    kinds = {FieldKind.JSON: "JSON", FieldKind.NUMBER: "number", FieldKind.INTEGER: "number"}
    kind = kinds.get(field.kind, "")
    if field.kind is FieldKind.JSON and isinstance(wanted := field.limits.get("type"), str):
        kind = f"JSON {wanted}"
    notes = [*(["required"] if field.required else []), *([kind] if kind else [])]
    label = f"{field.label} [{', '.join(notes)}]" if notes else field.label
    return msgspec.structs.replace(field, label=label)


def _without_defaults(answers: dict[str, Json], form: Sequence[FormField]) -> dict[str, Json]:
    """Leave out what was not filled in: optional choices, and boxes without a mark."""
    optional = {field.key for field in form if not field.required and field.default is not True}
    return {
        key: value
        for key, value in answers.items()
        if not (key in optional and (value is False or value in ([], "")))
    }
