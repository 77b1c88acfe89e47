"""The events of `codex exec`, made from those of a turn."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.exec_events import ExecTurn, thread_started, translate_item
from codextui.protocol import events as ev
from codextui.protocol.threads import Usage

MESSAGE = {"id": "m", "type": "agentMessage", "text": "Hi."}
COMMAND = {"id": "c", "type": "commandExecution", "command": "ls", "status": "inProgress"}
DONE = {**COMMAND, "status": "completed", "exitCode": 0, "aggregatedOutput": "a\n"}


def printed(*msgs: ev.Msg) -> list[dict[str, Any]]:
    turn = ExecTurn()
    return [event for msg in msgs for event in turn.translate(msg)]


def step(text: str, status: str) -> ev.PlanStep:
    return ev.PlanStep(text, status)


def test_a_turn_has_a_beginning_numbered_items_and_what_it_used() -> None:
    events = printed(
        ev.TurnStarted(),
        ev.ItemStarted(COMMAND),
        ev.OutputDelta("c", "a\n"),
        ev.ItemCompleted(DONE),
        ev.ItemStarted({**MESSAGE, "text": ""}),
        ev.ItemCompleted(MESSAGE),
        ev.TokensCounted(Usage(9, 5, 2, 4, 1, 3)),
        ev.TurnCompleted("Hi."),
    )
    begun = {"command": "ls", "aggregated_output": "", "exit_code": None, "status": "in_progress"}
    done = {"command": "ls", "aggregated_output": "a\n", "exit_code": 0, "status": "completed"}
    assert events == [
        {"type": "turn.started"},
        {"type": "item.started", "item": {"id": "item_0", "type": "command_execution", **begun}},
        {"type": "item.completed", "item": {"id": "item_0", "type": "command_execution", **done}},
        {
            "type": "item.completed",
            "item": {"id": "item_1", "type": "agent_message", "text": "Hi."},
        },
        {
            "type": "turn.completed",
            "usage": {
                "input_tokens": 5,
                "cached_input_tokens": 2,
                "cache_write_input_tokens": 3,
                "output_tokens": 4,
                "reasoning_output_tokens": 1,
            },
        },
    ]


def test_the_thread_is_named_first() -> None:
    assert thread_started("t") == {"type": "thread.started", "thread_id": "t"}


def test_a_plan_is_one_item_until_the_turn_ends() -> None:
    events = printed(
        ev.PlanUpdated("", (step("a", "inProgress"), step("b", "pending"))),
        ev.ItemCompleted(MESSAGE),
        ev.PlanUpdated("", (step("a", "completed"), step("b", "inProgress"))),
        ev.TurnAborted("interrupted"),
    )
    assert [(event["type"], event["item"]["id"]) for event in events] == [
        ("item.started", "item_0"),
        ("item.completed", "item_1"),
        ("item.updated", "item_0"),
        ("item.completed", "item_0"),
    ]
    last = [{"text": "a", "completed": True}, {"text": "b", "completed": False}]
    assert events[-1]["item"]["items"] == last


@pytest.mark.parametrize(
    ("end", "printed_last", "stopped_by"),
    [
        (ev.TurnAborted("interrupted"), None, "interrupted"),
        (ev.TurnAborted("killed"), None, "killed"),
        (ev.TurnAborted("failed", "No.\nWhy", details="Why"), "No. (Why)", ""),
        (ev.TurnAborted("failed", "One\nTwo"), "One\nTwo", ""),
        (ev.TurnAborted("failed"), "turn failed", ""),
        (ev.TurnAborted("lost"), "the Codex process ended during the turn", ""),
    ],
)
def test_a_turn_that_ends_early_fails(
    end: ev.TurnAborted, printed_last: str | None, stopped_by: str
) -> None:
    turn = ExecTurn()
    turn.translate(ev.ItemCompleted(MESSAGE))
    events = turn.translate(end)
    expected = [{"type": "turn.failed", "error": {"message": printed_last}}]
    assert events == ([] if printed_last is None else expected)
    assert (turn.ended, turn.failed, turn.final_message) == (True, True, None)
    assert turn.stopped_by == stopped_by


def test_an_error_that_is_retried_fails_nothing() -> None:
    turn = ExecTurn()
    retried = ev.ErrorRaised("Reconnecting... 1/5\ncut", will_retry=True, details="cut")
    assert turn.translate(retried) == [{"type": "error", "message": "Reconnecting... 1/5 (cut)"}]
    turn.translate(ev.TurnCompleted("Done."))
    assert (turn.failed, turn.final_message) == (False, "Done.")


def test_the_last_error_is_why_a_turn_failed_that_does_not_say() -> None:
    events = printed(ev.ErrorRaised("No."), ev.TurnAborted("failed"))
    assert events[-1] == {"type": "turn.failed", "error": {"message": "No."}}


@pytest.mark.parametrize(
    ("warning", "message"),
    [
        (ev.Warned("Careful.", "warning"), "Careful."),
        (ev.Warned("Old. Use new.", "deprecationNotice", "Use new."), "Old. (Use new.)"),
        (ev.Warned("of the server"), None),
        (ev.Warned("a hook failed", "hook/completed"), None),
    ],
)
def test_only_warnings_of_codex_exec_are_items(warning: ev.Warned, message: str | None) -> None:
    item = {"id": "item_0", "type": "error", "message": message}
    assert printed(warning) == ([{"type": "item.completed", "item": item}] if message else [])


def test_a_plan_is_the_final_message_of_a_turn_without_another() -> None:
    turn = ExecTurn()
    turn.translate(ev.ItemCompleted({"id": "p", "type": "plan", "text": "First, then."}))
    turn.translate(ev.TurnCompleted())
    assert turn.final_message == "First, then."


def test_a_patch_that_is_announced_again_is_updated() -> None:
    change = {"path": "a", "kind": {"type": "update", "move_path": None}, "diff": "+a"}
    patch = {"id": "f", "type": "fileChange", "status": "inProgress", "changes": [change]}
    events = printed(
        ev.ItemStarted(patch),
        ev.ItemStarted(patch),
        ev.ItemCompleted({**patch, "status": "declined"}),
    )
    assert [event["type"] for event in events] == ["item.started", "item.updated", "item.completed"]
    assert events[-1]["item"] == {
        "id": "item_0",
        "type": "file_change",
        "changes": [{"path": "a", "kind": "update"}],
        "status": "failed",
    }


@pytest.mark.parametrize(
    ("item", "content"),
    [
        ({"type": "userMessage", "content": []}, None),
        ({"type": "reasoning", "summary": [], "content": ["raw"]}, None),
        ({"type": "reasoning", "summary": ["a", "b"]}, {"type": "reasoning", "text": "a\nb"}),
        ({"type": "contextCompaction"}, None),
        (
            {
                "type": "mcpToolCall",
                "server": "s",
                "tool": "t",
                "arguments": {"a": 1},
                "status": "completed",
                "result": {"content": [], "structuredContent": None, "_meta": None},
                "error": None,
            },
            {
                "type": "mcp_tool_call",
                "server": "s",
                "tool": "t",
                "arguments": {"a": 1},
                "result": {"content": [], "structured_content": None},
                "error": None,
                "status": "completed",
            },
        ),
        (
            {
                "type": "collabAgentToolCall",
                "tool": "spawnAgent",
                "status": "inProgress",
                "senderThreadId": "t",
                "receiverThreadIds": ["u"],
                "prompt": "go",
                "agentsStates": {"u": {"status": "pendingInit", "message": None}},
            },
            {
                "type": "collab_tool_call",
                "tool": "spawn_agent",
                "sender_thread_id": "t",
                "receiver_thread_ids": ["u"],
                "prompt": "go",
                "agents_states": {"u": {"status": "pending_init", "message": None}},
                "status": "in_progress",
            },
        ),
        (
            {"type": "webSearch", "id": "ws", "query": "q", "action": {"type": "openPage"}},
            {"type": "web_search", "id": "ws", "query": "q", "action": {"type": "open_page"}},
        ),
    ],
)
def test_an_item_is_shortened(item: dict[str, Any], content: dict[str, Any] | None) -> None:
    assert translate_item(item) == content


KINDS = ["agentMessage", "reasoning", "commandExecution", "fileChange", "mcpToolCall", "plan"]
KINDS += ["collabAgentToolCall", "webSearch", "somethingNew"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "status", "message", "path", "kind", "content"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
MEMBERS = ["text", "summary", "status", "changes", "result", "error", "agentsStates", "action"]
ITEMS = st.builds(
    lambda kind, rest: {**rest, "id": "i", "type": kind},
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(MEMBERS), VALUES),
)


@given(st.lists(ITEMS, max_size=3))
def test_no_item_of_a_newer_codex_breaks_it(items: list[dict[str, Any]]) -> None:
    for event in printed(*(msg for item in items for msg in _both(item))):
        assert event["type"] in ("item.started", "item.updated", "item.completed")
        assert event["item"]["type"]


def _both(item: dict[str, Any]) -> list[ev.Msg]:
    return [ev.ItemStarted(item), ev.ItemCompleted(item)]
