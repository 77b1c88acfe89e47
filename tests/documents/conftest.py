"""Machines of newcomers and of maintainers, on which nothing is but a clone of this checkout."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from documents.blocks import ROOT, read_blocks
from documents.installed import copied_clone, installed_clone


def install_line(end: str) -> str:
    """Return what the README's block installs before it runs something."""
    for block in read_blocks(ROOT / "README.md"):
        if found := re.match(
            rf"(?P<install>python3 -m venv .*pip install .*) && {end}", block.name
        ):
            return found["install"]
    raise AssertionError(f"no block of the README installs codextui before {end}")


@pytest.fixture(scope="session")
def newcomer_clone() -> Path:
    """A clone in which the README's first line was run as far as it installs."""
    return installed_clone("newcomer", install_line("codextui demo"))


@pytest.fixture(scope="session")
def contributor_clone() -> Path:
    """A clone with the environment of these tests, which the README's words have made."""
    return copied_clone("contributor", Path(sys.prefix))
