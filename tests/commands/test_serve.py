"""What `codextui serve` makes of `--http` and of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui import cli
from codextui.config.address import HttpAddress
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


def test_http_is_served_where_it_was_asked_for(
    started: list[ServerOptions], tmp_path: Path
) -> None:
    assert cli.main(["serve", "--config", str(empty(tmp_path)), "--http", "127.0.0.1:8040"]) == 0
    assert started[0].http == HttpAddress("127.0.0.1", 8040)
    assert started[0].http_required
    assert started[0].token == tmp_path / "codextui" / "default.token"


def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.toml"
    path.touch()
    return path


def test_without_being_asked_there_is_no_http(started: list[ServerOptions], tmp_path: Path) -> None:
    assert cli.main(["serve", "--config", str(empty(tmp_path))]) == 0
    assert started[0].http is None


def test_a_daemon_with_http_does_not_end_by_itself(
    started: list[ServerOptions], config: Path
) -> None:
    assert cli.main(["serve", "--config", str(config), "--daemon"]) == 0
    assert started[0].http == HttpAddress("127.0.0.1", 8040)
    assert not started[0].http_required
    assert started[0].idle_timeout_s == 0


@pytest.mark.parametrize("arguments", [["-L", "other"], ["--until-stdin-ends"]])
def test_the_configured_http_is_that_of_the_one_lasting_server(
    started: list[ServerOptions],
    config: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codextui.commands.serve._end_with_stdin", lambda: None)
    assert cli.main(["serve", "--config", str(config), "--daemon", *arguments]) == 0
    assert started[0].http is None
    assert started[0].idle_timeout_s > 0


def test_an_address_that_others_can_reach_needs_a_flag_and_is_warned_of(
    started: list[ServerOptions], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["serve", "--config", str(empty(tmp_path)), "--http", "0.0.0.0:8040"]
    assert cli.main(arguments) == 2
    assert "--http-anywhere" in capsys.readouterr().err
    assert started == []
    assert cli.main([*arguments, "--http-anywhere"]) == 0
    assert started[0].http == HttpAddress("0.0.0.0", 8040)
    assert "unencrypted" in capsys.readouterr().err


def test_a_wrong_address_is_told_before_anything_starts(
    started: list[ServerOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["serve", "--http", "example.org"])
    assert left.value.code == 2
    assert "HOST:PORT" in capsys.readouterr().err
    assert started == []
