"""The OpenAI Agents SDK for Python.

From its source (openai-agents 0.24, agents/mcp/server.py):

* `MCPServerStdio` waits five seconds for an answer unless `client_session_timeout_seconds` is set.
* It passes only HOME, LOGNAME, PATH, SHELL, TERM and USER on to the server, beside `env`.
* It does not support elicitation: supervisors of the server decide on approvals.
"""

from __future__ import annotations

import json

from codextui.setup.launch import CALL_TIMEOUT_S, HttpEndpoint, Launch
from codextui.setup.recipe import Recipe

_HTTP_SNIPPET = """\
import asyncio
import subprocess

from agents import Agent, Runner
from agents.mcp import MCPServerStreamableHttp

TOKEN = subprocess.check_output({token}, text=True).strip()


async def main() -> None:
    async with MCPServerStreamableHttp(
        name={name},
        params={{
            "url": {url},
            "headers": {{"Authorization": f"Bearer {{TOKEN}}"}},
            "sse_read_timeout": {limit},
        }},
        client_session_timeout_seconds={limit},
    ) as codex:
        agent = Agent(
            name="Developer",
            instructions="Use the codex tool to work on the code.",
            mcp_servers=[codex],
        )
        result = await Runner.run(agent, "Say what this project is.")
        print(result.final_output)


asyncio.run(main())"""
_SNIPPET = """\
import asyncio

from agents import Agent, Runner
from agents.mcp import MCPServerStdio


async def main() -> None:
    async with MCPServerStdio(
        name={name},
        params={params},
        client_session_timeout_seconds={limit},
    ) as codex:
        agent = Agent(
            name="Developer",
            instructions="Use the codex tool to work on the code.",
            mcp_servers=[codex],
        )
        result = await Runner.run(agent, "Say what this project is.")
        print(result.final_output)


asyncio.run(main())"""

_NOTES = (
    (
        f"client_session_timeout_seconds ({CALL_TIMEOUT_S // 3600} hours) is how long a call may "
        "take; it is 5 seconds where it is left out."
    ),
    (
        "The SDK's own classes cannot ask you for approvals: answer them in `codextui`, or let the "
        'agent call codex with "approval-policy": "never".'
    ),
    (
        "The SDK's codex_tool starts Codex by itself: with CODEX_PATH set to what `codextui "
        "shim-path` prints, its threads are here as well."
    ),
)
_REFUSAL = "the Agents SDK has no configuration file: copy the snippet into your script"


def stdio_recipe(launch: Launch, name: str) -> Recipe:
    """Return the recipe for a script with the Agents SDK."""
    params: dict[str, object] = {"command": launch.command, "args": list(launch.args)}
    if launch.env:
        params["env"] = dict(launch.env)
    snippet = _SNIPPET.format(name=json.dumps(name), params=_indented(params), limit=CALL_TIMEOUT_S)
    return Recipe("In a script", snippet, _NOTES, refusal=_REFUSAL)


def http_recipe(endpoint: HttpEndpoint, name: str) -> Recipe:
    """Return the recipe for a script that reaches the server by HTTP."""
    snippet = _HTTP_SNIPPET.format(
        name=json.dumps(name),
        url=json.dumps(endpoint.url),
        token=json.dumps(endpoint.token_words, ensure_ascii=False),
        limit=CALL_TIMEOUT_S,
    )
    return Recipe("In a script", snippet, (*_NOTES, endpoint.keep_running_note), refusal=_REFUSAL)


def _indented(params: dict[str, object]) -> str:
    return json.dumps(params, indent=4, ensure_ascii=False).replace("\n", "\n        ")
