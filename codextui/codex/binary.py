"""Find the Codex binary to run, and its version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Origin: TypeAlias = Literal["config", "package", "PATH"]
"""Where a binary was found: named by the configuration, the `codextui[codex]` extra, `PATH`."""

Version: TypeAlias = tuple[int, int, int]
"""Major, minor, patch."""


@dataclass(frozen=True, slots=True)
class CodexBinary:
    """A Codex binary that can be run.

    Attributes:
        path: the native binary, absolute; never npm's node wrapper where that can be seen through.
        version: what `--version` says.
        origin: where it was found.
    """

    path: Path
    version: Version
    origin: Origin

    @property
    def version_text(self) -> str:
        """The version as people write it: `0.163.0`."""
        return ".".join(str(part) for part in self.version)


def find_codex(configured: Path | None = None) -> CodexBinary:
    """Return the binary to run: the configured one, otherwise the newest of package and `PATH`.

    It runs each candidate with `--version` (bounded by 10 s), so call it off the event loop.
    Raises CodexMissing, which says where it looked and what to type.
    """
    raise NotImplementedError
