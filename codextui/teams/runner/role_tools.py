"""A role's tools beside Codex, and how people approve their calls and answer questions."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast, get_args, get_origin

from agents import FunctionTool, Tool, WebSearchTool, function_tool
from agents.exceptions import UserError
from agents.mcp import MCPServer
from agents.tool_context import ToolContext

from codextui.errors import ConfigInvalid, ServerRefused, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Question, QuestionsAsked, ToolAsked, asked_to_json
from codextui.protocol.decisions import (
    Aborted,
    Answered,
    Approved,
    Decision,
    Declined,
    Scope,
    decision_word,
    parse_decision_fields,
)
from codextui.teams.codex.calls import CURRENT_CONVERSATION
from codextui.teams.config.team import WEB_SEARCH, Role
from codextui.teams.publish.items import CODEX_TOOLS
from codextui.teams.records.store import RunStore
from codextui.teams.runner.tool_imports import import_tool
from codextui.teams.runner.write_file import WRITE_FILE

ASK_PERSON = "ask_person"
"""The name of the tool by which a role asks a person a question."""

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOOL_TYPES = tuple(get_origin(kind) or kind for kind in get_args(Tool))


@dataclass(frozen=True, slots=True)
class RoleTools:
    """The tools of a role beside Codex.

    Attributes:
        tools: tools of the Agents SDK.
        servers: MCP servers, not connected yet.
    """

    tools: tuple[Tool, ...] = ()
    servers: tuple[MCPServer, ...] = ()


def load_tools(role: Role, folder: Path | None = None) -> RoleTools:
    """Import the tools that a role's configuration names.

    `package.module:name` is a tool of the Agents SDK, an MCP server, or a function, which is made
    a tool. Raises ConfigInvalid for anything else.

    Args:
        role: the role.
        folder: the folder of the configuration file, from which tools are imported, too.
    """
    loaded = [load_tool(role, name, folder) for name in role.tools]
    check_tool_names(role, loaded)
    servers = tuple(one for one in loaded if isinstance(one, MCPServer))
    return RoleTools(tuple(one for one in loaded if not isinstance(one, MCPServer)), servers)


def load_tool(role: Role, name: str, folder: Path | None = None) -> Tool | MCPServer:
    """Import one tool of a role; see `load_tools`."""
    if name == WEB_SEARCH:
        return WebSearchTool()
    try:
        found = import_tool(name, folder)
        if isinstance(found, MCPServer):
            return _with_server_approval(found) if role.needs_approval(name) else found
        return _as_tool(role, found, needs_approval=role.needs_approval(name))
    except ConfigInvalid as error:
        raise ConfigInvalid(f"the tool {name} of {role.name} {error}") from error


def check_tool_names(role: Role, loaded: Sequence[Tool | MCPServer]) -> None:
    """Raise ConfigInvalid if two tools of a role have one name."""
    names = Counter(tool.name for tool in loaded if not isinstance(tool, MCPServer))
    if role.writes and WRITE_FILE in names:
        raise ConfigInvalid(
            f"{role.name} has a tool of the name {WRITE_FILE}, as has the tool for its writes: "
            "rename yours"
        )
    for name, count in names.items():
        if count > 1:
            raise ConfigInvalid(f"{role.name} has {count} tools of the name {name}: rename one")


def _as_tool(role: Role, found: object, *, needs_approval: bool) -> Tool:
    if inspect.isfunction(found):
        try:
            found = function_tool(found)
        except Exception as error:  # its annotations are evaluated, which may raise anything
            raise ConfigInvalid(f"can be no tool: {_first_line(error)}") from error
    if role.codex and getattr(found, "name", "") in CODEX_TOOLS:
        raise ConfigInvalid("has the name of a tool of Codex's: rename it")
    if isinstance(found, FunctionTool):
        if not _TOOL_NAME.fullmatch(found.name):
            raise ConfigInvalid(f"has the name {found.name}, which models refuse: name it by def")
        return _with_approval(found) if needs_approval else found
    if isinstance(found, _TOOL_TYPES):
        if needs_approval and not getattr(found, "needs_approval", False):
            raise ConfigInvalid(
                f"is a {type(found).__name__}, whose calls cannot be held until a person approves "
                "them: leave it out of approve_tools"
            )
        return cast("Tool", found)
    kind = "class" if isinstance(found, type) else f"value of the type {type(found).__name__}"
    raise ConfigInvalid(f"is a {kind}, and no tool, function or MCP server")


def _first_line(error: Exception) -> str:
    """Return what a refusal says first: pydantic's go on for many lines."""
    text = next(iter(str(error).splitlines()), "")
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


def _with_approval(tool: FunctionTool) -> FunctionTool:
    if tool.needs_approval is not False:
        return tool
    tool = copy.copy(tool)
    tool.needs_approval = True
    return tool


def _with_server_approval(server: MCPServer) -> MCPServer:
    if server._needs_approval_policy is False:  # noqa: SLF001 - a parameter of its constructor only
        server._needs_approval_policy = True  # noqa: SLF001
    return server


