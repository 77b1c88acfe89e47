"""Holds `codextui mcp-server` to recordings of `codex mcp-server` 0.153.4.

With `--private` it is compared as a whole; with a shared server the answers and elicitations are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

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

ANSWERED = [name for name, scenario in SCENARIOS.items() if not scenario.hears]
MAY_DIFFER = (*VERSIONS, *DECISIONS, *FAULTS, *OF_THE_SERVER)
ALONE = (*OF_THE_SERVER, *STOPPED, *OF_ONE_CLIENT)


def environment(home: Path) -> dict[str, str]:
    """One with folders of its own for what a server makes."""
    env = dict(codex_environment(home))
    for name in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME"):
        folder = home.parent / name.lower()
        folder.mkdir(mode=0o700)
        env[f"XDG_{name}"] = str(folder)
    return env


def our_server(home: Path) -> Link:
    """`codextui mcp-server` with a shared server of its own, which ends with it."""
    ours = [sys.executable, "-m", "codextui"]
    after = [*ours, "kill-server"]
    return ProcessLink(ServerCommand([*ours, "mcp-server"], environment(home), after=after))


def private_server(home: Path) -> Link:
    """`codextui mcp-server --private`."""
    ours = [sys.executable, "-m", "codextui", "mcp-server", "--private"]
    return ProcessLink(ServerCommand(ours, environment(home)))


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
    ours = answers_only(await play(scenario, our_server, scratch))
    found = differences(answers_only(genuine(name)), ours)
    assert not unexplained(name, found, MAY_DIFFER)
    assert not unseen(name, found, OF_THE_SERVER)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_our_private_server_does_all_as_the_genuine_one_did(
    name: str, codex_binary: Path, scratch: Path
) -> None:
    ours = await play(SCENARIOS[name], private_server, scratch)
    found = differences(genuine(name), ours)
    newest = NEWEST if find_codex(codex_binary).version >= (0, 164) else ()
    killed = OF_KILLED_COMMANDS if name == "cancelled-while-a-command-runs" else ()
    assert not unexplained(name, found, (*VERSIONS, *OF_OURS, *newest, *ALONE, *killed))
    assert not unseen(name, found, ALONE)
