"""A role's tools beside Codex: those that its configuration names, and a question to a person."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast, get_args, get_origin

from agents import FunctionTool, Tool, WebSearchTool, function_tool
from agents.exceptions import UserError
from agents.mcp import MCPServer
from agents.tool_context import ToolContext

from codextui.errors import ConfigInvalid
from codextui.teams.config.team import WEB_SEARCH, Role
from codextui.teams.publish.items import CODEX_TOOLS
from codextui.teams.runner.conversation_key import CONVERSATION

ASK_PERSON = "ask_person"

_TOOLS = tuple(get_origin(kind) or kind for kind in get_args(Tool))

AnswerOf: TypeAlias = Callable[[str, str, str, tuple[str, ...]], Awaitable[str]]
"""Asks a person: the role, the call's id, the question, what to choose from; returns the answer."""

_SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "description": "The whole question."},
        "options": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Answers to choose from; any other can be given, too.",
        },
    },
    "required": ["question"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class RoleTools:
    """What a role can call beside its Codex.

    Attributes:
        tools: tools of the Agents SDK.
        servers: MCP servers; whoever runs the role connects them.
    """

    tools: tuple[Tool, ...] = ()
    servers: tuple[MCPServer, ...] = ()


def find_tools(role: Role) -> RoleTools:
    """Import the tools that a role's configuration names.

    `package.module:name` is a tool of the Agents SDK, an MCP server, or a function, which
    becomes a tool. Raises ConfigInvalid where it is nothing of that.
    """
    tools: list[Tool] = []
    servers: list[MCPServer] = []
    for name in role.tools:
        found = WebSearchTool() if name == WEB_SEARCH else _import(role, name)
        ask = role.needs_approval(name)
        if isinstance(found, MCPServer):
            servers.append(_asking_server(found) if ask else found)
        else:
            tools.append(_as_tool(role, name, found, ask=ask))
    return RoleTools(tuple(tools), tuple(servers))


def ask_person_tool(role: str, answer_of: AnswerOf) -> FunctionTool:
    """The tool by which a role asks a person something; it waits for the answer."""

    async def ask(context: ToolContext[Any], arguments: str) -> str:
        try:
            match json.loads(arguments):
                case {"question": str(question), **rest}:
                    options = rest.get("options") or []
                case _:
                    return "Give a question."
        except ValueError:
            return "The arguments are no JSON."
        choices = tuple(map(str, options)) if isinstance(options, list) else ()
        key = CONVERSATION.get().call(context.tool_call_id)
        return await answer_of(role, key, question, choices)

    return FunctionTool(
        name=ASK_PERSON,
        description=(
            "Ask the person who watches the team, and wait for the answer. Only for what you "
            "cannot find out or decide by yourself."
        ),
        params_json_schema=_SCHEMA,
        on_invoke_tool=ask,
        strict_json_schema=False,
    )


def _import(role: Role, path: str) -> object:
    module, _, name = path.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # a module of the user's may raise anything
        raise ConfigInvalid(f"{path} of {role.name} cannot be imported: {error!r}") from error
    return found


def _as_tool(role: Role, path: str, found: object, *, ask: bool) -> Tool:
    if inspect.isfunction(found):
        try:
            found = function_tool(found)
        except UserError as error:
            raise ConfigInvalid(f"{path} of {role.name} can be no tool: {error}") from error
    if role.codex and getattr(found, "name", "") in CODEX_TOOLS:
        raise ConfigInvalid(f"{path} of {role.name} has the name of a tool of Codex's: rename it")
    if isinstance(found, FunctionTool):
        return _asking_tool(found) if ask else found
    if isinstance(found, _TOOLS):
        if ask and not getattr(found, "needs_approval", False):
            raise ConfigInvalid(
                f"{path} of {role.name} is a {type(found).__name__}, whose calls cannot be held "
                f"until a person approves them: leave it out of approve_tools"
            )
        return cast("Tool", found)
    raise ConfigInvalid(
        f"{path} of {role.name} is a {type(found).__name__}, and no tool, function or MCP server"
    )


def _asking_tool(tool: FunctionTool) -> FunctionTool:
    if tool.needs_approval is not False:
        return tool
    asking = copy.copy(tool)
    asking.needs_approval = True
    return asking


def _asking_server(server: MCPServer) -> MCPServer:
    if server._needs_approval_policy is False:  # noqa: SLF001 - the SDK takes it at the start only
        server._needs_approval_policy = True  # noqa: SLF001 - as above
    return server
