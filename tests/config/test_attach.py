"""Which Codex to attach to, as the configuration says it."""

from __future__ import annotations

import pytest

from codextui.config.attach import AUTO, OWN, PRIVATE, Attach, AttachKind, parse_attach
from codextui.errors import ConfigInvalid


@pytest.mark.parametrize(
    ("text", "attach"),
    [
        ("auto", AUTO),
        ("own", OWN),
        ("private", PRIVATE),
        ("daemon", Attach(AttachKind.DAEMON)),
        ("unix:///run/codex.sock", Attach(AttachKind.ADDRESS, "unix:///run/codex.sock")),
        ("ws://127.0.0.1:4500", Attach(AttachKind.ADDRESS, "ws://127.0.0.1:4500")),
        ("wss://host:1/path", Attach(AttachKind.ADDRESS, "wss://host:1/path")),
    ],
)
def test_what_can_be_attached_to_is_parsed(text: str, attach: Attach):
    assert parse_attach(text) == attach
    assert parse_attach(str(attach)) == attach


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Auto",
        "address",
        "unix://",
        "unix://relative",
        "unix:///a\0b",
        "ws://",
        "ws:///",
        "http://a",
        "ws://user@host:1",
        "ws://a b:1",
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(text: str):
    with pytest.raises(ConfigInvalid, match="must"):
        parse_attach(text)
