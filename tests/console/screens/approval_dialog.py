"""An open approval dialog for tests, with the requests that they show in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from console.screens.dialog_host import (
    NOTHING_YET,
    DialogHost,
    FakeClock,
    approval,
    asking,
)
from textual.pilot import Pilot
from textual.widgets import Static

from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.approval_choices import HELD_S
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Decision

COMMAND = CommandAsked("git push origin main", cwd="/srv/shop", rule=("git", "push"))
PLAIN = CommandAsked("make test")
PATCH = PatchAsked((FileChange("a.py", "update", "@@ -1 +1 @@\n-x\n+y\n"),))
PERMISSIONS = PermissionsAsked({"network": {"enabled": True}}, "/srv", "to install")
UNKNOWN = UnknownAsked("item/new/thing", {"a": 1})
LONG = CommandAsked("\n".join(f"echo {n}" for n in range(100)), rule=("echo",))
LONG_PATCH = PatchAsked((FileChange("a.py", "add", "".join(f"x{n}\n" for n in range(12_000))),))
QUIET = 0.6


class OpenDialog:
    """An open dialog, and its input."""

    def __init__(self, pilot: Pilot[None], host: DialogHost, clock: FakeClock) -> None:
        self.pilot = pilot
        self.host = host
        self.clock = clock

    @property
    def screen(self) -> ApprovalScreen:
        assert isinstance(self.host.dialog, ApprovalScreen)
        return self.host.dialog

    @property
    def decided(self) -> list[tuple[str, Decision]]:
        return self.host.decided

    @property
    def closed(self) -> bool:
        return self.host.result is not NOTHING_YET

    def text(self, part: str) -> str:
        return str(self.screen.query_one(f"#{part}", Static).content)

    def rest(self) -> None:
        """Let the quiet time pass, and that in which the last key may be held down."""
        self.clock.advance(max(QUIET, HELD_S) + 0.001)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def press_rested(self, *keys: str) -> None:
        self.rest()
        await self.press(*keys)


@asynccontextmanager
async def open_dialog(*asked: Asked, size: tuple[int, int] = (80, 24)) -> AsyncIterator[OpenDialog]:
    async with open_queue(
        [approval(one, at) for at, one in enumerate(asked, 1)], size=size
    ) as dialog:
        yield dialog


@asynccontextmanager
async def open_queue(
    approvals: Sequence[Approval], *, size: tuple[int, int] = (80, 24), first: str = ""
) -> AsyncIterator[OpenDialog]:
    clock = FakeClock()
    host = DialogHost(asking(approvals, clock, quiet=QUIET, first=first))
    async with host.run_test(size=size) as pilot:
        await pilot.pause()
        yield OpenDialog(pilot, host, clock)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is on the screen sets no event
            await asyncio.sleep(0.02)
