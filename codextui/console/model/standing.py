"""What a row says of the run that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codextui.console.model.thread import ThreadView
from codextui.protocol.runs import RUN_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadState, Usage

if TYPE_CHECKING:
    from codextui.console.model.state import ConsoleState

CostOf = Callable[[Iterable[tuple[str, Usage]]], str]
"""What the tokens of some models cost, in words; empty where no price is known."""

OVER = frozenset(
    {ThreadState.DONE, ThreadState.INTERRUPTED, ThreadState.FAILED, ThreadState.KILLED}
)
"""States in which a role or a run does nothing more by itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the run of a row stands, as far as the row shows it.

    Attributes:
        run: the handle of the run that the row belongs to; empty for the run itself, and where
            it belongs to none.
        role: the handle of the role that a Codex thread works for; empty for all others.
        roles: roles of the run; 0 where the row is no run.
        done: how many of them are done.
        gates: gates of the run; 0 where the row is no run, or they were not told.
        met: how many of them are met.
        cost: what its tokens cost, in words, for a run those of all that stands below it; empty
            where nothing of it has a price.
    """

    run: str = ""
    role: str = ""
    roles: int = 0
    done: int = 0
    gates: int = 0
    met: int = 0
    cost: str = ""


ALONE = Standing()
"""That of a row that belongs to no run, and whose tokens have no price."""


def run_of(threads: Mapping[str, ThreadView], thread_id: str) -> str:
    """The id of the run that a row is, or stands below; empty where it belongs to none.

    Args:
        threads: all of them by id. Circles among them are no trouble.
        thread_id: the row's.
    """
    seen: set[str] = set()
    while thread_id and thread_id not in seen:
        seen.add(thread_id)
        if thread_id.startswith(RUN_PREFIX):
            return thread_id.partition("/")[0]
        view = threads.get(thread_id)
        if view is None:
            return ""
        info = view.info
        if info.kind is ThreadKind.RUN:
            return thread_id
        thread_id = info.parent or info.forked_from
    return ""


def standing_of(board: ConsoleState, thread_id: str, cost_of: CostOf | None = None) -> Standing:
    """How the run of a row stands; see `Standing`."""
    view = board.threads.get(thread_id)
    if view is None:
        return ALONE
    info = view.info
    if info.kind is not ThreadKind.RUN:
        run = board.threads.get(board.run_of(thread_id))
        cost = "" if cost_of is None else cost_of([(info.model, info.usage)])
        above = board.threads.get(info.parent)
        is_role = above is not None and above.info.kind is ThreadKind.ROLE
        return Standing(
            run="" if run is None else run.info.handle,
            role=above.info.handle if above is not None and is_role else "",
            cost=cost,
        )
    below = board.below(thread_id)
    roles = [other for other in below if other.kind is ThreadKind.ROLE]
    run_view = board.runs.get(thread_id)
    return Standing(
        roles=len(roles),
        done=sum(role.state is ThreadState.DONE for role in roles),
        gates=0 if run_view is None else len(run_view.gates),
        met=0 if run_view is None else run_view.met,
        cost="" if cost_of is None else cost_of((row.model, row.usage) for row in below),
    )
