"""`codex/subscribe`: the past, then the present, then the questions that are open."""

from __future__ import annotations

import asyncio
import logging

import mcp_types as types

from codextui.protocol.events import EVENT_METHOD, Warned
from codextui.protocol.tools import CAUGHT_UP_METHOD, SUBSCRIBED_METHOD
from codextui.server.core import Host
from codextui.server.events.subscription import Subscription
from codextui.server.mcp.channel import Channel, PeerGone
from codextui.server.mcp.session import Caller

logger = logging.getLogger(__name__)


STALL_S = 60.0
"""Seconds in which a subscriber must take what it is sent; then it is cut off."""


class SubscribeParams(types.RequestParams):
    """What `codex/subscribe` takes: the last event that is known, and the epoch it is of."""

    since: int = 0
    epoch: str = ""


async def stream_events(host: Host, caller: Caller, params: SubscribeParams) -> None:
    """Send events until the client takes the request back, hangs up, or lags for good."""
    hub = host.core.hub
    peer = caller.session.peer

    def cut_off(reason: str) -> None:
        peer.abort()
        logger.warning("%s is disconnected: %s", caller.client, reason)
        warning = Warned(f"{caller.client} was disconnected: {reason}")
        host.background.call_soon(lambda: hub.publish("", "", warning))

    since = hub.resume_point(params.since, params.epoch)
    subscription = hub.subscribe(params.since, params.epoch, on_cut=cut_off)
    answerer = caller.supervisor()
    try:
        head = subscription.head
        await peer.notify(SUBSCRIBED_METHOD, {"epoch": hub.epoch, "since": since, "head": head})
        await _send(peer, subscription, until_caught_up=True)
        await peer.notify(CAUGHT_UP_METHOD, {"seq": head})
        if answerer is not None:
            host.core.broker.attach(answerer)
        await _send(peer, subscription)
    except PeerGone:
        pass
    finally:
        hub.unsubscribe(subscription)
        if answerer is not None:
            host.core.broker.detach(answerer)


async def _send(
    peer: Channel, subscription: Subscription, *, until_caught_up: bool = False
) -> None:
    while not (until_caught_up and subscription.caught_up):
        batch = await subscription.next_batch()
        if not batch:
            return
        try:
            async with asyncio.timeout(STALL_S):
                await peer.notify(EVENT_METHOD, *(event.to_json() for event in batch))
        except TimeoutError:
            subscription.cut(f"it has read nothing for {STALL_S:g} seconds")
