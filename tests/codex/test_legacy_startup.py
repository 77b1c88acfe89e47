"""How Codex's own servers start, as the clients of the old server heard it."""

from __future__ import annotations

from codextui.codex.legacy.notifications import LegacyStartup

FAILED = "MCP client for `b` failed to start: MCP startup failed: no such file"


def heard(name: str, status: str, error: str | None = None) -> dict[str, object]:
    return {"name": name, "status": status, "error": error}


def test_without_servers_all_is_done_before_the_first_turn() -> None:
    startup = LegacyStartup()
    done = {"type": "mcp_startup_complete", "ready": [], "failed": [], "cancelled": []}
    assert startup.turn_starts() == [done]
    assert startup.turn_starts() == []


def test_what_is_heard_before_the_thread_is_known_is_kept() -> None:
    startup = LegacyStartup()
    assert startup.update(heard("a", "starting")) == []
    told = {"type": "mcp_startup_update", "server": "a", "status": {"state": "starting"}}
    assert startup.open() == [told]
    assert startup.open() == []


def test_all_is_done_once_the_last_server_that_was_starting_is() -> None:
    startup = LegacyStartup()
    for name in ("a", "b", "c"):
        startup.update(heard(name, "starting"))
    assert [msg["type"] for msg in startup.turn_starts()] == ["mcp_startup_update"] * 3
    startup.update(heard("a", "ready"))
    startup.update(heard("c", "cancelled"))
    update, complete = startup.update(heard("b", "failed", FAILED))
    assert update["status"] == {"state": "failed", "error": FAILED}
    assert complete == {
        "type": "mcp_startup_complete",
        "ready": ["a"],
        "failed": [{"server": "b", "error": "no such file"}],
        "cancelled": ["c"],
    }
    assert [msg["type"] for msg in startup.update(heard("d", "ready"))] == ["mcp_startup_update"]
