"""The tools as clients are shown them, and who gets `codex/event`."""

from __future__ import annotations

from typing import Any

import pytest

from codextui.protocol.codex_tools import TOOLS
from codextui.protocol.extensions import takes_events
from codextui.protocol.tools import SUPERVISOR_TOOLS


@pytest.mark.parametrize(
    ("client", "capability", "chosen", "takes"),
    [
        ("mcp", None, None, False),
        ("ai-sdk-mcp-client", None, None, False),
        ("codex-mcp-client", None, None, False),
        ("claude-code", None, None, False),
        ("", None, None, False),
        ("happy-codex-client", None, None, True),
        ("hapi-codex-client", None, None, True),
        ("AionUi", None, None, True),
        ("codex-remoteapp", None, None, True),
        ("mcp", {"send": True}, None, True),
        ("mcp", {}, None, True),
        ("mcp", {"send": "yes"}, None, True),
        ("happy-codex-client", {"send": False}, None, False),
        ("happy-codex-client", {"send": True}, False, False),
        ("mcp", None, True, True),
        ("mcp", {"send": False}, True, True),
        ("happy-codex-client", None, False, False),
    ],
)
def test_events_are_for_those_that_ask_for_them_or_are_known_to_show_them(
    client: str, capability: dict[str, Any] | None, chosen: bool | None, takes: bool
) -> None:
    assert takes_events(client, capability, chosen) is takes


def test_every_tool_says_what_it_may_do() -> None:
    hints = {str(tool["name"]): tool["annotations"] for tool in (*TOOLS, *SUPERVISOR_TOOLS)}
    members = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    assert all(isinstance(hint, dict) and set(hint) == members for hint in hints.values())
    reading = {name for name, hint in hints.items() if hint["readOnlyHint"]}  # type: ignore[index,call-overload] # an object
    assert reading == {
        "codex-threads",
        "codex-history",
        "codex-read",
        "codex-changes",
        "codex-search",
        "codex-approvals",
        "codex-decisions",
        "codex-usage",
        "codex-server",
    }
    working = {name for name, hint in hints.items() if hint["openWorldHint"]}  # type: ignore[index,call-overload] # an object
    assert {"codex", "codex-reply", "codex-start", "codex-send", "codex-answer"} <= working
