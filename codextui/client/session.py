"""What a client says to the shared server, over mcp's session."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import anyio
import mcp_types as types
from mcp import ClientSession, MCPError
from mcp_types.version import LATEST_HANDSHAKE_VERSION
from pydantic import BaseModel, ValidationError

import codextui
from codextui.client.failure import call_failure, tool_failure
from codextui.client.intake import SUPERVISOR
from codextui.errors import ServerUnreachable, WireInvalid
from codextui.wire.fields import JsonObject, as_object

_Result = TypeVar("_Result", bound=BaseModel)


class _SubscribeParams(types.RequestParams):
    since: int
    epoch: str


class _Subscribe(types.Request[_SubscribeParams, Literal["codex/subscribe"]]):
    method: Literal["codex/subscribe"] = "codex/subscribe"


async def handshake(session: ClientSession, name: str, *, supervise: bool) -> str:
    """Introduce the client (`initialize`) and return the server's name and version.

    Sent by hand because mcp's session cannot declare an experimental capability.
    Raises the errors of `call_tool`.
    """
    capabilities = types.ClientCapabilities()
    if supervise:
        elicitation = types.ElicitationCapability(
            form=types.FormElicitationCapability(), url=types.UrlElicitationCapability()
        )
        capabilities = types.ClientCapabilities(
            elicitation=elicitation, experimental={SUPERVISOR: {}}
        )
    params = types.InitializeRequestParams(
        protocol_version=LATEST_HANDSHAKE_VERSION,
        capabilities=capabilities,
        client_info=types.Implementation(name=name, version=codextui.__version__),
    )
    result = await _send(session, types.InitializeRequest(params=params), types.InitializeResult)
    session.adopt(result)
    await session.send_notification(types.InitializedNotification())
    return f"{result.server_info.name} {result.server_info.version}"


async def subscribe(session: ClientSession, *, since: int, epoch: str) -> str:
    """Ask for every event after `since`; return why the server ended it, in a sentence.

    Raises the errors of `call_tool`.
    """
    request = _Subscribe(params=_SubscribeParams(since=since, epoch=epoch))
    await _send(session, request, types.EmptyResult)
    return "the server ended the subscription"


async def ping(session: ClientSession, timeout_s: float) -> None:
    """Ask for a sign of life. Raises ServerUnreachable where none comes in time."""
    await _send(session, types.PingRequest(), types.EmptyResult, timeout_s)


async def call_tool(session: ClientSession, tool: str, arguments: JsonObject) -> JsonObject:
    """Call a tool and return its structured content.

    Raises the error of `codextui.errors` that the result names, ServerRefused for a JSON-RPC
    error, ServerUnreachable where the connection is lost before the answer.
    """
    params = types.CallToolRequestParams(name=tool, arguments=dict(arguments))
    result = await _send(session, types.CallToolRequest(params=params), types.CallToolResult)
    if result.is_error:
        raise tool_failure(result)
    if result.structured_content is None:
        return {}
    return as_object(result.structured_content, f"the result of {tool}")


async def _send(
    session: ClientSession,
    request: types.Request[Any, Any],
    result_type: type[_Result],
    timeout_s: float | None = None,
) -> _Result:
    try:
        return await session.send_request(request, result_type, timeout_s)
    except MCPError as error:
        raise call_failure(error) from error
    except anyio.BrokenResourceError as error:
        raise ServerUnreachable("the connection to the server is closed") from error
    except ValidationError as error:
        raise WireInvalid(f"the server's answer to {request.method} has the wrong shape") from error
