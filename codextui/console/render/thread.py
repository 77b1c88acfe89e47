"""Renders threads: their state, their row in the tree, the header of their pane, their plan."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.config.prices import Prices, format_money
from codextui.console.model.labels import full_label
from codextui.console.model.run import NO_RUN, CostFormatter, RunSummary
from codextui.console.model.state import ThreadView
from codextui.console.model.tree import group_of
from codextui.console.render.layout import Row, fit_row, row_width, truncate, truncate_left
from codextui.console.render.palette import Palette
from codextui.protocol.events import PlanUpdated
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.text.figures import format_running, format_tokens
from codextui.text.sanitize import one_line

MIN_LOCATION_WIDTH = 12
"""Cells of folder and branch in a pane header for which anything else is left out first."""

STATE_GLYPHS = {
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
"""Glyphs of the states, distinct without colour."""


class StateLabel(msgspec.Struct, frozen=True):
    """How a state is shown: a glyph of one cell and a word, both in `style`."""

    glyph: str
    word: str
    style: Style


def state_label(state: ThreadState, palette: Palette) -> StateLabel:
    """Return the label of a state."""
    return StateLabel(STATE_GLYPHS[state], state.value, _state_style(state, palette))


def _state_style(state: ThreadState, palette: Palette) -> Style:
    match state:
        case ThreadState.STARTING | ThreadState.WAITING:
            return palette.starting
        case ThreadState.RUNNING:
            return palette.running
        case ThreadState.NEEDS_INPUT:
            return palette.needs_input
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


def cost_formatter(prices: Prices) -> CostFormatter | None:
    """Return a function that formats the cost of tokens; None if no prices are configured.

    Costs that include models without a price read `over 1.20 USD`.
    """
    if not prices.models:
        return None

    def format_cost(used: Iterable[tuple[str, Usage]]) -> str:
        cost = prices.cost(used)
        if not cost.amount:
            return ""
        amount = format_money(cost.amount, one_line(prices.currency, 12))
        return f"over {amount}" if cost.unpriced else amount

    return format_cost


def needs_word(info: ThreadInfo) -> str:
    """Return what a thread that waits for a person needs: `needs approval`."""
    needed = one_line(info.waits_for, 20) if info.waits_for else "input"
    return f"needs {needed}"


def elapsed_of(view: ThreadView, state: ThreadState, now: float) -> str:
    """Return how long an approval has waited, else the turn has run; empty if there is no turn."""
    since = view.info.turn_started_at
    if state is ThreadState.NEEDS_INPUT and view.waits_since is not None:
        since = view.waits_since
    return "" if since is None or not state.has_turn else format_running(now - since)


class Frame(msgspec.Struct, frozen=True):
    """The frame of a pane.

    Attributes:
        style: of its lines.
        is_heavy: whether its lines are heavy, as around the pane that has the focus.
        note_style: of what is written into its last line; None for `style`.
    """

    style: Style
    is_heavy: bool = False
    note_style: Style | None = None

    @property
    def line(self) -> str:
        """The horizontal line, one cell of it."""
        return "━" if self.is_heavy else "─"

    def draw_row(self, y: int, width: int, height: int, note: str = "") -> Strip:
        """Draw the row `y` of the frame; `note` stands at the right end of the last one."""
        corners = "┏┓┗┛┃" if self.is_heavy else "╭╮╰╯│"
        inner = max(0, width - 2)
        ends = corners[:2] if y == 0 else corners[2:4] if y == height - 1 else corners[4] * 2
        fill = self.line if y in (0, height - 1) else " "
        label = f" {note} " if y == height - 1 and note and cell_len(note) + 3 <= inner else ""
        line = f"{ends[0]}{fill * (inner - cell_len(label) - 1)}"
        row = [
            Segment(line, self.style),
            Segment(label, self.note_style or self.style),
            Segment(f"{fill}{ends[1]}"[-min(2, max(1, width - 1)) :], self.style),
        ]
        return Strip(row).adjust_cell_length(width, self.style)


def frame_of(state: ThreadState, palette: Palette, *, is_current: bool) -> Frame:
    """Return the frame of a pane: heavy if it is current, in the colour of what asks or failed."""
    if state in (ThreadState.NEEDS_INPUT, ThreadState.FAILED):
        return Frame(_state_style(state, palette), is_current, palette.muted)
    return Frame(palette.heading if is_current else palette.faint, is_current, palette.muted)


def render_pane_header(
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    number: int | None = None,
    home: str = "",
    summary: RunSummary = NO_RUN,
    note: str = "",
    title: Palette | None = None,
    frame: Frame | None = None,
) -> list[Strip]:
    """Render the two rows of a pane's header, each exactly `width` cells wide.

    The first has the pane number, glyph, handle, state, elapsed time, tokens and cost. The
    second has the model, folder@branch (shortened from the left) and sandbox of a thread, the
    same and the run of a role, and the roles, gates and task of a run.

    Args:
        view: the thread.
        state: as returned by `ConsoleState.state_of`.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the elapsed time.
        number: of the pane, None to leave it out.
        home: the user's home folder, shown as `~`; empty for none.
        summary: summary of the thread's run.
        note: why the thread has the pane, at the right end; empty for nothing.
        title: the styles of the first row, if they are others.
        frame: the frame of the pane, whose line goes on behind the title; None for none.
    """
    title = palette if title is None else title
    first = _title_row(view, state, width, title, now=now, number=number, cost=summary.cost)
    if note:
        first = _with_note(first, note, width, title, frame)
    elif frame is not None:
        first = _with_line(first, width, frame)
    match view.info.kind:
        case ThreadKind.RUN:
            second = _run_row(view.info, summary, palette)
        case ThreadKind.ROLE:
            second = _role_row(view.info, summary, width, palette, home)
        case ThreadKind.CODEX:
            second = _location_row(view.info, width, palette, home)
    return [fit_row(first, width, title.text), fit_row(second, width, palette.text)]


def _with_note(row: Row, note: str, width: int, palette: Palette, frame: Frame | None) -> Row:
    """Add a note at the right end; figures give way to it, and it to the handle and the state."""
    room = width - cell_len(note) - 2
    *head, facts = row
    short = Segment(" · ".join(facts.text.split(" · ")[:2]), facts.style)
    if row_width(row) <= room:
        head.append(facts)
    elif row_width([*head, short]) <= room:
        head.append(short)
    else:
        return row if frame is None else _with_line(row, width, frame)
    filled = head if frame is None else _with_line(head, room, frame)
    return [*filled, Segment(f" {note} ", palette.muted)]


def _with_line(row: Row, width: int, frame: Frame) -> Row:
    """Fill a row with the line of the frame."""
    gap = max(0, width - row_width(row))
    line = f" {frame.line * (gap - 1)}" if gap > 1 else " " * gap
    return [*row, Segment(line, frame.style)]


def _title_row(
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    number: int | None,
    cost: str,
) -> Row:
    info = view.info
    label = state_label(state, palette)
    word = needs_word(info) if state is ThreadState.NEEDS_INPUT else state.value
    fullness = _fullness(view)
    charged = "" if info.cost_usd is None else f"{info.cost_usd:.2f} USD"
    budget = "" if info.budget is None else f" of {format_tokens(info.budget)}"
    has_tokens = info.usage.total or fullness or budget
    tokens = f"{format_tokens(info.usage.total)}{budget}{fullness}" if has_tokens else ""
    queued = f"+{len(info.queued)} queued" if info.queued else ""
    elapsed = elapsed_of(view, state, now)
    facts = " · ".join(fact for fact in (word, elapsed, queued, tokens, charged or cost) if fact)
    left = f"[{number}] " if number is not None else ""
    room = width - cell_len(left) - 3 - cell_len(facts)
    return [
        Segment(left, palette.accent),
        Segment(f"{label.glyph} ", label.style),
        Segment(f"{truncate(full_label(info), max(room, 6))} ", palette.strong),
        Segment(facts, label.style),
    ]


def _fullness(view: ThreadView) -> str:
    """Return how full the context window is: ` (41%)`, empty if unknown."""
    window, context = view.info.context_window, view.info.context_tokens
    if not window or not context:
        return ""
    return f" ({min(999, context * 100 // window)}%)"


def _run_row(info: ThreadInfo, summary: RunSummary, palette: Palette) -> Row:
    """Lay out `run · 2 of 5 roles done · gates 3/7 · the task`."""
    facts = ["run"]
    if summary.role_count:
        facts.append(f"{summary.done_count} of {summary.role_count} roles done")
    if summary.gate_count:
        facts.append(f"gates {summary.met_count}/{summary.gate_count}")
    row = [Segment(" · ".join(facts), palette.muted)]
    task = one_line(info.brief)
    return [*row, Segment(f" · {task}", palette.text)] if task else row


def _role_row(
    info: ThreadInfo, summary: RunSummary, width: int, palette: Palette, home: str
) -> Row:
    """Lay out `role of bug-busters`, then the same as for a thread."""
    run = one_line(summary.run_handle, 60) or "a run"
    head = Segment(f"{truncate(f'role of {run}', width)}  ", palette.muted)
    room = width - cell_len(head.text)
    return [head, *_location_row(info, room, palette, home)] if room > 0 else [head]


def _location_row(info: ThreadInfo, width: int, palette: Palette, home: str) -> Row:
    """Lay out origin, model, folder@branch and sandbox; the sandbox is left out last."""
    location = _location(info, home)
    model = one_line(f"{info.model} {info.effort}".strip(), 60)
    sandbox = one_line(info.sandbox, 40)
    origin = one_line(group_of(info), 40)
    model = "  ".join(part for part in (origin, model) if part)
    is_risky = info.sandbox == "danger-full-access"
    sandbox_style = palette.warning if is_risky else palette.muted
    before = [Segment(f"{model}  ", palette.muted)] if model else []
    after = [Segment(f"  {sandbox}", sandbox_style)] if sandbox else []
    least = min(MIN_LOCATION_WIDTH, cell_len(location))
    for end in (before, after):
        if end and width - row_width([*before, *after]) < least:
            end.clear()
    room = max(0, width - row_width([*before, *after]))
    return [*before, Segment(truncate_left(location, room), palette.muted), *after]


def _location(info: ThreadInfo, home: str) -> str:
    """Return `~/work/app@main`. Sanitized."""
    cwd = info.cwd
    if home and (cwd == home or cwd.startswith(f"{home}/")):
        cwd = f"~{cwd[len(home) :]}"
    return one_line(f"{cwd}@{info.branch}" if info.branch else cwd)


def render_plan_line(plan: PlanUpdated, width: int, palette: Palette) -> Strip:
    """Render a plan as one row of exactly `width` cells: its progress and its current step."""
    done = sum(step.status == "completed" for step in plan.plan)
    current = next((step.step for step in plan.plan if step.status == "inProgress"), "")
    words = "all done" if done == len(plan.plan) else one_line(current)
    row = [
        Segment(f"plan {done}/{len(plan.plan)} ", palette.muted),
        Segment(words, palette.text),
    ]
    return fit_row(row, width, palette.text)
