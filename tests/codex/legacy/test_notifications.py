"""The start of a thread's MCP servers in the legacy format."""

from __future__ import annotations

from codextui.codex.legacy.notifications import McpStartup

FAILED = "MCP client for `b` failed to start: MCP startup failed: no such file"


def server(name: str, status: str, error: str | None = None) -> dict[str, object]:
    return {"name": name, "status": status, "error": error}


def test_without_servers_startup_completes_before_the_first_turn() -> None:
    startup = McpStartup()
    complete = {"type": "mcp_startup_complete", "ready": [], "failed": [], "cancelled": []}
    assert startup.turn_started() == [complete]
    assert startup.turn_started() == []


def test_updates_before_the_thread_is_configured_are_held() -> None:
    startup = McpStartup()
    assert startup.server_updated(server("a", "starting")) == []
    update = {"type": "mcp_startup_update", "server": "a", "status": {"state": "starting"}}
    assert startup.release() == [update]
    assert startup.release() == []


def test_startup_completes_when_no_server_is_starting() -> None:
    startup = McpStartup()
    for name in ("a", "b", "c"):
        startup.server_updated(server(name, "starting"))
    assert [msg["type"] for msg in startup.turn_started()] == ["mcp_startup_update"] * 3
    startup.server_updated(server("a", "ready"))
    startup.server_updated(server("c", "cancelled"))
    update, complete = startup.server_updated(server("b", "failed", FAILED))
    assert update["status"] == {"state": "failed", "error": FAILED}
    assert complete == {
        "type": "mcp_startup_complete",
        "ready": ["a"],
        "failed": [{"server": "b", "error": "no such file"}],
        "cancelled": ["c"],
    }
    assert [msg["type"] for msg in startup.server_updated(server("d", "ready"))] == [
        "mcp_startup_update"
    ]
