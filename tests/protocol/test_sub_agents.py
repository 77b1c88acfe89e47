from __future__ import annotations

from typing import Any

import pytest

from codextui.errors import MessageInvalid
from codextui.protocol.sub_agents import AgentCall, SubAgent, parse_agent_call

CHILD = "01a222a6-b4bd-72f1-9b3a-2297140a9824"


def collab(tool: str, status: str = "completed", *states: str, **more: Any) -> dict[str, Any]:
    """Return an item as 0.163.0 sends it, with an agent for each state."""
    ids = [CHILD.replace("9824", f"000{number}") for number, _ in enumerate(states)]
    return {
        "type": "collabAgentToolCall",
        "id": "call_2",
        "tool": tool,
        "status": status,
        "senderThreadId": "01a222a6-b316-7103-9cb3-3fbc63e1c233",
        "receiverThreadIds": ids,
        "prompt": None,
        "model": None,
        "reasoningEffort": "medium",
        "agentsStates": {
            one: {"status": state, "message": None} for one, state in zip(ids, states, strict=True)
        },
        **more,
    }


def activity(kind: str, path: str = "/root/child_one", **more: Any) -> dict[str, Any]:
    item = {"type": "subAgentActivity", "id": "call_2", "kind": kind, "agentThreadId": CHILD}
    return {**item, "agentPath": path, "model": None, "reasoningEffort": None, **more}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (collab("spawnAgent", "inProgress", model=""), "starts a sub-agent"),
        (
            collab("spawnAgent", "completed", "pendingInit", model="gpt-5.1"),
            "started the sub-agent 01a222a6-b4bd (gpt-5.1)",
        ),
        (collab("spawnAgent", "failed"), "started a sub-agent"),
        (collab("wait", "inProgress", "running"), "waits for 01a222a6-b4bd"),
        (collab("wait", "completed", "a", "b"), "waited for 01a222a6-b4bd, 01a222a6-b4bd"),
        (collab("sendInput", "completed", "running"), "wrote to 01a222a6-b4bd"),
        (collab("closeAgent", "completed", "shutdown"), "ended 01a222a6-b4bd"),
        (collab("listAgents"), "listed its sub-agents"),
        (collab("danceAgent", "completed", "running"), "danceAgent 01a222a6-b4bd"),
        (activity("started", model="gpt-5.5"), "started the sub-agent child_one (gpt-5.5)"),
        (activity("started", ""), "started the sub-agent 01a222a6-b4bd"),
        (activity("interacted"), "wrote to child_one"),
        (activity("interrupted"), "interrupted child_one"),
        (activity("completed"), "child_one is done"),
        (activity("slept"), "slept child_one"),
    ],
)
def test_an_action_is_described_with_its_agents_and_model(item: dict[str, Any], words: str) -> None:
    call = parse_agent_call(item)
    assert call is not None
    assert call.describe() == words


def test_what_a_spawn_says_is_read() -> None:
    state = {CHILD: {"status": "errored", "message": "no such model"}}
    item = collab("spawnAgent", prompt="Test it.", model="m") | {
        "receiverThreadIds": [CHILD],
        "agentsStates": state,
    }
    agent = SubAgent(CHILD, "", "failed", "no such model")
    call = AgentCall("spawnAgent", "completed", (agent,), "Test it.", "m")
    assert parse_agent_call(item) == call
    assert call.is_spawn
    assert not AgentCall("wait").is_spawn


@pytest.mark.parametrize(
    "item",
    [
        {"type": "collabAgentToolCall", "id": "x"},
        {"type": "collabAgentToolCall", "id": "x", "tool": "wait", "receiverThreadIds": "a"},
        {"type": "subAgentActivity", "id": "x", "kind": "started"},
        {"type": "subAgentActivity", "id": "x", "kind": 7, "agentThreadId": "a"},
    ],
)
def test_a_malformed_item_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(MessageInvalid):
        parse_agent_call(item)


def test_other_items_are_none() -> None:
    assert parse_agent_call({"type": "agentMessage", "id": "x"}) is None
