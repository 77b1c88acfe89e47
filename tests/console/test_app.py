"""What the console imports: before its first frame, and once it is connected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEAVY = (
    "mcp",
    "mcp_types",
    "agents",
    "openai",
    "anyio",
    "httpx",
    "pydantic",
    "pydantic_core",
)
LATER = (
    "_hashlib",
    "markdown_it",
    "pygments.lexers",
    "codextui.client.connection",
    "codextui.client.spawn",
    "codextui.console.binding_places",
    "codextui.console.model.inbox",
    "codextui.console.render.markdown",
    "codextui.console.screens.approval",
    "codextui.console.screens.diff",
    "codextui.console.screens.inspector",
    "codextui.console.widgets.pane_tile",
    "codextui.protocol.approval_text",
    "codextui.text.shell",
)
"""What the first frame does not need."""


def imported_by(statement: str, **env: str) -> set[str]:
    """Return the modules and packages that a fresh interpreter loads for `statement`."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, **env},
    )
    modules = done.stdout.split()
    return {*modules, *(module.partition(".")[0] for module in modules)}


def test_the_console_is_imported_without_the_protocol() -> None:
    assert imported_by("import codextui.console.app").isdisjoint(HEAVY)


def test_the_first_frame_is_drawn_without_what_it_does_not_need() -> None:
    statement = """
import asyncio
from codextui.console.app import ConsoleApp

class Connection:
    async def run(self):
        await asyncio.Event().wait()

class FirstFrame(ConsoleApp):
    def _start(self):
        '''Leave out what comes after the first frame.'''

async def main():
    async with FirstFrame("default", lambda on_update: Connection()).run_test():
        pass

asyncio.run(main())
"""
    loaded = imported_by(statement)
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint(LATER)


def test_a_console_that_is_connected_has_not_imported_mcp(tmp_path: Path) -> None:
    statement = """
import asyncio
from client.fake_server import FakeServer
from codextui.client.updates import CaughtUp
from codextui.config import paths
from codextui.console.app import ConsoleApp
from codextui.console.connection import ConsoleConnection

async def main():
    caught_up = asyncio.Event()
    asked = asyncio.Event()

    def connect(on_update):
        def handle(update):
            on_update(update)
            if isinstance(update, CaughtUp):
                caught_up.set()
        return ConsoleConnection("default", None, handle)

    def report(_):
        asked.set()
        return {"codex": {"pid": 1}}

    async with FakeServer(paths.socket_path("default")) as server:
        server.tools["codex-server"] = report
        async with ConsoleApp("default", connect).run_test():
            await asyncio.wait_for(caught_up.wait(), 30)
            await asyncio.wait_for(asked.wait(), 30)

asyncio.run(main())
"""
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])}
    loaded = imported_by(statement, **runtime)
    assert "codextui.client.connection" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_a_console_in_a_deleted_folder_starts_threads_in_the_home_folder(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    code = "from codextui.console.run import _current_folder; print(_current_folder())"
    done = subprocess.run(
        ["sh", "-c", f'cd {folder} && rmdir {folder} && exec "$0" -c "$1"', sys.executable, code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout.strip() == str(tmp_path)
