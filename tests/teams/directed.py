"""Crews that people direct: what the console asks, as the runner takes it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from codextui.protocol import events as ev
from codextui.protocol.runs import RoleAction
from codextui.teams.publish.publisher import role_thread, run_thread
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.controls import ControlRequests
from codextui.teams.runner.ending import RunStopped


class Person:
    """Somebody at the console, who asks things of the roles of a crew.

    Attributes:
        stopped: how the run was ended, if it was.
    """

    def __init__(self, crew: RunContext) -> None:
        self.stopped: list[RunStopped] = []
        self._crew = crew
        self._clock = itertools.count(int(crew.direction.seen) + 1)
        self.requests = ControlRequests(
            crew.team,
            crew.mode,
            crew.direction,
            crew.telling,
            run_id=crew.store.run_id,
            tell=crew.tell,
            stop=self.stopped.append,
        )

    def ask(self, role: str, action: str, text: str = "") -> ev.Event:
        """Ask something; of the whole run where `role` is empty."""
        run_id = self._crew.store.run_id
        thread = role_thread(run_id, role) if role else run_thread(run_id)
        request = ev.RoleRequested(RoleAction(action), text, "ann")
        event = ev.Event(1, thread, "", float(next(self._clock)), request)
        self.requests.take(event)
        return event

    def asking(self, role: str, action: str, text: str = "") -> Callable[[], object]:
        """Ask it later."""
        return lambda: self.ask(role, action, text)
