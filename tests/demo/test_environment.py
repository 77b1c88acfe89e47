"""The CODEX_HOME and the environment variables for the scripted model."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from codextui.demo import codex_environment, scratch_codex_home, write_codex_home
from codextui.errors import ConfigInvalid

URL = "http://127.0.0.1:4711/v1"


def test_the_home_is_private_and_configures_only_the_scripted_model(tmp_path: Path):
    home = write_codex_home(tmp_path / "deep" / "home", URL, model='odd "model"')
    config = tomllib.loads((home / "config.toml").read_text())
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "config.toml").stat().st_mode & 0o777 == 0o600
    assert config["model"] == 'odd "model"'
    assert config["model_provider"] == "script"
    assert config["model_providers"]["script"]["base_url"] == URL


def test_writing_again_replaces_the_configuration_and_makes_it_private(tmp_path: Path):
    tmp_path.chmod(0o755)
    (tmp_path / "config.toml").write_text("old = true")
    (tmp_path / "config.toml").chmod(0o644)
    write_codex_home(tmp_path, URL)
    assert "old" not in (tmp_path / "config.toml").read_text()
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_extra_keys_and_tables_are_added(tmp_path: Path):
    extra = 'features.memories = true\nsandbox_mode = "read-only"\n[mcp_servers.eye]\ncommand = "x"'
    write_codex_home(tmp_path, URL, extra=extra)
    config = tomllib.loads((tmp_path / "config.toml").read_text())
    assert config["features"] == {
        "apps": False,
        "plugins": False,
        "daemon_auto_start": False,
        "memories": True,
    }
    assert config["sandbox_mode"] == "read-only"
    assert config["mcp_servers"]["eye"] == {"command": "x"}


def test_an_extra_key_that_is_already_set_is_refused_and_nothing_is_written(tmp_path: Path):
    with pytest.raises(ConfigInvalid, match="cannot be added"):
        write_codex_home(tmp_path, URL, extra='model = "other"')
    assert not (tmp_path / "config.toml").exists()


def test_a_scratch_home_is_a_new_private_folder_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, two = scratch_codex_home(), scratch_codex_home()
    assert one != two
    assert one.parent == tmp_path / "codextui"
    assert one.stat().st_mode & 0o777 == 0o700


def test_the_environment_has_none_of_the_users_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("CODEX_API_KEY", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    environment = codex_environment(tmp_path)
    assert "secret" not in environment.values()
    assert environment["CODEX_HOME"] == str(tmp_path)
    assert environment["NO_PROXY"] == "127.0.0.1"
