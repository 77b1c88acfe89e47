"""The environment of a demo: a scripted model, a CODEX_HOME for it, and a shared server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codextui.client.spawn import open_socket
from codextui.config import paths
from codextui.config.schema import load_config
from codextui.demo.model import ScriptedModel
from codextui.errors import ConfigInvalid, ServerUnreachable

if TYPE_CHECKING:
    from codextui.client.session import Connect
    from codextui.demo.script import ModelScript
    from codextui.demo.workspace import Workspace

START_S = 30.0
"""Seconds a server may take to listen; Codex need not be up by then."""

STOP_S = 15.0
"""Seconds a server may take to exit before it is killed."""

_CODEX_CONFIG = """\
# Written for a scripted model: nothing here needs a key or the network.
model = {model}
model_provider = "script"
model_providers.script.name = "script"
model_providers.script.base_url = {base_url}
model_providers.script.wire_api = "responses"
model_providers.script.request_max_retries = 0
model_providers.script.stream_max_retries = 0
# These would ask chatgpt.com and github.com.
analytics.enabled = false
check_for_update_on_startup = false
features.apps = false
features.plugins = false
# A daemon would outlive whoever the scripted model is for.
features.daemon_auto_start = false
# A login shell would run the user's profile, whose output belongs to no script.
allow_login_shell = false
{extra}"""


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """The model and the server that run during a demo.

    Attributes:
        workspace: the folders of this run.
        model: the scripted model.
        server_name: the shared server's name (`-L`).
        socket: the path of its socket.
    """

    workspace: Workspace
    model: ScriptedModel
    server_name: str
    socket: Path

    @property
    def connect(self) -> Connect:
        """Opens a connection to the shared server."""
        return functools.partial(open_socket, self.socket)


@contextlib.asynccontextmanager
async def open_environment(
    workspace: Workspace, script: ModelScript, server_name: str
) -> AsyncIterator[DemoEnvironment]:
    """Run a scripted model, and a shared server whose Codex uses it.

    Afterwards only what the agents made is left in the workspace, and the server's log.

    Raises:
        OSError: the model cannot listen on loopback.
        ServerUnreachable: the server did not start.
        ConfigInvalid: the user's configuration cannot be used.
    """
    async with ScriptedModel(script) as model:
        write_codex_home(workspace.codex_home, model.base_url)
        try:
            async with demo_server(server_name, workspace) as socket:
                yield DemoEnvironment(workspace, model, server_name, socket)
        finally:
            await asyncio.to_thread(_remove_leftovers, workspace, server_name)


def _remove_leftovers(workspace: Workspace, server_name: str) -> None:
    for folder in (workspace.codex_home, workspace.state):
        shutil.rmtree(folder, ignore_errors=True)
    paths.lock_path(server_name).unlink(missing_ok=True)


def write_codex_home(path: Path, base_url: str, *, model: str = "gpt-5.5", extra: str = "") -> Path:
    """Write the `config.toml` of a CODEX_HOME whose only model provider is the scripted model.

    Everything that Codex fetches from the network on its own is switched off: with this
    configuration 0.153.4, 0.163.0 and 0.169.0 tried no connection but those to `base_url`.

    Args:
        path: the folder, made with mode 0700 if it does not exist. `scratch_codex_home` makes a
            suitable one: in the temp folder Codex refuses, with a message on stderr, to install
            its helper binaries, and does without them.
        base_url: `ScriptedModel.base_url`.
        model: the model's name; it decides which tools Codex offers.
        extra: more TOML, put at the end: keys at the top level, then tables. Features are dotted
            keys here: `features.memories = true`.

    Returns:
        The same path, to be given to Codex as CODEX_HOME.

    Raises:
        ConfigInvalid: `extra` is not TOML, or sets a key that is set here.
    """
    text = _CODEX_CONFIG.format(model=json.dumps(model), base_url=json.dumps(base_url), extra=extra)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(
            f"The extra configuration of {path} cannot be added: {error}"
        ) from error
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    _write_private(path / "config.toml", text)
    return path


def _write_private(path: Path, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def scratch_codex_home() -> Path:
    """Make a new empty folder for a CODEX_HOME (mode 0700) in codextui's cache folder.

    That is `$XDG_CACHE_HOME/codextui`, else `~/.cache/codextui`. The caller removes it.
    """
    folder = paths.cache_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="codex-home-", dir=folder))


def codex_environment(home: Path) -> dict[str, str]:
    """Return environment variables with which Codex uses `home` and calls only its model.

    They are this process's own without the keys and settings of the user's Codex, and with
    loopback exempt from any proxy.
    """
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CODEX_", "OPENAI_"))
    }
    return {**own, "CODEX_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@contextlib.asynccontextmanager
async def demo_server(name: str, workspace: Workspace) -> AsyncIterator[Path]:
    """Run a shared server with the workspace's CODEX_HOME, and yield the path of its socket.

    It is an ordinary `codextui serve` with a configuration and a journal in the workspace, so the
    user's own server is not touched. It is stopped at the end of the context.

    Raises:
        ServerUnreachable: it did not start; the message has the end of its log.
        ConfigInvalid: the user's configuration cannot be used.
    """
    log = workspace.root / "server.log"
    settings = _write_settings(workspace)
    state = {"XDG_STATE_HOME": str(workspace.state)}
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", "serve", "-L", name, "--config", str(settings)),
            # However this process ends, its end of the pipe is closed, and the server ends too.
            "--until-stdin-ends",
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=out,
            env=codex_environment(workspace.codex_home) | state,
            # An interrupt typed in the terminal is for the demo, which then ends the server.
            start_new_session=True,
        )
    try:
        socket = paths.socket_path(name)
        await _wait_until_listening(process, socket, log)
        yield socket
    finally:
        await _stop(process)


def _write_settings(workspace: Workspace) -> Path:
    """Write the server's configuration: the user's Codex binary on the workspace's CODEX_HOME."""
    binary = load_config(paths.config_path()).codex.binary
    values = {"attach": "own", "home": workspace.codex_home}
    values |= {"binary": binary} if binary else {}
    # A path as a JSON string is one in TOML too.
    lines = [
        f"{key} = {json.dumps(str(value), ensure_ascii=False)}\n" for key, value in values.items()
    ]
    file = workspace.root / "config.toml"
    file.write_text(f"[codex]\n{''.join(lines)}", encoding="utf-8")
    return file


async def _wait_until_listening(
    process: asyncio.subprocess.Process, socket: Path, log: Path
) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            while process.returncode is None:
                if await _is_listening(socket):
                    return
                await asyncio.sleep(0.05)
    raise ServerUnreachable(f"The demo's shared server did not start: {_end_of(log)}")


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "; ".join(lines[-3:]) or "it logged nothing"


async def _is_listening(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_S)
            return
