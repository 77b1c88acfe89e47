"""Threads of another program on the same real app-server: seen, followed, decided, left alone."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from contract.other_program import SharedCodex, serving_on
from contract.serving import PATIENCE_S, Console, Served, answer_of

from codextui.demo import Call, Patch, Run, Say, Script
from codextui.errors import (
    ApprovalGone,
    CodexFailed,
    CodextuiError,
    ServerRefused,
    ThreadUnknown,
)
from codextui.protocol import events as ev
from codextui.protocol.approvals import Others, PatchAsked
from codextui.protocol.decisions import Approved, Declined
from codextui.protocol.threads import ThreadInfo, ThreadState

pytestmark = pytest.mark.contract


@pytest.fixture
def script(scratch: Path) -> Script:
    script = Script()
    script.on("hello", Say("Hi there."))
    script.on("second", Say("And again."))
    ask = Run(f"touch {scratch / 'made'}", escalate=True, justification="to see")
    script.on("make it", ask, Say("Made."))
    ask_more = Run(f"touch {scratch / 'more'}", escalate=True, justification="to see")
    script.on("make more", ask_more, Say("More."))
    patch = "*** Begin Patch\n*** Add File: new.txt\n+one line\n*** End Patch\n"
    script.on("patch it", Patch(patch), Say("Patched."))
    spawn = Call("spawn_agent", {"message": "small task"}, "multi_agent_v1")
    script.on("delegate", spawn, Say("Delegated."))
    lines = ("Begin Patch", f"Add File: {scratch / 'outside'}\n+all of it", "End Patch\nEOF")
    patch = "".join(f"\n*** {line}" for line in lines)
    script.on("small task", Run(f"apply_patch <<'EOF'{patch}"), Say("Patched."))
    script.on("use it", Call("look", {}), Say("Looked."))
    return script


async def info_of(console: Console, thread: str) -> ThreadInfo:
    event = await console.event(ev.ThreadChanged, lambda e: e.thread_id == thread)
    assert isinstance(event.msg, ev.ThreadChanged)
    return latest(console, thread)


def latest(console: Console, thread: str) -> ThreadInfo:
    return console.messages(thread, ev.ThreadChanged)[-1].thread


def decisions(served: Served) -> list[tuple[str, str, str]]:
    """The audit log: what was asked, how it ended, and who decided."""
    with closing(sqlite3.connect(served.options.journal)) as database:
        rows = database.execute("SELECT kind, outcome, by FROM approvals ORDER BY id")
        return [(str(kind), str(outcome), str(by)) for kind, outcome, by in rows]


async def test_a_thread_of_another_program_is_listed_and_leaves_when_it_is_closed(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        info = await info_of(console, thread)
        assert (info.handle, info.origin, info.ours, info.followed) == (
            "tui",
            "Codex TUI",
            False,
            False,
        )
        assert (info.cwd, info.model, info.state) == (str(workspace), "gpt-5.5", ThreadState.IDLE)
        await program.run(thread, "hello")
        await console.state(thread, ThreadState.RUNNING)
        assert console.said(thread) == ""  # nobody follows it
        await program.call("thread/archive", threadId=thread)
        await console.event(ev.ThreadLeft, lambda e: e.thread_id == thread)
        assert (await console.call("codex-threads"))["threads"] == []


async def test_threads_that_are_open_before_the_server_starts_are_listed_with_what_they_do(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program("somebody's editor")
    new = await program.start_thread(workspace)
    old = await program.start_thread(workspace)
    await program.call("thread/name/set", threadId=old, name="Fix the bug")
    await program.run(old, "hello")
    waiting = await program.start_thread(workspace)
    await program.start_turn(waiting, "make it")
    await program.asked(waiting)
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        approval = await console.offered()
        assert (approval.thread_id, approval.origin) == (waiting, "somebody's editor")
        for thread in (new, old):
            await info_of(console, thread)
        rows = (await console.call("codex-threads"))["threads"]
        infos = {row["thread_id"]: ThreadInfo.from_json(row) for row in rows}
        assert set(infos) == {new, old, waiting}
        assert (infos[old].handle, infos[old].name, infos[old].brief) == (
            "fix-the-bug",
            "Fix the bug",
            "hello",
        )
        assert infos[waiting].state_word == "needs approval"
        assert infos[new].handle != infos[waiting].handle


async def test_they_are_listed_also_where_the_server_is_started_by_a_command_for_a_new_thread(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program()
    waiting = await program.start_thread(workspace)
    await program.start_turn(waiting, "make it")
    await program.asked(waiting)
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        await console.call("codex-start", prompt="hello", cwd=str(workspace))
        approval = await console.offered()
        assert (approval.thread_id, approval.origin) == (waiting, "Codex TUI")


async def test_a_followed_thread_has_its_past_once_and_is_live(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.run(thread, "hello")
        await info_of(console, thread)
        followed = await console.call("codex-follow", thread=thread, follow=True)
        assert followed["thread"]["followed"]
        end = await console.event(ev.TurnCompleted, lambda e: e.thread_id == thread)
        assert answer_of(end) == "Hi there."
        assert (await console.call("codex-server"))["codex"]["following"] == 1
        await program.run(thread, "second")
        await console.event(
            ev.TurnCompleted, lambda e: e.thread_id == thread and e.turn_id != end.turn_id
        )
        assert console.said(thread) == "And again."
        await console.call("codex-follow", thread=thread, follow=False)
        assert (await console.call("codex-server"))["codex"]["following"] == 0
        await console.call("codex-follow", thread=thread, follow=True)
        completed = [msg.item["id"] for msg in console.messages(thread, ev.ItemCompleted)]
        assert len(completed) == len(set(completed)) == 4
        assert len(console.messages(thread, ev.TurnCompleted)) == 2


async def test_what_a_session_follows_ends_with_it(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    await program.run(thread, "hello")
    async with served.console("watcher") as watcher:
        async with served.console() as console:
            await console.call("codex-follow", thread=thread, follow=True)
        await watcher.event(
            ev.ThreadChanged,
            lambda e: e.thread_id == thread and e.msg.thread.followed,  # type: ignore[union-attr] # it is one
        )
        seen = len(watcher.updates)
        await watcher.event(
            ev.ThreadChanged,
            lambda e: e.thread_id == thread and not e.msg.thread.followed,  # type: ignore[union-attr] # it is one
            after=seen - 1,
        )


async def test_an_approval_is_decided_here_and_closes_there(
    codex: SharedCodex, served: Served, workspace: Path, scratch: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.start_turn(thread, "make it")
        request = await program.asked(thread)
        approval = await console.offered()
        assert (approval.handle, approval.origin) == ("tui", "Codex TUI")
        await console.connection.answer(approval.approval_id, Approved())
        await program.resolved(request)
        await program.heard("turn/completed", thread)
        assert (scratch / "made").exists()
        await console.event(ev.ApprovalResolved)
    assert decisions(served) == [("command", "approved", "console")]


async def test_a_patch_is_shown_whole_though_it_was_proposed_before_we_looked(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace, approvalPolicy="untrusted", sandbox="read-only")
    await program.start_turn(thread, "patch it")
    request = await program.asked(thread)
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        approval = await console.offered()
        assert isinstance(approval.asked, PatchAsked)
        (change,) = approval.asked.changes
        assert (Path(change.path).name, change.kind, change.diff) == (
            "new.txt",
            "add",
            "one line\n",
        )
        await program.decide(request, "accept")
        await console.withdrawn(approval.approval_id)
    await program.heard("turn/completed", thread)
    assert (workspace / "new.txt").read_text() == "one line\n"


async def test_an_approval_is_decided_there_and_closes_here(
    codex: SharedCodex, served: Served, workspace: Path, scratch: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.start_turn(thread, "make it")
        request = await program.asked(thread)
        approval = await console.offered()
        await program.decide(request, "decline")
        await console.withdrawn(approval.approval_id)
        event = await console.event(ev.ApprovalResolved)
        assert isinstance(event.msg, ev.ApprovalResolved)
        assert (event.msg.outcome, event.msg.by) == ("answered_elsewhere", "another program")
        with pytest.raises(ApprovalGone):
            await console.call("codex-answer", approval=approval.approval_id, decision="approved")
        await program.heard("turn/completed", thread)
        assert not (scratch / "made").exists()
    assert decisions(served) == [("command", "answered_elsewhere", "another program")]


async def test_an_approval_whose_turn_is_stopped_there_is_withdrawn_not_answered(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        turn = await program.start_turn(thread, "make it")
        approval = await console.offered()
        await program.call("turn/interrupt", threadId=thread, turnId=turn)
        await console.withdrawn(approval.approval_id)
        event = await console.event(ev.ApprovalResolved)
        assert isinstance(event.msg, ev.ApprovalResolved)
        assert event.msg.outcome == "withdrawn"
        await console.state(thread, ThreadState.INTERRUPTED)


async def test_a_thread_that_asked_is_followed_no_longer_than_it_waits(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.start_turn(thread, "make it")
        approval = await console.offered()
        assert latest(console, thread).followed
        await console.connection.answer(approval.approval_id, Declined("not that"))
        await program.heard("turn/completed", thread)
        await console.event(
            ev.ThreadChanged,
            lambda e: e.thread_id == thread and not e.msg.thread.followed,  # type: ignore[union-attr] # it is one
            after=len(console.updates) - 1,
        )


async def test_no_time_out_decides_for_another_program_unless_the_user_says_so(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    async with serving_on(codex, codex_binary, scratch, unattended_timeout_s=0.0) as served:
        await program.start_turn(thread, "make it")
        request = await program.asked(thread)
        async with served.console() as console:
            approval = await console.offered()
            assert approval.thread_id == thread
    assert decisions(served) == [("command", "left", "")]
    seen = len(program.messages)
    options = {"unattended_timeout_s": 0.0, "others": Others.DECIDE}
    async with serving_on(codex, codex_binary, scratch, name="b", **options) as served:
        await program.resolved(request)
        await program.heard("turn/completed", thread, seen=seen)
    assert decisions(served) == [("command", "denied", "codextui")]


async def test_the_approval_of_another_program_survives_the_server(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        await program.start_turn(thread, "make it")
        await console.offered()
    assert decisions(served) == [("command", "left", "")]
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        approval = await console.offered()
        assert approval.approval_id == "a2"
        await console.connection.answer(approval.approval_id, Approved())
        await program.heard("turn/completed", thread)
    assert (scratch / "made").exists()


async def test_a_message_to_another_program_appears_there_and_its_answer_here(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await info_of(console, thread)
        sent = await console.call("codex-send", thread="tui", prompt="hello")
        assert not sent["steered"]
        await program.heard("turn/completed", thread)
        end = await console.event(ev.TurnCompleted, lambda e: e.thread_id == thread)
        assert answer_of(end) == "Hi there."
        await program.start_turn(thread, "make it")
        await console.offered()
        await console.call("codex-interrupt", thread="tui")
        assert latest(console, thread).state is ThreadState.INTERRUPTED
        fork = await console.call("codex-fork", thread="tui", handle="mine")
        assert (fork["thread"]["ours"], fork["thread"]["forked_from"]) == (True, thread)


async def test_the_thread_of_another_program_is_not_killed(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await info_of(console, thread)
        with pytest.raises(ServerRefused, match="belongs to Codex TUI"):
            await console.call("codex-kill", thread="tui")
        assert (await program.call("thread/loaded/list"))["data"] == [thread]


async def test_names_go_both_ways_and_a_handle_that_a_person_chose_stays(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.run(thread, "hello")  # Codex may not name a thread that is just begun
        await info_of(console, thread)
        await console.call("codex-rename", thread=thread, handle="mender")
        named = await program.heard("thread/name/updated", thread)
        assert named["params"]["threadName"] == "mender"
        await program.call("thread/name/set", threadId=thread, name="Another name")
        await console.event(
            ev.ThreadChanged,
            lambda e: e.thread_id == thread and e.msg.thread.name == "Another name",  # type: ignore[union-attr] # it is one
        )
        assert latest(console, thread).handle == "mender"


async def test_open_approvals_are_listed_under_the_name_that_their_thread_has_now(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.start_turn(thread, "make it")
        assert (await console.offered()).handle == "tui"
        await console.call("codex-rename", thread=thread, handle="mender")
        (listed,) = (await console.call("codex-approvals"))["approvals"]
        assert listed["handle"] == "mender"


async def restore(console: Console, thread: str) -> None:
    """Take a thread out of the archive, in which Codex finds it after a moment only."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await console.call("codex-archive", thread=thread, archived=False)
            except CodexFailed:
                await asyncio.sleep(0.05)
            else:
                return


