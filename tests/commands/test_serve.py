"""What `codextui serve` makes of `--http` and of the configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codextui import cli
from codextui.config.address import HttpAddress
from codextui.errors import ServerRunning
from codextui.server import run as server
from codextui.server.options import ServerOptions


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[ServerOptions]:
    """The options of the servers that would have been started."""
    options: list[ServerOptions] = []

    async def serve(given: ServerOptions) -> None:
        options.append(given)

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return options


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('[server]\nhttp = "127.0.0.1:8040"\n')
    return path


def test_http_is_served_on_request(started: list[ServerOptions], tmp_path: Path) -> None:
    assert cli.main(["serve", "--config", str(empty(tmp_path)), "--http", "127.0.0.1:8040"]) == 0
    assert started[0].http == HttpAddress("127.0.0.1", 8040)
    assert started[0].http_required
    assert started[0].token == tmp_path / "codextui" / "default.token"


def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.toml"
    path.touch()
    return path


def test_a_server_that_is_only_asked_for_its_tools_waits_before_it_starts_codex(
    started: list[ServerOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        monkeypatch.setenv("CODEXTUI_PROBED", "1")
        assert cli.main(["serve", "--config", str(empty(tmp_path)), "--daemon"]) == 0
        assert "CODEXTUI_PROBED" not in os.environ, "agents would have it"
        monkeypatch.delenv("CODEXTUI_PROBED", raising=False)
        assert cli.main(["serve", "--config", str(empty(tmp_path)), "--daemon"]) == 0
    assert [options.codex_delay_s > 0 for options in started] == [True, False, True, False]


def test_http_is_not_served_by_default(started: list[ServerOptions], tmp_path: Path) -> None:
    assert cli.main(["serve", "--config", str(empty(tmp_path))]) == 0
    assert started[0].http is None


def test_a_daemon_with_http_has_no_idle_timeout(started: list[ServerOptions], config: Path) -> None:
    assert cli.main(["serve", "--config", str(config), "--daemon"]) == 0
    assert started[0].http == HttpAddress("127.0.0.1", 8040)
    assert not started[0].http_required
    assert started[0].idle_timeout_s == 0


@pytest.mark.parametrize("arguments", [["-L", "other"], ["--until-stdin-ends"]])
def test_the_configured_http_address_is_for_the_default_server_only(
    started: list[ServerOptions],
    config: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codextui.commands.serve._end_with_stdin", lambda: None)
    assert cli.main(["serve", "--config", str(config), "--daemon", *arguments]) == 0
    assert started[0].http is None
    assert started[0].idle_timeout_s > 0


def test_a_public_address_needs_a_flag_and_gives_a_warning(
    started: list[ServerOptions], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["serve", "--config", str(empty(tmp_path)), "--http", "0.0.0.0:8040"]
    assert cli.main(arguments) == 2
    assert "--http-anywhere" in capsys.readouterr().err
    assert started == []
    assert cli.main([*arguments, "--http-anywhere"]) == 0
    assert started[0].http == HttpAddress("0.0.0.0", 8040)
    assert "unencrypted" in capsys.readouterr().err


def test_an_invalid_address_is_reported_before_anything_starts(
    started: list[ServerOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["serve", "--http", "example.org"])
    assert left.value.code == 2
    assert "HOST:PORT" in capsys.readouterr().err
    assert started == []


def test_a_server_starts_once_the_one_that_had_its_name_has_ended(
    monkeypatch: pytest.MonkeyPatch, started: list[ServerOptions], tmp_path: Path
) -> None:
    ending = [ServerRunning("it has not ended yet")] * 2
    start = server.serve

    async def serve(options: ServerOptions) -> None:
        if ending:
            raise ending.pop()
        await start(options)

    monkeypatch.setattr(server, "serve", serve)
    assert cli.main(["serve", "--config", str(empty(tmp_path))]) == 0
    assert len(started) == 1
