from __future__ import annotations

import pytest

from codextui.console.model import items
from codextui.console.model.item_reading import read_item
from codextui.protocol.approvals import FileChange
from codextui.protocol.sub_agents import AgentCall, SubAgent


def test_a_command_is_read_with_its_output() -> None:
    content = read_item(
        {
            "type": "commandExecution",
            "id": "c",
            "command": "pytest -q",
            "cwd": "/w",
            "status": "failed",
            "aggregatedOutput": "boom\n",
            "exitCode": 1,
            "durationMs": 1500,
        }
    )
    assert isinstance(content, items.CommandExecution)
    assert (content.command, content.status) == ("pytest -q", "failed")
    assert (content.output.text, content.exit_code, content.duration_ms) == ("boom\n", 1, 1500)


def test_the_kind_of_a_file_change_is_an_object() -> None:
    content = read_item(
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
    assert content == items.FileChanges(changes, "completed")


def test_other_inputs_of_a_user_message_appear_in_brackets() -> None:
    content = read_item(
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
    assert content == items.UserMessage(
        "look\n[image /tmp/a.png]\n[image https://x/y.png]\n[mention docs: /d]\n[hologram]"
    )


def test_text_parts_of_an_mcp_result_are_joined() -> None:
    content = read_item(
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
    assert isinstance(content, items.ToolCall)
    assert content.result == "a\nb"


def test_an_mcp_result_with_other_parts_stays_json() -> None:
    result = {"content": [{"type": "image", "data": "…"}]}
    item = {"type": "mcpToolCall", "id": "x", "server": "s", "tool": "t", "status": "completed"}
    content = read_item(item | {"result": result})
    assert isinstance(content, items.ToolCall)
    assert content.result == result


def test_a_failed_mcp_call_has_its_error() -> None:
    item = {"type": "mcpToolCall", "id": "x", "server": "s", "tool": "t", "status": "failed"}
    content = read_item(item | {"error": {"message": "no such tool"}})
    assert isinstance(content, items.ToolCall)
    assert content.error == "no such tool"


def test_a_spawn_of_a_sub_agent_is_read_with_its_prompt() -> None:
    item = {
        "type": "collabAgentToolCall",
        "id": "x",
        "tool": "spawnAgent",
        "status": "completed",
        "receiverThreadIds": ["child"],
        "prompt": "Test it.",
        "model": "m",
        "agentsStates": {"child": {"status": "pendingInit", "message": None}},
    }
    agents = (SubAgent("child", "", "starting"),)
    call = AgentCall("spawnAgent", "completed", agents, "", "m")
    assert read_item(item) == items.SubAgentCall(call, "Test it.")


def test_the_answers_of_sub_agents_are_listed() -> None:
    agents = (SubAgent("one", "", "done", "All\ngreen."), SubAgent("two", "", "starting"))
    content = items.SubAgentCall(AgentCall("wait", "completed", (*agents, SubAgent("three"))))
    assert content.answers == ["one: done: All\ngreen."]


def test_a_web_search_has_its_action() -> None:
    action = {"type": "openPage", "url": "https://x"}
    content = read_item({"type": "webSearch", "id": "w", "query": "q", "action": action})
    assert content == items.WebSearch("q", "openPage", "https://x")


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"type": "imageView", "path": "/a.png"}, "looked at the image /a.png"),
        ({"type": "sleep", "durationMs": 1500}, "paused for 1.5 s"),
        ({"type": "enteredReviewMode", "review": "the diff"}, "the review begins: the diff"),
        ({"type": "exitedReviewMode", "review": ""}, "the review is done"),
        (
            {"type": "hookPrompt", "fragments": [{"hookRunId": "r", "text": "run the tests"}]},
            "a hook added to the prompt:\nrun the tests",
        ),
        (
            {
                "type": "imageGeneration",
                "status": "completed",
                "result": "A" * 100_000,
                "savedPath": "/i.png",
                "revisedPrompt": "a cat",
            },
            "made an image: /i.png\na cat",
        ),
        (
            {
                "type": "imageGeneration",
                "status": "failed",
                "failure": {"type": "usageLimitExceeded", "limitId": "images"},
            },
            "could not make an image (failed)\nusageLimitExceeded",
        ),
    ],
)
def test_what_codex_did_besides_is_said_in_words(item: dict[str, object], text: str) -> None:
    assert read_item({"id": "i", **item}) == items.Remark(text)


def test_the_output_of_a_function_is_a_tool_call_without_arguments() -> None:
    item = {"type": "functionCallOutput", "id": "f", "name": "draw", "output": "done"}
    assert read_item(item) == items.ToolCall("", "draw", status="completed", result="done")
    parts = [{"type": "inputText", "text": "a"}, {"type": "inputText", "text": "b"}]
    content = read_item({**item, "namespace": "pictures", "output": parts})
    assert content == items.ToolCall("pictures", "draw", status="completed", result="a\nb")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "hologram", "id": "h", "beam": 3},
        {"type": "imageView", "id": "h", "path": ["/a.png"]},
        {"type": "functionCallOutput", "id": "h", "output": "x"},
        {"type": "hookPrompt", "id": "h", "fragments": ["x"]},
        {"type": "commandExecution", "id": "c", "command": ["not", "a", "string"]},
        {"type": "agentMessage", "id": "c", "text": 7},
        {"type": "fileChange", "id": "c", "changes": "none"},
        {"type": "fileChange", "id": "c", "changes": [{"path": "a", "kind": "add"}]},
        {"type": "mcpToolCall", "id": "c", "tool": "t", "error": "flat"},
        {"type": "collabAgentToolCall", "id": "c", "receiverThreadIds": []},
        {"type": "subAgentActivity", "id": "c", "kind": "started"},
        {"type": "userMessage", "id": "c", "content": [1]},
        {"type": 5, "id": "c"},
    ],
)
def test_an_item_of_unexpected_shape_is_unknown(item: dict[str, object]) -> None:
    assert read_item(item) == items.UnknownItem(str(item["type"]), item)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"threadId": "t", "content": "6 checks passed."}', "6 checks passed."),
        ('{"threadId": "t", "content": "6", "more": 1}', None),
        ('{"threadId": "t", "content": 6}', None),
        ('{"threadId": "t", "content"', None),
    ],
)
def test_of_the_result_of_codex_the_answer_is_shown(text: str, shown: str | None) -> None:
    item = {"type": "mcpToolCall", "id": "x", "server": "codex", "tool": "codex"}
    result = {"content": [{"type": "text", "text": text}]}
    read = read_item({**item, "status": "completed", "result": result})
    assert isinstance(read, items.ToolCall)
    assert read.result == (text if shown is None else shown)
