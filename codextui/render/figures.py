"""Durations and token counts in a few characters."""

from __future__ import annotations


def format_elapsed(seconds: float) -> str:
    """`0.4s`, `12s`, `3m 05s`, `2h 14m`, `3d 4h`; never negative."""
    raise NotImplementedError


def format_tokens(count: int) -> str:
    """`950`, `12.3k`, `1.2M`."""
    raise NotImplementedError


def format_count(count: int) -> str:
    """With thousands separated: `1,234`."""
    raise NotImplementedError
