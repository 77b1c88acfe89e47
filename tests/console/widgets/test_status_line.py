from __future__ import annotations

import pytest

from codextui.console.widgets.status_line import short_address


@pytest.mark.parametrize(
    ("attached", "shown"),
    [
        ("", ""),
        ("daemon", "daemon"),
        ("unix:///run/codex.sock", "/run/codex.sock"),
        ("unix:///home/ada/.cache/codextui/run/codex.sock", "…/run/codex.sock"),
        ("ws://127.0.0.1:8040", "ws://127.0.0.1:8040"),
        ("ws://a-very-long-name.example.com:8040", "…very-long-name.example.com:8040"),
    ],
)
def test_of_what_is_joined_the_telling_end_is_shown(attached: str, shown: str) -> None:
    assert short_address(attached) == shown
