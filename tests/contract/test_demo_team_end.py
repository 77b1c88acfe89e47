"""The end of the team's demo, however it comes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest

pytestmark = [pytest.mark.contract, pytest.mark.slow]

WAIT_S = 120


async def test_the_run_of_an_interrupted_demo_ends_with_run_ended() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codextui", "demo", "--team", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        while line := await process.stdout.readline():
            if b'"tool_called"' in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    *_, ended, last = [json.loads(line) for line in out.splitlines()]
    assert (ended["kind"], ended["outcome"], ended["exit"]) == ("run_ended", "interrupted", 130)
    assert last["kind"] == "failed"
    assert "resume" not in ended
    assert process.returncode == 130
    assert b"Traceback" not in err
