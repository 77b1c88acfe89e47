"""The head of a pane."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from codextui.model.standing import ALONE, Standing
from codextui.model.thread_view import ThreadView
from codextui.render.figures import format_running, format_tokens
from codextui.render.layout import Row, cut, cut_left, fit, row_length
from codextui.render.palette import Palette
from codextui.render.sanitize import one_line
from codextui.render.state import StateMark, mark_state
from codextui.render.tree_row import KIND_MARKS
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo, ThreadState

MIN_PLACE = 12
"""Cells that cwd and branch get as long as there is something else to leave out."""


def render_pane_header(
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    number: int | None = None,
    home: str = "",
    standing: Standing = ALONE,
) -> list[Strip]:
    """Two rows, each exactly `width` cells.

    First: number, glyph, handle, state, elapsed, tokens, money. Second: model, cwd@branch
    (shortened from the left), sandbox; for a role which run it belongs to, for a run how its
    roles and gates stand, and its task.

    Args:
        view: the thread.
        state: from `Board.state_of`.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the elapsed time.
        number: of the pane.
        home: the person's home folder, shown as `~`; empty for none.
        standing: how its run stands.
    """
    facts = [*_facts(view, state, now), *([standing.cost] if standing.cost else [])]
    mark = mark_state(state, palette)
    first = _first_row(view.info, mark, facts, width, palette=palette, number=number)
    match view.info.kind:
        case ThreadKind.RUN:
            second = _run_row(view.info, standing, palette)
        case ThreadKind.ROLE:
            second = _role_row(view.info, standing, width, palette, home)
        case ThreadKind.CODEX:
            second = _second_row(view.info, width, palette, home)
    return [fit(first, width, palette.text), fit(second, width, palette.text)]


def _facts(view: ThreadView, state: ThreadState, now: float) -> list[str]:
    """The words of the first row."""
    info = view.info
    facts = [state.value]
    if state is ThreadState.NEEDS_INPUT and info.waits_for:
        facts = [f"needs {one_line(info.waits_for, 20)}"]
    if state.has_turn and info.turn_started_at is not None:
        facts.append(format_running(now - info.turn_started_at))
    if info.usage.total:
        facts.append(f"{format_tokens(info.usage.total)}{_fullness(view)}")
    return facts


def _first_row(
    info: ThreadInfo,
    mark: StateMark,
    facts: list[str],
    width: int,
    *,
    palette: Palette,
    number: int | None,
) -> Row:
    words = " · ".join(facts)
    left = f"{number} " if number is not None else ""
    room = width - cell_len(left) - 3 - cell_len(words)
    handle = KIND_MARKS[info.kind] + one_line(info.handle or info.thread_id[:8], 200)
    return [
        Segment(left, palette.accent),
        Segment(f"{mark.glyph} ", mark.style),
        Segment(f"{cut(handle, max(room, 6))} ", palette.strong),
        Segment(words, mark.style),
    ]


def _fullness(view: ThreadView) -> str:
    """How full the model's window is: ` (41%)`, empty where unknown."""
    window = view.info.context_window
    if not window or not view.last_tokens:
        return ""
    return f" ({min(999, view.last_tokens * 100 // window)}%)"


def _run_row(info: ThreadInfo, standing: Standing, palette: Palette) -> Row:
    """`run · 2 of 5 roles done · gates 3/7 · the task`."""
    facts = ["run"]
    if standing.roles:
        facts.append(f"{standing.done} of {standing.roles} roles done")
    if standing.gates:
        facts.append(f"gates {standing.met}/{standing.gates}")
    row = [Segment(" · ".join(facts), palette.muted)]
    task = one_line(info.brief)
    return [*row, Segment(f" · {task}", palette.text)] if task else row


def _role_row(info: ThreadInfo, standing: Standing, width: int, palette: Palette, home: str) -> Row:
    """`role of bug-busters`, then as for a thread."""
    run = f"role of {one_line(standing.run, 60)}" if standing.run else "role of a run"
    head = Segment(f"{cut(run, width)}  ", palette.muted)
    room = width - cell_len(head.text)
    return [head, *_second_row(info, room, palette, home)] if room > 0 else [head]


def _second_row(info: ThreadInfo, width: int, palette: Palette, home: str) -> Row:
    model, sandbox = one_line(info.model, 60), one_line(info.sandbox, 40)
    place = place_of(info, home)
    risky = info.sandbox == "danger-full-access"
    ends: Row = []
    ends.extend([Segment(f"{model}  ", palette.muted)] if model else [])
    if sandbox:
        ends.append(Segment(f"  {sandbox}", palette.caution if risky else palette.muted))
    while ends and width - row_length(ends) < min(MIN_PLACE, cell_len(place)):
        ends.pop(0)
    room = max(0, width - row_length(ends))
    middle = Segment(cut_left(place, room), palette.muted)
    before = [end for end in ends if end.text.endswith(" ")]
    after = [end for end in ends if not end.text.endswith(" ")]
    return [*before, middle, *after]


def place_of(info: ThreadInfo, home: str = "") -> str:
    """`~/work/app@main`: where a thread works. Safe to show."""
    cwd = info.cwd
    if home and (cwd == home or cwd.startswith(f"{home}/")):
        cwd = f"~{cwd[len(home) :]}"
    return one_line(f"{cwd}@{info.branch}" if info.branch else cwd)
