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
from dataclasses import dataclass
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
KEY_S = 5
KEYS_AT_MOST = 10


class CodexPrograms:
    """A CODEX_HOME with a scripted model, and programs of one Codex in it.

    Attributes:
        binary: the Codex.
        home: the CODEX_HOME.
        workspace: the folder in which its programs work; writable for them.
        outside: a folder beside it, where a command has to ask.
        address: where its app-server listens.
        call: has something done on the loop of the model's script, such as opening a gate.
    """

    def __init__(self, binary: Path, folder: Path, model: _Model) -> None:
        self.binary = binary
        self.folder = folder
        self.home = folder / "home"
        self.workspace = folder / "workspace"
        self.outside = folder / "outside"
        for path in (self.workspace, self.outside):
            path.mkdir()
        self.address = f"unix://{folder / 'codex.sock'}"
        settings = SETTINGS.format(workspace=json.dumps(str(self.workspace)))
        write_codex_home(self.home, model.url, extra=settings)
        self.env = codex_environment(self.home)
        self.call = model.call
        self._app_server: subprocess.Popen[bytes] | None = None
        self._screens: list[Terminal] = []
        self._processes: list[subprocess.Popen[str]] = []

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

    def start_exec(self, prompt: str, *arguments: str) -> subprocess.Popen[str]:
        """Start `codex exec` on the app-server; it prints events as JSON lines."""
        command = [str(self.binary), "exec", "--remote", self.address, "--json"]
        process = subprocess.Popen(
            [*command, "--skip-git-repo-check", *arguments, prompt],
            cwd=self.workspace,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._processes.append(process)
        return process

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
        pid = self._pid("daemon")
        assert pid, "no daemon runs"
        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End all that was started here."""
        for screen in self._screens:
            screen.close()
        for process in self._processes:
            process.kill()
            process.communicate()
        if self._app_server is not None:
            self.kill_app_server()
        # A daemon that was killed leaves its updater, and the next one brings another.
        for pid in {*self._daemons(), self._pid("daemon-updater"), self._pid("daemon")} - {0}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _daemons(self) -> Iterator[int]:
        """The processes that run the copy of Codex that a daemon has made in this CODEX_HOME."""
        for program in Path("/proc").glob("[0-9]*/exe"):
            with contextlib.suppress(OSError):
                if str(program.readlink()).startswith(str(self.home)):
                    yield int(program.parent.name)

    def _pid(self, name: str) -> int:
        """A process by its file; 0 where there is none."""
        file = self.home / "app-server-daemon" / f"{name}.pid"
        try:
            return int(json.loads(file.read_text())["pid"])
        except FileNotFoundError:
            return 0


def type_prompt(screen: Terminal, prompt: str) -> None:
    """Send a prompt in Codex's own screen."""
    screen.wait_for(READY)
    screen.press(prompt)
    screen.wait_for(prompt)
    screen.press("enter")


def answer_yes(screen: Terminal) -> None:
    """Approve what Codex's own screen asks; it takes no key before the dialog has settled."""
    screen.wait_for(DIALOG)
    for _ in range(KEYS_AT_MOST):
        screen.press("y")
        with contextlib.suppress(AssertionError):
            screen.wait_gone(DIALOG, timeout=KEY_S)
            return
    raise AssertionError(f"the dialog takes no key:\n{screen.text}")


@contextlib.contextmanager
def codex_programs(binary: Path, script: ModelScript) -> Iterator[CodexPrograms]:
    """Run a scripted model for programs of Codex; all of them end with the context."""
    folder = scratch_codex_home()
    try:
        with _running_model(script) as model:
            programs = CodexPrograms(binary, folder, model)
            try:
                yield programs
            finally:
                programs.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Model:
    """A scripted model on a loop in a thread of its own."""

    url: str
    call: Callable[[Callable[[], object]], object]
    """Has something done on the loop of the script, such as opening a gate."""


@contextlib.contextmanager
def _running_model(script: ModelScript) -> Iterator[_Model]:
    up: Future[_Model] = Future()
    ended = asyncio.Event()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with ScriptedModel(script) as model:
            up.set_result(_Model(model.base_url, loop.call_soon_threadsafe))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    model = up.result(PATIENCE_S)
    try:
        yield model
    finally:
        model.call(ended.set)
        thread.join(PATIENCE_S)
