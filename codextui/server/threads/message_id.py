"""Ids for what people say to threads."""

from __future__ import annotations

import secrets


def new_message_id() -> str:
    """An id that comes back as `clientId` of the message's item."""
    return f"codextui-{secrets.token_hex(8)}"
