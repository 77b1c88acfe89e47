from __future__ import annotations

import pytest

from codextui.config.address import HttpAddress, parse_http_address
from codextui.errors import ConfigInvalid


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8040", HttpAddress("127.0.0.1", 8040)),
        ("localhost:8040", HttpAddress("127.0.0.1", 8040)),
        ("8040", HttpAddress("127.0.0.1", 8040)),
        ("[::1]:8040", HttpAddress("::1", 8040)),
        ("0.0.0.0:80", HttpAddress("0.0.0.0", 80)),
    ],
)
def test_an_address_is_read(text: str, address: HttpAddress) -> None:
    assert parse_http_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1", "example.org:80", "127.0.0.1:", "127.0.0.1:99999", "::1:8040", "1:-1", "1:²"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="HOST:PORT"):
        parse_http_address(text)


def test_loopback_is_told_from_what_other_machines_can_reach() -> None:
    assert parse_http_address("[::1]:1").is_loopback
    assert not parse_http_address("192.0.2.1:1").is_loopback
    assert parse_http_address("[::]:1").is_every_address


def test_it_is_written_as_a_url_has_it() -> None:
    assert str(HttpAddress("::1", 80)) == "[::1]:80"
    assert str(HttpAddress("127.0.0.1", 80)) == "127.0.0.1:80"
