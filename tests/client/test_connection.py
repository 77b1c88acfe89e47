from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from client.recorder import Recorder

from codextui.client.connection import Connection
from codextui.client.spawn import find_server, open_socket
from codextui.client.updates import (
    ApprovalOffered,
    ApprovalWithdrawn,
    CaughtUp,
    Connected,
    ConnectionUpdate,
    Disconnected,
    EventReceived,
)
from codextui.config import paths
from codextui.errors import ApprovalGone, ServerRefused, ServerUnreachable, ThreadUnknown
from codextui.jsonrpc.lines import Streams
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.decisions import (
    Aborted,
    Answered,
    Approved,
    Declined,
    Scope,
    decision_word,
    parse_elicit_result,
)
from codextui.protocol.events import ApprovalResolved, Event, TextDelta, UnknownEvent, Warned


def connect_to(
    server: FakeServer, on_update: Callable[[ConnectionUpdate], None], **options: Any
) -> Connection:
    return Connection(
        partial(open_socket, server.path), name="a test", on_update=on_update, **options
    )


def delta(seq: int, text: str = "x") -> Event:
    return Event(seq, "t1", "u1", 1.0, TextDelta("i1", text))


def approval(approval_id: str = "a7") -> Approval:
    return Approval(approval_id, "t1", "u1", "i1", "backend", 1.0, CommandAsked("make", "/work"))


def elicitation(request_id: int, asked: Approval) -> Frame:
    params = {
        "message": "Allow?",
        "requestedSchema": {"type": "object", "properties": {}},
        "codex_command": ["make"],
        "_meta": {"codextui/approval": asked.to_json()},
    }
    return {"jsonrpc": "2.0", "id": request_id, "method": "elicitation/create", "params": params}


async def test_a_supervisor_introduces_itself_and_receives_past_events_and_then_new_ones(
    server: FakeServer,
) -> None:
    server.events = [delta(1), delta(2)]
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        server.tell(delta(3))
        await told.wait_for(EventReceived, 3)
    introduced = (await server.heard_method("initialize"))["params"]
    assert introduced["clientInfo"]["name"] == "a test"
    assert introduced["capabilities"]["experimental"] == {"codextui/supervisor": {}}
    assert "elicitation" in introduced["capabilities"]
    assert told.updates == [
        Connected("first", "codextui 9.9", fresh=True),
        EventReceived(delta(1)),
        EventReceived(delta(2)),
        CaughtUp(2),
        EventReceived(delta(3)),
    ]


async def test_a_client_that_does_not_supervise_neither_declares_nor_subscribes(
    server: FakeServer,
) -> None:
    server.tools["codex-threads"] = lambda _: {"threads": []}
    told = Recorder()
    async with connect_to(server, told.take, supervise=False) as connection:
        assert await connection.call("codex-threads", {}) == {"threads": []}
    assert told.updates == [Connected("", "codextui 9.9", fresh=True)]
    assert "codex/subscribe" not in [frame.get("method") for frame in server.received]
    capabilities = (await server.heard_method("initialize"))["params"]["capabilities"]
    assert "experimental" not in capabilities
    assert "elicitation" not in capabilities


async def test_twenty_thousand_events_arrive_all_and_in_order(server: FakeServer) -> None:
    server.events = [delta(seq) for seq in range(1, 20_001)]
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
    assert [event.seq for event in told.events] == list(range(1, 20_001))


async def test_after_a_reconnect_only_missed_events_are_received(server: FakeServer) -> None:
    server.events = [delta(1), delta(2)]
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        server.events.append(delta(3))
        server.hang_up()
        await told.wait_for(CaughtUp, 2)
    assert [event.seq for event in told.events] == [1, 2, 3]
    assert told.of(Connected)[1] == Connected("first", "codextui 9.9", fresh=False)
    assert told.of(Disconnected)[0].reason == "the server closed the connection"


async def test_a_server_with_another_epoch_makes_the_client_start_over(server: FakeServer) -> None:
    server.events = [delta(1), delta(2)]
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        await server.stop()
        server.epoch, server.events = "second", [delta(1, "other")]
        server.path.unlink()
        await server.listen()
        await told.wait_for(CaughtUp, 2)
    assert told.of(Connected)[1] == Connected("second", "codextui 9.9", fresh=True)
    assert told.events[-1] == delta(1, "other")


