"""Untrusted text, made safe to put on a terminal."""

from __future__ import annotations


def sanitize(text: str) -> str:
    """Take out of `text` what would change the terminal or hide in it; line ends stay.

    ANSI sequences vanish; other control characters, bidirectional overrides, invisible
    characters and lone surrogates become visible; tabs become spaces.
    """
    raise NotImplementedError


def reveal(text: str) -> str:
    """As `sanitize`, but nothing vanishes: for what a person decides on."""
    raise NotImplementedError


def one_line(text: str, limit: int = 500) -> str:
    """`sanitize` for where there is one row: line ends become spaces, at most `limit` long."""
    raise NotImplementedError
