"""A person at the console, who requests things of the roles of a run."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from codextui.protocol import events as ev
from codextui.protocol.runs import RoleAction
from codextui.teams.publish.publisher import role_thread_id, run_thread_id
from codextui.teams.records.events import RunStopped
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.controls import ControlRequests


class Person:
    """Requests things of the roles of a run.

    Attributes:
        stopped: how the run was stopped, if it was.
    """

    def __init__(self, context: RunContext) -> None:
        self.stopped: list[RunStopped] = []
        self._context = context
        self._clock = itertools.count(int(context.controls.handled_until) + 1)
        self.requests = ControlRequests(
            context.team,
            context.mode,
            context.controls,
            context.publisher,
            run_id=context.store.run_id,
            on_event=context.on_event,
            stop=self.stopped.append,
        )

    def request(self, role: str, action: str, text: str = "") -> ev.Event:
        """Request something of a role, or of the whole run if `role` is empty."""
        run_id = self._context.store.run_id
        thread = role_thread_id(run_id, role) if role else run_thread_id(run_id)
        request = ev.RoleRequested(RoleAction(action), text, "ann")
        event = ev.Event(1, thread, "", float(next(self._clock)), request)
        self.requests.handle(event)
        return event

    def requesting(self, role: str, action: str, text: str = "") -> Callable[[], object]:
        """A function that requests it."""
        return lambda: self.request(role, action, text)
