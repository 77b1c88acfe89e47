"""Settings that all tests share."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from codex_versions import codex_153, codex_171
from hypothesis import settings

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

# Codex runs commands in a login shell, which reads the profile of HOME: one that prints, or waits
# for a lock, would be part of what is tested. Every worker has a home of its own, and not below
# the temporary folder, where Codex's sandbox lets everybody write.
CACHE.mkdir(parents=True, exist_ok=True)
HOME = tempfile.mkdtemp(prefix="codextui-home-", dir=CACHE)
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ.update(HOME=HOME, XDG_CACHE_HOME=str(CACHE))

# A shell that starts the tests in the background ignores these, and so would the programs that
# tests start and interrupt.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# How long an example takes says more of the machine than of the code. `.ci/run` takes the same
# examples each time, so that it fails for what changed; `--hypothesis-profile=thorough` looks for
# new ones.
settings.register_profile("codextui", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("codextui")


NOT_QUICK = frozenset({"attack", "benchmark", "contract", "e2e", "slow"})
LONG_ROOMS = frozenset({"browser", "clients", "console", "contract", "e2e"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `quick` what takes no seconds, and is in none of the rooms that take minutes."""
    for item in items:
        room = item.path.relative_to(Path(__file__).parent).parts[0]
        if room not in LONG_ROOMS and NOT_QUICK.isdisjoint(m.name for m in item.iter_markers()):
            item.add_marker("quick")


@pytest.fixture(scope="session")
def newest_codex() -> Path:
    """The newest Codex that is supported, from npm."""
    return codex_171()


@pytest.fixture(scope="session")
def oldest_codex() -> Path:
    """The oldest Codex that is supported, from npm."""
    return codex_153()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what benchmarks and attacks found, also where workers of pytest-xdist ran them."""
    sections = {
        "figure": "figures (ratios within one run; the machine is shared)",
        "attack": "attacks",
    }
    for kind, title in sections.items():
        lines = [
            text
            for outcome in ("passed", "failed")
            for report in terminalreporter.getreports(outcome)
            for name, text in report.user_properties
            if name == kind
        ]
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)
