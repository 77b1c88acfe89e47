from __future__ import annotations

import pytest

from codextui.console.model import items as b
from codextui.console.model.item_reading import clip, read_body, weigh
from codextui.console.model.items import LIMIT, GrowingText
from codextui.protocol.approvals import FileChange


def test_a_command_is_read_whole() -> None:
    body = read_body(
        {
            "type": "commandExecution",
            "id": "c",
            "command": "pytest -q",
            "cwd": "/w",
            "status": "failed",
            "aggregatedOutput": "boom\n",
            "exitCode": 1,
            "durationMs": 1500,
            "source": "agent",
        }
    )
    assert isinstance(body, b.CommandRun)
    assert (body.command, body.cwd, body.status) == ("pytest -q", "/w", "failed")
    assert (body.output.text, body.exit_code, body.duration_ms) == ("boom\n", 1, 1500)


def test_a_file_change_takes_its_kind_out_of_its_object() -> None:
    body = read_body(
        {
            "type": "fileChange",
            "id": "f",
            "status": "completed",
            "changes": [
                {"path": "a", "kind": {"type": "add"}, "diff": "x\n"},
                {"path": "b", "kind": {"type": "update", "move_path": "c"}, "diff": "@@"},
            ],
        }
    )
    changes = (FileChange("a", "add", "x\n"), FileChange("b", "update", "@@", "c"))
    assert body == b.FileChanges(changes, "completed")


def test_what_is_no_text_in_a_users_message_stands_there_as_words() -> None:
    body = read_body(
        {
            "type": "userMessage",
            "id": "m",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "localImage", "path": "/tmp/a.png"},
                {"type": "image", "url": "https://x/y.png"},
                {"type": "mention", "name": "docs", "path": "/d"},
                {"type": "hologram"},
            ],
        }
    )
    assert body == b.UserMessage(
        "look\n[localImage /tmp/a.png]\n[image https://x/y.png]\n[mention docs: /d]\n[hologram]"
    )


def test_the_text_of_an_mcp_result_is_shown_as_text() -> None:
    body = read_body(
        {
            "type": "mcpToolCall",
            "id": "x",
            "server": "github",
            "tool": "search",
            "arguments": {"q": 1},
            "status": "completed",
            "result": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        }
    )
    assert isinstance(body, b.ToolCall)
    assert body.result == "a\nb"


def test_an_mcp_result_with_more_than_text_is_kept_as_it_came() -> None:
    result = {"content": [{"type": "image", "data": "…"}]}
    item = {"type": "mcpToolCall", "id": "x", "server": "s", "tool": "t", "status": "completed"}
    body = read_body(item | {"result": result})
    assert isinstance(body, b.ToolCall)
    assert body.result == result


def test_a_failed_mcp_call_says_why() -> None:
    item = {"type": "mcpToolCall", "id": "x", "server": "s", "tool": "t", "status": "failed"}
    body = read_body(item | {"error": {"message": "no such tool"}})
    assert isinstance(body, b.ToolCall)
    assert body.error == "no such tool"


def test_a_web_search_is_read_with_its_action() -> None:
    action = {"type": "openPage", "url": "https://x"}
    body = read_body({"type": "webSearch", "id": "w", "query": "q", "action": action})
    assert body == b.WebSearch("q", "openPage", "https://x")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "hologram", "id": "h", "beam": 3},
        {"type": "imageView", "id": "h", "path": "/a.png"},
        {"type": "commandExecution", "id": "c", "command": ["not", "a", "string"]},
        {"type": "agentMessage", "id": "c", "text": 7},
        {"type": "fileChange", "id": "c", "changes": "none"},
        {"type": "fileChange", "id": "c", "changes": [{"path": "a", "kind": "add"}]},
        {"type": "mcpToolCall", "id": "c", "tool": "t", "error": "flat"},
        {"type": "userMessage", "id": "c", "content": [1]},
        {"type": 5, "id": "c"},
    ],
)
def test_what_has_no_known_shape_stays_whole(item: dict[str, object]) -> None:
    assert read_body(item) == b.Unknown(str(item["type"]), item)


def test_a_clipped_text_says_how_much_is_missing() -> None:
    assert clip("x" * LIMIT) == "x" * LIMIT
    assert clip("x" * (LIMIT + 1234)).endswith("\n… 1,234 more characters are not kept here")


@pytest.mark.parametrize(
    ("body", "weight"),
    [
        (b.UserMessage("four"), 4),
        (b.AgentMessage(GrowingText("four")), 4),
        (b.Reasoning([GrowingText("a")], [GrowingText("bc")]), 3),
        (b.CommandRun("ls", output=GrowingText("abc")), 5),
        (b.FileChanges((FileChange("ab", "add", "cd"),)), 4),
        (b.Failure("four"), 4),
        (b.ToolCall("s", "t", {"a": 1}, result="four"), 12),
        (b.Unknown("k", {"a": 1}), 8),
        (b.Compaction(), 0),
    ],
)
def test_a_body_weighs_about_what_it_holds(body: b.Body, weight: int) -> None:
    assert weigh(body) == weight
