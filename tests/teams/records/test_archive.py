"""Recorded runs whose files were damaged."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codextui.config.prices import Prices
from codextui.errors import ConfigInvalid
from codextui.teams.records.archive import read_run
from codextui.teams.records.store import RunStore


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("run", {"team": 7}),
        ("prices", {"currency": 7}),
        ("prices", {"currency": "USD", "models": {"m": 7}}),
        ("spent", {"turns": "many"}),
        ("spent", {"ledger": {"entries": [{"usage": {"total": "many"}}]}}),
        ("end", {"at": "yesterday"}),
        ("end", []),
    ],
)
def test_a_damaged_file_of_a_run_is_named(tmp_path: Path, part: str, content: object) -> None:
    store = RunStore.create("t", tmp_path)
    store.write("run", {"team": "t"})
    read_run(store, Prices())
    path = store.folder / f"{part}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigInvalid, match=re.escape(str(path))):
        read_run(store, Prices())
