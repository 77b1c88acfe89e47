"""The server as MCP: which requests there are, and who answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

import codextui
from codextui.errors import CodextuiError, ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import tools
from codextui.server.core import Host
from codextui.server.mcp import calls
from codextui.server.mcp.results import complete, failed, structured
from codextui.server.mcp.session import Caller, Session
from codextui.server.mcp.subscribe import SubscribeParams, stream_events
from codextui.server.mcp.tools import TOOLS, WAITING
from codextui.server.mcp.validation import check_arguments

Context: TypeAlias = ServerRequestContext[Session]

_OWN_AGENT = (
    "This codextui is asked by an agent that it runs itself, which could start agents without end. "
    "Set `enabled = false` for it in the project's .codex/config.toml."
)
_CALLS = {"codex": calls.codex, "codex-reply": calls.codex_reply}


def build_app(host: Host) -> Server[Session]:
    """The MCP server of every connection; what its handlers see of one is the Session."""

    async def list_tools(
        context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        caller = context.lifespan_context.caller(context)
        if caller.session.is_own_agent:
            return types.ListToolsResult(tools=[])
        shown = (*tools.TOOLS, *(tools.SUPERVISOR_TOOLS if caller.sees_all_tools else ()))
        return types.ListToolsResult(
            tools=[types.Tool.model_validate(tool, by_name=False) for tool in shown]
        )

    # A dict is a result for mcp, though the signature of its constructor does not say so.
    async def call_tool(context: Context, params: types.CallToolRequestParams) -> Any:
        caller = context.lifespan_context.caller(context)
        host.tell_apart(caller.session)
        try:
            if caller.session.is_own_agent:
                raise ServerRefused(_OWN_AGENT)
            if params.request_state is not None:
                result = await _go_on(host, caller, params.request_state, context.params or {})
            else:
                result = await _call(host, caller, params.name, params.arguments or {})
        except CodextuiError as error:
            result = failed(error)
        return complete(result) if caller.modern and "resultType" not in result else result

    async def subscribe(context: Context, params: SubscribeParams) -> types.EmptyResult:
        caller = context.lifespan_context.caller(context)
        host.tell_apart(caller.session)
        await stream_events(host, caller, params)
        return types.EmptyResult()

    app: Server[Session] = Server(
        "codextui",
        version=codextui.__version__,
        title="codextui",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    app.add_request_handler(tools.SUBSCRIBE_METHOD, SubscribeParams, subscribe)
    return app


async def _go_on(
    host: Host, caller: Caller, state: str, params: Mapping[str, Any]
) -> dict[str, object]:
    """Go on with a call whose client was asked something. Its answers are taken as they came."""
    call = host.parked.pop(state, None)
    if call is None:
        reason = {"reason": "invalid_request_state"}
        message = "This call has ended, or has waited for its answers for too long"
        raise MCPError(code=types.INVALID_PARAMS, message=message, data=reason)
    responses = params.get("inputResponses")
    return await call.go_on(caller, responses if isinstance(responses, dict) else {})


async def _call(
    host: Host, caller: Caller, name: str, arguments: Mapping[str, object]
) -> dict[str, object]:
    if name in _CALLS:
        check_arguments(name, arguments)
        return await _CALLS[name](host, caller, arguments)
    tool = TOOLS.get(name)
    if tool is None:
        raise ServerRefused(f"Unknown tool '{name}'")
    check_arguments(name, arguments)
    work = tool(host, caller, arguments)
    # What a supervisor has begun is done, also where it hangs up meanwhile.
    content: JsonObject = await (work if name in WAITING else host.background.finish(work))
    return structured(content)
