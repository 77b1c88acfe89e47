"""A scripted model in a process of its own: prints its address and answers with many words."""

from __future__ import annotations

import asyncio
import sys

from starlette.types import Message, Receive, Scope, Send

from codextui.demo import Say, Script, ScriptedModel


class BufferingModel(ScriptedModel):
    """Makes the whole answer before it sends any of it, so that its readers have the cores."""

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await super()._serve(scope, receive, collect)
        start, *parts = messages
        body = b"".join(part["body"] for part in parts)
        # With its length known, Codex need not take the body out of chunks.
        length = (b"content-length", str(len(body)).encode())
        await send({**start, "headers": [*start["headers"], length]})
        await send({**parts[-1], "body": body})


async def serve(words: int) -> None:
    text = "".join(f"{number} " for number in range(words))
    async with BufferingModel(Script().on("", Say(text), repeat=True)) as model:
        print(model.base_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
