"""Which app-server is used: the daemon, one at an address, or one of our own."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, unix_serve

from codextui.codex import websocket
from codextui.codex.app_server import AppServerHandlers
from codextui.codex.connector import CodexConnector, CodexSettings
from codextui.codex.daemon import Daemon, DaemonLimits
from codextui.codex.endpoint import AppServerLimits
from codextui.config.attach import Attach, AttachKind
from codextui.errors import CodexDied, CodexFailed, CodexMissing, CodexUnreachable

PATIENCE_S = 60
SOCKET = Path("app-server-control", "app-server-control.sock")
LIMITS = DaemonLimits(start_s=20.0, restart_s=0.2, restart_poll_s=0.01, stop_s=0.02)

FAKE_CODEX = '''#!{python}
"""Plays the commands of Codex that have to do with its daemon."""
import json, pathlib, sys, time

home = pathlib.Path(__file__).parent
(home / "calls").open("a").write(" ".join(sys.argv[1:]) + "\\n")
match sys.argv[1:]:
    case ["--version"]:
        print("codex-cli 0.163.0")
    case ["features", "list"]:
        print("apps   stable   true")
        print("daemon_auto_start   stable   {feature}")
    case ["app-server", "daemon", "start"]:
        {start}
    case ["app-server", *_]:
        for line in sys.stdin:
            message = json.loads(line)
            if "id" in message:
                result = dict(codexHome=str(home), userAgent="codextui/0.163.0 (x)")
                print(json.dumps(dict(id=message["id"], result=result)), flush=True)
'''
FAILS = (
    "sys.stderr.write('Error: no space\\n\\nCaused by:\\n    disk full\\n\\nStack backtrace:\\n')"
)


class Stage:
    """A CODEX_HOME and a Codex for it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / SOCKET).parent.mkdir(parents=True)
        self.socket = home / SOCKET
        self.notices: list[str] = []
        self.exits: list[str] = []
        self.binary = home / "codex"
        self.write_codex()

    def write_codex(self, *, feature: bool = False, start: str = "sys.exit(9)") -> None:
        text = FAKE_CODEX.replace("{python}", sys.executable).replace("{start}", start)
        self.binary.write_text(text.replace("{feature}", str(feature).lower()))
        self.binary.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        path = self.home / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def connector(self, kind: AttachKind, address: str = "", **changes: Any) -> CodexConnector:
        settings = CodexSettings(
            self.binary, self.home, attach=Attach(kind, address), daemon=LIMITS
        )
        return CodexConnector(replace(settings, **changes), self.notices.append)

    def handlers(self) -> AppServerHandlers:
        return AppServerHandlers(lambda *_: None, lambda *_: None, self.exits.append)

    @asynccontextmanager
    async def connected(self, connector: CodexConnector) -> AsyncIterator[Any]:
        async with asyncio.timeout(PATIENCE_S):
            app = await connector.connect(self.handlers())
            try:
                yield app
            finally:
                await app.stop()

    @asynccontextmanager
    async def listening(
        self,
        version: str = "0.163.0",
        talk: Callable[[ServerConnection], Awaitable[None]] | None = None,
        home: str = "",
    ) -> AsyncIterator[str]:
        """Run something that listens where the daemon would."""
        agent, codex_home = f"codextui/{version} (x)", home or str(self.home)

        async def answer(connection: ServerConnection) -> None:
            async for message in connection:
                call = json.loads(message)
                if "id" in call:
                    result = {"userAgent": agent, "codexHome": codex_home}
                    await connection.send(json.dumps({"id": call["id"], "result": result}))

        async with unix_serve(talk or answer, str(self.socket), compression=None):
            yield f"unix://{self.socket}"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="ct-") as folder:  # short enough for a socket
        yield Stage(Path(folder))


async def test_auto_joins_a_daemon_that_runs_and_asks_codex_for_none(stage: Stage) -> None:
    connector = stage.connector(AttachKind.AUTO)
    async with stage.listening() as address, stage.connected(connector) as app:
        assert (app.is_joined, app.address) == (True, address)
    assert (connector.attach, stage.notices) == ("daemon", [])
    assert stage.calls == ["--version"]


async def test_auto_runs_a_codex_of_its_own_where_codex_starts_no_daemon(stage: Stage) -> None:
    connector = stage.connector(AttachKind.AUTO)
    async with stage.connected(connector) as app:
        assert not app.is_joined
    assert (connector.attach, stage.notices) == ("own", [])
    assert "app-server daemon start" not in stage.calls


async def test_auto_starts_the_daemon_where_codex_would(stage: Stage) -> None:
    start = f"while not (home / '{SOCKET}').exists(): time.sleep(0.01)"
    stage.write_codex(feature=True, start=start)
    connector = stage.connector(AttachKind.AUTO)
    connecting = asyncio.create_task(connector.connect(stage.handlers()))
    async with asyncio.timeout(PATIENCE_S):
        while "features list" not in stage.calls:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        async with stage.listening():
            app = await connecting
            assert app.is_joined
            await app.stop()
    assert connector.attach == "daemon"


