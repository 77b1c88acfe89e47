"""Figures are collected while the benchmarks run, and printed at the end of the test run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e.conftest import open_terminal, scratch, serve, serve_fake

__all__ = ["Figures", "open_terminal", "scratch", "serve", "serve_fake"]

Figures = Callable[..., None]

BENCHMARK = "figure"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Tells of a figure: what it is, its value, and what it should be."""

    def tell(what: str, value: str, aim: str = "") -> None:
        # Properties of a test reach the summary from a worker of pytest-xdist too.
        request.node.user_properties.append((BENCHMARK, f"{what:<58} {value:>16}   {aim}"))

    return tell


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        text
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, text in report.user_properties
        if name == BENCHMARK
    ]
    if lines:
        terminalreporter.section("figures (ratios within one run; the machine is shared)")
        for line in lines:
            terminalreporter.write_line(line)
