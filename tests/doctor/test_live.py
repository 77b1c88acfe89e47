"""Servers, daemons and tmux that run: they are asked who they are, and may not answer."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer
from doctor.conftest import Stage, worse

import codextui
from codextui.codex.versions import OLDEST, format_version
from codextui.doctor import server


def one(findings: list[dict[str, Any]], check: str) -> dict[str, Any]:
    [found] = [found for found in findings if found["check"] == check]
    return found


async def test_a_server_of_this_version_is_fine(
    stage: Stage, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codextui, "__version__", "9.9")
    async with FakeServer(stage.runtime / "default.sock"):
        code, findings = await examine()
    assert (code, worse(findings)) == (0, {})
    assert "the server 'default' runs" in one(findings, "server.running")["found"]


async def test_a_server_of_another_version_is_named(stage: Stage, examine: Any) -> None:
    async with FakeServer(stage.runtime / "default.sock"):
        code, findings = await examine()
    assert (code, worse(findings)) == (1, {"server.version": "problem"})
    differs = one(findings, "server.version")
    assert f"is codextui 9.9, and this is codextui {codextui.__version__}" in differs["found"]
    assert differs["command"] == "codextui kill-server"


async def test_a_server_without_the_http_of_the_configuration_is_named(
    stage: Stage, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codextui, "__version__", "9.9")
    async with FakeServer(stage.runtime / "default.sock"):
        stage.write_config('[server]\n\nhttp = "127.0.0.1:9"\n')
        code, findings = await examine()
        assert (code, worse(findings)) == (1, {"server.http": "problem"})
        silent = one(findings, "server.http")
        assert (silent["line"], silent["command"]) == (3, "codextui serve --http 127.0.0.1:9")
        address = stage.provider.removeprefix("http://").removesuffix("/v1")
        stage.write_config(f'[server]\nhttp = "{address}"\n')
        assert worse((await examine())[1]) == {}
    assert worse((await examine())[1]) == {"server.socket": "advice"}, "none runs any more"


async def test_a_server_that_does_not_answer_is_named(
    stage: Stage, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ANSWER_TIMEOUT_S", 0.2)
    async with FakeServer(stage.runtime / "default.sock") as fake:
        fake.deaf = True
        code, findings = await examine()
    assert (code, worse(findings)) == (1, {"server.running": "problem"})


async def test_another_server_is_examined_by_its_name(stage: Stage, examine: Any) -> None:
    async with FakeServer(stage.runtime / "work.sock"):
        _, findings = await examine("-L", "work")
        assert one(findings, "server.version")["command"] == "codextui kill-server -L work"
        assert worse((await examine())[1]) == {}, "another one that runs is not in the way"


async def test_a_stale_socket_of_another_server_is_named_and_removed(
    stage: Stage, examine: Any
) -> None:
    path = stage.runtime / "work.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    assert worse((await examine())[1]) == {"server.socket": "advice"}
    code, findings = await examine("--fix")
    assert (code, worse(findings[1:])) == (0, {})
    assert not path.exists()


@contextmanager
def daemon(stage: Stage, says: str) -> Iterator[None]:
    """Codex's daemon as far as its socket, and what Codex says of its version."""
    with tempfile.TemporaryDirectory(prefix="ct-") as home, socket.socket(socket.AF_UNIX) as sock:
        stage.setenv(CODEX_HOME=home)
        folder = Path(home) / "app-server-control"
        folder.mkdir()
        sock.bind(str(folder / "app-server-control.sock"))
        sock.listen(10)
        (Path(home) / "config.toml").write_text(f'openai_base_url = "{stage.provider}"\n')
        stage.write_codex(daemon=f"echo '{says}'")
        yield


@pytest.mark.parametrize(
    ("version", "finds"),
    [
        ("0.163.0", {}),
        ("0.171.0", {"codex.daemon": "advice"}),
        ("0.99.0", {"codex.daemon": "problem"}),
    ],
)
async def test_the_version_of_the_daemon_is_compared(
    stage: Stage, examine: Any, version: str, finds: dict[str, str]
) -> None:
    with daemon(stage, json.dumps({"appServerVersion": version})):
        code, findings = await examine()
    assert (code, worse(findings)) == (int("problem" in finds.values()), finds)
    if finds:
        assert one(findings, "codex.daemon")["command"].endswith("app-server daemon restart")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(("attach", "finds"), [("auto", {"codex.login": "problem"}), ("own", {})])
async def test_a_daemon_that_was_started_without_the_key_of_the_provider_is_named(
    stage: Stage, examine: Any, attach: str, finds: dict[str, str]
) -> None:
    stage.write_config(f'[codex]\nattach = "{attach}"\n')
    with daemon(stage, json.dumps({"appServerVersion": "0.163.0"})):
        home = Path(os.environ["CODEX_HOME"])
        (home / "config.toml").write_text(
            'model_provider = "mine"\n[model_providers.mine]\nname = "mine"\n'
            f'base_url = "{stage.provider}"\nenv_key = "MINE_KEY"\n'
        )
        (home / "app-server-daemon").mkdir()
        # A process keeps the environment with which it was started.
        (home / "app-server-daemon" / "daemon.pid").write_text(json.dumps({"pid": os.getpid()}))
        stage.setenv(MINE_KEY="secret")
        code, findings = await examine()
    assert (code, worse(findings)) == (int(bool(finds)), finds)
    if finds:
        assert "without it" in one(findings, "codex.login")["found"]
        assert one(findings, "codex.login")["command"].endswith("app-server daemon restart")
    assert "secret" not in json.dumps(findings)


@pytest.mark.parametrize("says", ["", "nonsense", "[]", '{"appServerVersion": 3}'])
async def test_a_daemon_that_does_not_say_its_version_is_named(
    stage: Stage, examine: Any, says: str
) -> None:
    with daemon(stage, says):
        _, findings = await examine()
    assert worse(findings) == {"codex.daemon": "advice"}


async def test_the_oldest_codex_is_not_refused(stage: Stage, examine: Any) -> None:
    stage.write_codex(format_version(OLDEST))
    assert worse((await examine())[1]) == {}


@pytest.mark.parametrize(("value", "finds"), [("on", {}), ("off", {"terminal.tmux": "advice"})])
async def test_the_settings_of_tmux_are_looked_at(
    stage: Stage, examine: Any, value: str, finds: dict[str, str]
) -> None:
    stage.write_program("tmux", f'echo "$@" >> {stage.home}/asked; echo {value}')
    stage.setenv(TMUX="/tmp/tmux-0/default,1,0")
    code, findings = await examine()
    assert (code, worse(findings)) == (0, finds)
    assert (
        stage.home / "asked"
    ).read_text() == "show -sv focus-events\nshow -gv allow-passthrough\n"
    stage.write_config("[ui]\nnotify = []\n")
    (stage.home / "asked").unlink()
    await examine()
    assert (stage.home / "asked").read_text() == "show -sv focus-events\n"
