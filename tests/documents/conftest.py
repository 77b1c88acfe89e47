"""Machines of newcomers and of maintainers, on which nothing is but a clone of this checkout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents.blocks import ROOT, read_blocks
from documents.installed import installed_clone


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
    """A clone in which the README's line for the tests was run as far as it installs."""
    return installed_clone("contributor", install_line(r"\.venv/bin/pytest"))
