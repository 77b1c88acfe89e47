"""Tools as a person's own module has them, for teams whose configuration names them."""

from __future__ import annotations

import socket
from typing import Any

from agents import CodeInterpreterTool, WebSearchTool, function_tool
from agents.mcp import MCPServer
from mcp.types import CallToolResult, GetPromptResult, ListPromptsResult, Tool

calls: list[str] = []
nameless = lambda word: word  # noqa: E731 - a tool without a name


class Calls:
    """No tool."""


def misspelt(word: Nope) -> str:  # type: ignore[name-defined]  # noqa: F821 - a mistake
    """Nobody can say what this takes."""
    return str(word)


def open_socket(connection: socket.socket) -> str:
    """No model can give this."""
    return str(connection)


def lookup(word: str) -> str:
    """Look a word up."""
    calls.append(word)
    return f"{word} means something."


@function_tool
def reckon(left: int, right: int) -> int:
    """Add two numbers."""
    return left + right


def write_file(path: str) -> str:
    """Not ours."""
    return path


@function_tool
def codex(prompt: str) -> str:
    """Not Codex."""
    return prompt


hosted = WebSearchTool()
interpreter = CodeInterpreterTool(
    tool_config={"type": "code_interpreter", "container": {"type": "auto"}}
)
number = 7


class LoudServer(MCPServer):
    """An MCP server with one tool."""

    @property
    def name(self) -> str:
        return "loud"

    async def connect(self) -> None:
        pass

    async def cleanup(self) -> None:
        pass

    async def list_tools(self, run_context: Any = None, agent: Any = None) -> list[Tool]:
        schema = {"type": "object", "properties": {"text": {"type": "string"}}}
        return [Tool.model_validate({"name": "shout", "inputSchema": schema}, by_name=False)]

    async def call_tool(
        self, tool_name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None = None
    ) -> CallToolResult:
        text = str((arguments or {})["text"]).upper()
        return CallToolResult.model_validate({"content": [{"type": "text", "text": text}]})

    async def list_prompts(self) -> ListPromptsResult:
        return ListPromptsResult(prompts=[])

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None
    ) -> GetPromptResult:
        raise NotImplementedError


server = LoudServer()
