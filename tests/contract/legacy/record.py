"""Records the scenarios with the genuine `codex mcp-server`, last released in Codex 0.153.4.

That version cannot share an environment with another one, so install it into its own folder:

    pip install --no-deps --target FOLDER openai-codex-cli-bin==0.153.4
    python tests/contract/legacy/record.py FOLDER/codex_cli_bin/bin/codex [SCENARIO ...]

A recording has every frame that came to the client, normalised, and the calls that the server never
answered, which a turn on another thread finds out.
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
    """Play a scenario with the genuine server."""

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
