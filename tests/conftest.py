"""Settings that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("codextui", deadline=None)
settings.load_profile("codextui")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the benchmarks found, also where workers of pytest-xdist ran them."""
    lines = [
        text
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, text in report.user_properties
        if name == "figure"
    ]
    if lines:
        terminalreporter.section("figures (ratios within one run; the machine is shared)")
        for line in lines:
            terminalreporter.write_line(line)
