"""The watch over the Codex process, without a Codex."""

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


async def test_an_error_that_nobody_expects_is_told_and_does_not_end_the_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors = iter([RuntimeError("what is this?"), CodexMissing("install it")])

    def fail(_: Path | None) -> CodexBinary:
        raise next(errors)

    monkeypatch.setattr(worker, "find_codex", fail)
    watch = CodexWorker(CodexSettings())
    running = asyncio.create_task(watch.run(Mock()))
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(CodexDied, match="what is this"):
            await watch.app()
        assert "what is this" in watch.problem
        with pytest.raises(CodexMissing):
            await watch.app()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
