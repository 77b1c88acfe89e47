"""Where the console draws."""

from __future__ import annotations

import io
import sys

import pytest

from codextui.console.app import ConsoleApp
from codextui.console.driver import ConsoleDriver


class Stream(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("stdout_is_terminal", "stderr_is_terminal", "drawn_on"),
    [(True, True, "stderr"), (True, False, "stdout"), (False, True, "stderr")],
)
async def test_the_console_draws_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    drawn_on: str,
) -> None:
    streams = {
        "stdout": Stream(is_terminal=stdout_is_terminal),
        "stderr": Stream(is_terminal=stderr_is_terminal),
    }
    monkeypatch.setattr(sys, "__stdout__", streams["stdout"])
    monkeypatch.setattr(sys, "__stderr__", streams["stderr"])
    driver = ConsoleDriver(ConsoleApp("default", lambda _: None))  # type: ignore[arg-type,return-value]
    assert driver._file is streams[drawn_on]
