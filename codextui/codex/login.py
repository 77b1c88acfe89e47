"""Checks whether Codex is logged in, and whether a thread's model provider needs it to be.

Codex itself does not report it: a turn without a login is retried for almost two minutes
("Reconnecting... 2/5") before it fails.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from codextui.codex.app_server import AppServer
from codextui.codex.binary import CodexBinary, login_command
from codextui.codex.configuration import read_profile
from codextui.codex.threads import ThreadOptions
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json

STATUS_TIMEOUT_S = 5.0
"""Seconds that `codex login status` may take."""

_OPENAI = "openai"


async def read_login_problem(
    app: AppServer,
    binary: CodexBinary | None = None,
    *,
    home: Path | None = None,
    env: Mapping[str, str] | None = None,
    provider: str = "",
) -> str:
    """Return what to type where Codex is not logged in, empty where it is or need not be.

    A process that was started before `codex login` reads the new login with its next turn only,
    so where it has none `codex login status` is asked too.

    Args:
        app: the process.
        binary: its binary; None asks the process only.
        home: its CODEX_HOME; None leaves the environment's.
        env: its whole environment; None passes on our own.
        provider: the id of a thread's model provider; empty for the configured one.

    Raises:
        CodexFailed, CodexDied: as `AppServer.call` does.
        MessageInvalid: for a malformed result.
    """
    account = await app.call("account/read", {"refreshToken": False})
    if account.get("account") is not None:
        return ""
    default_needs_it = fields.flag(account, "requiresOpenaiAuth")
    if not (await _needs_login(app, provider) if provider else default_needs_it):
        return ""
    if binary is not None and await _login_status(binary, home, env):
        return ""
    command = login_command(binary, home) if binary is not None else "codextui login"
    return f"Codex is not logged in. Type: {command}"


def chosen_provider(app: AppServer, options: ThreadOptions) -> str:
    """Return the model provider that a new thread's options name; empty for the configured one.

    Raises:
        ConfigInvalid: the profile does not exist or cannot be read.
    """
    profile = read_profile(app.home, options.profile) if options.profile else {}
    chosen = {**profile, **options.config}.get("model_provider")
    return chosen if isinstance(chosen, str) else ""


async def _needs_login(app: AppServer, provider: str) -> bool:
    """Whether a provider of the user's configuration needs an OpenAI login."""
    config = (await app.call("config/read", {})).get("config")
    match config:
        case {"model_providers": {**providers}}:
            own: Json = providers.get(provider)
        case _:
            own = None
    if isinstance(own, dict):
        return own.get("requires_openai_auth") is True
    return provider == _OPENAI


async def _login_status(
    binary: CodexBinary, home: Path | None, env: Mapping[str, str] | None
) -> bool:
    """Whether `codex login status` finds a login; False where it does not say so in time."""
    environ = dict(os.environ if env is None else env)
    if home is not None:
        environ["CODEX_HOME"] = str(home)
    silent = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            str(binary.path),
            *("login", "status"),
            stdin=silent,
            stdout=silent,
            stderr=silent,
            env=environ,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(STATUS_TIMEOUT_S):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