async def test_an_event_is_reported_only_once(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        for seq in (1, 2, 1, 2, 3):
            server.tell(delta(seq))
        await told.until(lambda: any(event.seq == 3 for event in told.events))
    assert [event.seq for event in told.events] == [1, 2, 3]


async def test_without_a_server_the_client_retries_and_reports_when(tmp_path: Any) -> None:
    told = Recorder()
    missing = partial(open_socket, tmp_path / "none")
    async with Connection(missing, name="a test", on_update=told.take):
        await told.wait_for(Disconnected, 2)
    first, second = told.of(Disconnected)[:2]
    assert "No such file" in first.reason
    assert 0 < first.retry_in < second.retry_in


async def test_a_server_that_refuses_subscriptions_is_asked_less_and_less_often(
    server: FakeServer,
) -> None:
    server.supervised = False
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(Disconnected, 3)
    assert told.of(Disconnected)[0].reason == "no method codex/subscribe"
    pauses = [update.retry_in for update in told.of(Disconnected)]
    assert pauses == sorted(set(pauses))


async def test_a_manual_retry_does_not_wait_for_the_pause(server: FakeServer) -> None:
    told = Recorder()
    tries = 0

    async def fail_twice() -> Any:
        nonlocal tries
        tries += 1
        if tries <= 8:
            raise ConnectionRefusedError("not yet")
        return await open_socket(server.path)

    def hurry(update: ConnectionUpdate) -> None:
        told.take(update)
        if isinstance(update, Disconnected):
            asyncio.get_running_loop().call_soon(connection.retry_now)

    async with (
        Connection(fail_twice, name="a test", on_update=hurry) as connection,
        asyncio.timeout(60),
    ):
        # The pauses of eight attempts are together longer than this test may take.
        await told.wait_for(CaughtUp)
    assert sum(update.retry_in for update in told.of(Disconnected)) > 5


async def test_a_pending_call_fails_as_unreachable_when_the_server_dies(
    server: FakeServer,
) -> None:
    asked = asyncio.Event()

    async def never(_: Frame) -> Frame:
        asked.set()
        await asyncio.Event().wait()
        return {}

    server.tools["codex-interrupt"] = never
    async with connect_to(server, lambda _: None) as connection:
        call = asyncio.create_task(connection.call("codex-interrupt", {"thread": "backend"}))
        async with asyncio.timeout(60):
            await asked.wait()
            server.hang_up()
            with pytest.raises(ServerUnreachable, match="lost before it answered"):
                await call


async def test_a_call_without_a_server_fails_after_a_bounded_wait_and_says_why(
    tmp_path: Any,
) -> None:
    missing = partial(open_socket, tmp_path / "none")
    connection = Connection(missing, name="t", on_update=lambda _: None, patience_s=0.05)
    async with connection, asyncio.timeout(60):
        with pytest.raises(ServerUnreachable, match=r"cannot be reached: .*No such file"):
            await connection.call("codex-threads", {})


async def test_a_call_during_a_short_outage_waits_for_the_server(server: FakeServer) -> None:
    server.tools["codex-threads"] = lambda _: {"threads": []}
    told = Recorder()
    async with connect_to(server, told.take) as connection, asyncio.timeout(60):
        await told.wait_for(CaughtUp)
        server.hang_up()
        await told.wait_for(Disconnected)
        assert await connection.call("codex-threads", {}) == {"threads": []}


async def test_a_failed_tool_raises_the_class_that_the_server_names(server: FakeServer) -> None:
    def unknown(arguments: Frame) -> Frame:
        raise ThreadUnknown(f"no thread is called {arguments['thread']}")

    server.tools["codex-read"] = unknown
    async with connect_to(server, lambda _: None) as connection, asyncio.timeout(60):
        with pytest.raises(ThreadUnknown, match="no thread is called nobody"):
            await connection.call("codex-read", {"thread": "nobody"})
        with pytest.raises(ServerRefused, match="no tool codex-dance"):
            await connection.call("codex-dance", {})


async def test_a_server_that_shows_no_sign_of_life_is_disconnected(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take, heartbeat_s=0.05):
        await told.wait_for(CaughtUp)
        server.deaf = True
        lost = await told.wait_for(Disconnected)
    assert "no sign of life" in lost.reason


async def test_the_error_that_ends_a_subscription_is_the_reported_reason(
    server: FakeServer,
) -> None:
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        asked = (await server.heard_method("codex/subscribe"))["id"]
        error = {"code": -32000 - 5, "message": "it let 50000 events wait"}
        server.send({"jsonrpc": "2.0", "id": asked, "error": error})
        lost = await told.wait_for(Disconnected)
    assert lost.reason == "it let 50000 events wait"


async def test_a_quiet_server_that_answers_pings_stays_connected(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take, heartbeat_s=0.02):
        await told.wait_for(CaughtUp)
        await server.heard(lambda f: sum(g.get("method") == "ping" for g in server.received) >= 3)
    assert told.of(Disconnected) == []


async def test_an_approval_arrives_with_everything_that_was_asked(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        server.send(elicitation(5, approval()))
        offered = await told.wait_for(ApprovalOffered)
    assert offered.approval == approval()


async def test_a_withdrawn_approval_is_reported_once(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        server.send(elicitation(5, approval()))
        server.notify("notifications/cancelled", {"requestId": 5})
        withdrawn = await told.wait_for(ApprovalWithdrawn)
        server.notify("notifications/cancelled", {"requestId": 5})
        server.tell(delta(1))
        await told.wait_for(EventReceived)
    assert withdrawn == ApprovalWithdrawn("a7")
    assert len(told.of(ApprovalWithdrawn)) == 1


async def test_an_elicitation_that_cannot_be_read_is_refused_and_shown(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        server.send({"jsonrpc": "2.0", "id": 9, "method": "elicitation/create", "params": {}})
        refused = await server.heard(lambda frame: frame.get("id") == 9 and "method" not in frame)
        await told.wait_for(EventReceived)
    assert "result" not in refused
    assert isinstance(told.events[0].msg, Warned)


@pytest.mark.parametrize(
    ("decision", "arguments"),
    [
        (Approved(), {"decision": "approved"}),
        (Approved(Scope.SESSION), {"decision": "approved_for_session"}),
        (Approved(Scope.ALWAYS), {"decision": "approved_always"}),
        (Declined(), {"decision": "denied"}),
        (Declined("use make"), {"decision": "denied", "message": "use make"}),
        (Aborted(), {"decision": "abort"}),
        (Answered({"q": ["Blue"]}), {"decision": "answered", "answers": {"q": ["Blue"]}}),
    ],
)
async def test_a_decision_without_an_elicitation_goes_through_the_tool_completely(
    server: FakeServer, decision: Any, arguments: Frame
) -> None:
    given: list[Frame] = []
    server.tools["codex-answer"] = lambda asked: given.append(asked) or {"outcome": "ok"}
    async with connect_to(server, lambda _: None) as connection, asyncio.timeout(60):
        await connection.answer("a7", decision)
    assert given == [{"approval": "a7", **arguments}]


async def test_a_decision_that_comes_too_late_raises_approval_gone(server: FakeServer) -> None:
    def gone(_: Frame) -> Frame:
        raise ApprovalGone("a7 was answered by another console")

    server.tools["codex-answer"] = gone
    async with connect_to(server, lambda _: None) as connection, asyncio.timeout(60):
        with pytest.raises(ApprovalGone, match="another console"):
            await connection.answer("a7", Approved())


async def test_an_event_of_an_unknown_kind_or_shape_stays_visible(server: FakeServer) -> None:
    told = Recorder()
    meta = {"seq": 1, "threadId": "t1", "at": 1.0}
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        server.notify("codex/event", {"_meta": meta, "id": "u", "msg": {"type": "new", "a": 1}})
        server.notify("codex/event", {"_meta": meta | {"seq": 2}, "id": "u", "msg": 7})
        server.notify("codex/event", {"_meta": "?"})
        await told.wait_for(EventReceived, 3)
    unknown, unreadable, hopeless = told.events
    assert unknown.msg == UnknownEvent("new", {"a": 1})
    assert (unreadable.seq, unreadable.thread_id, unreadable.turn_id) == (2, "t1", "u")
    assert isinstance(unreadable.msg, UnknownEvent)
    assert isinstance(hopeless.msg, UnknownEvent)


async def test_malformed_frames_become_warnings(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        for line in (
            b"{broken",
            b"[1, 2]",
            b'"text"',
            b"\xff\xfe",
            b'{"jsonrpc": "2.0"}',
            b"[" * 99_999,
        ):
            server.send(line)
        server.tell(delta(1))
        await told.until(lambda: any(event.seq == 1 for event in told.events))
    assert len([event for event in told.events if isinstance(event.msg, Warned)]) == 6


async def test_a_line_of_twenty_megabytes_arrives_whole(server: FakeServer) -> None:
    told = Recorder()
    text = "long " * (4 * 1024 * 1024)
    async with connect_to(server, told.take):
        await told.wait_for(CaughtUp)
        server.tell(delta(1, text))
        await told.wait_for(EventReceived)
    assert told.events == [delta(1, text)]


async def test_a_handler_that_fails_on_an_update_still_gets_the_next_one(
    server: FakeServer,
) -> None:
    told = Recorder()
    complaints: list[Frame] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    def stumble(update: ConnectionUpdate) -> None:
        told.take(update)
        if update == Connected("first", "codextui 9.9", fresh=True):
            raise RuntimeError("the owner stumbles")

    async with connect_to(server, stumble):
        await told.wait_for(CaughtUp)
    assert [str(complaint["exception"]) for complaint in complaints] == ["the owner stumbles"]


async def test_leaving_in_the_middle_of_a_stream_closes_the_connection(server: FakeServer) -> None:
    server.events = [delta(seq) for seq in range(1, 5_000)]
    told = Recorder()
    async with asyncio.timeout(60):
        async with connect_to(server, told.take):
            await told.wait_for(EventReceived)
        known = len(told.updates)
        await asyncio.sleep(0)
    assert len(told.updates) == known
    assert told.of(Disconnected) == []


def resolved(seq: int, outcome: str, by: str = "") -> Event:
    return Event(seq, "t1", "u1", 1.0, ApprovalResolved("a7", outcome, by))


@pytest.mark.parametrize(
    "decision",
    [
        Approved(),
        Approved(Scope.SESSION),
        Approved(Scope.ALWAYS),
        Declined("use make"),
        Aborted(),
        Answered({"q": ["Blue"]}),
    ],
)
async def test_a_decision_is_the_result_of_its_elicitation_and_confirmed_by_the_event(
    server: FakeServer, decision: Any
) -> None:
    told = Recorder()
    async with connect_to(server, told.take) as connection, asyncio.timeout(60):
        await told.wait_for(CaughtUp)
        server.send(elicitation(5, approval()))
        await told.wait_for(ApprovalOffered)
        answering = asyncio.create_task(connection.answer("a7", decision))
        answer = await server.heard(lambda frame: frame.get("id") == 5 and "method" not in frame)
        assert not answering.done()
        server.tell(resolved(1, decision_word(decision), "a test"))
        await answering
    assert parse_elicit_result(answer["result"]) == decision


async def test_an_answer_that_lost_the_race_raises_approval_gone(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take) as connection, asyncio.timeout(60):
        await told.wait_for(CaughtUp)
        server.send(elicitation(5, approval()))
        await told.wait_for(ApprovalOffered)
        answering = asyncio.create_task(connection.answer("a7", Approved()))
        await server.heard(lambda frame: frame.get("id") == 5 and "method" not in frame)
        server.tell(resolved(1, "denied", "another console"))
        with pytest.raises(ApprovalGone, match="denied by another console"):
            await answering


async def test_an_answer_that_the_server_could_not_record_raises_at_once_and_is_asked_again(
    server: FakeServer,
) -> None:
    told = Recorder()
    async with connect_to(server, told.take) as connection, asyncio.timeout(10):
        await told.wait_for(CaughtUp)
        server.send(elicitation(5, approval()))
        await told.wait_for(ApprovalOffered)
        answering = asyncio.create_task(connection.answer("a7", Approved()))
        await server.heard(lambda frame: frame.get("id") == 5 and "method" not in frame)
        server.send(elicitation(6, approval()))
        with pytest.raises(ServerRefused, match="could not record it"):
            await answering
        answering = asyncio.create_task(connection.answer("a7", Declined()))
        await server.heard(lambda frame: frame.get("id") == 6 and "method" not in frame)
        server.tell(resolved(1, "denied", "a test"))
        await answering


async def test_an_unconfirmed_answer_raises_unreachable(server: FakeServer) -> None:
    told = Recorder()
    async with connect_to(server, told.take) as connection, asyncio.timeout(60):
        await told.wait_for(CaughtUp)
        server.send(elicitation(5, approval()))
        await told.wait_for(ApprovalOffered)
        answering = asyncio.create_task(connection.answer("a7", Approved()))
        await server.heard(lambda frame: frame.get("id") == 5 and "method" not in frame)
        server.hang_up()
        with pytest.raises(ServerUnreachable, match="what became of it"):
            await answering


async def test_a_server_that_no_longer_runs_is_told_from_one_that_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    told = Recorder()

    async def find() -> Streams:
        return await open_socket(await find_server("default"))

    async with (
        FakeServer(paths.socket_path("default")) as server,
        Connection(find, name="a test", on_update=told.take),
    ):
        await told.wait_for(CaughtUp)
        await server.stop()
        await told.wait_for(Disconnected, 2)
    assert [update.ended for update in told.of(Disconnected)[:2]] == [False, True]
