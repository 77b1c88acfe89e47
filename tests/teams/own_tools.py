"""Tools as a person's own module has them, for teams whose configuration names them."""

from __future__ import annotations

from agents import CodeInterpreterTool, WebSearchTool, function_tool

calls: list[str] = []


def lookup(word: str) -> str:
    """Look a word up."""
    calls.append(word)
    return f"{word} means something."


@function_tool
def reckon(left: int, right: int) -> int:
    """Add two numbers."""
    return left + right


hosted = WebSearchTool()
interpreter = CodeInterpreterTool(
    tool_config={"type": "code_interpreter", "container": {"type": "auto"}}
)
number = 7
