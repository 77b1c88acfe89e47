"""What a client has seen of the server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HANDSHAKE = "handshake"
MODERN = "2026-07-28"
LONGEST_S = 60


@dataclass(frozen=True)
class Seen:
    """What a visit came to.

    Attributes:
        version: the protocol's version that was agreed on; None where the client does not tell.
        tools: the names of the tools it was shown.
        plain, allowed, reply: the structured content of the three calls' results.
        asked: what it was itself asked.
    """

    tools: list[str]
    plain: dict[str, str]
    allowed: dict[str, str]
    reply: dict[str, str]
    version: str | None = None
    asked: list[str] = field(default_factory=list)


async def output_of(*command: str | Path, cwd: Path) -> Any:
    """The JSON that a program of somebody else's prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{out.decode()}{err.decode()}"
    # No SDK complains of a notification that it does not know.
    assert "codex/event" not in err.decode()
    return json.loads(out)
