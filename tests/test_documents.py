"""What the documents say of the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATH = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|md|toml|tcss))`")


def test_every_file_that_the_guide_names_exists() -> None:
    named = PATH.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert named
    missing = {
        path
        for path in named
        if not any((folder / path).exists() for folder in (ROOT, ROOT / "codextui"))
    }
    assert not missing


def test_every_picture_of_the_readme_exists() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(<?([^)>]+)>?\)", (ROOT / "README.md").read_text())
    assert pictures
    assert not [picture for picture in pictures if not (ROOT / picture).exists()]
