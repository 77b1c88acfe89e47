"""JSON-RPC in lines, as `codex app-server` speaks it: no `jsonrpc` member, one object a line."""

from __future__ import annotations

from typing import TypeAlias

RequestId: TypeAlias = int | str
"""The id of a request. Its JSON type is kept: `1` and `"1"` are two ids."""

MAX_INPUT_CHARS = 1_048_576
"""What Codex takes as input for a turn; it refuses more, so we do before sending."""
