"""Compares `codextui mcp-server` with recordings of `codex mcp-server` 0.153.4.

With `--private` every frame is compared, with a shared server the answers and elicitations.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from warm import Warm, start_warm

LEGACY = Path(__file__).parent / "legacy"
sys.path.insert(0, str(LEGACY))

from compare import differences  # noqa: E402 - the modules beside the recordings
from exempt import (  # noqa: E402
    DECISIONS,
    FAULTS,
    NEWEST,
    OF_KILLED_COMMANDS,
    OF_ONE_CLIENT,
    OF_OURS,
    OF_THE_SERVER,
    STOPPED,
    VERSIONS,
    unexplained,
    unseen,
)
from links import Link, ProcessLink, ServerCommand  # noqa: E402
from peer import event_type  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from stage import play  # noqa: E402

from codextui.codex.binary import find_codex  # noqa: E402
from codextui.demo import codex_environment  # noqa: E402

pytestmark = pytest.mark.contract

START_S = 30
ANSWERED = [name for name, scenario in SCENARIOS.items() if not scenario.waits_for_events]
MAY_DIFFER = (*VERSIONS, *DECISIONS, *FAULTS, *OF_THE_SERVER)
ALONE = (*OF_THE_SERVER, *STOPPED, *OF_ONE_CLIENT)


def environment(home: Path) -> dict[str, str]:
    """Return an environment with folders of its own for what a server writes."""
    env = dict(codex_environment(home))
    for name in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME"):
        folder = home.parent / name.lower()
        folder.mkdir(mode=0o700)
        env[f"XDG_{name}"] = str(folder)
    return env


class OurLink(ProcessLink):
    """A link to `codextui`, with these arguments."""

    async def spawn(self, command: ServerCommand) -> Warm:
        return await start_warm(*command.argv, env=command.env, stderr=subprocess.DEVNULL)


class SharedLink(OurLink):
    """A link by `codextui mcp-server` to a shared server, which ends with it."""

    def __init__(self, home: Path) -> None:
        self._env = environment(home)
        super().__init__(ServerCommand(["mcp-server"], self._env))

    async def spawn(self, command: ServerCommand) -> Warm:
        arguments = ["serve", "--until-stdin-ends"]
        self._server = await super().spawn(ServerCommand(arguments, self._env))
        socket = Path(self._env["XDG_RUNTIME_DIR"]) / "codextui" / "default.sock"
        async with asyncio.timeout(START_S):
            while not await listens(socket):  # noqa: ASYNC110 - nobody sets an event for it
                await asyncio.sleep(0.01)
        return await super().spawn(command)

    async def stop(self) -> None:
        await super().stop()
        self._server.stdin.close()
        async with asyncio.timeout(START_S):
            await self._server.wait()


async def listens(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    writer.close()
    return True


def private_server(home: Path) -> Link:
    """`codextui mcp-server --private`."""
    return OurLink(ServerCommand(["mcp-server", "--private"], environment(home)))


def answers_only(recording: dict[str, Any]) -> dict[str, Any]:
    frames = [
        frame
        for frame in recording["frames"]
        if not event_type(frame) and frame.get("method") != "notifications/progress"
    ]
    return {**recording, "frames": frames}


def genuine(name: str) -> dict[str, Any]:
    recording: dict[str, Any] = json.loads((LEGACY / "fixtures" / f"{name}.json").read_text())
    return recording


@pytest.mark.parametrize("name", ANSWERED)
async def test_our_server_answers_as_the_genuine_one_did(
    name: str, codex_binary: Path, scratch: Path
) -> None:
    scenario = SCENARIOS[name]
    ours = answers_only(await play(scenario, SharedLink, scratch))
    found = differences(answers_only(genuine(name)), ours)
    assert not unexplained(name, found, MAY_DIFFER)
    assert not unseen(name, found, OF_THE_SERVER)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_our_private_server_sends_every_frame_of_the_genuine_one(
    name: str, codex_binary: Path, scratch: Path
) -> None:
    ours = await play(SCENARIOS[name], private_server, scratch)
    found = differences(genuine(name), ours)
    newest = NEWEST if find_codex(codex_binary).version >= (0, 164) else ()
    killed = OF_KILLED_COMMANDS if name == "cancelled-while-a-command-runs" else ()
    assert not unexplained(name, found, (*VERSIONS, *OF_OURS, *newest, *ALONE, *killed))
    assert not unseen(name, found, ALONE)
