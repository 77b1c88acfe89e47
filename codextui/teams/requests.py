"""Carries out what people ask of a run and its roles (`RoleRequested`), or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable

from codextui.teams.direction import Direction
from codextui.teams.ending import Ending, RunStopped
from codextui.teams.happening import Happening, Kind
from codextui.teams.publisher import role_thread, run_thread
from codextui.teams.run_telling import RunTelling
from codextui.teams.team import Mode, Team
from codextui.wire import event as ev
from codextui.wire.run import RoleAction
from codextui.wire.thread import ThreadState

ALL_OVER = ""
"""Where a conversation of the whole team begins, as a role to be run again."""


class Requests:
    """Takes each request once, keeps it, and tells what comes of it."""

    def __init__(
        self,
        team: Team,
        mode: Mode,
        direction: Direction,
        telling: RunTelling,
        *,
        run_id: str,
        tell: Callable[[Happening], None],
        stop: Callable[[RunStopped], None],
    ) -> None:
        """Take requests for the rows of a run.

        Args:
            team: whose run.
            mode: how it runs.
            direction: keeps what is asked.
            telling: knows how the roles stand.
            run_id: the run's id.
            tell: is told what comes of it.
            stop: ends the run.
        """
        self._team = team
        self._mode = mode
        self._direction = direction
        self._telling = telling
        self._tell = tell
        self._stop = stop
        self._latest: list[tuple[str, ev.Msg]] = []
        self._run = run_thread(run_id)
        self._names = {role_thread(run_id, name): name for name in team.roles}

    def show_held(self) -> None:
        """Tell who was held when the run was left, and still is."""
        for name in self._team.roles:
            if self._direction.is_paused(name):
                self._hold_idle(name)
                self._say(name, "is held since the run was left: resume it")

    def take(self, event: ev.Event, *, past: bool = False) -> None:
        """Take an event of the server's; anything but a new request for this run is none of it.

        Args:
            event: what the server tells.
            past: whether it happened before this process ran the run: then nobody wants it held
                or stopped any more.
        """
        request = event.msg
        mine = event.thread_id == self._run or event.thread_id in self._names
        if not isinstance(request, ev.RoleRequested) or not mine:
            return
        try:
            self._take_new(event, request, past=past)
        except OSError as error:
            told = (
                f"what {request.by or 'a person'} asked cannot be kept, so it is not done: {error}"
            )
            self._tell(Happening(Kind.TROUBLE, "", told))

    def _take_new(self, event: ev.Event, request: ev.RoleRequested, *, past: bool) -> None:
        if not self._is_new(event):
            return
        lasting = request.action in (RoleAction.MESSAGE, RoleAction.RERUN)
        if past and not lasting:
            self._direction.take(event.at)
        elif event.thread_id == self._run:
            self._take_for_run(request, event.at)
        else:
            self._take_for_role(self._names[event.thread_id], request, event.at)

    def _is_new(self, event: ev.Event) -> bool:
        """Whether a request was not taken before: a server tells its past again and again."""
        key = (event.thread_id, event.msg)
        if event.at > self._direction.seen:
            self._latest = [key]
            return True
        # Two can be told at the same moment.
        if event.at < self._direction.seen or not self._latest or key in self._latest:
            return False
        self._latest.append(key)
        return True

    def _take_for_role(self, role: str, request: ev.RoleRequested, at: float) -> None:
        refusal = self._refusal(role, request.action)
        if refusal:
            self._direction.take(at)
            self._say(role, refusal)
            return
        by, telling = request.by, self._telling.roles[role]
        match request.action:
            case RoleAction.MESSAGE:
                self._direction.say((role,), request.text, by, at)
                self._tell_waiting(role)
            case RoleAction.PAUSE:
                self._direction.pause((role,), at)
                self._say(role, f"is held before its next step{_by(by)}")
                self._hold_idle(role)
            case RoleAction.RESUME:
                self._direction.resume((role,), at)
                telling.go_on()
                if not telling.row.at_work:
                    telling.row.change(state=ThreadState.WAITING, note="")
                self._say(role, f"goes on{_by(by)}")
            case RoleAction.STOP:
                self._say(role, f"is stopped{_by(by)}")
                self._direction.stop(role, by, at)
                if not telling.row.at_work:
                    telling.abort("interrupted", f"stopped{_by(by)}")
            case RoleAction.RERUN:
                self._say(role, f"begins again from its start{_by(by)}")
                self._direction.rerun((role,), at)

    def _take_for_run(self, request: ev.RoleRequested, at: float) -> None:
        by = request.by
        living = [name for name in self._team.roles if not self._telling.is_over(name)]
        match request.action:
            case RoleAction.MESSAGE:
                self._direction.say(self._audience(living), request.text, by, at)
            case RoleAction.PAUSE:
                self._direction.pause(living, at)
                self._say("", f"is held before its next steps{_by(by)}")
                self._telling.row.change(state=ThreadState.PAUSED)
                for name in living:
                    self._hold_idle(name)
            case RoleAction.RESUME:
                self._direction.resume(tuple(self._team.roles), at)
                self._telling.row.change(state=ThreadState.RUNNING)
                for role in self._telling.roles.values():
                    role.go_on()
                self._say("", f"goes on{_by(by)}")
            case RoleAction.STOP:
                self._direction.take(at)
                self._say("", f"is stopped{_by(by)}")
                self._stop(RunStopped(Ending.PERSON, f"it was stopped{_by(by)}"))
            case RoleAction.RERUN:
                self._say("", f"begins again from its start{_by(by)}")
                self._direction.rerun(self._starts(), at)

    def _refusal(self, role: str, action: RoleAction) -> str:
        """Why nothing can come of it; empty where something can."""
        state = self._telling.roles[role].row.info.state
        held = self._direction.is_paused(role) or self._direction.stopped_by(role)
        match action:
            case RoleAction.PAUSE | RoleAction.STOP if self._telling.is_over(role):
                return f"cannot be held: it is {state.value}"
            case RoleAction.RESUME if not held:
                return "is not held"
            case RoleAction.RERUN if not self._telling.roles[role].row.turns:
                return "has not begun yet, so it cannot begin again"
            case _:
                return ""

    def _hold_idle(self, role: str) -> None:
        """Show at once that a role is held where no step of it goes on."""
        telling = self._telling.roles[role]
        if not telling.row.at_work:
            telling.pause()

    def _audience(self, living: list[str]) -> list[str]:
        """Who reads what is said to the run."""
        if self._mode is Mode.PARALLEL:
            return living or [self._team.entry]
        at_work = [name for name in living if self._telling.roles[name].row.at_work]
        return at_work or [self._team.entry]

    def _starts(self) -> tuple[str, ...]:
        """What is to be run again where the whole run is."""
        if self._mode is Mode.HANDOFFS:
            return (ALL_OVER,)
        begun = [name for name, role in self._telling.roles.items() if role.row.turns]
        return tuple(name for name in begun if not self._team.sources(name))

    def _tell_waiting(self, role: str) -> None:
        if not self._telling.roles[role].row.at_work and self._mode is Mode.HANDOFFS:
            self._say(role, "is not at work: it reads the message when it is next")

    def _say(self, role: str, text: str) -> None:
        self._tell(Happening(Kind.ROLE_DIRECTED, role, text))


def _by(name: str) -> str:
    return f" by {name}" if name else ""
