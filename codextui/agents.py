"""For people with a script of their own on the OpenAI Agents SDK.

from codextui.agents import CodexServer

async with CodexServer() as codex:
    agent = Agent(name="Developer", instructions="…", mcp_servers=[codex])
"""

from __future__ import annotations

from codextui.teams.codex_server import CodexServer

__all__ = ["CodexServer"]