async def test_codexs_history_is_searched_archived_and_resumed_from(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        loaded = await program.start_thread(workspace)
        await program.run(loaded, "hello")
        gone = await program.start_thread(workspace)
        await program.run(gone, "second")
        await program.call("thread/archive", threadId=gone)
        await console.event(ev.ThreadLeft, lambda e: e.thread_id == gone)

        async def listed(**arguments: object) -> dict[str, dict[str, object]]:
            page = await console.call("codex-history", **arguments)
            return {row["thread_id"]: row for row in page["threads"]}

        rows = await listed()
        assert set(rows) == {loaded}
        assert (rows[loaded]["brief"], rows[loaded]["loaded"], rows[loaded]["handle"]) == (
            "hello",
            True,
            "tui",
        )
        assert set(await listed(search="hello")) == {loaded}
        assert await listed(search="nothing like that") == {}
        archived = await listed(archived=True)
        assert (set(archived), archived[gone]["archived"]) == ({gone}, True)
        with pytest.raises(ThreadUnknown, match="'nobody'"):
            await console.call("codex-archive", thread="nobody", archived=False)
        await restore(console, gone)
        assert set(await listed()) == {loaded, gone}
        named = await console.call("codex-rename", thread=gone, handle="older")
        assert named == {"thread_id": gone, "name": "older"}
        assert (await listed())[gone]["name"] == "older"
        with pytest.raises(ThreadUnknown):
            await console.call("codex-rename", thread="nobody", handle="older")
        with pytest.raises(ServerRefused, match="handle:"):
            await console.call("codex-rename", thread=gone, handle="run:x")
        resumed = await console.call("codex-resume", thread=gone)
        assert resumed["thread"]["handle"] == "older"
        assert resumed["thread"]["ours"]
        joined = await console.call("codex-resume", thread=loaded)
        assert (joined["thread"]["ours"], joined["thread"]["followed"]) == (False, True)
        await console.call("codex-archive", thread="tui", archived=True)
        await program.heard("thread/archived", loaded)


async def test_a_page_of_the_history_says_where_the_next_begins(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    threads = set()
    for _ in range(3):
        thread = await program.start_thread(workspace)
        await program.run(thread, "hello")
        threads.add(thread)
    async with served.console() as console:
        first = await console.call("codex-history", limit=2)
        rest = await console.call("codex-history", limit=2, cursor=first["cursor"])
        ids = [row["thread_id"] for page in (first, rest) for row in page["threads"]]
        assert (set(ids), len(ids)) == (threads, 3)


async def test_two_servers_see_each_others_threads_and_the_first_decision_counts(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    async with (
        serving_on(codex, codex_binary, scratch, name="a") as one,
        serving_on(codex, codex_binary, scratch, name="b") as two,
        one.console("left") as left,
        two.console("right") as right,
    ):
        started = await left.call(
            "codex-start",
            prompt="make it",
            cwd=str(workspace),
            sandbox="workspace-write",
            **{"approval-policy": "on-request"},
        )
        thread = started["thread"]["thread_id"]
        here, there = await left.offered(), await right.offered()
        info = latest(right, thread)
        assert (info.ours, info.origin, info.handle) == (False, "codextui", "codextui")
        assert (here.origin, there.origin) == ("", "codextui")
        await right.connection.answer(there.approval_id, Approved())
        event = await left.event(ev.ApprovalResolved)
        assert isinstance(event.msg, ev.ApprovalResolved)
        assert event.msg.outcome == "answered_elsewhere"
        await left.event(ev.TurnCompleted)
    assert decisions(one) == [("command", "answered_elsewhere", "another program")]
    assert decisions(two) == [("command", "approved", "right")]


async def test_nothing_of_another_programs_transcript_is_in_the_journal(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await info_of(console, thread)
        await console.call("codex-follow", thread=thread, follow=True)
        await program.run(thread, "hello")
        await console.event(ev.TurnCompleted, lambda e: e.thread_id == thread)
    with closing(sqlite3.connect(served.options.journal)) as database:
        for table in ("threads", "events"):
            (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert count == 0, table


async def test_a_thread_that_is_adopted_is_ours_with_its_past_and_can_be_killed(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        await info_of(console, thread)
        with pytest.raises(ServerRefused, match="has no turn yet"):
            await console.call("codex-adopt", thread=thread)
        await program.run(thread, "hello")
        adopted = await console.call("codex-adopt", thread=thread)
        assert (adopted["thread"]["ours"], adopted["thread"]["origin"]) == (True, "")
        await program.run(thread, "second")
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "And again.")
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        answers = [msg.last_agent_message for msg in console.messages(thread, ev.TurnCompleted)]
        assert answers == ["Hi there.", "And again."]
        assert latest(console, thread).ours
        await console.call("codex-kill", thread=thread)
        await program.heard("thread/archived", thread)


async def test_the_end_of_the_server_ends_no_turn_that_another_program_has_started(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        await program.run(thread, "hello")
        await info_of(console, thread)
        await console.call("codex-adopt", thread=thread)
        mine = await console.call("codex-start", prompt="make more", cwd=str(workspace))
        own = mine["thread"]["thread_id"]
        await console.offered()
        await program.start_turn(thread, "make it")
        asked = await program.asked(thread)
        await console.offered(2)
        seen = len(program.messages)
    await program.wait_for(
        lambda m: (
            m.get("method") == "thread/status/changed"
            and m["params"]["threadId"] == own
            and m["params"]["status"]["type"] != "active"
        ),
        seen=seen,
    )
    seen = len(program.messages)
    await program.decide(asked, "accept")
    done = await program.heard("turn/completed", thread, seen=seen)
    assert done["params"]["turn"]["status"] == "completed"
    assert (scratch / "made").exists()


@pytest.mark.parametrize("how", [("codex-follow", {"follow": True}), ("codex-adopt", {})])
async def test_a_tool_of_another_program_is_served_by_that_alone(
    codex: SharedCodex, served: Served, workspace: Path, how: tuple[str, dict[str, bool]]
):
    program = await codex.program()
    schema = {"type": "object", "properties": {}}
    tool = {"name": "look", "description": "Look.", "inputSchema": schema}
    async with served.console() as console:
        thread = await program.start_thread(workspace, dynamicTools=[tool])
        await program.run(thread, "hello")
        await console.call(how[0], thread=thread, **how[1])
        await program.start_turn(thread, "use it")
        request = await program.heard("item/tool/call", thread)
        # Ours has got it, too, or will not: what is followed is behind it.
        await console.event(
            ev.ItemStarted,
            lambda e: e.msg.item["type"] == "dynamicToolCall",  # type: ignore[union-attr] # it is one
        )
        seen = [{"type": "inputText", "text": "I see."}]
        await program.send({"id": request["id"], "result": {"contentItems": seen, "success": True}})
        called = await console.event(
            ev.ItemCompleted,
            lambda e: e.msg.item["type"] == "dynamicToolCall",  # type: ignore[union-attr] # it is one
        )
        assert isinstance(called.msg, ev.ItemCompleted)
        assert called.msg.item["contentItems"] == seen
        assert called.msg.item["success"]


async def test_the_patch_of_a_sub_agent_of_another_program_is_shown_whole(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace, model="gpt-5.1")
        await program.start_turn(thread, "delegate")
        approval = await console.offered()
        assert approval.thread_id != thread
        assert approval.origin == "Codex TUI"
        assert isinstance(approval.asked, PatchAsked)
        assert [change.diff for change in approval.asked.changes] == ["all of it\n"]


async def test_a_thread_can_be_followed_before_its_first_turn(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await info_of(console, thread)
        answer = await console.call("codex-follow", thread=thread, follow=True)
        assert not answer["thread"]["followed"]
        await program.run(thread, "hello")
        end = await console.event(ev.TurnCompleted, lambda e: e.thread_id == thread)
        assert answer_of(end) == "Hi there."


async def test_what_is_gone_is_refused_and_harms_nothing(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.run(thread, "hello")
        following = asyncio.create_task(console.call("codex-follow", thread=thread, follow=True))
        await program.call("thread/archive", threadId=thread)
        await asyncio.gather(following, return_exceptions=True)
        await console.event(ev.ThreadLeft, lambda e: e.thread_id == thread)
        with pytest.raises(CodextuiError):
            await console.call("codex-follow", thread=thread, follow=True)
        assert (await console.call("codex-server"))["codex"]["following"] == 0


async def test_a_turn_of_codex_exec_leaves_the_settings_to_the_other_program(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    await program.run(thread, "hello")
    async with served.console() as watching:
        await info_of(watching, thread)
        async with served.console("codex exec") as client:
            arguments = {"thread": thread, "prompt": "second", "cwd": "/"}
            turn = (await client.call("codex-exec", **arguments))["turnId"]
            event = await client.event(ev.TurnCompleted, lambda e: e.turn_id == turn)
            assert answer_of(event) == "And again."
            ended = len(watching.updates)
        left = await watching.event(
            ev.ThreadChanged,
            lambda e: e.thread_id == thread and not e.msg.thread.followed,  # type: ignore[union-attr]
            after=ended,
        )
        assert isinstance(left.msg, ev.ThreadChanged)
        info = left.msg.thread
        assert (info.ours, info.cwd) == (False, str(workspace))
        assert (info.sandbox, info.approval_policy) == ("workspace-write", "on-request")
