"""A newcomer's machine: an own home, nothing set up, a shell, and a model on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from documents.installed import SYSTEM_PATH
from documents.recorder import Recorder
from e2e.terminal import Terminal

from codextui.demo import ScriptedModel, write_codex_home
from codextui.demo.script import ModelScript

LONGEST_S = 180
_SHELL = 'eval "$1"; code=$?; env -0 > "$2.env"; pwd > "$2.cwd"; exit $code'
_NOT_KEPT = {"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "COLORTERM"}


@dataclass(frozen=True, slots=True)
class Ran:
    """The end of a command: its exit code, and all that it printed."""

    code: int
    output: str


@dataclass
class Machine:
    """A shell in a home of its own, in which one command is run after the other.

    Attributes:
        home: the home, empty at the start but for `codextui`, the clone.
        cwd: where the shell is.
        env: its variables, as exported so far.
        recorder: the only way out, which is none.
        model: where the scripted model answers, once it is started.
    """

    home: Path
    cwd: Path
    env: dict[str, str]
    recorder: Recorder
    model: str = ""

    def run(self, command: str, *, env: Mapping[str, str] | None = None) -> Ran:
        """Run a command without a terminal."""
        words, kept = self._shell(command)
        with (kept.parent / "output").open("w+b") as output:
            # Not a pipe: a server that the command has started would keep it open.
            process = subprocess.Popen(
                words,
                cwd=self.cwd,
                env={**self.env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                code = process.wait(LONGEST_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        self._keep(kept)
        return Ran(code, text)

    @contextlib.contextmanager
    def terminal(self, command: str, *, columns: int = 160, lines: int = 45) -> Iterator[Terminal]:
        """Run a command in a terminal; what it exported is kept once it has ended."""
        words, kept = self._shell(command)
        gone = dict.fromkeys(os.environ, "")
        options = {"columns": columns, "lines": lines, "cwd": self.cwd}
        with Terminal(words, env={**gone, **self.env}, **options) as terminal:  # type: ignore[arg-type] # as named
            yield terminal
        self._keep(kept)

    def json(self, command: str) -> list[dict[str, object]]:
        """Run a command that prints JSON lines, which must succeed."""
        ran = self.run(command)
        assert ran.code == 0, f"{command}\n{ran.output}"
        return [json.loads(line) for line in ran.output.splitlines() if line.startswith("{")]

    def write(self, path: str, text: str) -> Path:
        """Write a file of the home."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def _shell(self, command: str) -> tuple[list[str], Path]:
        kept = self.home / ".shell" / "kept"
        kept.parent.mkdir(exist_ok=True)
        return ["bash", "-c", _SHELL, "bash", command, str(kept)], kept

    def _keep(self, kept: Path) -> None:
        exported = kept.with_suffix(".env")
        if not exported.exists():
            return
        pairs = (pair.partition("=") for pair in exported.read_text().split("\0") if pair)
        self.env = {name: value for name, _, value in pairs if name not in _NOT_KEPT}
        self.cwd = Path(kept.with_suffix(".cwd").read_text().rstrip("\n"))
        exported.unlink()


@contextlib.contextmanager
def a_machine(clone: Path | None) -> Iterator[Machine]:
    """A machine with nothing on it but Python, git and, if given, a clone in `~/codextui`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(tempfile.mkdtemp(prefix="n-", dir=cache))
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    if clone is not None:
        (home / "codextui").symlink_to(clone)
    with Recorder() as recorder:
        env = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": SYSTEM_PATH,
            "SHELL": "/bin/bash",
            "TERM": "xterm-256color",
            "USER": "newcomer",
            "XDG_RUNTIME_DIR": str(runtime),
            **recorder.variables,
        }
        machine = Machine(home, home, env, recorder)
        try:
            yield machine
        finally:
            _end_server(machine, clone)
            shutil.rmtree(home, ignore_errors=True)


def _end_server(machine: Machine, clone: Path | None) -> None:
    if clone is not None and (Path(machine.env["XDG_RUNTIME_DIR"]) / "codextui").exists():
        machine.run(f"{clone}/.venv/bin/codextui kill-server")


@contextlib.contextmanager
def scripted_model(machine: Machine, script: ModelScript) -> Iterator[ScriptedModel]:
    """Let the machine's Codex, and Agents SDK scripts, ask a model on loopback."""
    up: Future[ScriptedModel] = Future()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with ScriptedModel(script) as model:
            up.set_result(model)
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        model = up.result(30)
        machine.model = model.base_url
        write_codex_home(machine.home / ".codex", model.base_url)
        yield model
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()
