"""Whether the server can work at all, asked of it as soon as it knows that itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codextui import operations
from codextui.errors import CodextuiError

STARTING_PAUSE = 0.5
"""Seconds between two looks at whether Codex is up."""


async def check_codex(server: operations.ServerCalls, say_problem: Callable[[str], None]) -> None:
    """Ask until Codex is up or cannot be; `say_problem` hears what is wrong, empty for nothing."""
    is_starting = True
    while is_starting:
        try:
            report = await operations.server_report(server)
        except CodextuiError:
            return  # The connection is gone again, and says so itself.
        problem = str(report.get("problem") or "")
        say_problem(problem)
        if problem:
            return
        codex = report.get("codex")
        is_starting = isinstance(codex, dict) and not codex.get("pid")
        await asyncio.sleep(STARTING_PAUSE if is_starting else 0)
