"""Threads as Codex lists them, of any program: whatever they hold, they are read or refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.threads import MAX_NAME, MAX_ORIGIN, ListedThread, ThreadStatus, parent_of
from codextui.errors import MessageInvalid
from codextui.protocol.threads import ThreadState
from codextui.text.sanitize import one_line

FULL: dict[str, Any] = {
    "id": "01a22350-ade7-7183-a6e5-d5e708ce1f3a",
    "preview": "go\non",
    "name": "Fix the bug",
    "cwd": "/w",
    "model": "gpt-5.5",
    "status": {"type": "active", "activeFlags": ["waitingOnApproval"]},
    "source": "vscode",
    "originator": "codex-tui",
    "threadSource": None,
    "parentThreadId": None,
    "attachedToThreadId": None,
    "forkedFromId": "01a22350-be68-72a0-a5ed-034b43f9941c",
    "gitInfo": {"branch": "main", "sha": "abc"},
    "createdAt": 1795888819,
    "updatedAt": 1795888820,
    "recencyAt": 1795888821,
    "agentNickname": None,
}


def test_a_thread_is_read_with_all_that_it_says() -> None:
    assert ListedThread.parse(FULL) == ListedThread(
        thread_id=FULL["id"],
        status=ThreadStatus(True, ThreadState.NEEDS_INPUT, "approval"),
        name="Fix the bug",
        preview="go\non",
        cwd="/w",
        branch="main",
        model="gpt-5.5",
        created_at=1795888819.0,
        recent_at=1795888821.0,
        forked_from="01a22350-be68-72a0-a5ed-034b43f9941c",
        origin="Codex TUI",
    )


def test_an_id_is_enough() -> None:
    listed = ListedThread.parse({"id": "t"})
    assert (listed.thread_id, listed.status.loaded, listed.origin) == (
        "t",
        False,
        "another program",
    )


@pytest.mark.parametrize("thread_id", [None, "", 7, "x" * 201, "a\nb", "a\x1b[31m"])
def test_a_thread_without_a_usable_id_is_refused(thread_id: object) -> None:
    with pytest.raises(MessageInvalid):
        ListedThread.parse({**FULL, "id": thread_id})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"type": "notLoaded"}, ThreadStatus(False)),
        ({"type": "idle"}, ThreadStatus(True, ThreadState.IDLE)),
        ({"type": "systemError"}, ThreadStatus(True, ThreadState.FAILED)),
        ({"type": "active", "activeFlags": []}, ThreadStatus(True, ThreadState.RUNNING)),
        ({"type": "active"}, ThreadStatus(True, ThreadState.RUNNING)),
        ({"type": "active", "activeFlags": ["new"]}, ThreadStatus(True, ThreadState.RUNNING)),
        (
            {"type": "active", "activeFlags": ["waitingOnUserInput"]},
            ThreadStatus(True, ThreadState.NEEDS_INPUT, "answer"),
        ),
        (
            {"type": "active", "activeFlags": ["waitingOnUserInput", "waitingOnApproval"]},
            ThreadStatus(True, ThreadState.NEEDS_INPUT, "approval"),
        ),
        ({"type": "dreaming"}, ThreadStatus(True, ThreadState.IDLE)),
        ("idle", ThreadStatus(False)),
        (None, ThreadStatus(False)),
    ],
)
def test_a_status_is_a_state(status: Any, expected: ThreadStatus) -> None:
    assert ThreadStatus.parse(status) == expected


@pytest.mark.parametrize(
    ("thread", "program", "origin"),
    [
        ({"source": "cli"}, "", "Codex TUI"),
        ({"source": "exec", "originator": "codex_exec"}, "", "exec"),
        ({"source": "vscode"}, "", "IDE"),
        ({"source": "vscode", "originator": "codex_vscode"}, "", "IDE"),
        # Codex 0.153.4 names no originator.
        ({"source": "vscode", "status": {"type": "idle"}}, "codex-tui", "Codex TUI"),
        ({"source": "vscode", "status": {"type": "idle"}}, "codextui", "another program"),
        ({"source": "vscode", "status": {"type": "notLoaded"}}, "codex-tui", "IDE"),
        ({"source": "vscode", "originator": "codex-tui"}, "codextui", "Codex TUI"),
        ({"source": "appServer", "originator": "Zed"}, "", "Zed"),
        ({"source": {"custom": "atlas"}}, "", "atlas"),
        ({"source": {"custom": "  "}}, "", "another program"),
        ({"source": "telepathy", "originator": "x"}, "", "x"),
        ({"source": 7}, "", "another program"),
        ({"threadSource": "codextui", "originator": "codex-tui"}, "", "codextui"),
        # What the first client of the app-server is called says nothing of the others.
        ({"originator": "codextui", "threadSource": "user"}, "codextui", "Codex TUI"),
        # A codextui was the first client of the daemon that made it, and not of the present one.
        ({"originator": "codextui", "threadSource": "user"}, "codex-tui", "Codex TUI"),
        ({"originator": "codextui", "threadSource": "user"}, "", "Codex TUI"),
        ({"source": "vscode", "originator": "codextui"}, "codextui", "another program"),
        ({"source": "vscode", "originator": "codextui"}, "codex-tui", "codextui"),
        ({"source": "vscode", "originator": "a\x1b[31mb\nc"}, "", "ab ␊ c"),
        ({"source": "vscode", "originator": "\u202e\u200b"}, "", one_line("\u202e\u200b")),
    ],
)
def test_the_origin_is_the_program_as_far_as_it_is_known(
    thread: dict[str, Any], program: str, origin: str
) -> None:
    assert ListedThread.parse({"id": "t", **thread}, program=program).origin == origin


@pytest.mark.parametrize(
    ("thread", "is_internal"),
    [
        ({"ephemeral": True, "threadSource": "thread_title"}, True),
        ({"ephemeral": True, "threadSource": "user"}, False),
        ({"ephemeral": True, "threadSource": None}, False),
        ({"ephemeral": True, "threadSource": "codextui"}, False),
        ({"ephemeral": False, "threadSource": "thread_title"}, False),
        ({}, False),
    ],
)
def test_a_thread_that_a_program_has_for_itself_is_known(
    thread: dict[str, Any], is_internal: bool
) -> None:
    assert ListedThread.parse({"id": "t", **thread}).is_internal is is_internal


@pytest.mark.parametrize(
    ("thread", "parent"),
    [
        ({}, ""),
        ({"parentThreadId": "p"}, "p"),
        ({"parentThreadId": ""}, ""),
        ({"source": {"subAgent": {"thread_spawn": {"parent_thread_id": "q", "depth": 1}}}}, "q"),
        ({"source": {"subAgent": "review"}}, ""),
    ],
)
def test_a_sub_agent_names_its_parent(thread: dict[str, Any], parent: str) -> None:
    assert parent_of(thread) == parent


def test_an_attached_thread_stands_under_the_one_it_is_attached_to() -> None:
    listed = ListedThread.parse({"id": "t", "attachedToThreadId": "p"})
    assert listed.parent == "p"
    assert parent_of({"id": "t", "attachedToThreadId": "p"}) == ""


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries({"id": st.just("t")}, optional=dict.fromkeys(FULL.keys() - {"id"}, ANY))
)
def test_whatever_another_program_says_is_read_and_bounded(thread: dict[str, Any]) -> None:
    listed = ListedThread.parse(thread, program="codextui")
    assert listed.thread_id == "t"
    assert len(listed.name) <= MAX_NAME
    assert 0 < len(listed.origin) <= MAX_ORIGIN
    for text in (listed.name, listed.origin, listed.nickname):
        assert text == one_line(text)
        assert "\n" not in text
    assert listed.created_at >= 0
