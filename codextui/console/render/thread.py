"""The head of a pane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.config.prices import Prices, cost_of, format_money
from codextui.console.model.standing import ALONE, CostOf, Standing
from codextui.console.model.thread import ThreadView
from codextui.console.model.tree import TreeRow
from codextui.console.render.layout import (
    Row,
    cut,
    cut_left,
    fit,
    indent,
    row_length,
    to_strips,
    wrap,
)
from codextui.console.render.palette import Palette
from codextui.protocol.events import PlanStep, PlanUpdated
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.text.figures import format_running, format_tokens
from codextui.text.sanitize import one_line, sanitize

_GLYPHS = {
    ThreadState.STARTING: "◌",
    ThreadState.WAITING: "◔",
    ThreadState.RUNNING: "●",
    ThreadState.NEEDS_INPUT: "?",
    ThreadState.PAUSED: "‖",
    ThreadState.IDLE: "○",
    ThreadState.DONE: "✓",
    ThreadState.INTERRUPTED: "■",
    ThreadState.FAILED: "✗",
    ThreadState.KILLED: "†",
    ThreadState.DISCONNECTED: "~",
}


@dataclass(frozen=True, slots=True)
class StateMark:
    """How a state looks.

    Attributes:
        glyph: one cell.
        word: the state's own word.
        style: beside glyph and word, never instead of them.
    """

    glyph: str
    word: str
    style: Style


def mark_state(state: ThreadState, palette: Palette) -> StateMark:
    """The look of a state."""
    return StateMark(_GLYPHS[state], state.value, _style(state, palette))


def _style(state: ThreadState, palette: Palette) -> Style:
    match state:
        case ThreadState.STARTING | ThreadState.WAITING:
            return palette.starting
        case ThreadState.RUNNING:
            return palette.running
        case ThreadState.NEEDS_INPUT:
            return palette.asking
        case ThreadState.IDLE | ThreadState.DONE:
            return palette.idle
        case ThreadState.INTERRUPTED | ThreadState.PAUSED:
            return palette.interrupted
        case ThreadState.FAILED:
            return palette.failed
        case ThreadState.KILLED:
            return palette.killed
        case ThreadState.DISCONNECTED:
            return palette.disconnected


MAX_GUIDES = 6
"""Levels that are drawn; what is deeper is drawn there."""

KIND_MARKS = {ThreadKind.RUN: "▣ ", ThreadKind.ROLE: "@", ThreadKind.CODEX: ""}
"""What stands before a handle, so that one sees what kind of row it is."""

MIN_HANDLE = {ThreadKind.RUN: 16, ThreadKind.ROLE: 9, ThreadKind.CODEX: 8}
"""Cells of a handle that are kept as long as there is something else to leave out."""


def render_tree_row(
    row: TreeRow,
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
    pane: int | None = None,
    standing: Standing = ALONE,
) -> Strip:
    """One row, exactly `width` cells: guides, glyph, handle, state, elapsed, tokens, waits for.

    What does not fit is left out from the end: money and tokens first, then the time, never the
    glyph. A team's run is marked `▣` and says how many of its roles are done, a role `@`.

    Args:
        row: its place in the tree.
        view: the thread.
        state: from `Board.state_of`.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the elapsed time.
        selected: whether it is the chosen row.
        pane: the number of the pane that shows it, None where none does.
        standing: how its run stands.
    """
    mark = mark_state(state, palette)
    number = " " if pane is None else str(pane)
    left = f"{number} {_guides(row)}"
    kind = view.info.kind
    handle = KIND_MARKS[kind] + one_line(view.info.handle or view.thread_id[:8], 200)
    room = width - cell_len(left) - 2
    least = min(MIN_HANDLE[kind], cell_len(handle))
    facts = next(
        (f for f in _row_facts(view, state, now, standing) if cell_len(f) + 1 + least <= room), ""
    )
    handle = _shortened(handle, standing, room - (cell_len(facts) + 1 if facts else 0))
    handle = cut(handle, room - (cell_len(facts) + 1 if facts else 0))
    space = max(0, room - cell_len(handle) - cell_len(facts))
    runs = [
        (left, palette.faint),
        (f"{mark.glyph} ", mark.style),
        (handle, palette.strong if state.has_turn else palette.text),
        (" " * space, palette.text),
        (facts, mark.style if state is ThreadState.NEEDS_INPUT else palette.muted),
    ]
    return fit(_styled(runs, palette.selected if selected else None), width, palette.text)


def _shortened(handle: str, standing: Standing, room: int) -> str:
    """`…-codex` for the thread of a role, right below it, where its whole handle does not fit."""
    prefix = one_line(standing.role, 200)
    if not prefix or cell_len(handle) <= room or not handle.startswith(f"{prefix}-"):
        return handle
    return f"…{handle.removeprefix(prefix)}"


def _styled(runs: list[tuple[str, Style]], over: Style | None) -> Row:
    return [Segment(text, style if over is None else over) for text, style in runs if text]


def _guides(row: TreeRow) -> str:
    shown = row.guides[-MAX_GUIDES:]
    if not shown:
        return ""
    above = "".join("│ " if goes_on else "  " for goes_on in shown[:-1])
    return above + ("├ " if shown[-1] else "└ ")


def _row_facts(
    view: ThreadView, state: ThreadState, now: float, standing: Standing
) -> Iterator[str]:
    """What stands at the right, the fullest first."""
    info = view.info
    tokens = format_tokens(info.usage.total) if info.usage.total else ""
    started = info.turn_started_at if state.has_turn else None
    elapsed = "" if started is None else format_running(now - started)
    word = state.value
    if state is ThreadState.NEEDS_INPUT and info.waits_for:
        word = f"needs {one_line(info.waits_for, 20)}"
    if standing.roles and state is not ThreadState.DONE:
        word = f"{word} {standing.done}/{standing.roles}"
    cost = standing.cost
    for parts in (
        (word, elapsed, tokens, cost),
        (word, elapsed, tokens),
        (word, elapsed),
        (word,),
        (state.value,),
    ):
        yield " ".join(part for part in parts if part)
    yield state.value.removeprefix("needs ")


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
    facts = [*_header_facts(view, state, now), *([standing.cost] if standing.cost else [])]
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


def _header_facts(view: ThreadView, state: ThreadState, now: float) -> list[str]:
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


def render_plan(plan: PlanUpdated, width: int, palette: Palette) -> list[Strip]:
    """A row or more for each step: `[x]` done, `[>]` at work, `[ ]` to do."""
    rows: list[Row] = []
    if plan.explanation:
        rows.extend(wrap([Segment(sanitize(plan.explanation), palette.muted)], width))
    for step in plan.plan:
        mark, style = _mark(step, palette)
        text = wrap([Segment(sanitize(step.step), style)], width - 4)
        rows.extend(indent(text, Segment(f"{mark} ", style)))
    return to_strips(rows)


def render_plan_line(plan: PlanUpdated, width: int, palette: Palette) -> Strip:
    """The plan in one row, exactly `width` cells: how much is done, and the step at work."""
    done = sum(step.status == "completed" for step in plan.plan)
    at_work = next((step.step for step in plan.plan if step.status == "inProgress"), "")
    words = "all done" if done == len(plan.plan) else one_line(at_work)
    row = [
        Segment(f"plan {done}/{len(plan.plan)} ", palette.muted),
        Segment(words, palette.text),
    ]
    return fit(row, width, palette.text)


def _mark(step: PlanStep, palette: Palette) -> tuple[str, Style]:
    match step.status:
        case "completed":
            return "[x]", palette.muted
        case "inProgress":
            return "[>]", palette.strong
        case "pending":
            return "[ ]", palette.text
        case _:
            return "[?]", palette.caution


def cost_words(prices: Prices) -> CostOf | None:
    """What says what tokens cost; None where no prices are configured.

    `over 1.20 USD` where models without a price are among them.
    """
    if not prices.models:
        return None

    def words(used: Iterable[tuple[str, Usage]]) -> str:
        cost = cost_of(used, prices)
        if not cost.amount:
            return ""
        amount = format_money(cost.amount, one_line(prices.currency, 12))
        return f"over {amount}" if cost.unpriced else amount

    return words
