"""Errors of services in words: what a person must read first of a body in JSON."""

from __future__ import annotations

import json

MAX_READ = 20_000
"""Characters of an error that are looked at."""

_WORDS = ("message", "detail", "error_description", "error", "title", "code", "type")
"""Members that tell what went wrong, the best first."""


def error_in_words(text: str) -> str:
    """Return an error with its JSON replaced by the message that it has.

    `status 400: {"error": {"message": "no quota", "code": 7}}` becomes `status 400: no quota`. A
    text without JSON, or with JSON that has no message, is returned as it is.
    """
    start = text.find("{")
    if start < 0 or len(text) > MAX_READ:
        return text
    try:
        body, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return text
    message = _message_in(body)
    return f"{text[:start]}{message}{text[end:]}" if message else text


def _message_in(body: object) -> str:
    """Return the message of a decoded body, a few levels deep; empty if it has none."""
    for _ in range(4):
        if not isinstance(body, dict):
            break
        body = next((body[word] for word in _WORDS if body.get(word)), None)
    return body.strip() if isinstance(body, str) else ""
