"""The scripted model in a process of its own: prints its address, and says so many words."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

from codextui.demo import ModelRequest, Say, Script, ScriptedModel


class Collected:
    """A socket that keeps what is written to it."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.parts.append(data)

    async def drain(self) -> None:
        pass


class ReadyModel(ScriptedModel):
    """Makes the whole of an answer before it sends any: who reads it has the cores to itself."""

    async def _answer(self, request: ModelRequest, writer: asyncio.StreamWriter) -> None:
        collected = Collected()
        await super()._answer(request, cast(Any, collected))
        writer.write(b"".join(collected.parts))
        await writer.drain()


async def serve(words: int) -> None:
    text = "".join(f"{number} " for number in range(words))
    async with ReadyModel(Script().on("", Say(text), repeat=True)) as model:
        print(model.base_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
