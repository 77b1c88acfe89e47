from __future__ import annotations

import pytest

from codextui.text.failures import MAX_READ, error_in_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no quota", "no quota"),
        ('{"error": {"message": "no quota", "type": "x", "param": null}}', "no quota"),
        ('status 400: {"error": {"message": "no quota"}}, url: u', "status 400: no quota, url: u"),
        ('{"detail": "The model is not known."}', "The model is not known."),
        ('{"error": "busy"}', "busy"),
        ('{"error": {"message": "", "code": "rate_limit"}}', "rate_limit"),
        # What cannot be put in words stays as it is.
        ("{not JSON", "{not JSON"),
        ("{}", "{}"),
        ('{"error": 7}', '{"error": 7}'),
        ("[" * 9 + "{" * 5, "[" * 9 + "{" * 5),
        ('{"a":' * 9_000, '{"a":' * 9_000),
        ('{"error": "busy"}' + " " * MAX_READ, '{"error": "busy"}' + " " * MAX_READ),
    ],
)
def test_the_message_in_a_body_of_json_takes_its_place(text: str, words: str) -> None:
    assert error_in_words(text) == words
