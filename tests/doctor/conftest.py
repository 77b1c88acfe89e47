"""A machine on which all is well, made of folders, a Codex of a few lines and a listening port."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands.command_line import Result
from doctor.patience import lengthen

from codextui import cli
from codextui.codex import binary
from codextui.commands import doctor
from codextui.doctor import provider
from codextui.setup.program import Program

CODEX = """\
case "$1" in
--version) echo "codex-cli {version}" ;;
login) {login} ;;
sandbox) shift 6; {sandbox} ;;
app-server) {daemon} ;;
esac
"""

CONFINED = "echo x > inside"
FREE = '"$@"'
LOGGED_IN = 'echo "Logged in using ChatGPT" >&2'
LOGGED_OUT = 'echo "Not logged in" >&2; exit 1'


PROGRAM = Program(("codextui",), "codextui")
"""How codextui is started where it is on PATH."""


class Stage:
    """The machine that is examined; at first all is well on it.

    Attributes:
        home: the user's home.
        project: the current folder, a repository.
        codex_home: CODEX_HOME.
        state: the state folder of codextui.
        runtime: the runtime folder of codextui.
        config: its configuration file, which does not exist.
        provider: the URL of a model provider that can be reached.
        monkeypatch: changes the environment.
    """

    def __init__(self, root: Path, runtime: Path, port: int, patch: pytest.MonkeyPatch) -> None:
        self.home = root / "home"
        self.project = self.home / "project"
        self.codex_home = root / "codex"
        self.state = root / "state" / "codextui"
        self.runtime = runtime / "codextui"
        self.config = root / "config" / "codextui" / "config.toml"
        self.bin = root / "bin"
        self.provider = f"http://127.0.0.1:{port}/v1"
        self.monkeypatch = patch
        for folder in (self.project / ".git", self.codex_home, self.bin, self.config.parent):
            folder.mkdir(parents=True)
        for folder in (self.state, self.runtime):
            folder.mkdir(parents=True, mode=0o700)
        self.write_codex()
        self.write_program("bwrap", "exit 0")
        self.write_codex_config()

    def write_codex(
        self,
        version: str = "0.163.0",
        *,
        login: str = LOGGED_IN,
        sandbox: str = CONFINED,
        daemon: str = "exit 1",
    ) -> Path:
        """Put a Codex on PATH that answers with these commands of a shell."""
        script = CODEX.format(version=version, login=login, sandbox=sandbox, daemon=daemon)
        return self.write_program("codex", script)

    def write_program(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def write_codex_config(self, text: str | None = None) -> Path:
        path = self.codex_home / "config.toml"
        path.write_text(f'openai_base_url = "{self.provider}"\n' if text is None else text)
        return path

    def write_config(self, text: str) -> Path:
        self.config.write_text(text)
        return self.config

    def examine(self, *arguments: str) -> int:
        return cli.main(["doctor", *arguments])

    def setenv(self, **variables: str | Path) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, str(value))

    def unset(self, *names: str) -> None:
        for name in names:
            self.monkeypatch.delenv(name, raising=False)

    @property
    def contents(self) -> dict[str, tuple[int, int, bytes]]:
        """Everything on the machine: mode, time of the last change and content by path."""
        return {
            str(path): (
                status.st_mode,
                status.st_mtime_ns,
                path.read_bytes() if stat.S_ISREG(status.st_mode) else b"",
            )
            for root in (self.home.parent, self.runtime.parent)
            for path in sorted(root.rglob("*"))
            for status in [path.lstat()]
        }


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "CODEX", "XDG_", "OTEL_", "LC_", "TMUX")):
            monkeypatch.delenv(name)
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        stage = Stage(tmp_path, Path(runtime), listening.getsockname()[1], monkeypatch)
        stage.setenv(
            HOME=stage.home,
            CODEX_HOME=stage.codex_home,
            XDG_STATE_HOME=stage.state.parent,
            XDG_CONFIG_HOME=stage.config.parent.parent,
            XDG_CACHE_HOME=tmp_path / "cache",
            XDG_RUNTIME_DIR=runtime,
            PATH=stage.bin,
            TERM="xterm-256color",
            COLORTERM="truecolor",
            LANG="C.UTF-8",
        )
        monkeypatch.setattr(binary, "find_spec", lambda _: None)
        # Where the models of roles are; it would be on the network.
        monkeypatch.setattr(provider, "OPENAI_URL", stage.provider)
        monkeypatch.setattr(doctor, "this_program", lambda: PROGRAM)
        lengthen(monkeypatch.setattr)
        monkeypatch.chdir(stage.project)
        yield stage


Findings = list[dict[str, Any]]


@pytest.fixture
def examine(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `codextui doctor --json`, and return its exit code and findings."""

    async def examine(*arguments: str) -> tuple[int, Findings]:
        async with asyncio.timeout(60):
            code = await asyncio.to_thread(stage.examine, "--json", *arguments)
        printed = Result(code, capsys.readouterr())
        assert printed.err == ""
        return code, [json.loads(line) for line in printed.lines]

    return examine


@pytest.fixture
def examine_text(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `codextui doctor`, and return its exit code and what it printed."""

    async def examine_text(*arguments: str) -> Result:
        async with asyncio.timeout(60):
            code = await asyncio.to_thread(stage.examine, *arguments)
        return Result(code, capsys.readouterr())

    return examine_text


def worse(findings: Findings) -> dict[str, str]:
    """The severities of what is not fine, by check."""
    return {one["check"]: one["severity"] for one in findings if one["severity"] != "ok"}
