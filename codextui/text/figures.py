"""Formats durations and counts in a few characters."""

from __future__ import annotations


def format_elapsed(seconds: float) -> str:
    """Return a duration as `0.4s`, `12s`, `3m 05s`, `2h 14m` or `3d 4h`."""
    seconds = _finite(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, whole = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {whole:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes:02}m"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h"


def format_running(seconds: float) -> str:
    """Return a duration as `format_elapsed` does, but without fractions, for running clocks."""
    seconds = _finite(seconds)
    return format_elapsed(seconds) if seconds >= 60 else f"{int(seconds)}s"


def format_age(seconds: float) -> str:
    """Return a duration in its largest unit only: `12s`, `3m`, `2h` or `4d`."""
    seconds = _finite(seconds)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def format_tokens(count: int) -> str:
    """Return a count of tokens as `950`, `12.3k`, `123k` or `1.2M`."""
    if count < 1_000:
        return str(max(0, count))
    for size, unit in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        value = count / size
        if value < 99.95:
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{value:.0f}{unit}"
    return f"{count / 1e9:.0f}G"


def parse_tokens(text: str) -> int:
    """Return the count that a text gives as `200000`, `200_000`, `200k` or `1.5M`.

    Raises:
        ValueError: it is no such count.
    """
    units = {"k": 1_000, "m": 1_000_000}
    factor = units.get(text[-1:].lower(), 1)
    count = float(text[:-1]) * factor if factor > 1 else int(text)
    if not 0 <= count < 1e12:
        raise ValueError(text)
    return round(count)


def format_count(count: int) -> str:
    """Return a count with thousands separators: `1,234`."""
    return f"{count:,}"


def more_lines(count: int) -> str:
    """Return `1 more line` or `1,234 more lines`."""
    return f"{format_count(count)} more {'line' if count == 1 else 'lines'}"


def _finite(seconds: float) -> float:
    """Return 0 for NaN and infinity, which JSON can contain, and for negative durations."""
    return seconds if 0 <= seconds < 1e12 else 0.0
