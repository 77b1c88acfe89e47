from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

import pytest
from contract.serving import PATIENCE_S

from codextui.codex.binary import CodexBinary
from codextui.errors import CodexDied, CodexMissing
from codextui.server import worker
from codextui.server.worker import CodexSettings, CodexWorker


async def test_an_unexpected_error_is_reported_and_codex_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors = iter([RuntimeError("what is this?"), CodexMissing("install it")])

    def fail(_: Path | None) -> CodexBinary:
        raise next(errors)

    monkeypatch.setattr(worker, "find_codex", fail)
    codex = CodexWorker(CodexSettings())
    running = asyncio.create_task(codex.run(Mock()))
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(CodexDied, match="what is this"):
            await codex.app()
        assert "what is this" in codex.problem
        with pytest.raises(CodexMissing):
            await codex.app()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
