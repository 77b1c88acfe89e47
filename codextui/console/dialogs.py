"""The dialogs that ask the server: history, decisions, a queue, a search, the inspector."""

from __future__ import annotations

from textual import on

from codextui.console.connection import ServerDecisions, ServerHistory, ServerQueue, ServerSearch
from codextui.console.screens import messages
from codextui.console.screens.thread_actions import MainOptions
from codextui.console.toasts import ToastsApp
from codextui.protocol.threads import ThreadState


class DialogsApp(ToastsApp):
    """Opens the dialogs that the screens ask for, each imported when it is opened first."""

    _main_options: MainOptions

    @on(messages.OpenHistory)
    def _handle_open_history(self) -> None:
        from codextui.console.screens.history import HistoryScreen  # noqa: PLC0415

        calls, now = ServerHistory(self._connection), self._main_options.now
        screen = HistoryScreen(calls, self._is_open, now, self._keys)
        self.push_screen(screen, self._open_past_thread)

    @on(messages.OpenDecisions)
    def _handle_open_decisions(self) -> None:
        from codextui.console.screens.decisions import DecisionsScreen  # noqa: PLC0415

        screen = DecisionsScreen(
            ServerDecisions(self._connection), self._main_options.now, self._keys
        )
        self.push_screen(screen, self._open_past_thread)

    @on(messages.OpenSearch)
    def _handle_open_search(self) -> None:
        from codextui.console.screens.search import SearchScreen  # noqa: PLC0415

        calls, now = ServerSearch(self._connection), self._main_options.now
        self.push_screen(SearchScreen(self.state, calls, self.main, now))

    def _open_past_thread(self, thread_id: str | None) -> None:
        if thread_id:
            self.main.open_thread(thread_id)

    def _is_open(self, thread_id: str) -> bool:
        view = self.state.threads.get(thread_id)
        return view is not None and view.info.state is not ThreadState.KILLED

    @on(messages.OpenQueue)
    def _handle_open_queue(self, message: messages.OpenQueue) -> None:
        from codextui.console.screens.queue import QueueCalls, QueueScreen  # noqa: PLC0415

        view, main = self.state.threads.get(message.thread_id), self.main
        if view is not None:
            read = ServerQueue(self._connection).read
            calls = QueueCalls(main.post_message, read, main.rescue_queue_edits)
            self.push_screen(QueueScreen(view, calls, main.queue_edits))

    @on(messages.OpenInspector)
    def _handle_open_inspector(self) -> None:
        from codextui.console.inspector import build_inspector  # noqa: PLC0415

        current = self.main.workbench.current
        self.push_screen(
            build_inspector(self._connection, self.state, self._main_options, current=current)
        )

    @on(messages.OpenThread)
    def _handle_open_thread(self, message: messages.OpenThread) -> None:
        self.main.open_thread(message.thread_id)
