"""Compares the translation in `codextui.codex.legacy` with recordings of `codex mcp-server`.

The recordings are of 0.153.4, made by tests/contract/legacy/record.py. Every difference must
have a row with its reason in tests/contract/legacy/exempt.py, and every row must be found.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

LEGACY = Path(__file__).parent / "legacy"
sys.path.insert(0, str(LEGACY))

from compare import LATE, differences  # noqa: E402 - the modules beside the recordings
from exempt import NEWEST, OF_OURS, VERSIONS, Exempt, unexplained, unseen  # noqa: E402
from peer import event_type  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from stage import play  # noqa: E402
from stand_in import StandIn  # noqa: E402

from codextui.codex.binary import CodexBinary, find_codex  # noqa: E402

pytestmark = pytest.mark.contract

OF_THE_SERVER = {"handshake", "unknown-threads", "bad-arguments"}
"""Scenarios without any notification of Codex."""

TRANSLATED = [name for name in SCENARIOS if name not in OF_THE_SERVER]


@pytest.fixture
def codex(codex_binary: Path) -> CodexBinary:
    return find_codex(codex_binary)


async def recorded_here(name: str, codex: CodexBinary, scratch: Path) -> dict[str, Any]:
    """Play a scenario with the stand-in server, without the handshake."""
    recording = await play(SCENARIOS[name], lambda home: StandIn(codex, home), scratch)
    return without_handshake(recording)


def genuine(name: str) -> dict[str, Any]:
    recording: dict[str, Any] = json.loads((LEGACY / "fixtures" / f"{name}.json").read_text())
    return recording


def without_handshake(recording: dict[str, Any]) -> dict[str, Any]:
    frames = [one for one in recording["frames"] if "method" in one or one["id"] != 1]
    return {**recording, "frames": frames}


def rows_for(codex: CodexBinary) -> tuple[Exempt, ...]:
    """Return the differences that are intended with this Codex."""
    if codex.version < (0, 154):
        return OF_OURS
    return (*OF_OURS, *VERSIONS, *(NEWEST if codex.version >= (0, 164) else ()))


def test_every_scenario_has_a_recording_and_every_recording_a_scenario() -> None:
    recorded = {path.stem for path in (LEGACY / "fixtures").glob("*.json")}
    assert recorded == set(SCENARIOS)


@pytest.mark.parametrize("name", TRANSLATED)
async def test_events_are_those_of_the_genuine_server(
    name: str, codex: CodexBinary, scratch: Path
) -> None:
    ours = await recorded_here(name, codex, scratch)
    found = differences(without_handshake(genuine(name)), ours)
    rows = rows_for(codex)
    assert not unexplained(name, found, rows)
    assert not unseen(name, found, rows)


async def test_both_calls_on_a_running_thread_are_answered(
    codex: CodexBinary, scratch: Path
) -> None:
    ours = await recorded_here("second-reply-to-a-running-thread", codex, scratch)
    answers = {one["id"]: one["result"] for one in ours["frames"] if "method" not in one}
    assert set(answers) == {2, 3}
    assert answers[3]["structuredContent"]["content"] == "That too."


async def test_a_plain_cancel_ends_the_turn(codex: CodexBinary, scratch: Path) -> None:
    ours = await recorded_here("command-cancelled-plainly", codex, scratch)
    kinds = [event_type(frame) for frame in ours["frames"]]
    assert "turn_aborted" in kinds
    assert "exec_command_begin" not in kinds


async def test_output_comes_in_pieces_while_the_command_runs(
    codex: CodexBinary, scratch: Path
) -> None:
    ours = await recorded_here("streamed-output", codex, scratch)
    for recording in (ours, genuine("streamed-output")):
        kinds = [event_type(frame) for frame in recording["frames"]]
        piece = recording["frames"][kinds.index("exec_command_output_delta")]["params"]["msg"]
        assert set(piece) == {"type", "call_id", "stream", "chunk"}
        assert base64.b64decode(piece["chunk"]).decode() in "1\n2\n3\n"
        begin, end = kinds.index("exec_command_begin"), kinds.index("exec_command_end")
        assert begin < kinds.index("exec_command_output_delta") < end
        ended = recording["frames"][end]["params"]["msg"]
        assert {ended[member] for member in LATE} == {"1\n2\n3\n"}
