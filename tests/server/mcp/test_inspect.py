"""`codex/inspect` on a server without a Codex."""

from __future__ import annotations

import asyncio
from typing import Any

from contract.serving import PATIENCE_S, RawClient, Served

from codextui.protocol.extensions import FRAMES_METHOD, INSPECT_METHOD, SUPERVISOR
from codextui.server.events.frames import DEFAULT_LIMITS

PADDING = "x" * 1_000


def frames(client: RawClient) -> list[dict[str, Any]]:
    return [frame for params in client.all_of(FRAMES_METHOD) for frame in params["frames"]]


async def test_an_inspector_that_reads_nothing_delays_nobody_and_is_told_what_it_lost(
    served: Served,
):
    async with (
        served.client("slow", experimental={SUPERVISOR: {}}) as slow,
        served.client("busy") as busy,
    ):
        slow.begin(INSPECT_METHOD)
        await slow.message(lambda m: m.get("method") == FRAMES_METHOD)
        transport: Any = slow.writer.transport
        transport.pause_reading()
        for _ in range(3 * DEFAULT_LIMITS.frames // 100):
            numbers = [busy.begin("ping", padding=PADDING) for _ in range(100)]
            assert (await busy.reply(numbers[-1]))["result"] == {}
        transport.resume_reading()
        told = await slow.message(lambda m: m.get("params", {}).get("lost", 0) > 0)
        assert told["params"]["lost"] > 0
        last = busy.begin("ping", padding="the last")
        await slow.message(
            lambda m: any('"the last"' in f["body"] for f in m.get("params", {}).get("frames", ()))
        )
        assert (await busy.reply(last))["result"] == {}
        lost = sum(params["lost"] for params in slow.all_of(FRAMES_METHOD))
        seen = [frame["number"] for frame in frames(slow)]
        assert seen == sorted(set(seen))
        assert seen[-1] - len(seen) == lost


async def test_two_inspectors_see_the_same_and_not_each_other(served: Served):
    async with (
        served.client("one", experimental={SUPERVISOR: {}}) as one,
        served.client("two", experimental={SUPERVISOR: {}}) as two,
        served.client("busy") as busy,
    ):
        for client in (one, two):
            client.begin(INSPECT_METHOD)
            await client.message(lambda m: m.get("method") == FRAMES_METHOD)
        number = busy.begin("tools/list")
        await busy.reply(number)

        def has_answer(message: dict[str, Any]) -> bool:
            found = message.get("params", {}).get("frames", ())
            return any(f["kind"] == "answer" and f["peer"] == "busy" for f in found)

        await asyncio.wait_for(
            asyncio.gather(one.message(has_answer), two.message(has_answer)), PATIENCE_S
        )
        shared = [frame["number"] for frame in frames(two)]
        assert [n for n in (f["number"] for f in frames(one)) if n >= shared[0]][: len(shared)] == (
            shared
        )
        assert not [f for f in frames(one) + frames(two) if f["method"] == FRAMES_METHOD]
