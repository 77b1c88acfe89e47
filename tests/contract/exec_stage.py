"""Plays `codex exec` twice, with the genuine Codex and with our stand-in, on the scripted model."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.serving import ServerProcess, server_process

from codextui.demo import (
    ModelRequest,
    ScriptedModel,
    codex_environment,
    scratch_codex_home,
    write_codex_home,
)
from codextui.demo.script import ModelScript

PATIENCE_S = 60
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
SEARCH_ID = re.compile(r"ws_\w+")

OnLine = Callable[[asyncio.subprocess.Process, dict[str, Any]], None]
"""Is called for every JSON line as it comes."""


@dataclass(frozen=True)
class Ran:
    """What a command came to.

    Attributes:
        code: the exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Side:
    """One of the two: a program that is started as `codex`.

    Attributes:
        program: its path.
        env: the environment that it is started in.
        folder: has the working folder and whatever else is the side's own.
        requests: what its model was asked, in order.
    """

    program: Path
    env: dict[str, str]
    folder: Path
    requests: list[ModelRequest] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    async def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        env: dict[str, str] | None = None,
        on_line: OnLine = lambda *_: None,
    ) -> Ran:
        """Run `codex` with arguments; nothing on standard input means that there is none."""
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            cwd=self.workspace,
            env={**self.env, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await _communicate(process, stdin, on_line)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def normalized(self, text: str) -> str:
        """Return a text without what is another one on the other side."""
        text = text.replace(str(self.folder), "FOLDER")
        numbers: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"ID-{numbers.setdefault(match[0], len(numbers))}"

        return SEARCH_ID.sub("ws", UUID.sub(number, text))

    def events(self, ran: Ran) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.normalized(ran.out).splitlines()]

    def asked(self) -> list[Any]:
        """Return what the user said in each request of the model, and the schema of the answer."""
        return [
            [_last_user_parts(request, self.normalized), request.body.get("text", {}).get("format")]
            for request in self.requests
        ]


async def _communicate(
    process: asyncio.subprocess.Process, stdin: bytes | None, on_line: OnLine
) -> Ran:
    assert process.stdout is not None
    assert process.stderr is not None
    reading_errors = asyncio.create_task(process.stderr.read())
    if process.stdin is not None:
        process.stdin.write(stdin or b"")
        process.stdin.close()
    lines: list[str] = []
    async for data in process.stdout:
        lines.append(data.decode())
        if lines[-1].startswith("{"):
            on_line(process, json.loads(lines[-1]))
    code = await process.wait()
    return Ran(code, "".join(lines), (await reading_errors).decode())


def _last_user_parts(
    request: ModelRequest, normalized: Callable[[str], str]
) -> list[tuple[str, str]]:
    messages = [item for item in request.input if item.get("role") == "user"]
    content = messages[-1]["content"]
    return [(part["type"], normalized(part.get("text", ""))) for part in content]


def recorded(script: ModelScript, side: Side) -> ModelScript:
    def answer(request: ModelRequest) -> Any:
        side.requests.append(request)
        return script(request)

    return answer


@dataclass(frozen=True)
class Stage:
    """Both sides, and the server behind ours."""

    genuine: Side
    ours: Side
    served: ServerProcess

    async def both(self, *arguments: str, **options: Any) -> tuple[Ran, Ran]:
        """Run the same on both sides, one after the other."""
        for side in (self.genuine, self.ours):
            side.requests.clear()
        ran = await self.genuine.run(*arguments, **options)
        return ran, await self.ours.run(*arguments, **options)


async def shim_path(served: ServerProcess, *arguments: str) -> Path:
    """Return what `codextui shim-path` prints."""
    config = served.options.socket.with_name("config.toml")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codextui", "--config", str(config), *arguments, "shim-path"),
        env=served.env,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return Path(out.decode().strip())


@asynccontextmanager
async def staged(
    binary: Path, make_script: Callable[[], ModelScript], extra: str = ""
) -> AsyncIterator[Stage]:
    """Set both sides up, in folders whose paths have the same length.

    Args:
        binary: the genuine Codex.
        make_script: makes what the model plays, for each side.
        extra: more of Codex's configuration.
    """
    folder = scratch_codex_home()
    try:
        async with AsyncExitStack() as stack:
            sides = [folder / "genuine", folder / "standin"]
            for side in sides:
                (side / "workspace").mkdir(parents=True)
            genuine = Side(binary, {}, sides[0])
            model = await stack.enter_async_context(ScriptedModel(recorded(make_script(), genuine)))
            home = write_codex_home(sides[0] / "home", model.base_url, extra=extra)
            genuine.env = {**codex_environment(home), "HOME": str(sides[0])}
            ours = Side(Path(), {}, sides[1])
            served = await stack.enter_async_context(
                server_process(
                    binary,
                    sides[1],
                    recorded(make_script(), ours),
                    name="default",
                    extra=extra,
                )
            )
            ours.env = {**served.env, "HOME": str(sides[1])}
            ours.program = await shim_path(served)
            yield Stage(genuine, ours, served)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_project(*, git: bool = False) -> Path:
    """Return a new folder outside of every repository."""
    folder = Path(tempfile.mkdtemp(prefix="project-", dir=Path.home() / ".cache"))
    if git:
        (folder / ".git").mkdir()
    return folder


def arguments_of(template: Sequence[str], **values: str) -> list[str]:
    return [word.format(**values) for word in template]