AskQuestion: TypeAlias = Callable[[str, str, str, tuple[str, ...]], Awaitable[str]]
"""Asks a person: takes a role, a call's key, a question and options; returns the answer."""

_ASK_PERSON_SCHEMA = {
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


def ask_person_tool(role: str, ask_question: AskQuestion) -> FunctionTool:
    """Return the tool by which a role asks a person a question and waits for the answer."""

    async def invoke(context: ToolContext[Any], arguments: str) -> str:
        try:
            match json.loads(arguments):
                case {"question": str(question), **rest}:
                    options = rest.get("options") or []
                case _:
                    return "Give a question."
        except ValueError:
            return "The arguments are no JSON."
        choices = tuple(map(str, options)) if isinstance(options, list) else ()
        key = CURRENT_CONVERSATION.get().call_key(context.tool_call_id)
        return await ask_question(role, key, question, choices)

    return FunctionTool(
        name=ASK_PERSON,
        description=(
            "Ask the person who watches the team, and wait for the answer. Only for what you "
            "cannot find out or decide by yourself."
        ),
        params_json_schema=_ASK_PERSON_SCHEMA,
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )


AskPeople: TypeAlias = Callable[[str, str, JsonObject], Awaitable[JsonObject]]
"""Calls `codex-ask` for a role, with the kind of what is asked; returns the tool's result."""

_PART = "decisions"
_QUESTION_ID = "answer"
_ATTEMPTS = 5
_RETRY_S = 0.5


class RoleApprovals:
    """Asks people about the tool calls and the questions of roles, and records the decisions.

    Nothing is asked twice, even after a crash. A call that is approved for the session approves
    the same tool of the same role for the rest of the run.
    """

    def __init__(self, ask: AskPeople, store: RunStore) -> None:
        self._ask = ask
        self._store = store
        with store.reading(_PART) as recorded:
            self._allowed_tools = set(fields.texts(recorded, "allowed"))
            calls = fields.as_object(recorded.get("calls", {}), "calls")
            self._decisions = {
                key: _parse_decision(fields.as_object(calls[key], key)) for key in calls
            }

    async def decide_call(self, role: str, key: str, asked: ToolAsked) -> Decision:
        """Return the decision about a tool call of a role.

        A decision applies to one call: its key, which models may reuse, and its arguments.
        """
        tool = f"{role}: {asked.server}/{asked.tool}"
        key = f"{key} {_digest(role, asked)}"
        if tool in self._allowed_tools:
            return Approved()
        if key in self._decisions:
            return self._decisions[key]
        decision = await self._ask_until_decided(role, "tool", asked_to_json(asked))
        match decision:
            case Approved(scope=Scope.SESSION | Scope.ALWAYS):
                self._allowed_tools.add(tool)
            case _:
                pass
        # A role that is resumed after a stop must not be stopped by the same decision again.
        self._record(key, Declined() if isinstance(decision, Aborted) else decision)
        return decision

    async def ask_question(
        self, role: str, key: str, question: str, options: tuple[str, ...]
    ) -> str:
        """Return the answer to a question of a role, in words for the model."""
        choices = tuple((option, "") for option in options)
        asked = QuestionsAsked((Question(_QUESTION_ID, role, question, choices, other=True),))
        key = f"{key} {_digest(role, asked)}"
        decision = self._decisions.get(key)
        if decision is None:
            decision = await self._ask_until_decided(role, "questions", asked_to_json(asked))
            self._record(key, decision)
        match decision:
            case Answered(content) if answers := fields.texts(content, _QUESTION_ID):
                return "\n".join(answers)
            case Declined(message) if message:
                return message
            case _:
                return "The user did not answer."

    async def _ask_until_decided(self, role: str, kind: str, asked: JsonObject) -> Decision:
        reason = ""
        for _ in range(_ATTEMPTS):
            try:
                return parse_decision_fields(await self._ask(role, kind, asked))
            except (ServerRefused, ServerUnreachable) as error:
                # The server may be restarting; the next one is asked again.
                reason = str(error)
                await asyncio.sleep(_RETRY_S)
        return Declined(f"Nobody decided: {reason}")

    def _record(self, key: str, decision: Decision) -> None:
        self._decisions[key] = decision
        calls = {key: _decision_to_json(one) for key, one in self._decisions.items()}
        self._store.write(_PART, {"allowed": sorted(self._allowed_tools), "calls": calls})


def _digest(role: str, asked: ToolAsked | QuestionsAsked) -> str:
    text = json.dumps([role, asked_to_json(asked)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _decision_to_json(decision: Decision) -> dict[str, object]:
    message = decision.message if isinstance(decision, Declined) else ""
    answers = fields.texts(decision.content, _QUESTION_ID) if isinstance(decision, Answered) else ()
    return {"word": decision_word(decision), "message": message, "answers": list(answers)}


def _parse_decision(source: JsonObject) -> Decision:
    return parse_decision_fields(
        {
            "decision": fields.text(source, "word"),
            "message": fields.text_or(source, "message"),
            "answers": {_QUESTION_ID: list(fields.texts(source, "answers"))},
        }
    )
