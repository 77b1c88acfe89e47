"""The MCP server of a connection: its request handlers, and the identification of callers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

import codextui
from codextui.errors import CodextuiError, ServerRefused
from codextui.protocol import codex_tools, extensions, tools
from codextui.server.clients import Caller, Session
from codextui.server.mcp.calls import call_codex, call_codex_reply
from codextui.server.mcp.inspect import InspectParams, stream_frames
from codextui.server.mcp.results import error_result, json_result, mark_complete
from codextui.server.mcp.subscribe import SubscribeParams, stream_events
from codextui.server.mcp.tools import CANCELLABLE, TOOLS
from codextui.server.mcp.validation import check_arguments
from codextui.server.options import ServerOptions
from codextui.server.state import ServerState

MAX_CLIENT_NAME = 80
"""Characters of a client's name."""

Context: TypeAlias = ServerRequestContext[Session]

_OWN_AGENT = (
    "This codextui is asked by an agent that it runs itself, which could start agents without end. "
    "Set `enabled = false` for it in the project's .codex/config.toml."
)
_INSTRUCTIONS = (
    "Codex agents that work on this machine. `codex` gives a new agent a task and returns when its "
    "turn has ended, which may take many minutes; its result names the thread (`threadId`). "
    "`codex-reply` with that threadId continues the thread, which remembers what was said and "
    "done. Use `codex` again for an unrelated task. Cancelling a call stops its turn."
)
_SHARED_INSTRUCTIONS = (
    "Where an agent needs a decision, a person is asked by this client if it can, and in the "
    "console (`{console}`). Where this client only stops waiting for a call, its turn goes on "
    "until a person stops it: in the console, or by `{stop}`, where THREAD is a threadId or a "
    "handle."
)
_PRIVATE_INSTRUCTIONS = (
    "Where an agent needs a decision, a person is asked by this client if it can; otherwise it is "
    "declined. Where this client only stops waiting for a call, its turn goes on until the client "
    "ends."
)
_CALLS = {"codex": call_codex, "codex-reply": call_codex_reply}


def build_app(server: ServerState) -> Server[Session]:
    """Return an MCP server, whose handlers get the Session as `lifespan_context`."""
    app: Server[Session] = Server(
        "codextui",
        version=codextui.__version__,
        title="codextui",
        instructions=instructions(server.options),
        on_list_tools=_list_tools,
        on_call_tool=partial(_call_tool, server),
    )
    app.add_request_handler(
        extensions.SUBSCRIBE_METHOD, SubscribeParams, partial(_subscribe, server)
    )
    app.add_request_handler(extensions.INSPECT_METHOD, InspectParams, partial(_inspect, server))
    return app


async def _list_tools(
    context: Context, _: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    caller = identify(context)
    if caller.session.is_own_agent:
        return types.ListToolsResult(tools=[])
    shown = (*codex_tools.TOOLS, *(tools.SUPERVISOR_TOOLS if caller.sees_all_tools else ()))
    return types.ListToolsResult(
        tools=[types.Tool.model_validate(tool, by_name=False) for tool in shown]
    )


# mcp takes a dict as result, though the type of its constructor's argument does not say so.
async def _call_tool(
    server: ServerState, context: Context, params: types.CallToolRequestParams
) -> Any:
    caller = identify(context)
    server.assign_name(caller.session)
    if params.name != "codex-shutdown":
        server.used.set()
    try:
        if caller.session.is_own_agent:
            raise ServerRefused(_OWN_AGENT)
        if params.request_state is not None:
            result = await _resume(server, caller, params.request_state, context.params or {})
        else:
            result = await _call(server, caller, params.name, params.arguments or {})
    except CodextuiError as error:
        result = error_result(error)
    return mark_complete(result) if caller.modern and "resultType" not in result else result


async def _subscribe(
    server: ServerState, context: Context, params: SubscribeParams
) -> types.EmptyResult:
    caller = identify(context)
    server.assign_name(caller.session)
    server.used.set()
    await stream_events(server, caller, params)
    return types.EmptyResult()


async def _inspect(server: ServerState, context: Context, _: InspectParams) -> types.EmptyResult:
    caller = identify(context)
    server.assign_name(caller.session)
    server.used.set()
    await stream_frames(server, caller)
    return types.EmptyResult()


def instructions(options: ServerOptions) -> str:
    """Return the `instructions` of the server, which clients show to their models."""
    if not options.name:
        return f"{_INSTRUCTIONS} {_PRIVATE_INSTRUCTIONS}"
    shared = _SHARED_INSTRUCTIONS.format(
        console=options.shell_command(), stop=options.shell_command("interrupt", "THREAD")
    )
    return f"{_INSTRUCTIONS} {shared}"


async def serve_session(app: Server[Session], session: Session, stream: Any) -> None:
    """Serve a client on a byte stream until it disconnects.

    Args:
        app: the MCP server.
        session: the client.
        stream: mcp's read and write stream at once (`transports.stream.StreamChannel`).
    """
    await serve_dual_era_loop(
        app,
        stream,
        stream,
        lifespan_state=session,
        init_options=app.create_initialization_options(),
    )


def identify(context: Context) -> Caller:
    """Return who makes a request, and set the name of its session."""
    session = context.lifespan_context
    given = context.session.client_params
    name = given.client_info.name if given is not None else ""
    session.client_name = " ".join(name.split())[:MAX_CLIENT_NAME] or "unnamed"
    capabilities = context.session.client_capabilities or types.ClientCapabilities()
    experimental = capabilities.experimental or {}
    modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    takes_events = extensions.takes_events(
        session.client_name, experimental.get(extensions.EVENTS), session.channel.legacy_events
    )
    return Caller(
        session=session,
        request_id=context.request_id if context.request_id is not None else "",
        supervises=extensions.SUPERVISOR in experimental,
        elicits=capabilities.elicitation is not None,
        modern=modern,
        takes_legacy_events=takes_events and not modern,
        progress_token=(context.meta or {}).get("progress_token"),
    )


async def _resume(
    server: ServerState, caller: Caller, request_state: str, params: Mapping[str, Any]
) -> dict[str, object]:
    """Resume a call with its client's answers, which are read as the client sent them."""
    call = server.suspended_calls.pop(request_state, None)
    if call is None:
        reason = {"reason": "invalid_request_state"}
        message = "This call has ended, or has waited for its answers for too long"
        raise MCPError(code=types.INVALID_PARAMS, message=message, data=reason)
    responses = params.get("inputResponses")
    return await call.resume(caller, responses if isinstance(responses, dict) else {})


async def _call(
    server: ServerState, caller: Caller, name: str, arguments: Mapping[str, object]
) -> dict[str, object]:
    if name in _CALLS:
        check_arguments(name, arguments)
        return await _CALLS[name](server, caller, arguments)
    tool = TOOLS.get(name)
    if tool is None:
        raise ServerRefused(f"Unknown tool '{name}'")
    check_arguments(name, arguments)
    work = tool(server, caller, arguments)
    content = await (work if name in CANCELLABLE else server.background.run(work))
    warning = server.journal.problem or server.journal.notice
    return json_result({**content, "warning": warning} if warning else content)
