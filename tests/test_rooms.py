from __future__ import annotations

from importlinter.cli import lint_imports


def test_the_arrows_between_the_rooms_go_one_way() -> None:
    assert lint_imports(no_cache=True) == 0
