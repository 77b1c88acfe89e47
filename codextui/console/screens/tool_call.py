"""Calls a tool of the server by a form made from its JSON schema, and shows the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker

from codextui.console.render.frames import format_wait
from codextui.console.screens.tool_picker import Request, ServerTool
from codextui.console.widgets.answer_form import MAX_TEXT_LENGTH, AnswerForm, FieldState
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.form_fields import FieldKind, FormField, form_fields, form_problem
from codextui.console.widgets.json_view import JsonView
from codextui.errors import CodextuiError, MessageInvalid
from codextui.jsonrpc.excerpt import shorten
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.frames import MAX_SHOWN
from codextui.text.sanitize import one_line, sanitize, to_json
from codextui.text.secrets import mask_json, mask_text

MAX_PREVIEW = 400
"""Characters of the arguments that are shown before a destructive call."""


class CallDraft(msgspec.Struct, frozen=True):
    """What the form of a tool is filled in with at first.

    Attributes:
        arguments: those of an earlier call, as they were sent, without secrets.
        states: the fields as they were left, by key; they go before `arguments`.
        thread: the id of the thread that is looked at, for what has to name one.
        note: what has to be said of it.
    """

    arguments: JsonObject = {}
    states: dict[str, FieldState] = {}
    thread: str = ""
    note: str = ""


class ToolCallScreen(ModalScreen[None]):
    """The form of a tool, its call and its result.

    A call goes on when the dialog is left; its answer is among the frames.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "tool_call.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "call", "Call it", id="tool.call"),
        Binding("ctrl+g", "cancel_call", "Cancel the call", id="tool.cancel"),
        Binding("ctrl+o", "schema", "Its schemas, as the server has sent them", id="tool.schema"),
        Binding("escape", "back", "Back to the form, or close", id="tool.back"),
    ]

    def __init__(
        self,
        tool: ServerTool,
        request: Request,
        now: Callable[[], float],
        *,
        draft: CallDraft | None = None,
        on_left: Callable[[str, dict[str, FieldState]], object] = lambda *_: None,
    ) -> None:
        """Show the form of a tool.

        Args:
            tool: the tool.
            request: makes the call.
            now: returns unix seconds.
            draft: what the form is filled in with.
            on_left: called with the tool's name and its fields when the form is left.
        """
        super().__init__()
        self._tool = tool
        self._request = request
        self._now = now
        self._draft = draft or CallDraft()
        self._on_left = on_left
        # A stable sort: the required ones first, each group in the schema's order.
        self._fields = sorted(form_fields(tool.form), key=lambda field: not field.required)
        self._as_sent = _states_of(self._fields, self._draft.arguments)
        self._named = _naming(self._fields, self._draft.thread)
        self._states = {**self._named, **self._as_sent}
        self._states |= self._draft.states
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
            yield AnswerForm([_labelled(field) for field in self._fields], self._states, id="form")
            yield JsonView(id="result")
            yield Static(id="note", markup=False)
            yield DialogKeys(id="keys")

    def on_mount(self) -> None:
        """Focus the first field."""
        self.set_interval(1, self._show_age)
        if problem := form_problem(self._tool.form):
            self._explain(problem)
        elif not self._fields:
            self._explain("It takes no arguments.", is_error=False)
        elif self._draft.note:
            self._explain(self._draft.note, is_error=False)
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
        form = self.query_one(AnswerForm)
        answers = form.answers()
        if answers is None:
            self._explain("Some arguments are not right.")
            return
        answers |= self._untouched(form.state())
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

    def _untouched(self, states: dict[str, FieldState]) -> dict[str, Json]:
        """Return the texts of an earlier call that were not edited: a field has one line only."""
        return {
            key: value
            for key, value in self._draft.arguments.items()
            if isinstance(value, str) and key in states and states[key] == self._as_sent.get(key)
        }

    def action_schema(self) -> None:
        """Show the tool as the server has sent it: its schemas, its annotations."""
        if not self._tool.source:
            self._explain("This is no tool: it has no schema of the server's.")
        elif self._call is not None:
            self._show_age()
        else:
            self._show_result("as tools/list has it", self._tool.source)

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
            states = self.query_one(AnswerForm).state().items()
            written = {key: state for key, state in states if state != self._named.get(key)}
            self._on_left(self._tool.name, written)
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
        method, params = self._tool.request(arguments)
        result: Json = None
        try:
            result = await self._request(method, params)
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

    @on(JsonView.Copied)
    def _tell_copied(self, event: JsonView.Copied) -> None:
        self._explain(event.note, is_error=False)

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
        keys = "^s call   tab next field   ^o schemas   esc close"
        if self.has_class("-result"):
            keys = "space fold   + - all   Y copy the value   ^s call again   esc form"
        self.query_one("#keys", Static).update(keys)


def _labelled(field: FormField) -> FormField:
    """Return a field whose label says what is to be typed where that is not plain."""
    kinds = {FieldKind.JSON: "JSON", FieldKind.NUMBER: "number", FieldKind.INTEGER: "number"}
    kind = kinds.get(field.kind, "")
    if field.kind is FieldKind.JSON and isinstance(wanted := field.limits.get("type"), str):
        kind = f"JSON {wanted}"
    notes = [*(["required"] if field.required else []), *([kind] if kind else [])]
    label = f"{field.label} [{', '.join(notes)}]" if notes else field.label
    return msgspec.structs.replace(field, label=label)


def _naming(form: Sequence[FormField], thread: str) -> dict[str, FieldState]:
    """Return the fields that have to name a thread, with that one.

    `threadId` of `codex-reply` may be left out only for an older name of it.
    """
    keys = [field.key for field in form if field.key == "threadId" or _names_thread(field)]
    return {key: FieldState(thread) for key in keys if thread}


def _names_thread(field: FormField) -> bool:
    return field.required and field.key == "thread"


def _states_of(form: Sequence[FormField], arguments: JsonObject) -> dict[str, FieldState]:
    """Return the fields filled in with arguments."""
    return {
        field.key: _state_of(field, arguments[field.key])
        for field in form
        if field.key in arguments
    }


def _state_of(field: FormField, value: Json) -> FieldState:
    match field.kind:
        case FieldKind.BOOLEAN:
            return FieldState(selected=(0,) if value is True else ())
        case FieldKind.CHOICE | FieldKind.CHOICES:
            values = value if isinstance(value, list) else [value]
            chosen = [i for i, option in enumerate(field.options) if option.value in values]
            return FieldState(selected=tuple(chosen))
        case FieldKind.JSON:
            return FieldState(to_json(value))
        case _:
            return FieldState(one_line(str(value), MAX_TEXT_LENGTH))


def _without_defaults(answers: dict[str, Json], form: Sequence[FormField]) -> dict[str, Json]:
    """Leave out what was not filled in: optional choices, and boxes without a mark."""
    optional = {field.key for field in form if not field.required and field.default is not True}
    return {
        key: value
        for key, value in answers.items()
        if not (key in optional and (value is False or value in ([], "")))
    }
