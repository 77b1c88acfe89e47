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
def test_a_wrong_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="HOST:PORT"):
        parse_http_address(text)


def test_loopback_and_unspecified_addresses_are_recognised() -> None:
    assert parse_http_address("[::1]:1").is_loopback
    assert not parse_http_address("192.0.2.1:1").is_loopback
    assert parse_http_address("[::]:1").is_unspecified


def test_an_address_is_formatted_as_in_a_url() -> None:
    assert str(HttpAddress("::1", 80)) == "[::1]:80"
    assert str(HttpAddress("127.0.0.1", 80)) == "127.0.0.1:80"
