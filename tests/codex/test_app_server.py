"""AppServer against a process that misbehaves."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from codextui.codex import process
from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.binary import CodexBinary
from codextui.codex.endpoint import AppServerEndpoint, AppServerLimits
from codextui.codex.notifications import TranslatedEvent, translate
from codextui.codex.process import select_last_words
from codextui.codex.requests import ApprovalRequest, Refusal, encode_decision, parse_request
from codextui.errors import (
    CodexDied,
    CodexFailed,
    CodexMissing,
    CodexOverloaded,
    MessageInvalid,
)
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import UnknownAsked
from codextui.protocol.decisions import Approved

FAKE = Path(__file__).with_name("fake_app_server.py")
PATIENCE_S = 60


class Record:
    """What the handlers were told."""

    def __init__(self) -> None:
        self.app: AppServer
        self.notifications: list[tuple[str, JsonObject]] = []
        self.requests: list[tuple[RequestId, str, JsonObject]] = []
        self.exits: list[str] = []
        self.exited = asyncio.Event()
        self.asked = asyncio.Event()

    def on_request(self, *request: Any) -> None:
        self.requests.append(request)
        self.asked.set()

    def on_exit(self, reason: str) -> None:
        self.exits.append(reason)
        self.exited.set()

    @property
    def msgs(self) -> list[ev.Msg]:
        notices = [translate(method, params) for method, params in self.notifications]
        return [notice.msg for notice in notices if isinstance(notice, TranslatedEvent)]

    @property
    def warnings(self) -> list[str]:
        return [msg.message for msg in self.msgs if isinstance(msg, ev.Warned)]


def fake_binary(folder: Path, scene: str) -> CodexBinary:
    script = folder / "codex"
    command = shlex.join([sys.executable, str(FAKE), scene])
    script.write_text(f"#!/bin/sh\nexec {command}\n")
    script.chmod(0o755)
    return CodexBinary(script, (0, 163, 0), "config")


@asynccontextmanager
async def playing(
    folder: Path, scene: str, record: Record | None = None, **options: Any
) -> AsyncIterator[Record]:
    record = record or Record()
    record.app = await AppServer.start(
        fake_binary(folder, scene),
        AppServerHandlers(
            lambda method, params: record.notifications.append((method, params)),
            record.on_request,
            record.on_exit,
        ),
        home=None,
        **options,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield record
    finally:
        await record.app.stop()


async def test_a_line_of_20_megabytes_arrives_whole(tmp_path: Path) -> None:
    async with playing(tmp_path, "long line") as record:
        assert await record.app.call("any", {}) == {"after": True}
    (msg,) = record.msgs
    assert isinstance(msg, ev.TextDelta)
    assert len(msg.delta) == 20 * 1024 * 1024


async def test_what_cannot_listen_is_used_over_stdio(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with playing(tmp_path, "long line", listen=tmp_path / "s.sock") as record:
        assert await record.app.call("any", {}) == {"after": True}
        assert record.app.address == ""
    assert "cannot be joined by others" in caplog.text


async def test_unreadable_lines_become_warnings_and_the_rest_still_arrives(tmp_path: Path) -> None:
    async with playing(tmp_path, "garbage") as record:
        refusal: Any = (await record.app.call("any", {}))["refusal"]
    assert (refusal["id"], refusal["error"]["code"]) == (7, -32602)
    own = [text for text in record.warnings if text.startswith("Codex sent a line")]
    assert len(own) == 4, "the 1st, 10th, 100th and 1000th"
    assert "1000 such lines so far" in own[-1]
    assert max(len(text) for text in own) < 500
    assert "\N{REPLACEMENT CHARACTER}" in record.warnings
    assert "half \N{REPLACEMENT CHARACTER} a pair" in record.warnings
    assert record.requests == []


async def test_unknown_kinds_stay_visible(tmp_path: Path) -> None:
    async with playing(tmp_path, "unknown") as record:
        await record.asked.wait()
        ((request_id, method, params),) = record.requests
        ask = parse_request(method, params)
        refused = encode_decision(method, params, Approved())
        assert isinstance(refused, Refusal)
        record.app.refuse(request_id, refused.code, refused.message)
        reply = (await record.app.call("any", {}))["reply"]
    item = {"id": "i", "type": "hologram", "shape": "cat"}
    assert record.msgs == [
        ev.UnknownEvent("thread/levitated", {"threadId": "t", "height": 3}),
        ev.UnknownEvent("app-server/surprise", {}),
        ev.ItemStarted(item),
    ]
    unknown = UnknownAsked("item/teleport/requestApproval", {"threadId": "t"})
    assert ask == ApprovalRequest("t", "", "", unknown)
    assert isinstance(reply, dict)
    assert reply["id"] == 0
    assert reply["error"]["code"] == -32601


async def test_an_overloaded_server_is_asked_again(tmp_path: Path) -> None:
    limits = AppServerLimits(first_backoff_s=0.001)
    async with playing(tmp_path, "overloaded twice", limits=limits) as record:
        assert await record.app.call("any", {}) == {"after": 2}


async def test_a_server_that_stays_overloaded_fails_the_call(tmp_path: Path) -> None:
    limits = AppServerLimits(longest_backoff_s=0.001)
    async with playing(tmp_path, "overloaded for good", limits=limits) as record:
        with pytest.raises(CodexOverloaded):
            await record.app.call("any", {})


@pytest.mark.parametrize(
    ("scene", "how"), [("dies", "exit code 3"), ("closes its output", "SIGKILL")]
)
async def test_a_death_is_reported_once_with_the_last_words_and_fails_every_call(
    tmp_path: Path, scene: str, how: str
) -> None:
    async with playing(tmp_path, scene, limits=AppServerLimits(grace_s=0.2)) as record:
        calls = [asyncio.create_task(record.app.call("any", {})) for _ in range(5)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        await record.exited.wait()
        with pytest.raises(CodexDied):
            await record.app.call("more", {})
        assert record.app.respond(1, {}) is False
        assert record.app.refuse(1, -1, "no") is False
    assert all(isinstance(answer, CodexDied) for answer in answers)
    (reason,) = record.exits
    assert how in reason
    assert reason.endswith("Error: the end is near | Caused by: |     no newline at the end")
    assert len(reason) < 2000
    assert reason.isprintable()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["WARNING: no aliases", "Error: no home", "Caused by:", "  0: gone", "more"], [1, 2, 3]),
        (["thread 'main' (7) panicked at a.rs:1:2:", "no", "way", "more"], [0, 1, 2]),
        (["Error: first", "Error: second"], [1]),
        (["2026-11-28T00:00:00Z ERROR a", "sh: codex: not found"], [1]),
        ([f"2026-11-28T00:00:0{n}Z INFO {n}" for n in range(5)], [2, 3, 4]),
        (["first", "second", "third", "fourth"], [0, 1, 2]),
        ([], []),
    ],
)
def test_the_last_words_are_the_beginning_of_the_last_error(
    lines: list[str], words: list[int]
) -> None:
    assert select_last_words(lines) == tuple(lines[number] for number in words)


async def test_the_last_words_are_recent_and_were_not_sent_as_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playing(tmp_path, "warns and dies") as record:
        await record.app.call("any", {})
        written = record.app._process
        while "long ago: all was well" not in written.last_errors:  # noqa: ASYNC110 - a pipe's doing
            await asyncio.sleep(0.01)
        monkeypatch.setattr(process, "monotonic", lambda: time.monotonic() + 3600)
        with pytest.raises(CodexDied):
            await record.app.call("any", {})
        await record.exited.wait()
        assert "ERROR codex: No sandbox is here." in written.last_errors
    (reason,) = record.exits
    assert reason.endswith("ended with exit code 3: the end is near")


async def test_a_process_that_is_killed_long_after_its_last_output_has_no_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playing(tmp_path, "warns and dies") as record:
        await record.app.call("any", {})
        written = record.app._process
        while "long ago: all was well" not in written.last_errors:  # noqa: ASYNC110 - a pipe's doing
            await asyncio.sleep(0.01)
        monkeypatch.setattr(process, "monotonic", lambda: time.monotonic() + 3600)
        os.kill(record.app.pid, signal.SIGKILL)
        await record.exited.wait()
    assert record.exits == [f"codex app-server (pid {record.app.pid}) was ended by SIGKILL"]


async def test_a_process_that_never_reads_fails_calls_in_time_and_can_be_stopped(
    tmp_path: Path,
) -> None:
    async with playing(tmp_path, "never reads", limits=AppServerLimits(grace_s=0.2)) as record:
        big = {"text": "x" * 1_000_000}
        calls = [asyncio.create_task(record.app.call("any", big, timeout_s=0.5)) for _ in range(20)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        pid = record.app.pid
    assert all(isinstance(answer, CodexFailed) for answer in answers)
    assert record.exits == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_answers_find_their_calls(tmp_path: Path) -> None:
    async with playing(tmp_path, "echo") as record:
        calls = [record.app.call("any", {"number": number}) for number in range(100)]
        answers = await asyncio.gather(*calls)
    assert [answer["params"] for answer in answers] == [{"number": n} for n in range(100)]


async def test_a_cancelled_call_is_forgotten(tmp_path: Path) -> None:
    async with playing(tmp_path, "echo") as record:
        call = asyncio.create_task(record.app.call("any", {}))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await record.app.call("any", {"after": 1}))["params"] == {"after": 1}


async def test_handlers_are_not_called_after_a_stop(tmp_path: Path) -> None:
    async with playing(tmp_path, "echo") as record:
        call = asyncio.create_task(record.app.call("any", {}))
        await asyncio.sleep(0)
        await record.app.stop()
        with pytest.raises(CodexDied, match="was stopped"):
            await call
        await record.app.stop()
    assert record.exits == []


async def test_it_gets_our_environment_and_its_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "kept")
    async with playing(tmp_path, "environment") as record:
        inherited = await record.app.call("any", {})
        assert record.app.home == Path("/home/of/codex")
        assert record.app.version == "0.163.0"
    async with playing(tmp_path, "environment", env={"ONLY": "this"}) as record:
        given = await record.app.call("any", {})
    assert inherited["OF_THE_CALLER"] == "kept"
    assert given["ONLY"] == "this"
    assert "OF_THE_CALLER" not in given


async def test_a_handler_that_fails_does_not_stop_the_reading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the handler is broken")

    app = await AppServer.start(
        fake_binary(tmp_path, "long line"),
        AppServerHandlers(fail, fail, fail),
        home=None,
    )
    try:
        assert await app.call("any", {}) == {"after": True}
    finally:
        await app.stop()
    assert "the handler is broken" in caplog.text


@pytest.mark.parametrize(
    ("scene", "kind", "said"),
    [
        ("has no app-server", CodexMissing, "has no app-server"),
        ("dies at once", CodexDied, "exit code 9"),
    ],
)
async def test_a_failed_start_raises_the_reason_and_is_not_reported_as_an_exit(
    tmp_path: Path, scene: str, kind: type[Exception], said: str
) -> None:
    record = Record()
    with pytest.raises(kind, match=said):
        async with playing(tmp_path, scene, record):
            pass
    assert record.exits == []


async def test_a_process_that_does_not_answer_initialize_is_given_up(tmp_path: Path) -> None:
    sleeper = tmp_path / "codex"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o755)
    with pytest.raises(CodexFailed, match="initialize"):
        await AppServer.start(
            CodexBinary(sleeper, (0, 163, 0), "config"),
            AppServerHandlers(print, print, print),
            home=None,
            limits=AppServerLimits(handshake_s=0.3, grace_s=0.2),
        )


async def test_a_binary_that_cannot_run_is_missing(tmp_path: Path) -> None:
    text = tmp_path / "codex"
    text.write_text("no program")
    with pytest.raises(CodexMissing, match="cannot be run"):
        await AppServer.start(
            CodexBinary(text, (0, 163, 0), "config"),
            AppServerHandlers(print, print, print),
            home=None,
        )


async def test_orphans_that_carry_the_mark_are_found(tmp_path: Path) -> None:
    """A child in a session of its own outlives a killed process, but not the sweep after it."""
    script = tmp_path / "codex"
    script.write_text(
        "#!/bin/sh\nsetsid sleep 3605 </dev/null >/dev/null 2>&1 &\n"
        f"exec {shlex.join([sys.executable, str(FAKE), 'echo'])}\n"
    )
    script.chmod(0o755)
    record = Record()
    app = await AppServer.start(
        CodexBinary(script, (0, 163, 0), "config"),
        AppServerHandlers(print, print, record.on_exit),
        home=None,
        env={**os.environ, "FOR_THIS_TEST": str(tmp_path)},
    )
    assert sleepers(tmp_path)
    os.kill(app.pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_S):
        await record.exited.wait()
    assert not sleepers(tmp_path)
    await app.stop()


def sleepers(folder: Path) -> list[str]:
    entry = f"FOR_THIS_TEST={folder}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (path / "environ").read_bytes() and (path / "cmdline").read_bytes():
                found.append(path.name)
        except OSError:
            continue
    return found


class Nowhere:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> bool:
        self.sent.append(data)
        return True

    async def drain(self) -> None:
        return


def conversation(
    told: list[tuple[str, JsonObject]], transport: Nowhere | None = None, **limits: Any
) -> AppServerEndpoint:
    return AppServerEndpoint(
        transport or Nowhere(),
        on_notification=lambda method, params: told.append((method, params)),
        on_request=lambda *_: None,
        limits=AppServerLimits(**limits),
    )


async def test_a_call_whose_answer_is_too_long_fails_and_a_warning_says_so() -> None:
    told: list[tuple[str, JsonObject]] = []
    rpc = conversation(told, max_line=1024 * 1024)
    call = asyncio.create_task(rpc.call("thread/turns/list", {}))
    await asyncio.sleep(0)
    rpc.feed(b'{"id":1,"result":{"text":"' + b"x" * 2 * 1024 * 1024)
    with pytest.raises(CodexFailed, match="above 1 MiB"):
        await call
    rpc.feed(b'"}}\n{"method":"thread/closed","params":{"threadId":"t"}}\n')
    assert [method for method, _ in told] == ["warning", "thread/closed"]


async def test_an_error_that_explains_nothing_still_fails_its_call() -> None:
    rpc = conversation([])
    for number, error in enumerate((b"null", b"17", b'{"message": null}', b"{}"), start=1):
        call = asyncio.create_task(rpc.call("any", {}))
        await asyncio.sleep(0)
        rpc.feed(b'{"id":%d,"error":%b}\n' % (number, error))
        with pytest.raises(CodexFailed):
            await call


async def test_a_result_that_is_not_an_object_is_an_empty_one() -> None:
    rpc = conversation([])
    call = asyncio.create_task(rpc.call("any", {}))
    await asyncio.sleep(0)
    rpc.feed(b'{"id":1,"result":null}\n')
    assert await call == {}


async def test_a_call_that_json_cannot_express_leaves_nothing_behind() -> None:
    rpc = conversation([])
    with pytest.raises(MessageInvalid):
        await rpc.call("any", {"number": float("nan")})
    call = asyncio.create_task(rpc.call("any", {}))
    await asyncio.sleep(0)
    rpc.feed(b'{"id":2,"result":{}}\n')
    assert await call == {}


async def test_only_so_many_calls_are_in_flight_at_once() -> None:
    transport = Nowhere()
    most = AppServerLimits().max_in_flight
    rpc = conversation([], transport)
    calls = [asyncio.create_task(rpc.call("any", {})) for _ in range(most + 10)]
    for number in range(1, len(calls) + 1):
        for _ in range(len(calls)):
            await asyncio.sleep(0)
        assert len(transport.sent) == min(number + most - 1, len(calls))
        rpc.feed(b'{"id":%d,"result":{}}\n' % number)
    assert await asyncio.gather(*calls) == [{}] * len(calls)
