"""Records the scenarios with a genuine `codex mcp-server`, the last of which is 0.153.4's.

It shares an environment with no other version, so get it into a folder of its own:

    pip install --no-deps --target FOLDER openai-codex-cli-bin==0.153.4
    python tests/contract/legacy/record.py FOLDER/codex_cli_bin/bin/codex [SCENARIO ...]

A recording is every frame that came to the client, normalised. Where the server never answered
a call, that is recorded too: it is found out by a whole turn on another thread.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from links import Link, ProcessLink, ServerCommand
from scenarios import SCENARIOS
from stage import Scenario, play

from codextui.demo import codex_environment, scratch_codex_home

FIXTURES = Path(__file__).parent / "fixtures"


async def record(scenario: Scenario, codex: str) -> dict[str, Any]:
    """Plays a scenario with a genuine server."""

    def open_link(home: Path) -> Link:
        return ProcessLink(ServerCommand([codex, "mcp-server"], codex_environment(home)))

    scratch = scratch_codex_home()
    try:
        return await play(scenario, open_link, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def main() -> None:
    codex, *names = sys.argv[1:]
    FIXTURES.mkdir(exist_ok=True)
    for name in names or SCENARIOS:
        recording = asyncio.run(record(SCENARIOS[name], codex))
        text = json.dumps(recording, indent=1, ensure_ascii=False)
        (FIXTURES / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(recording['frames'])} frames, unanswered {recording['unanswered']}")


if __name__ == "__main__":
    main()
