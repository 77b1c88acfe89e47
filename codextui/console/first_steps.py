"""Looks at this machine when the console is started for the first time, or when asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from codextui.console.model.findings import Finding
from codextui.console.render.findings import DEFAULT_WIDTH, render_findings
from codextui.console.render.palette import palette_from
from codextui.console.screens.main import MainScreen

if TYPE_CHECKING:
    from codextui.console.screens.first_steps import FirstStep

Inspect = Callable[[], tuple[Finding, ...]]
"""Looks at this machine; blocks."""

DEMO_WANTED = -2
"""What the console returns where the user left it to see the demo."""


class FirstStepsPresenter:
    """Shows what was found: the first time in the place of the panes, later in a dialog.

    The text covers nothing: the place of the panes is empty then.
    """

    def __init__(self, app: App[int], main: MainScreen, inspect: Inspect | None) -> None:
        """Create a presenter; `inspect` is None where nothing is to be looked for."""
        self._app = app
        self._main = main
        self._inspect = inspect
        self._has_welcomed = False
        self._problem = ""

    def welcome(self) -> None:
        """Show what was found while there are no threads."""
        if self._inspect is not None:
            self._has_welcomed = True
            work = self._welcome(self._inspect)
            self._app.run_worker(work, group="first", exclusive=True, exit_on_error=False)

    def follow(self, problem: str) -> None:
        """Look again where what was shown is no longer so: Codex has another problem, or none."""
        if self._has_welcomed and self._problem not in ("", problem):
            self.welcome()
        self._problem = problem

    def open(self) -> None:
        """Open the dialog."""
        from codextui.console.screens.first_steps import FirstStepsScreen  # noqa: PLC0415

        if self._inspect is None:
            self._app.notify("There is nothing to look for here.", severity="warning")
            return
        screen = FirstStepsScreen()
        self._app.push_screen(screen, self.begin)
        work = self._look(self._inspect, screen.show)
        self._app.run_worker(work, group="first", exclusive=True, exit_on_error=False)

    async def _welcome(self, inspect: Inspect) -> None:
        def show(findings: tuple[Finding, ...]) -> None:
            palette = palette_from(self._app.theme_variables)
            grid = self._main.workbench.grid
            width = min(DEFAULT_WIDTH, grid.size.width - 2)
            grid.empty.show_findings(render_findings(findings, palette, width))

        await self._look(inspect, show)

    async def _look(self, inspect: Inspect, show: Callable[[tuple[Finding, ...]], None]) -> None:
        show(await asyncio.to_thread(inspect))

    @property
    def has_demo(self) -> bool:
        """Whether the demo can be shown: it cannot in itself."""
        return self._inspect is not None

    def begin(self, step: FirstStep | None) -> None:
        """Begin with what the user has chosen; None goes on."""
        match step:
            case "new":
                self._main.action_new_thread()
            case "history":
                self._main.action_history()
            case "demo":
                self._app.exit(DEMO_WANTED)
            case None:
                pass
