"""What was found on this machine, for somebody who starts the console for the first time."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What a finding means; the value is its glyph."""

    GOOD = "✓"
    BAD = "✗"
    NOTE = "·"


class Finding(msgspec.Struct, frozen=True):
    """Something that was looked for.

    Attributes:
        verdict: what it means.
        title: what was looked for.
        text: what was found. Never a key or a token.
        advice: what to do about it; empty for nothing.
    """

    verdict: Verdict
    title: str
    text: str
    advice: str = ""
