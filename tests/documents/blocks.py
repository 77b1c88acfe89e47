"""What the documents tell people to type: fenced blocks, and command lines between backticks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

RUN_LANGUAGES = ("sh", "python", "toml", "json", "ini")
"""The languages of blocks that are tested; a block of another one, or of none, is a mistake."""

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_INDENTED = re.compile(r"(?:^|\n)\n((?: {4}.*\n)+)")
_LISTED = re.compile(r"^ {0,3}(?:[*-]|\d+\.) ", re.MULTILINE)
_COMMENT = re.compile(r"\s+# .*$")
_INLINE = re.compile(r"`([^`]+)`")
_HEREDOC = re.compile(r"<<-?\s*'?(\w+)'?")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        document: the file's path from the root of the repository.
        line: the number of its first line.
        language: as the fence says.
        text: what is between the fences, without the fence's own indent.
    """

    document: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Its first line that is no comment, by which the table of trials knows it."""
        lines = (line.strip() for line in self.text.splitlines())
        return next((without_comment(line) for line in lines if line[:1] not in {"", "#"}), "")

    @property
    def commands(self) -> list[str]:
        """The commands of a block of shell, each as it is typed."""
        found: list[str] = []
        pending = ""
        until = ""
        for line in self.text.splitlines():
            pending = f"{pending}\n{line}" if pending else line
            if until:
                until = "" if line.strip() == until else until
            elif heredoc := _HEREDOC.search(line):
                until = heredoc[1]
            if until or line.endswith("\\"):
                continue
            if pending.strip() and not pending.lstrip().startswith("#"):
                found.append(pending.strip())
            pending = ""
        return found


def without_comment(line: str) -> str:
    """A line without the comment that explains it."""
    return _COMMENT.sub("", line)


def documents() -> list[Path]:
    """The guides of the repository."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read_blocks(path: Path) -> list[Block]:
    """The fenced blocks of a document."""
    text = path.read_text(encoding="utf-8")
    name = str(path.relative_to(ROOT))
    blocks = []
    for fence in _FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 2
        indent = len(fence["indent"])
        body = "".join(line[indent:] for line in fence["text"].splitlines(keepends=True))
        blocks.append(Block(name, line, fence["language"], body))
    return blocks


def indented_blocks(path: Path) -> list[str]:
    """Blocks that are set in without a fence, which no test would find."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return [
        block[1]
        for block in _INDENTED.finditer(text)
        if not _LISTED.search(text[: block.start() + 1].rsplit("\n\n", 1)[-1])
    ]


def inline_codes(path: Path) -> list[str]:
    """What stands between backticks in the running text, or in the comments of a configuration."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    if path.suffix == ".toml":
        text = text.replace("\n#", "\n")
    return [" ".join(code[1].split()) for code in _INLINE.finditer(text)]
