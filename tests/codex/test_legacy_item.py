"""app-server's items under their old names, for the kinds that no recording holds."""

from __future__ import annotations

from typing import Any

import pytest

from codextui.codex.legacy.items import begin, end, legacy_item

CALL = {
    "type": "mcpToolCall",
    "id": "c",
    "server": "s",
    "tool": "t",
    "arguments": {},
    "status": "failed",
    "result": None,
    "error": {"message": "broken"},
    "durationMs": 1,
}
SEARCH = {
    "type": "webSearch",
    "id": "w",
    "query": "q",
    "action": {"type": "openPage", "url": "u"},
}


def test_a_tool_that_could_not_be_called_ends_with_an_error() -> None:
    ended = end(CALL, "t", 1)[0]
    assert ended["result"] == {"Err": "broken"}
    assert legacy_item(CALL, done=True)["error"] == {"message": "broken"}


def test_a_web_search_begins_and_ends() -> None:
    assert begin(SEARCH, "t", 1) == {"type": "web_search_begin", "call_id": "w"}
    assert end(SEARCH, "t", 1) == [
        {
            "type": "web_search_end",
            "call_id": "w",
            "query": "q",
            "action": {"type": "open_page", "url": "u"},
        }
    ]


def test_raw_reasoning_is_told_beside_the_summary() -> None:
    item = {"type": "reasoning", "id": "r", "summary": ["s1", "s2"], "content": ["c"]}
    assert end(item, "t", 1) == [
        {"type": "agent_reasoning", "text": "s1"},
        {"type": "agent_reasoning", "text": "s2"},
        {"type": "agent_reasoning_raw_content", "text": "c"},
    ]


def test_pictures_and_text_of_a_user_are_told_apart() -> None:
    span = {"byteRange": {"start": 0, "end": 1}, "placeholder": None}
    item = {
        "type": "userMessage",
        "id": "u",
        "clientId": "mine",
        "content": [
            {"type": "text", "text": "a", "text_elements": [span]},
            {"type": "image", "url": "data:x"},
            {"type": "localImage", "path": "/p.png"},
            {"type": "text", "text": "b", "text_elements": []},
        ],
    }
    told = end(item, "t", 1)[0]
    assert told["message"] == "ab"
    assert told["images"] == ["data:x"]
    assert told["local_images"] == ["/p.png"]
    elements = [{"byte_range": {"start": 0, "end": 1}, "placeholder": None}]
    assert told["text_elements"] == elements
    assert "client_id" not in legacy_item(item, done=True)


def test_a_compaction_is_told_when_it_is_done() -> None:
    assert end({"type": "contextCompaction", "id": "x"}, "t", 1) == [{"type": "context_compacted"}]


@pytest.mark.parametrize("done", [False, True])
def test_an_unknown_item_keeps_its_members(done: bool) -> None:
    item: dict[str, Any] = {"type": "collabAgentToolCall", "id": "x", "senderThreadId": "y"}
    told = {"type": "CollabAgentToolCall", "id": "x", "sender_thread_id": "y"}
    assert legacy_item(item, done=done) == told
    assert begin(item, "t", 1) == {}
    assert end(item, "t", 1) == []
