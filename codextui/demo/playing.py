"""One answer of the scripted model, from the script to the socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

from codextui.demo.http import error_response, event_stream_head, json_response
from codextui.demo.responses import ResponseWriter, encode_event
from codextui.demo.step import Fail, Step

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from codextui.demo.request import ModelRequest
    from codextui.demo.script import ModelScript

HANG_UP = -1
"""The status of a `Fail` that closes the connection without a word."""

EVENTS_A_BREATH = 64
"""After so many events everyone else on the loop gets a turn."""


async def play_script(
    script: ModelScript, request: ModelRequest, tell: Callable[[str], None]
) -> AsyncGenerator[Step, None]:
    """Yields the steps of a script's answer; where the script raises, the model fails.

    Args:
        script: what is played.
        request: what is answered.
        tell: is told what the script raised.
    """
    try:
        steps = script(request)
        if isinstance(steps, AsyncIterable):
            async for step in steps:
                yield step
        else:
            for step in steps:
                yield step
    except Exception as error:  # noqa: BLE001 - a script is a test's code and may raise anything
        tell(f"The script raised {error!r} at {request.last_user_text!r}.")
        yield Fail(0, f"The script raised {error!r}.", "server_error")


async def send_answer(
    steps: AsyncGenerator[Step, None],
    response: ResponseWriter,
    socket: asyncio.StreamWriter,
    *,
    stream: bool,
) -> None:
    """Writes one answer, and closes the stream that it is.

    Args:
        steps: the steps of the answer.
        response: makes events of them.
        socket: where to write.
        stream: whether events were asked for; else the whole response is sent at its end.
    """
    async with contextlib.aclosing(steps):
        first = await anext(steps, None)
        if isinstance(first, Fail) and first.status != 0:
            if first.status != HANG_UP:
                error = error_response(first.status, first.message, first.code, close=True)
                socket.write(error)
        else:
            async with contextlib.aclosing(_from_first(first, steps)) as played:
                if stream:
                    await _send_events(played, response, socket)
                else:
                    socket.write(await _whole_answer(played, response))
        await socket.drain()


async def _from_first(
    first: Step | None, rest: AsyncGenerator[Step, None]
) -> AsyncGenerator[Step, None]:
    if first is not None:
        yield first
    async for step in rest:
        yield step


async def _send_events(
    steps: AsyncGenerator[Step, None], response: ResponseWriter, socket: asyncio.StreamWriter
) -> None:
    socket.write(event_stream_head())
    sent = 0
    async for event in response.events(steps):
        socket.write(encode_event(event))
        sent += 1
        if sent % EVENTS_A_BREATH == 0:
            await socket.drain()
            await asyncio.sleep(0)


async def _whole_answer(steps: AsyncGenerator[Step, None], response: ResponseWriter) -> bytes:
    last = None
    async for event in response.events(steps):
        last = event
    return json_response(200, last["response"] if last else {}, close=True)


async def until_hang_up(
    answering: Coroutine[None, None, None], reader: asyncio.StreamReader
) -> None:
    """Awaits an answer, and gives it up as soon as the client hangs up.

    A turn that is interrupted hangs up, and a held answer would otherwise wait for ever. The
    client must not send its next request before it has the answer to this one.
    """
    answer = asyncio.create_task(answering)
    hang_up = asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({answer, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            answer.result()
    finally:
        answer.cancel()
        hang_up.cancel()
        await asyncio.gather(answer, hang_up, return_exceptions=True)
