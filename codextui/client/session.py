"""What a client says to the shared server, over mcp's session."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import anyio
import mcp_types as types
from mcp import ClientSession, MCPError
from pydantic import BaseModel, RootModel, ValidationError

from codextui.client.failure import structured_content
from codextui.client.introduction import introduction
from codextui.errors import CodextuiError, ServerRefused, ServerUnreachable, WireInvalid
from codextui.wire.fields import JsonObject

_Result = TypeVar("_Result", bound=BaseModel)


class _RawResult(RootModel[dict[str, Any]]):
    """A result as it was on the wire."""


class _SubscribeParams(types.RequestParams):
    since: int
    epoch: str


class _Subscribe(types.Request[_SubscribeParams, Literal["codex/subscribe"]]):
    method: Literal["codex/subscribe"] = "codex/subscribe"


async def handshake(session: ClientSession, name: str, *, supervise: bool, decide: bool) -> str:
    """Introduce the client (`initialize`) and return the server's name and version.

    Sent by hand because mcp's session cannot declare an experimental capability.
    Raises the errors of `call_tool`.
    """
    about = introduction(name, supervise=supervise, decide=decide)
    params = types.InitializeRequestParams.model_validate(about)
    answer = await _send(session, types.InitializeRequest(params=params), types.InitializeResult)
    session.adopt(answer)
    await session.send_notification(types.InitializedNotification())
    return f"{answer.server_info.name} {answer.server_info.version}"


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
    result = await _send(session, types.CallToolRequest(params=params), _RawResult)
    return structured_content(tool, result.root)


async def _send(
    session: ClientSession,
    request: types.Request[Any, Any],
    result_type: type[_Result],
    timeout_s: float | None = None,
) -> _Result:
    try:
        return await session.send_request(request, result_type, timeout_s)
    except MCPError as error:
        raise _failure(error) from error
    except anyio.BrokenResourceError as error:
        raise ServerUnreachable("the connection to the server is closed") from error
    except ValidationError as error:
        raise WireInvalid(f"the server's answer to {request.method} has the wrong shape") from error


def _failure(error: MCPError) -> CodextuiError:
    match error.error.code:
        case types.CONNECTION_CLOSED:
            return ServerUnreachable("the connection to the server was lost before it answered")
        case types.REQUEST_TIMEOUT:
            return ServerUnreachable("the server did not answer in time")
        case _:
            return ServerRefused(error.error.message)
