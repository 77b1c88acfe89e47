from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from codextui.config import paths
from codextui.errors import ConfigInvalid, ServerUnreachable


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No runtime folder, and a temporary one of the test's own."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    folder = Path("/tmp") / f"t{os.getpid()}-{tmp_path.name[-8:]}"
    folder.mkdir()
    monkeypatch.setattr(paths, "_TEMPORARY", folder)
    monkeypatch.setattr(paths, "_LOGIN_DIRS", folder / "no-logins")
    yield folder
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_symlink() or path.is_file() else path.rmdir()
    folder.rmdir()


def test_the_runtime_folder_is_made_for_this_user_alone(runtime: Path) -> None:
    assert paths.runtime_dir() == runtime / "codextui"
    assert stat.S_IMODE((runtime / "codextui").stat().st_mode) == 0o700
    assert paths.runtime_dir() == runtime / "codextui"


def test_without_a_runtime_folder_a_private_one_takes_its_place(temporary: Path) -> None:
    folder = paths.runtime_dir()
    assert folder.parent == temporary
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("value", ["", "relative/path", "."])
def test_a_runtime_folder_that_is_not_absolute_counts_as_not_set(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert paths.runtime_dir().parent == temporary


def test_a_folder_that_others_can_enter_is_refused(temporary: Path) -> None:
    folder = paths.runtime_dir()
    folder.chmod(0o755)
    with pytest.raises(ServerUnreachable, match=f"chmod 700 {folder}"):
        paths.runtime_dir()


def test_a_link_in_place_of_the_folder_is_refused(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (temporary / f"codextui-{os.getuid()}").symlink_to(elsewhere)
    with pytest.raises(ServerUnreachable, match="not a link"):
        paths.runtime_dir()


def test_a_file_in_place_of_the_folder_is_refused(temporary: Path) -> None:
    (temporary / f"codextui-{os.getuid()}").touch()
    with pytest.raises(ServerUnreachable, match="cannot be made"):
        paths.runtime_dir()


def test_a_folder_of_another_user_is_refused(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.runtime_dir()
    uid = os.getuid()
    monkeypatch.setattr(paths.os, "getuid", lambda: uid + 1)
    (temporary / f"codextui-{uid}").rename(temporary / f"codextui-{uid + 1}")
    with pytest.raises(ServerUnreachable, match="belongs to another user"):
        paths.runtime_dir()


def test_a_folder_that_cannot_be_made_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(ServerUnreachable, match="file/codextui cannot be made"):
        paths.log_path("default")


@pytest.mark.parametrize("missing", ["gone", "gone/deeper/still"])
def test_nothing_is_made_above_the_runtime_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / missing))
    for ask in (paths.runtime_dir, lambda: paths.socket_path("x"), lambda: paths.lock_path("x")):
        with pytest.raises(ServerUnreachable, match=f"{missing} .*XDG_RUNTIME_DIR"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_file_as_the_runtime_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    with pytest.raises(ServerUnreachable, match="is no folder"):
        paths.runtime_dir()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702])
def test_a_runtime_folder_that_others_can_write_is_refused(runtime: Path, mode: int) -> None:
    runtime.chmod(mode)
    with pytest.raises(ServerUnreachable, match="written by other users"):
        paths.runtime_dir()
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_runtime_folder_that_others_can_only_read_is_used(runtime: Path, mode: int) -> None:
    runtime.chmod(mode)
    assert paths.runtime_dir() == runtime / "codextui"


def test_a_runtime_folder_of_another_user_is_refused(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = os.getuid()
    monkeypatch.setattr(paths.os, "getuid", lambda: uid + 1)
    with pytest.raises(ServerUnreachable, match="belongs to another user"):
        paths.runtime_dir()
    assert list(runtime.iterdir()) == []


def test_socket_and_lock_of_a_server_lie_side_by_side(temporary: Path) -> None:
    assert paths.socket_path("work") == paths.runtime_dir() / "work.sock"
    assert paths.lock_path("work") == paths.runtime_dir() / "work.lock"


def test_a_deep_runtime_folder_still_gets_a_socket_that_can_be_bound(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = temporary / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    socket = paths.socket_path("work")
    assert len(os.fsencode(socket)) <= paths.SOCKET_PATH_LIMIT
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert socket == paths.socket_path("work")
    assert socket != paths.socket_path("other")


def test_a_program_that_is_told_few_variables_finds_the_folder_of_the_login(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = temporary / "logins" / str(os.getuid())
    login.mkdir(parents=True)
    monkeypatch.setattr(paths, "_LOGIN_DIRS", login.parent)
    without = paths.runtime_dir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(login))
    assert without == paths.runtime_dir() == login / "codextui"


def test_where_programs_put_their_temporary_files_does_not_matter(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(temporary / "other"))
    assert paths.runtime_dir().parent == temporary


@pytest.mark.parametrize("name", ["default", "a", "team-2", "Work_1.5", "x" * 64])
def test_ordinary_words_name_a_server(name: str) -> None:
    assert paths.check_server_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "-L", "a b", "a\n", "ünicode", "x" * 65, "\x1b[2J", "a\0"],
)
def test_a_name_that_could_leave_the_folder_or_the_line_is_refused(
    runtime: Path, name: str
) -> None:
    for make in (paths.check_server_name, paths.socket_path, paths.lock_path, paths.log_path):
        with pytest.raises(ConfigInvalid, match="cannot name a server"):
            make(name)


def test_what_lasts_lies_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert paths.log_path("work") == tmp_path / "state" / "codextui" / "work.log"
    assert paths.journal_path("work") == tmp_path / "state" / "codextui" / "work.sqlite"
    assert stat.S_IMODE((tmp_path / "state" / "codextui").stat().st_mode) == 0o700


def test_configuration_and_cache_follow_xdg_and_fall_back_to_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.config_path() == tmp_path / "c" / "codextui" / "config.toml"
    assert paths.cache_dir() == tmp_path / ".cache" / "codextui"
    assert not paths.config_path().parent.exists()
