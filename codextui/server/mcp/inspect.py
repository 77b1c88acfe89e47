"""`codex/inspect`: sends a supervisor the frames of all connections as they flow."""

from __future__ import annotations

import asyncio
import os

import mcp_types as types
from mcp.shared.exceptions import MCPError

from codextui.protocol.extensions import FRAMES_METHOD
from codextui.server.clients import Caller, ClientGone
from codextui.server.state import ServerState
from codextui.text.secrets import masker, secret_values


class InspectParams(types.RequestParams):
    """The parameters of `codex/inspect`: none."""


async def stream_frames(server: ServerState, caller: Caller) -> None:
    """Send frames until the client cancels the request or disconnects.

    Raises:
        MCPError: the client is no supervisor on the server's socket.
    """
    session = caller.session
    if not (caller.supervises and session.persistent) or session.is_own_agent:
        reason = "only supervisors on the server's own socket see its frames"
        raise MCPError(code=types.INVALID_REQUEST, message=reason)
    environment = server.options.env or os.environ
    mask = masker([*secret_values(environment), *secret_values(os.environ)])
    ring = server.frames.subscribe()
    try:
        await caller.channel.notify(FRAMES_METHOD, {"frames": [], "lost": 0})
        while True:
            batch, lost = await ring.next_batch(mask)
            frames = [frame.to_json() for frame in batch]
            await caller.channel.notify(FRAMES_METHOD, {"frames": frames, "lost": lost})
            await asyncio.sleep(ring.limits.rest_s)  # a busy server has more to do
    except ClientGone:
        pass
    finally:
        server.frames.unsubscribe(ring)
