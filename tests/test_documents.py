"""What the documents say of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTALLS = re.compile(
    r"\b(?:pip3?|pipx|uv|uv pip|uv tool)\s+(?:install|add|run|tool run)\b(?P<what>[^\n`;&|]*)"
    r"|\buvx\b(?P<tool>[^\n`;&|]*)"
)
OF_AN_INDEX = re.compile(r"codextui(?:\[[^]]*\])?(?:[=<>~!@].*)?")
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


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_the_documents_leads_somewhere() -> None:
    broken = []
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"(?<!!)\[[^]]*\]\(([^)<>\s]+)\)", document.read_text()):
            path, _, anchor = link.partition("#")
            target = (document.parent / path) if path else document
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{document.name}: {link}")
    assert not broken


def test_every_picture_of_a_guide_exists() -> None:
    pictures = [
        (document, picture)
        for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for picture in re.findall(r"!\[[^]]*\]\(<?([^)>]+)>?\)", document.read_text())
    ]
    assert pictures
    assert not [
        picture for document, picture in pictures if not (document.parent / picture).exists()
    ]


def taken_from_an_index(text: str) -> list[str]:
    """The commands in a text that would ask a package index for codextui."""
    found = []
    for command in INSTALLS.finditer(text):
        words = (command["what"] or command["tool"] or "").split()
        if any(OF_AN_INDEX.fullmatch(word.strip("'\"")) for word in words):
            found.append(command[0])
    return found


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("pip install 'codextui[codex]'", True),
        ("python -m pip install --user codextui", True),
        ("pipx install codextui==0.1", True),
        ("pipx run codextui demo", True),
        ("uv tool install codextui", True),
        ("uv add codextui", True),
        ("uvx codextui", True),
        ("pip install '.[codex]' && codextui demo", False),
        ("pipx inject codextui openai-codex-cli-bin", False),
        ("uv tool install /src/codextui", False),
        ("pip install -e '.[dev]'", False),
    ],
)
def test_an_advice_that_asks_an_index_is_found(line: str, is_refused: bool) -> None:
    assert bool(taken_from_an_index(line)) == is_refused


def test_nothing_advises_to_take_codextui_from_an_index() -> None:
    """It is on none: whoever takes the name there would be installed in its place."""
    folders = [ROOT / "codextui", ROOT / "docs", ROOT / "tests" / "examples"]
    files = [*ROOT.iterdir(), *(file for folder in folders for file in folder.rglob("*"))]
    texts = {file: file.read_text() for file in files if file.suffix in {".py", ".md", ".toml"}}
    found = {
        str(file): commands
        for file, text in texts.items()
        if (commands := taken_from_an_index(text))
    }
    assert not found
