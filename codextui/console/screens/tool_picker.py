"""Lists what can be asked of the server: its tools, and other requests of MCP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeAlias

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.errors import CodextuiError
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import ElicitationAsked
from codextui.text.sanitize import one_line, sanitize

Request: TypeAlias = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Makes a request of MCP, and returns its result. Raises CodextuiError."""


class ServerTool(msgspec.Struct, frozen=True):
    """A tool as `tools/list` has it, or another request of MCP.

    Attributes:
        name: its name.
        title: its title for people.
        description: what it does.
        schema: the JSON schema of its arguments.
        reads: whether it changes nothing.
        destroys: whether it may undo or overwrite something, or set an agent to work.
        source: as the server has sent it; empty for what is no tool.
        method: the method of a request that is no tool; empty for a tool, and for any method.
    """

    name: str
    title: str = ""
    description: str = ""
    schema: JsonObject = {}
    reads: bool = False
    destroys: bool = True
    source: JsonObject = {}
    method: str = ""

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
            source=tool,
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

    def request(self, arguments: JsonObject) -> tuple[str, JsonObject]:
        """Return the method and the parameters of a call."""
        if self.source:
            return "tools/call", {"name": self.name, "arguments": arguments}
        if self.method:
            return self.method, arguments
        params = arguments.get("params")
        return fields.text_or(arguments, "method"), params if isinstance(params, dict) else {}

    def rank(self, words: Sequence[str]) -> int | None:
        """Return 0 where its name has all words, 1 with its title, 2 with its description.

        None where a word is missing. The words are lower case.
        """
        texts = (self.name, f"{self.name} {self.title}", f"{self.title} {self.description}")
        ranks = (n for n, text in enumerate(texts) if all(w in text.lower() for w in words))
        return next(ranks, None)


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


OTHER_REQUESTS = (
    ServerTool(
        "ping", "See whether it answers", "MCP's ping.", reads=True, destroys=False, method="ping"
    ),
    ServerTool(
        "any request",
        "Method and parameters by hand",
        "A request of MCP as you write it, such as `resources/list`.",
        {
            "properties": {
                "method": {"type": "string", "minLength": 1},
                "params": {"type": "object"},
            },
            "required": ["method"],
        },
    ),
)
"""What can be asked of a server beside its tools."""


class ToolPickerScreen(ModalScreen[ServerTool | None]):
    """Lists the server's tools, filtered by what is typed; returns the one that was chosen."""

    CSS_PATH: ClassVar = ["dialog.tcss", "tool_call.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Next tool", show=False, id="tools.next"),
        Binding("up", "move(-1)", "Previous tool", show=False, id="tools.previous"),
        Binding("escape", "cancel", "Cancel", id="tools.cancel"),
    ]

    def __init__(self, request: Request) -> None:
        """List the tools that `request` finds."""
        super().__init__()
        self._request = request
        self._tools: Sequence[ServerTool] = ()
        self._shown: Sequence[ServerTool] = ()
        self._about = "… loading"

    def compose(self) -> ComposeResult:
        """Yield the tools, and what the highlighted one does."""
        with Vertical(classes="dialog"):
            yield Static("Call a tool", classes="dialog-title", markup=False)
            yield LineInput(placeholder="type to filter", compact=True, max_length=100)
            yield OptionList(compact=True)
            yield Static(self._about, id="about", classes="dialog-quiet", markup=False)
            yield DialogKeys("↑ ↓ choose   ⏎ its form   esc cancel")

    def on_mount(self) -> None:
        """Ask the server for its tools."""
        self.query_one(OptionList).can_focus = False
        self.query_one(LineInput).focus()
        self.run_worker(self._load(), group="tools", exit_on_error=False)

    async def _load(self) -> None:
        try:
            self._tools = [*await list_tools(self._request), *OTHER_REQUESTS]
        except CodextuiError as error:
            self._about = f"✗ {one_line(str(error), 300)}"
        else:
            self._about = "Nothing has this text."
        self._show()

    @on(Input.Changed)
    def _show(self) -> None:
        """List what has the words that are typed."""
        words = self.query_one(LineInput).value.lower().split()
        ranked = [(tool.rank(words), tool) for tool in self._tools]
        self._shown = [tool for place in range(3) for rank, tool in ranked if rank == place]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([_option(tool) for tool in self._shown])
        options.highlighted = 0 if self._shown else None
        if not self._shown:
            self.query_one("#about", Static).update(self._about)

    @on(OptionList.OptionHighlighted)
    def _describe(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._shown):
            about = sanitize(self._shown[event.option_index].description)[:1_000]
            self.query_one("#about", Static).update(about)

    @on(Input.Submitted)
    def _submit(self) -> None:
        self._choose_at(self.query_one(OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self._choose_at(event.option_index)

    def _choose_at(self, index: int | None) -> None:
        if index is not None and index < len(self._shown) and self.is_active:
            self.dismiss(self._shown[index])

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


def _option(tool: ServerTool) -> Option:
    name, title = one_line(tool.name, 40), one_line(tool.title, 60)
    return Option(Content.assemble((f"{name:<18}", "bold"), f" {tool.mark:<10}  {title}"))
