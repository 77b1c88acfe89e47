"""Codex's own programs on one app-server with a scripted model: screen, `exec`, daemon.

Its screen asks nothing at its start: the workspace is trusted, and its notices are read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

from e2e.terminal import Terminal

from codextui.demo import ScriptedModel, codex_environment, scratch_codex_home, write_codex_home
from codextui.demo.script import ModelScript

SETTINGS = """
approval_policy = "on-request"
sandbox_mode = "workspace-write"
[projects.{workspace}]
trust_level = "trusted"
[tui]
screen_reader_detection_done = true
# What answering the announcement of another model writes.
[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"""

READY = "Ask Codex to do anything"
"""On Codex's screen where a prompt can be typed."""

DIALOG = "Would you like to run the following command?"
"""On Codex's screen while it asks for an approval."""

PATIENCE_S = 60


class CodexPrograms:
    """A CODEX_HOME with a scripted model, and programs of one Codex in it.

    Attributes:
        binary: the Codex.
        home: the CODEX_HOME.
        workspace: the folder in which its programs work; writable for them.
        outside: a folder beside it, where a command has to ask.
        address: where its app-server listens.
    """

    def __init__(self, binary: Path, folder: Path, model_url: str) -> None:
        self.binary = binary
        self.folder = folder
        self.home = folder / "home"
        self.workspace = folder / "workspace"
        self.outside = folder / "outside"
        for path in (self.workspace, self.outside):
            path.mkdir()
        self.address = f"unix://{folder / 'codex.sock'}"
        settings = SETTINGS.format(workspace=json.dumps(str(self.workspace)))
        write_codex_home(self.home, model_url, extra=settings)
        self.env = codex_environment(self.home)
        self._app_server: subprocess.Popen[bytes] | None = None
        self._screens: list[Terminal] = []

    def start_app_server(self) -> None:
        """Start an app-server that others can join, and wait until it listens."""
        socket = Path(self.address.removeprefix("unix://"))
        socket.unlink(missing_ok=True)
        self._app_server = subprocess.Popen(
            [self.binary, "app-server", "--listen", self.address],
            cwd=self.workspace,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_S
        while not socket.exists():
            assert self._app_server.poll() is None, "app-server has ended"
            assert time.monotonic() < deadline, "app-server does not listen"
            time.sleep(0.02)

    def kill_app_server(self) -> None:
        assert self._app_server is not None
        self._app_server.kill()
        self._app_server.wait()
        self._app_server = None

    @property
    def daemon_address(self) -> str:
        """Where Codex's daemon of this CODEX_HOME listens."""
        return f"unix://{self.home / 'app-server-control' / 'app-server-control.sock'}"

    def open_screen(self, *arguments: str, address: str = "", **options: int) -> Terminal:
        """Open Codex's own screen on the app-server, or on another one."""
        joined = ("--remote", address or self.address)
        command = [str(self.binary), *joined, "-C", str(self.workspace), *arguments]
        screen = Terminal(command, env=self.env, cwd=self.workspace, **options)
        self._screens.append(screen)
        return screen

    def run_exec(self, prompt: str, *arguments: str) -> list[dict[str, object]]:
        """Run `codex exec` on the app-server, and return the events that it prints."""
        command = [str(self.binary), "exec", "--remote", self.address, "--json"]
        ran = subprocess.run(
            [*command, "--skip-git-repo-check", *arguments, prompt],
            cwd=self.workspace,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def run_daemon(self, command: str) -> dict[str, object]:
        """Have Codex start or stop its daemon, and return what it says."""
        ran = subprocess.run(
            [self.binary, "app-server", "daemon", command],
            cwd=self.workspace,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return dict(json.loads(ran.stdout.splitlines()[-1]))

    def kill_daemon(self) -> None:
        """Kill the daemon as the kernel would, without any warning."""
        os.kill(self._pid("daemon"), signal.SIGKILL)

    def close(self) -> None:
        """End all that was started here."""
        for screen in self._screens:
            screen.close()
        if self._app_server is not None:
            self.kill_app_server()
        # The updater would outlive the daemon, whose program it has to replace.
        for name in ("daemon-updater", "daemon"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(self._pid(name), signal.SIGKILL)

    def _pid(self, name: str) -> int:
        file = self.home / "app-server-daemon" / f"{name}.pid"
        return int(json.loads(file.read_text())["pid"])


def type_prompt(screen: Terminal, prompt: str) -> None:
    """Send a prompt in Codex's own screen."""
    screen.wait_for(READY)
    screen.press(prompt)
    screen.wait_for(prompt)
    screen.press("enter")


@contextlib.contextmanager
def codex_programs(binary: Path, script: ModelScript) -> Iterator[CodexPrograms]:
    """Run a scripted model for programs of Codex; all of them end with the context."""
    folder = scratch_codex_home()
    try:
        with _model(script) as url:
            programs = CodexPrograms(binary, folder, url)
            try:
                yield programs
            finally:
                programs.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _model(script: ModelScript) -> Iterator[str]:
    """Run a scripted model on a loop in a thread of its own, and yield its URL."""
    up: Future[tuple[str, Callable[[], object]]] = Future()

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with ScriptedModel(script) as model:
            up.set_result((model.base_url, lambda: loop.call_soon_threadsafe(ended.set)))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    url, end = up.result(PATIENCE_S)
    try:
        yield url
    finally:
        end()
        thread.join(PATIENCE_S)
