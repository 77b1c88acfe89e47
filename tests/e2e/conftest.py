"""The whole program, apart from the user's own: folders, terminals, a stage with a server."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from e2e.codex_programs import CodexPrograms, codex_programs
from e2e.terminal import Terminal

from codextui.config import paths
from codextui.demo import Script, ScriptedModel, write_codex_home
from codextui.demo.environment import demo_server
from codextui.demo.script import ModelScript
from codextui.demo.workspace import Workspace, create_workspace

OpenTerminal = Callable[..., Terminal]
START_S = 60
PROGRAM = [sys.executable, "-m", "codextui"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for codextui's files, outside of the temp folder, which Codex does not like."""
    cache = paths.cache_dir()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="e2e-", dir=cache))
    for name in ("CACHE", "CONFIG", "STATE", "RUNTIME"):
        home = folder / name.lower()
        home.mkdir(mode=0o700)
        variable = "XDG_RUNTIME_DIR" if name == "RUNTIME" else f"XDG_{name}_HOME"
        monkeypatch.setenv(variable, str(home))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_terminal(scratch: Path) -> Iterator[OpenTerminal]:
    """Runs codextui with these arguments in a terminal; it is closed at the end of the test."""
    opened: list[Terminal] = []

    def start(*arguments: str, **options: Any) -> Terminal:
        opened.append(Terminal([*PROGRAM, *arguments], **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


class Served:
    """A shared server whose Codex asks a scripted model, for one test."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        loop: asyncio.AbstractEventLoop,
        stop: Callable[[], None],
    ) -> None:
        self.workspace = workspace
        self.name = name
        self.stop = stop
        self._loop = loop

    def call(self, action: Callable[[], None]) -> None:
        """Has something done on the loop of the script, such as opening a gate."""
        self._loop.call_soon_threadsafe(action)

    def run(self, *arguments: str) -> dict[str, Any]:
        """Runs a command of codextui's against the server and returns its last JSON object."""
        return self.run_all(*arguments)[-1]

    def run_all(self, *arguments: str) -> list[dict[str, Any]]:
        """Runs a command of codextui's against the server and returns its JSON objects."""
        command = [*PROGRAM, arguments[0], "-L", self.name, "--json", *arguments[1:]]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, f"{arguments}: {ran.stdout}{ran.stderr}"
        return [dict(json.loads(line)) for line in ran.stdout.splitlines()]

    def start_thread(self, prompt: str, *, handle: str = "worker") -> dict[str, Any]:
        """Starts a thread that may write in the project and asks for the rest."""
        options = ("--handle", handle, "-C", str(self.workspace.project))
        return self.run("new", prompt, *options, "-s", "workspace-write", "-a", "on-request")


Serve = Callable[..., Served]


@pytest.fixture
def serve_fake(scratch: Path, serve: Serve) -> Served:
    """A server whose Codex is `fake_codex.py`."""
    binary = scratch / "codex"
    fake = Path(__file__).with_name("fake_codex.py")
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n')
    binary.chmod(0o700)
    configure(f'[codex]\nattach = "own"\nbinary = "{binary}"\n')
    return serve(Script())


def configure(text: str) -> None:
    """Writes the person's config.toml."""
    config = paths.config_path()
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text)


@pytest.fixture
def serve(scratch: Path) -> Iterator[Serve]:
    """Starts a server with a script, on a loop in a thread of its own.

    It goes on in the folders of an earlier one that was stopped, where its workspace is given.
    """
    over: list[Callable[[], None]] = []

    def start(script: ModelScript, workspace: Workspace | None = None) -> Served:
        up: Future[Served] = Future()
        loop = asyncio.new_event_loop()
        ended = asyncio.Event()

        async def run() -> None:
            folders = workspace or create_workspace()
            async with ScriptedModel(script) as model:
                write_codex_home(folders.codex_home, model.base_url)
                async with demo_server("e2e", folders):
                    up.set_result(Served(folders, "e2e", loop, stop))
                    await ended.wait()

        def run_loop() -> None:
            try:
                loop.run_until_complete(run())
            except BaseException as error:
                up.set_exception(error)
                raise
            finally:
                loop.close()

        thread = threading.Thread(target=run_loop)

        def stop() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)
            thread.join(40)
            assert not thread.is_alive(), "the server did not end"

        thread.start()
        served = up.result(60)
        over.append(stop)
        return served

    yield start
    for stop in over:
        stop()


StartPrograms = Callable[[ModelScript], CodexPrograms]


@pytest.fixture
def start_programs(newest_codex: Path) -> Iterator[StartPrograms]:
    """Starts a scripted model for programs of the newest Codex."""
    entered = []

    def start(script: ModelScript) -> CodexPrograms:
        context = codex_programs(newest_codex, script)
        programs = context.__enter__()
        entered.append(context)
        return programs

    yield start
    for context in entered:
        context.__exit__(None, None, None)


class OurServer:
    """A shared server of ours on an app-server of somebody else."""

    def __init__(self, programs: CodexPrograms, name: str, attach: str, settings: str = "") -> None:
        self.name = name
        config = programs.folder / f"{name}.toml"
        lines = [f"home = {json.dumps(str(programs.home))}", f"attach = {json.dumps(attach)}"]
        lines.append(f"binary = {json.dumps(str(programs.binary))}")
        config.write_text("[codex]\n" + "\n".join(lines) + f"\n{settings}")
        self.log = programs.folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*PROGRAM, "serve", "-L", name, "--config", str(config), "--until-stdin-ends"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=programs.env,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not paths.socket_path(name).exists():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def run(self, command: str, *arguments: str) -> list[dict[str, Any]]:
        """Run a command of ours, and return the JSON objects that it prints."""
        ran = subprocess.run(
            [*PROGRAM, command, "-L", self.name, "--json", *arguments],
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}{self.log.read_text()}"
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(START_S)


ServeOn = Callable[..., OurServer]


@pytest.fixture
def serve_on(scratch: Path, start_programs: StartPrograms) -> Iterator[ServeOn]:
    """Starts a shared server of ours on an app-server of somebody else."""
    servers: list[OurServer] = []

    def serve(
        programs: CodexPrograms, name: str = "ours", *, attach: str = "", settings: str = ""
    ) -> OurServer:
        servers.append(OurServer(programs, name, attach or programs.address, settings))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()
