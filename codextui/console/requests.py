"""Sends the requests of the screens to the server, and shows what comes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import on

from codextui.console.connection import perform_request
from codextui.console.dialogs import DialogsApp
from codextui.console.programs import NOTICE_TIMEOUT
from codextui.console.screens import messages
from codextui.errors import CodextuiError
from codextui.text.sanitize import sanitize


class RequestsApp(DialogsApp):
    """Turns the messages of the screens into calls, for none of which the screen waits."""

    @on(messages.StartThread)
    @on(messages.ForkThread)
    @on(messages.SendPrompt)
    @on(messages.CallTool)
    @on(messages.EditQueued)
    @on(messages.InterruptTurn)
    @on(messages.KillThread)
    @on(messages.DirectRole)
    @on(messages.StopServer)
    def _handle_request(self, request: messages.ServerRequest) -> None:
        perform = self._perform(request, self._build_may_focus())
        self.run_worker(perform, group="operations", exit_on_error=False)

    async def _perform(
        self, request: messages.ServerRequest, may_focus: Callable[[], bool]
    ) -> None:
        """Send a request; show the thread that it starts, report why it failed."""
        try:
            started = await perform_request(self._connection, request)
        except asyncio.CancelledError:  # the console ends
            self.main.save_unsent(request)
            raise
        except CodextuiError as error:
            self._notify_error(f"Could not {request.description}", error)
            self.main.save_unsent(request)
            return
        request.succeed()
        if started is not None:
            self.main.show_arrived(started.thread_id, may_focus)
        if isinstance(request, messages.CallTool) and request.answer:
            self.notify(sanitize(request.answer), timeout=NOTICE_TIMEOUT, markup=False)
        if isinstance(request, messages.StopServer):
            self.exit(0)

    @on(messages.RetryConnection)
    def _handle_retry(self) -> None:
        self._connection.retry()
