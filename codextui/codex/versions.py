"""The versions of Codex that codextui works with, and what each of them lacks.

Every version from `OLDEST` to `NEWEST` is supported; the ones in `TESTED` run in the tests. An
older one is refused. A newer one is used: Codex's protocol grows by members and kinds, which are
shown as they are where they are unknown.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from codextui.errors import CodexMissing

Version: TypeAlias = tuple[int, int, int]
"""Major, minor, patch."""

OLDEST: Version = (0, 153, 4)
"""The oldest version that works; older ones are refused."""

NEWEST: Version = (0, 171, 0)
"""The newest version that the tests ran with."""

TESTED: tuple[Version, ...] = (OLDEST, (0, 163, 0), NEWEST)
"""The versions that the tests run with."""


class Support(StrEnum):
    """Whether codextui works with a version of Codex."""

    OLDER = "older"
    """Older than every supported version: it is refused."""
    SUPPORTED = "supported"
    """Between the oldest and the newest version that are tested."""
    NEWER = "newer"
    """Newer than every tested version: it is used, with a notice."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What codextui has only with a newer Codex.

    Attributes:
        since: the first tested version that has it.
        text: what it is, for people.
    """

    since: Version
    text: str


FEATURES = (
    Feature((0, 163, 0), "which program started a thread of the history (older ones guess)"),
    Feature((0, 163, 0), "Codex's own programs share its daemon without being told to"),
    Feature((0, 171, 0), "`codex exec --remote`: its turns on a shared app-server"),
    Feature((0, 171, 0), "approvals that a managed policy reserves for a person"),
    Feature((0, 171, 0), "threads that are attached to another thread"),
)
"""What not every supported version has. The rest works with all of them."""


def parse_version(text: str) -> Version | None:
    """Return the first version in a text such as `codex-cli 0.163.0`, None where there is none."""
    match = _VERSION.search(text)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


def format_version(version: Version) -> str:
    """Return a version as text, such as `0.163.0`."""
    return ".".join(str(part) for part in version)


def supported_range() -> str:
    """Return the supported versions, for people."""
    return f"{format_version(OLDEST)} to {format_version(NEWEST)}"


def support_of(version: Version) -> Support:
    """Return whether codextui works with a version."""
    if version < OLDEST:
        return Support.OLDER
    return Support.SUPPORTED if version <= NEWEST else Support.NEWER


def missing_features(version: Version) -> tuple[Feature, ...]:
    """Return what a version lacks that a newer one has."""
    return tuple(feature for feature in FEATURES if version < feature.since)


def require_supported(version: Version, what: str) -> None:
    """Refuse a version that is too old.

    Args:
        version: the version.
        what: what has it, such as the path of a binary, for the message.

    Raises:
        CodexMissing: it is older than `OLDEST`.
    """
    if support_of(version) is Support.OLDER:
        raise CodexMissing(
            f"{what} is Codex {format_version(version)}, which is too old: codextui needs "
            f"{format_version(OLDEST)} or newer"
        )


def newer_notice(version: str, noticed: Path) -> str:
    """Return the notice about a Codex that is newer than the tested ones.

    It is empty for all other versions, and where the notice about this one was returned before.
    Reads and writes a file, so it blocks.

    Args:
        version: as Codex reports it.
        noticed: the file that has the last version that people were notified of.
    """
    parsed = parse_version(version)
    if parsed is None or support_of(parsed) is not Support.NEWER:
        return ""
    text = format_version(parsed)
    # A file that cannot be read or written costs a second notice, and nothing else.
    with suppress(OSError, UnicodeDecodeError):
        if noticed.read_text(encoding="utf-8").strip() == text:
            return ""
    with suppress(OSError):
        noticed.write_text(f"{text}\n", encoding="utf-8")
    return (
        f"Codex {text} is newer than {format_version(NEWEST)}, the newest that this codextui was "
        "tested with. It is used; what is unknown in it is shown as it comes."
    )


_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")
