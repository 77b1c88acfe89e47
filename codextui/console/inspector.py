"""Makes the screen of the protocol inspector from the parts of the app."""

from __future__ import annotations

from codextui.config.paths import captures_dir
from codextui.console.connection import ServerConnection
from codextui.console.model.state import ConsoleState
from codextui.console.screens.inspector import InspectorOptions, InspectorScreen
from codextui.console.screens.thread_actions import MainOptions
from codextui.protocol.runs import RUN_PREFIX


def build_inspector(
    connection: ServerConnection, state: ConsoleState, options: MainOptions, *, current: str = ""
) -> InspectorScreen:
    """Return the inspector of the server that the console is connected to.

    Args:
        connection: the connection.
        state: the threads and their names.
        options: of the main screen.
        current: the id of the thread that is looked at; empty for none.
    """

    def name_of(thread_id: str) -> str:
        view = state.threads.get(thread_id)
        return thread_id if view is None else view.info.handle

    return InspectorScreen(
        connection,
        InspectorOptions(
            server=options.server,
            name_of=name_of,
            now=options.now,
            folder=captures_dir,
            waiting=lambda: len(state.approvals),
            key_groups=options.key_groups,
            current="" if current.startswith(RUN_PREFIX) else current,
        ),
    )
