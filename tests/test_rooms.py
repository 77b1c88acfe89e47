from __future__ import annotations

import logging.config

import pytest
from importlinter.cli import lint_imports


def test_the_arrows_between_the_rooms_go_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    # It would set logging up anew, and so silence every logger for the tests that follow.
    monkeypatch.setattr(logging.config, "dictConfig", lambda _: None)
    assert lint_imports(no_cache=True) == 0
