"""The command that opens a thread of the shared server in Codex's own TUI.

Codex's TUI joins the app-server that the shared server uses (`codex --remote ADDRESS resume ID`),
so that both are clients of one thread.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from codextui.errors import ProgramUnavailable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadInfo, tui_refusal

Call: TypeAlias = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Calls a tool of the server: its name, its arguments. Raises CodextuiError."""

_HELP_TIMEOUT_S = 10.0

_HOLD = (
    "{ printf '\\n%s' 'Codex ended with an error. Press Enter to close this window. '; read -r _; }"
)
"""Keeps a window open that would take the error with it."""


class TuiCommand(msgspec.Struct, frozen=True):
    """The command that opens a thread in Codex's own TUI.

    Attributes:
        handle: the thread's handle.
        args: the program, absolute, and its arguments.
        home: its CODEX_HOME; empty leaves that to Codex.
        cwd: the folder in which to run it; empty for the current one.
    """

    handle: str
    args: tuple[str, ...]
    home: str = ""
    cwd: str = ""

    @property
    def shell_line(self) -> str:
        """The command as a shell reads it."""
        settings = (f"CODEX_HOME={self.home}",) if self.home else ()
        run = shlex.join(("env", *settings, *self.args))
        return f"cd {shlex.quote(self.cwd)} && {run}" if self.cwd else run

    @property
    def window_words(self) -> tuple[str, ...]:
        """The words to run in a window of its own, which stays open after an error."""
        return ("sh", "-c", f"{self.shell_line} || {_HOLD}")

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return `env` with the settings of this command."""
        return {**env, "CODEX_HOME": self.home} if self.home else dict(env)


async def prepare_tui(
    call: Call, thread: ThreadInfo, *, token_env: str | None = None, env: Mapping[str, str]
) -> TuiCommand:
    """Return the command that opens a thread in Codex's own TUI.

    Args:
        call: calls a tool of the server.
        thread: the thread.
        token_env: the environment variable with the token of an app-server at a `ws://` address.
        env: the environment that the TUI will have.

    Raises:
        ProgramUnavailable: this thread, this server or this version of Codex has no way there.
        CodextuiError: the server cannot be asked.
    """
    if reason := tui_refusal(thread):
        raise ProgramUnavailable(reason)
    report = await call("codex-server", {})
    command = build_tui_command(report, thread, token_env=token_env, env=env)
    if not await asyncio.to_thread(_takes_remote, command.args[0]):
        version = fields.text_or(fields.as_object(report.get("codex"), "codex"), "version")
        raise ProgramUnavailable(
            f"the TUI of Codex {version} cannot join another program (it has no --remote); "
            "a newer one can"
        )
    return command


def build_tui_command(
    report: JsonObject,
    thread: ThreadInfo,
    *,
    token_env: str | None = None,
    env: Mapping[str, str],
) -> TuiCommand:
    """Build the command from what the server reports of itself (`codex-server`).

    Raises:
        ProgramUnavailable: the server's Codex cannot be joined from outside, or has not started.
    """
    codex = fields.as_object(report.get("codex"), "codex")
    path, address = fields.text_or(codex, "path"), fields.text_or(codex, "address")
    if problem := fields.text_or(report, "problem"):
        raise ProgramUnavailable(problem)
    home = fields.text_or(codex, "home")
    if not home:
        raise ProgramUnavailable("the server has no Codex yet: try again in a moment")
    if not path:
        raise ProgramUnavailable(
            "the server uses a Codex elsewhere, and there is none here that could join it: set "
            "`[codex] binary`, or install one"
        )
    if not address:
        raise ProgramUnavailable(
            f"the server's Codex ({fields.text_or(codex, 'version') or 'of an unknown version'}) "
            "speaks to the server alone, on its standard input: it could not listen for others, "
            "and the server's log says why. A newer Codex can be joined, and so can its daemon "
            '(`[codex] attach = "daemon"` in config.toml); `codextui kill-server` ends this one, '
            "and the next command starts another"
        )
    args = [path, "--remote", address]
    if token_env is not None and address.startswith(("ws://", "wss://")):
        if not env.get(token_env):
            raise ProgramUnavailable(
                f"the token of {address} is in ${token_env} (`[codex] token_env`), which is not "
                "set here"
            )
        args += ["--remote-auth-token-env", token_env]
    cwd = thread.cwd if thread.cwd and Path(thread.cwd).is_dir() else ""
    args += ["resume", thread.thread_id]
    return TuiCommand(thread.handle, tuple(args), home, cwd)


def run_tui(command: TuiCommand) -> None:
    """Replace this process by Codex's own TUI. Raises ProgramUnavailable."""
    try:
        if command.cwd:
            os.chdir(command.cwd)
        env = command.environment(os.environ)
        os.execve(command.args[0], command.args, env)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise ProgramUnavailable(f"{command.args[0]} cannot be run: {error}") from error


def _takes_remote(program: str) -> bool:
    try:
        ran = subprocess.run(  # noqa: S603 - the Codex that the server uses
            [program, "resume", "--help"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_HELP_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ProgramUnavailable(f"{program} cannot be run: {error}") from error
    return b"--remote " in ran.stdout