async def test_auto_runs_its_own_and_says_why_where_the_daemon_does_not_start(
    stage: Stage,
) -> None:
    stage.write_codex(feature=True, start=f"{FAILS}; sys.exit(1)")
    connector = stage.connector(AttachKind.AUTO)
    async with stage.connected(connector):
        assert connector.attach == "own"
    (notice,) = stage.notices
    assert notice.startswith("Codex cannot start its daemon: no space: disk full. codextui runs a")
    async with stage.connected(connector):
        pass
    assert stage.calls.count("app-server daemon start") == 1  # not at once again


async def test_auto_runs_its_own_where_the_daemon_cannot_be_joined(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = stage.connector(AttachKind.AUTO)
    async with stage.listening():
        uid = websocket.os.getuid()
        monkeypatch.setattr(websocket.os, "getuid", lambda: uid + 1)
        async with stage.connected(connector):
            assert connector.attach == "own"
    (notice,) = stage.notices
    assert "belongs to another user" in notice


async def test_daemon_says_what_to_type_where_none_runs_and_none_starts(stage: Stage) -> None:
    stage.write_codex(start=f"{FAILS}; sys.exit(1)")
    with pytest.raises(CodexUnreachable) as error:
        await stage.connector(AttachKind.DAEMON).connect(stage.handlers())
    assert str(error.value) == (
        "Codex's daemon does not run. Codex cannot start its daemon: no space: disk full. "
        'Type: codex app-server daemon start   or set attach = "auto" under [codex]'
    )


async def test_daemon_without_a_codex_says_what_to_type(stage: Stage) -> None:
    connector = stage.connector(AttachKind.DAEMON, binary=stage.home / "no-codex")
    with pytest.raises(
        CodexUnreachable, match=r"does not run\. Type: codex app-server daemon start"
    ):
        await connector.connect(stage.handlers())


async def test_a_daemon_that_does_not_start_in_time_is_given_up(stage: Stage) -> None:
    stage.write_codex(start="time.sleep(60)")
    limits = replace(LIMITS, start_s=0.3)
    with pytest.raises(CodexUnreachable, match=r"has not started its daemon within 0\.3 s"):
        await stage.connector(AttachKind.DAEMON, daemon=limits).connect(stage.handlers())


async def test_a_daemon_that_restarts_is_waited_for_and_none_is_started(stage: Stage) -> None:
    stage.write_codex(feature=True)
    connector = stage.connector(AttachKind.AUTO, daemon=replace(LIMITS, restart_s=PATIENCE_S))
    async with stage.listening(), stage.connected(connector):
        pass
    again = asyncio.create_task(connector.connect(stage.handlers()))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S), stage.listening("0.164.0"):
        app = await again
        assert (app.is_joined, app.version) == (True, "0.164.0")
        await app.stop()
    assert "app-server daemon start" not in stage.calls
    (notice,) = stage.notices
    assert notice == (
        f"Codex's daemon is Codex 0.164.0, and the Codex at {stage.binary} is 0.163.0. What runs "
        "is 0.164.0."
    )


PID = Path("app-server-daemon", "daemon.pid")
LOADED = Path("app-server-daemon", "loaded-threads.json")


@pytest.mark.parametrize(
    ("before", "after", "starts"),
    [
        ([PID], [], False),  # `codex app-server daemon stop`
        ([PID], [PID], True),  # a crash
        ([PID], [LOADED], True),  # a restart
        ([], [], True),  # a version that notes nothing
    ],
    ids=["stopped", "crashed", "restarted", "unknown"],
)
async def test_a_daemon_that_somebody_has_stopped_is_not_started(
    stage: Stage, before: list[Path], after: list[Path], *, starts: bool
) -> None:
    stage.write_codex(feature=True)
    connector = stage.connector(AttachKind.AUTO)
    (stage.home / PID).parent.mkdir()
    for path in before:
        (stage.home / path).touch()
    async with stage.listening(), stage.connected(connector):
        assert not connector.was_stopped
    for path in before:
        (stage.home / path).unlink()
    for path in after:
        (stage.home / path).touch()
    for _ in range(2):  # also when our own has ended
        async with stage.connected(connector):
            assert connector.attach == "own"
    assert ("app-server daemon start" in stage.calls) is starts
    assert connector.was_stopped is not starts
    assert ("Codex's daemon was stopped" in stage.notices[0]) is not starts


async def test_daemon_says_that_it_was_stopped_and_joins_it_when_it_runs_again(
    stage: Stage,
) -> None:
    connector = stage.connector(AttachKind.DAEMON)
    note = stage.home / PID
    note.parent.mkdir()
    note.touch()
    async with stage.listening(), stage.connected(connector):
        pass
    note.unlink()
    for _ in range(2):
        with pytest.raises(CodexUnreachable) as error:
            await connector.connect(stage.handlers())
        assert str(error.value) == "Codex's daemon was stopped. Type: codex app-server daemon start"
    assert "app-server daemon start" not in stage.calls
    note.touch()
    async with stage.listening(), stage.connected(connector) as app:
        assert app.is_joined


