"""The scripted model in a process of its own: prints its address, and says so many words."""

from __future__ import annotations

import asyncio
import sys

from codextui.demo import Say, Script, ScriptedModel


async def serve(words: int) -> None:
    text = "".join(f"{number} " for number in range(words))
    async with ScriptedModel(Script().on("", Say(text), repeat=True)) as model:
        print(model.base_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
