"""Holds what `codextui mcp-server` answers to recordings of `codex mcp-server` 0.153.4.

Compared are answers and elicitations; test_differential.py compares the events.
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
    OF_THE_SERVER,
    VERSIONS,
    unexplained,
    unseen,
)
from links import Link, ProcessLink, ServerCommand  # noqa: E402
from peer import event_type  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from stage import play  # noqa: E402

from codextui.demo import codex_environment  # noqa: E402

pytestmark = pytest.mark.contract

OLD_FIELDS = "the elicitation's old members are not yet those of codextui.codex.legacy_ask"
ERROR_REPLY = "an error for an answer does not decline yet"
ASKED = [name for name in SCENARIOS if name.startswith(("command-", "two-commands-"))]
AWAITED = {
    **dict.fromkeys([*ASKED, "patch-approved", "patch-denied"], OLD_FIELDS),
    "command-refused-by-an-error": ERROR_REPLY,
}
del AWAITED["command-cancelled-plainly"]


def as_awaited(name: str) -> Any:
    marks = [pytest.mark.xfail(reason=AWAITED[name], strict=True)] if name in AWAITED else []
    return pytest.param(name, marks=marks)


ANSWERED = [as_awaited(name) for name, scenario in SCENARIOS.items() if not scenario.hears]
MAY_DIFFER = (*VERSIONS, *DECISIONS, *FAULTS, *OF_THE_SERVER)


def our_server(home: Path) -> Link:
    """`codextui mcp-server` with a shared server of its own, which ends with it."""
    env = codex_environment(home)
    for name in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME"):
        folder = home.parent / name.lower()
        folder.mkdir(mode=0o700)
        env[f"XDG_{name}"] = str(folder)
    ours = [sys.executable, "-m", "codextui"]
    return ProcessLink(ServerCommand([*ours, "mcp-server"], env, after=[*ours, "kill-server"]))


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
