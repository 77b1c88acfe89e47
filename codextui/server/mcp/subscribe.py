"""`codex/subscribe`: replays events, streams those that follow, and asks for decisions."""

from __future__ import annotations

import asyncio
import logging

import mcp_types as types

from codextui.protocol.events import EVENT_METHOD, Warned
from codextui.protocol.extensions import CAUGHT_UP_METHOD, SUBSCRIBED_METHOD
from codextui.server.approvals.elicitation import supervisor_responder
from codextui.server.clients import Caller, Channel, ClientGone
from codextui.server.events.subscription import Subscription
from codextui.server.state import ServerState

logger = logging.getLogger(__name__)


class SubscribeParams(types.RequestParams):
    """The parameters of `codex/subscribe`.

    Attributes:
        since: the number of the last event that the client has; 0 for none, and
            `protocol.extensions.NOW` to skip the past.
        epoch: the epoch that the number is of.
    """

    since: int = 0
    epoch: str = ""


async def stream_events(server: ServerState, caller: Caller, params: SubscribeParams) -> None:
    """Send events until the client cancels the request, disconnects or lags for too long."""
    hub, channel = server.hub, caller.channel

    def on_disconnect(reason: str) -> None:
        channel.abort()
        logger.warning("%s is disconnected: %s", caller.client_name, reason)
        warning = Warned(f"{caller.client_name} was disconnected: {reason}")
        # Later: the hub may be publishing an event now.
        asyncio.get_running_loop().call_soon(hub.publish, "", "", warning)

    since = hub.resume_point(params.since, params.epoch)
    subscription = hub.subscribe(params.since, params.epoch, on_disconnect=on_disconnect)
    responder = supervisor_responder(caller)
    stall_s = server.options.limits.events.stall_s
    try:
        head = subscription.head
        await channel.notify(SUBSCRIBED_METHOD, {"epoch": hub.epoch, "since": since, "head": head})
        await _send_events(channel, subscription, stall_s, until_caught_up=True)
        await channel.notify(CAUGHT_UP_METHOD, {"seq": head})
        if responder is not None:
            server.broker.attach(responder)
        await _send_events(channel, subscription, stall_s)
    except ClientGone:
        pass
    finally:
        hub.unsubscribe(subscription)
        if responder is not None:
            server.broker.detach(responder)


async def _send_events(
    channel: Channel, subscription: Subscription, stall_s: float, *, until_caught_up: bool = False
) -> None:
    while not (until_caught_up and subscription.caught_up):
        batch = await subscription.next_batch()
        if not batch:
            return
        try:
            async with asyncio.timeout(stall_s):
                await channel.notify(EVENT_METHOD, *(event.to_json() for event in batch))
        except TimeoutError:
            subscription.disconnect(f"it has read nothing for {stall_s:g} seconds")
