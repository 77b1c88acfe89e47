"""Items and their own messages in the legacy format, for kinds that no recording has."""

from __future__ import annotations

from typing import Any

import pytest

from codextui.codex.legacy.items import begin_msg, end_msgs, legacy_item

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


def test_a_failed_tool_call_ends_with_an_error() -> None:
    ended = end_msgs(CALL, "t", 1)[0]
    assert ended["result"] == {"Err": "broken"}
    assert legacy_item(CALL, done=True)["error"] == {"message": "broken"}


def test_a_web_search_begins_and_ends() -> None:
    assert begin_msg(SEARCH, "t", 1) == {"type": "web_search_begin", "call_id": "w"}
    assert end_msgs(SEARCH, "t", 1) == [
        {
            "type": "web_search_end",
            "call_id": "w",
            "query": "q",
            "action": {"type": "open_page", "url": "u"},
        }
    ]


def test_reasoning_ends_with_its_summary_and_its_raw_content() -> None:
    item = {"type": "reasoning", "id": "r", "summary": ["s1", "s2"], "content": ["c"]}
    assert end_msgs(item, "t", 1) == [
        {"type": "agent_reasoning", "text": "s1"},
        {"type": "agent_reasoning", "text": "s2"},
        {"type": "agent_reasoning_raw_content", "text": "c"},
    ]


def test_a_user_message_separates_text_and_images() -> None:
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
    message = end_msgs(item, "t", 1)[0]
    assert message["message"] == "ab"
    assert message["images"] == ["data:x"]
    assert message["local_images"] == ["/p.png"]
    elements = [{"byte_range": {"start": 0, "end": 1}, "placeholder": None}]
    assert message["text_elements"] == elements
    assert "client_id" not in legacy_item(item, done=True)


def test_a_compaction_ends_with_a_message() -> None:
    assert end_msgs({"type": "contextCompaction", "id": "x"}, "t", 1) == [
        {"type": "context_compacted"}
    ]


@pytest.mark.parametrize("done", [False, True])
def test_an_unknown_item_keeps_its_members(done: bool) -> None:
    item: dict[str, Any] = {"type": "collabAgentToolCall", "id": "x", "senderThreadId": "y"}
    renamed = {"type": "CollabAgentToolCall", "id": "x", "sender_thread_id": "y"}
    assert legacy_item(item, done=done) == renamed
    assert begin_msg(item, "t", 1) == {}
    assert end_msgs(item, "t", 1) == []
