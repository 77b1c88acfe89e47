"""Runs a demo beside the console: each on an event loop of its own, the demo's in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from codextui.demo.environment import DemoEnvironment
from codextui.errors import CodextuiError

STOP_S = 40.0
"""Seconds the demo may take to stop its server and model."""

_Environment = TypeVar("_Environment", bound=DemoEnvironment)

OpenEnvironment = Callable[[], AbstractAsyncContextManager[_Environment]]
"""Starts a demo's model and server, and stops them at the end of the context."""

Play = Callable[[_Environment], Awaitable[None]]
"""Carries out a demo in its environment. May raise CodextuiError."""


def run_beside_console(
    open_environment: OpenEnvironment[_Environment], play: Play[_Environment]
) -> tuple[int, str]:
    """Run a demo until the console on its server is left.

    Approvals are left to the person at the console.

    Args:
        open_environment: opened in the demo's thread.
        play: called there; cancelled when the console is left.

    Returns:
        The console's exit code, and the demo's error; "" if there was none.

    Raises:
        CodextuiError: the environment could not be opened, or the console could not start.
        OSError: the environment could not be opened.
    """
    demo = _BackgroundDemo(open_environment, play)
    demo.start()
    try:
        from codextui.console import run  # noqa: PLC0415 - imported while the server starts

        code: int = run.run(demo.wait_for_server(), detach_label="end the demo")
    finally:
        demo.stop()
    return code, demo.error


class _BackgroundDemo(Generic[_Environment]):
    """A demo in a thread.

    Attributes:
        error: why the demo failed after its server was started; "" if it did not.
    """

    def __init__(
        self, open_environment: OpenEnvironment[_Environment], play: Play[_Environment]
    ) -> None:
        self.error = ""
        self._open_environment = open_environment
        self._play = play
        self._server_name: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run_loop, name="demo", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_for_server(self) -> str:
        """Return the server's name once it listens. Raises CodextuiError, OSError."""
        return self._server_name.result()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):
            # The loop is closed if the environment could not be opened.
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(STOP_S)

    def _run_loop(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._run())

    async def _run(self) -> None:
        try:
            async with self._open_environment() as environment:
                self._server_name.set_result(environment.server_name)
                playing = asyncio.create_task(self._play_to_end(environment))
                await self._stopped.wait()
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
        except (CodextuiError, OSError) as error:
            if self._server_name.done():
                self.error = str(error)
            else:
                self._server_name.set_exception(error)

    async def _play_to_end(self, environment: _Environment) -> None:
        """Play the demo; after an error the console goes on."""
        try:
            await self._play(environment)
        except CodextuiError as error:
            self.error = str(error)
