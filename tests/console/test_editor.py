"""The user's editor and shell: what is edited comes back, or stays where the message says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from console.screens.console import build_console

from codextui.config.schema import parse_config
from codextui.console.app import ConsoleApp
from codextui.console.editor import MAX_TEXT, EditorPresenter, find_editor
from codextui.console.foreground import Program, ProgramEnded, run_in_terminal
from codextui.errors import ProgramUnavailable

SCRIPTS = {
    "appends": 'printf "\\nmore\\n" >> "$1"',
    "leaves it": "true",
    "empties": ': > "$1"',
    "fails": "echo 'no such terminal' >&2; exit 3",
    "writes and fails": 'printf "lost?" > "$1"; exit 1',
    "removes": 'rm "$1"',
    "makes a folder": 'rm "$1"; mkdir "$1"',
    "not UTF-8": 'printf "caf\\351 ok" > "$1"',
    "control characters": 'printf "a\\033[31mb\\007\\r\\nc\\td\\n" > "$1"',
    "too long": f'head -c {MAX_TEXT + 1} /dev/zero | tr "\\0" x > "$1"',
    "is killed": "kill -9 $$",
}


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def presenter(
    folder: Path, script: str, terminal: str = "here", env: Mapping[str, str] | None = None
) -> EditorPresenter:
    program = folder / "my editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return EditorPresenter(
        build_app(),
        parse_config(f'[ui]\nterminal = "{terminal}"').ui.terminal,
        env={"EDITOR": f"'{program}'", "PATH": "/usr/bin:/bin", **(env or {})},
        run_here=run_in_terminal,
    )


def build_app() -> ConsoleApp:
    return build_console().app


@pytest.mark.parametrize(
    ("does", "edited"),
    [
        ("appends", "héllo\nmore"),
        ("leaves it", "héllo"),
        ("empties", ""),
        ("not UTF-8", "caf\ufffd ok"),
        ("control characters", "ab\nc\td"),
    ],
)
async def test_what_the_editor_leaves_is_the_text(
    tmp_path: Path, temporary_folder: Path, does: str, edited: str
) -> None:
    assert await presenter(tmp_path, SCRIPTS[does]).edit("héllo") == edited
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("does", "words", "is_kept"),
    [
        ("fails", "exit code 3: no such terminal", False),
        ("writes and fails", "exit code 1", True),
        ("removes", "cannot be read: No such file", False),
        ("makes a folder", "cannot be read: Is a directory", False),
        ("too long", "more than 1,000,000 characters", True),
        ("is killed", "signal 9", False),
    ],
)
async def test_an_editor_that_fails_says_why_and_loses_nothing(
    tmp_path: Path, temporary_folder: Path, does: str, words: str, is_kept: bool
) -> None:
    editor = presenter(tmp_path, SCRIPTS[does])
    with pytest.raises(ProgramUnavailable, match=re.escape(words)) as raised:
        await editor.edit("hello")
    assert not editor.is_aside
    place = re.search(r"what you wrote is in (\S+)$", str(raised.value))
    assert (place is not None) == is_kept
    if place is not None:
        assert Path(place[1]).read_text() != "hello"
    else:
        assert list(temporary_folder.iterdir()) == []


async def test_only_the_user_can_read_what_is_edited(tmp_path: Path) -> None:
    editor = presenter(tmp_path, 'stat -c "%a" "$1" "$(dirname "$1")" > "$1.x"; cat "$1.x" > "$1"')
    assert (await editor.edit("")).split()[1] == "700"


async def test_a_missing_editor_says_how_to_set_one(tmp_path: Path) -> None:
    editor = presenter(tmp_path, "true", env={"EDITOR": str(tmp_path / "gone")})
    with pytest.raises(ProgramUnavailable, match="gone cannot be run"):
        await editor.edit("hello")


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({"VISUAL": "code --wait", "EDITOR": "vi"}, ("code", "--wait")),
        ({"VISUAL": " ", "EDITOR": "vi"}, ("vi",)),
    ],
)
def test_the_editor_is_the_users(env: dict[str, str], found: tuple[str, ...]) -> None:
    assert find_editor(env) == found


def test_without_an_editor_the_message_says_what_to_set() -> None:
    with pytest.raises(ProgramUnavailable, match=r"set \$EDITOR"):
        find_editor({"PATH": "/nowhere"})
    with pytest.raises(ProgramUnavailable, match=r"\$EDITOR cannot be read"):
        find_editor({"EDITOR": "'vi"})


class Ran:
    """Programs and windows that a test lets run."""

    def __init__(self, code: int = 0) -> None:
        self.programs: list[Program] = []
        self.windows: list[list[str]] = []
        self.code = code

    async def here(self, program: Program) -> ProgramEnded:
        self.programs.append(program)
        return ProgramEnded(self.code)

    async def window(self, args: list[str]) -> str:
        self.windows.append(args)
        return "%7"


def folder_presenter(ran: Ran, terminal: str, *, is_free: bool = True) -> EditorPresenter:
    return EditorPresenter(
        build_app(),
        parse_config(f'[ui]\nterminal = "{terminal}"').ui.terminal,
        may_step_aside=lambda: is_free,
        env={"EDITOR": "vi -p", "SHELL": "/bin/fish", "TMUX": "/tmp/t,1,0"},
        run_here=ran.here,
        open_window=ran.window,
    )


async def test_a_folder_opens_in_this_terminal_whatever_the_shell_ends_with(tmp_path: Path) -> None:
    ran = Ran(code=130)
    editor = folder_presenter(ran, "here")
    assert await editor.open_folder(str(tmp_path), "mine") == ""
    assert await editor.open_shell(str(tmp_path), "mine") == ""
    assert [(one.args, one.cwd) for one in ran.programs] == [
        (("vi", "-p", "."), str(tmp_path)),
        (("/bin/fish",), str(tmp_path)),
    ]


async def test_a_folder_with_an_odd_name_opens_in_a_window_of_tmux(tmp_path: Path) -> None:
    ran = Ran()
    folder = tmp_path / "it's; rm $HOME #(x)"
    folder.mkdir()
    said = await folder_presenter(ran, "tmux-window").open_shell(str(folder), "mi#ne")
    assert said == f"/bin/fish opens in {folder}."
    args = ran.windows[0]
    assert args[:4] == ["tmux", "new-window", "-n", "mine"]
    assert args[-3:-1] == ["sh", "-c"]
    script = args[-1].replace("exec /bin/fish", "exec pwd")
    ended = await run_in_terminal(
        Program(("sh", "-c", f'[ "$({script})" = "$1" ]', "-", str(folder)), {})
    )
    assert ended.code == 0


async def test_a_folder_that_is_gone_or_a_terminal_that_is_taken_is_refused(tmp_path: Path) -> None:
    ran = Ran()
    with pytest.raises(ProgramUnavailable, match="there is no folder"):
        await folder_presenter(ran, "here").open_shell(str(tmp_path / "gone"), "mine")
    with pytest.raises(ProgramUnavailable, match="another program has this terminal"):
        await folder_presenter(ran, "here", is_free=False).open_shell(str(tmp_path), "mine")
    assert ran.programs == []