async def test_auto_could_move_to_a_daemon_that_appears(stage: Stage) -> None:
    connector = stage.connector(AttachKind.AUTO)
    async with stage.connected(connector):
        assert not connector.could_move
        async with stage.listening("0.153.3"):
            assert connector.could_move
            with pytest.raises(CodexMissing, match="too old"):
                await connector.move(stage.handlers())
            assert (connector.could_move, connector.attach) == (False, "own")
        stage.socket.unlink(missing_ok=True)
        async with stage.listening():  # another one
            assert connector.could_move
            joined = await connector.move(stage.handlers())
            assert joined.is_joined
            await joined.stop()


@pytest.mark.parametrize("kind", [AttachKind.OWN, AttachKind.PRIVATE])
async def test_a_codex_of_our_own_that_was_asked_for_does_not_move(
    stage: Stage, kind: AttachKind
) -> None:
    connector = stage.connector(kind)
    async with stage.listening(), stage.connected(connector):
        assert not connector.could_move


@pytest.mark.parametrize("kind", [AttachKind.DAEMON, AttachKind.ADDRESS])
async def test_a_codex_that_is_too_old_is_refused(stage: Stage, kind: AttachKind) -> None:
    async with stage.listening("0.153.3") as where:
        address = where if kind is AttachKind.ADDRESS else ""
        with pytest.raises(CodexMissing, match=r"is Codex 0\.153\.3, which is too old"):
            await stage.connector(kind, address).connect(stage.handlers())


async def test_the_codex_home_of_an_address_counts_and_is_named(stage: Stage) -> None:
    async with stage.listening(home="/elsewhere") as address:
        connector = stage.connector(AttachKind.ADDRESS, address)
        async with stage.connected(connector) as app:
            assert app.home == Path("/elsewhere")
    (notice,) = stage.notices
    assert f"uses the CODEX_HOME /elsewhere, not {stage.home}" in notice


async def test_an_address_needs_no_binary(stage: Stage) -> None:
    async with stage.listening() as address:
        connector = stage.connector(AttachKind.ADDRESS, address, binary=stage.home / "no-codex")
        async with stage.connected(connector) as app:
            assert app.version == "0.163.0"
    assert connector.binary is None


async def test_a_token_that_is_not_set_is_named(stage: Stage) -> None:
    connector = stage.connector(
        AttachKind.ADDRESS, "ws://127.0.0.1:1", token_env="NO_TOKEN", env={}
    )
    with pytest.raises(CodexUnreachable, match=r"environment variable NO_TOKEN .* is not set"):
        await connector.connect(stage.handlers())


async def silent(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def refusing(connection: ServerConnection) -> None:
    call = json.loads(await connection.recv())
    error = {"code": -32601, "message": "no initialize here"}
    await connection.send(json.dumps({"id": call["id"], "error": error}))
    await connection.wait_closed()


async def closing(connection: ServerConnection) -> None:
    await connection.recv()
    await connection.close(1008, "not you")


async def babbling(connection: ServerConnection) -> None:
    await connection.send("}{")
    await connection.send(b"\xff\x00")
    await connection.send("x" * 5_000)
    await refusing(connection)


@pytest.mark.parametrize(
    ("talk", "error", "why"),
    [
        (silent, CodexFailed, r"has not answered initialize for 0\.3 s"),
        (refusing, CodexFailed, "no initialize here"),
        (closing, CodexDied, "closed the connection: '1008 .policy violation. not you'"),
        (babbling, CodexFailed, "no initialize here"),
    ],
    ids=["silent", "refusing", "closing", "babbling"],
)
async def test_what_is_no_codex_is_refused_with_a_reason(
    stage: Stage, talk: Any, error: type[Exception], why: str
) -> None:
    limits = AppServerLimits(handshake_s=0.3, max_line=1_000)
    async with stage.listening(talk=talk) as address:
        connector = stage.connector(AttachKind.ADDRESS, address, join=limits)
        with pytest.raises(error, match=why):
            await connector.connect(stage.handlers())
    assert stage.exits == []


@pytest.mark.parametrize(
    ("env", "home"),
    [
        ({"CODEX_HOME": "/a", "HOME": "/b"}, Path("/a")),
        ({"CODEX_HOME": "", "HOME": "/b"}, Path("/b/.codex")),
        ({"HOME": "/b"}, Path("/b/.codex")),
        ({}, Path.home() / ".codex"),
    ],
)
def test_the_daemon_is_that_of_the_codex_home(env: dict[str, str], home: Path) -> None:
    assert Daemon(None, env).codex_home == home
    assert Daemon(Path("/c"), env).address == f"unix:///c/{SOCKET}"
