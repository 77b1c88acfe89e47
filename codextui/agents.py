"""For people with a script of their own on the OpenAI Agents SDK.

from codextui.agents import CodexServer

async with CodexServer() as codex:
    agent = Agent(name="Developer", instructions="…", mcp_servers=[codex])
    await Runner.run(agent, "…", hooks=codex.hooks("my team"))
"""

from __future__ import annotations

from codextui.teams.codex.server import CodexServer
from codextui.teams.publish.script import PublishingHooks

__all__ = ["CodexServer", "PublishingHooks"]
