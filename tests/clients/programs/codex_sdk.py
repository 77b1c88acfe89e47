"""A visit by openai-codex-sdk, which starts `codex exec` for every turn."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from openai_codex_sdk import AbortController, AbortError, Codex


async def main(told: dict[str, Any]) -> None:
    client = Codex({"codex_path_override": told["codex"], "env": told["env"]})
    prompts = told["prompts"]
    options = {
        "working_directory": told["folder"],
        "skip_git_repo_check": True,
        "sandbox_mode": "workspace-write",
        "approval_policy": "on-request",
    }
    thread = client.start_thread(options)
    plain = await thread.run(prompts["plain"])
    streamed = await thread.run_streamed(prompts["asking"])
    kinds, allowed = [], ""
    async for event in streamed.events:
        kinds.append(event.type)
        if event.type == "item.completed" and event.item.type == "agent_message":
            allowed = event.item.text
    reply = await client.resume_thread(thread.id, options).run(prompts["reply"])

    aborting, aborted = AbortController(), False
    cut = client.start_thread(options)
    try:
        cutting = await cut.run_streamed(prompts["endless"], {"signal": aborting.signal})
        async for event in cutting.events:
            if event.type == "item.started":
                aborting.abort()
    except AbortError:
        aborted = aborting.signal.aborted
    seen = {
        "plain": plain.final_response,
        "allowed": allowed,
        "reply": reply.final_response,
        "kinds": kinds,
        "aborted": aborted,
        "thread": thread.id,
        "cut": cut.id,
        "usage": plain.usage.model_dump(),
    }
    print(json.dumps(seen))


asyncio.run(main(json.loads(sys.argv[1])))
