"""What the console imports before its first frame, and how it opens its way to the server."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("mcp", "agents", "openai", "anyio", "httpx", "pydantic")


def imported_by(statement: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(' '.join({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_console_is_imported_without_the_protocol() -> None:
    assert imported_by("import codextui.console.app").isdisjoint(HEAVY)


def test_the_first_frame_is_drawn_without_the_protocol() -> None:
    statement = """
import asyncio
from codextui.console.app import ConsoleApp

class Link:
    async def run(self):
        await asyncio.Event().wait()

async def main():
    app = ConsoleApp("default", lambda on_fact: Link())
    async with app.run_test():
        pass

asyncio.run(main())
"""
    assert imported_by(statement).isdisjoint(HEAVY)
