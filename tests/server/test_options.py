"""The options of a server."""

from __future__ import annotations

from pathlib import Path

from codextui.server.options import ServerOptions


def test_progress_is_repeated_before_a_client_with_a_short_timeout_gives_up() -> None:
    path = Path("/nowhere")
    options = ServerOptions(name="test", socket=path, lock=path, journal=path)
    assert options.progress_interval_s < 4
