"""Figures are collected while the benchmarks run; tests/conftest.py prints them at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e.conftest import open_terminal, scratch, serve, serve_fake, serve_on, start_programs

__all__ = [
    "Figures",
    "open_terminal",
    "scratch",
    "serve",
    "serve_fake",
    "serve_on",
    "start_programs",
]

Figures = Callable[..., None]


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Tells of a figure: what it is, its value, and what it should be."""

    def tell(what: str, value: str, aim: str = "") -> None:
        # Properties of a test reach the summary from a worker of pytest-xdist too.
        request.node.user_properties.append(("figure", f"{what:<58} {value:>16}   {aim}"))

    return tell
