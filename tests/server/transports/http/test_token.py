from __future__ import annotations

from pathlib import Path

import pytest

from codextui import cli
from codextui.errors import ConfigInvalid
from codextui.server.transports.http.token import TokenFile


def test_a_token_is_created_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "default.token"
    token = TokenFile(path).read()
    assert len(token) >= 32
    assert TokenFile(path).read() == token
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_token_invalidates_the_old_one(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "default.token")
    old = file.read()
    new = TokenFile(tmp_path / "default.token").replace()
    assert new != old
    assert file.accepts(new)
    assert not file.accepts(old)


@pytest.mark.parametrize("presented", ["", "nonsense", "\xff\xfe"])
def test_other_tokens_are_refused(tmp_path: Path, presented: str) -> None:
    file = TokenFile(tmp_path / "default.token")
    assert not file.accepts(presented)
    file.read()
    assert not file.accepts(presented)


def test_a_token_in_a_readable_file_is_refused_until_it_is_replaced(
    tmp_path: Path,
) -> None:
    path = tmp_path / "default.token"
    file = TokenFile(path)
    token = file.read()
    path.chmod(0o644)
    with pytest.raises(ConfigInvalid, match="codextui token --new"):
        file.read()
    assert not file.accepts(token)
    assert file.accepts(file.replace())


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x" * 43)
    elsewhere.chmod(0o600)
    path = tmp_path / "default.token"
    path.symlink_to(elsewhere)
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        TokenFile(path).read()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "default.token"
    path.touch(mode=0o600)
    assert not TokenFile(path).accepts("")
    with pytest.raises(ConfigInvalid, match="no token"):
        TokenFile(path).read()


def test_the_command_prints_and_replaces_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert cli.main(["token"]) == 0
    token = capsys.readouterr().out.strip()
    assert TokenFile(tmp_path / "codextui" / "default.token").accepts(token)
    assert cli.main(["token", "--new"]) == 0
    assert capsys.readouterr().out.strip() != token
    assert not TokenFile(tmp_path / "codextui" / "default.token").accepts(token)
    assert cli.main(["-L", "other", "token"]) == 0
    other = capsys.readouterr().out.strip()
    assert TokenFile(tmp_path / "codextui" / "other.token").accepts(other)
