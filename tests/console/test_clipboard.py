"""Copying by OSC 52, by tmux and by a command."""

from __future__ import annotations

import base64
import shutil
import stat
from pathlib import Path

import pytest

from codextui.console.clipboard import MAX_TERMINAL_BYTES, Clipboard, clip_bytes, osc52
from codextui.errors import CodextuiError


def decoded(sequence: str) -> str:
    return base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()


async def test_a_text_goes_to_the_terminal_as_it_is() -> None:
    written: list[str] = []
    said = await Clipboard(written.append, {}).copy("a\n\tb é\n")
    assert [decoded(one) for one in written] == ["a\n\tb é\n"]
    assert said == "Copied 2 lines."


async def test_a_line_is_shown_when_it_is_copied() -> None:
    assert await Clipboard(len, {}).copy("npm \x1b[31mtest") == "Copied: npm test"


async def test_a_text_that_no_terminal_takes_is_cut_at_a_line_and_that_is_said() -> None:
    written: list[str] = []
    text = "0123456789\n" * 20_000
    said = await Clipboard(written.append, {}).copy(text)
    (sequence,) = written
    assert len(sequence) < 100_000
    assert text.startswith(decoded(sequence))
    assert decoded(sequence).endswith("\n")
    assert said.startswith("Copied the first 6,727 of 20,000 lines: a terminal takes no more.")
    assert "copy_command" in said


@pytest.mark.parametrize("text", ["é" * MAX_TERMINAL_BYTES, "x" * (MAX_TERMINAL_BYTES + 1)])
def test_one_long_line_is_cut_between_characters(text: str) -> None:
    kept = clip_bytes(text, MAX_TERMINAL_BYTES)
    assert text.startswith(kept)
    assert MAX_TERMINAL_BYTES - 1 <= len(kept.encode()) <= MAX_TERMINAL_BYTES


@pytest.mark.parametrize(
    "environ", [{"TERM_PROGRAM": "Apple_Terminal"}, {"TERM": "linux"}, {"VTE_VERSION": "7600"}]
)
async def test_a_terminal_that_may_refuse_is_told_of(environ: dict[str, str]) -> None:
    assert "copy_command" in await Clipboard(len, environ).copy("a\nb")


def test_the_sequence_passes_through_tmux_and_screen() -> None:
    plain = osc52("a", {})
    assert osc52("a", {"TMUX": "/x"}) == f"{plain}\x1bPtmux;\x1b{plain}\x1b\\"
    assert osc52("a", {"STY": "1.x"}) == f"\x1bP{plain}\x1b\\"


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_a_command_of_the_user_gets_the_text(tmp_path: Path) -> None:
    written: list[str] = []
    command = script(tmp_path / "take it", f"cat > {tmp_path}/taken")
    said = await Clipboard(written.append, {"TMUX": "x"}, f"'{command}'").copy("a\nb")
    assert (tmp_path / "taken").read_text() == "a\nb"
    assert (written, said) == ([], "Copied 2 lines.")


@pytest.mark.parametrize(
    ("body", "reason"), [("exit 3", " ended with 3"), ("sleep 60", "did not take the text")]
)
async def test_a_command_that_fails_is_reported(tmp_path: Path, body: str, reason: str) -> None:
    command = script(tmp_path / "take", body)
    clipboard = Clipboard(len, {}, command, timeout_s=0.5)
    with pytest.raises(CodextuiError, match=reason):
        await clipboard.copy("a")
    with pytest.raises(CodextuiError, match="No such file"):
        await Clipboard(len, {}, str(tmp_path / "none")).copy("a")


async def test_tmux_gets_the_text_and_else_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    script(tmp_path / "tmux", f'echo "$@" > {tmp_path}/asked; cat > {tmp_path}/taken')
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert shutil.which("tmux") == str(tmp_path / "tmux")
    await Clipboard(written.append, {"TMUX": "x"}).copy("a")
    assert (tmp_path / "taken").read_text() == "a"
    assert (tmp_path / "asked").read_text() == "load-buffer -w -\n"
    assert written == []
    script(tmp_path / "tmux", "exit 1")
    await Clipboard(written.append, {"TMUX": "x"}).copy("a")
    assert written == [osc52("a", {"TMUX": "x"})]
