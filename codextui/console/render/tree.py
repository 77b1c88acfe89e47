"""Renders the tree: the rows of threads and what they do now, and the headings of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.activity import Activity, ActivityKind
from codextui.console.model.fleet import RANKS, Rank
from codextui.console.model.labels import short_folder, thread_label
from codextui.console.model.run import NO_RUN, RunSummary
from codextui.console.model.state import ThreadView
from codextui.console.model.tree import TreeEntry, TreeGroup
from codextui.console.render.layout import Row, fit_row, truncate, truncate_middle, truncate_paths
from codextui.console.render.palette import Palette
from codextui.console.render.thread import STATE_GLYPHS, elapsed_of, needs_word, state_label
from codextui.protocol.runs import SpanKind, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.figures import format_age, format_tokens
from codextui.text.sanitize import one_line

MAX_GUIDE_LEVELS = 6
"""Levels of the tree drawn; deeper entries are drawn at the last one."""

MIN_HANDLE_WIDTH = {ThreadKind.RUN: 16, ThreadKind.ROLE: 9, ThreadKind.CODEX: 8}
"""Cells of a handle in the tree for which anything else is left out first."""

MIN_ACTIVITY_WIDTH, MIN_LANE_WIDTH = 22, 5
"""Cells of the text of a second line, and of what a role did lately beside it, at least."""

MIN_TEXT_WIDTH = 9
"""Cells of what is asked for which it is left out how long it waits."""

LANE_GLYPHS: dict[SpanKind | None, str] = {
    None: " ",
    SpanKind.GATE: "┈",
    SpanKind.PERSON: "?",
    SpanKind.PAUSED: "‖",
}
"""Glyphs of what a role did lately; what is left out is work."""

MIN_NAME_WIDTH = 18
"""Cells of a name in the tree for which what matters less is left out first."""


MARKED = "◆ marked"
"""How a marked thread is shown; the sign alone where there is no room for the word."""

_MARKED_WORD = "  marked"

_COSTS = 2
"""How many of the first choices of a row's facts differ only in what is least important."""


def render_tree_row(
    entry: TreeEntry,
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
    pane: int | None = None,
    summary: RunSummary = NO_RUN,
    is_new: bool = False,
    is_marked: bool = False,
    over_since: float | None = None,
) -> Strip:
    """Render a row of the tree, exactly `width` cells wide.

    From left to right: pane number, guides, glyph, handle, state, elapsed time, tokens, cost. If
    there is no room for all, the rightmost is left out first. A run has the prefix `▣` and
    counts its done roles; a role has the prefix `@` and a colour of its own. A thread of another
    program has its folder, branch and model instead of tokens and cost. A thread with a name has it
    instead of a handle that the server made, or else its brief.

    Args:
        entry: the thread's place in the tree.
        view: the thread.
        state: as returned by `ConsoleState.state_of`.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the elapsed time.
        selected: whether the row is selected.
        pane: number of the pane that shows the thread, None if there is none.
        summary: summary of the thread's run.
        is_new: whether the thread answered, and was not looked at since.
        is_marked: whether the user has marked the thread.
        over_since: unix seconds since when the thread or the run is over, None if it is not.
    """
    label = state_label(state, palette)
    left = f"{' ' if pane is None else pane}{MARKED[0] if is_marked else ' '}{_guides(entry)}"
    room = width - cell_len(left) - 2
    if over_since is None:
        origin = "" if entry.group or entry.depth else one_line(view.info.origin, 30)
        choices = _tree_facts(view, state, now, summary, is_new=is_new, origin=origin)
    else:
        choices = _over_facts(entry, state, now - over_since, summary)
    facts = _fitting_facts(view, choices, room)
    handle_room = room - (cell_len(facts) + 1 if facts else 0)
    handle = _tree_handle(entry, view.info, summary, handle_room, is_marked=is_marked)
    space = max(0, room - cell_len(handle) - cell_len(facts))
    row = [
        Segment(left, palette.faint),
        Segment(f"{label.glyph} ", label.style),
        Segment(handle, _handle_style(view.info, state, palette)),
        Segment(" " * space, palette.text),
        Segment(facts, _facts_style(state, palette, is_new=is_new)),
    ]
    return _fit(row, width, palette, selected=selected)


def _tree_handle(
    entry: TreeEntry, info: ThreadInfo, summary: RunSummary, room: int, *, is_marked: bool
) -> str:
    handle = thread_label(info)
    if entry.depth:
        handle = _abbreviate(handle, summary, room)
    if is_marked and cell_len(handle) + len(_MARKED_WORD) <= room:
        handle += _MARKED_WORD
    cut = truncate if " " in handle.strip() else truncate_middle
    return cut(handle, room)


def _facts_style(state: ThreadState, palette: Palette, *, is_new: bool) -> Style:
    if is_new:
        return palette.accent
    is_loud = state in (ThreadState.NEEDS_INPUT, ThreadState.FAILED)
    return state_label(state, palette).style if is_loud else palette.muted


def _handle_style(info: ThreadInfo, state: ThreadState, palette: Palette) -> Style:
    if info.kind is ThreadKind.ROLE:
        return palette.role(info.handle) + Style(bold=state.has_turn)
    return palette.strong if state.has_turn else palette.text


def _fit(row: Row, width: int, palette: Palette, *, selected: bool) -> Strip:
    if selected:
        row = [Segment(segment.text, palette.selected) for segment in row]
    return fit_row([segment for segment in row if segment.text], width, palette.text)


def render_activity_row(
    entry: TreeEntry,
    activity: Activity,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
    has_children: bool = False,
    lane: Sequence[SpanKind | None] = (),
) -> Strip:
    """Render the second line of a row, exactly `width` cells wide: `npm test… · waits 3m`.

    Args:
        entry: the thread's place in the tree.
        activity: what it asks, does, is blocked by or said last.
        width: in cells.
        palette: the styles.
        now: unix seconds.
        selected: whether the row is selected.
        has_children: whether the next row stands below this one.
        lane: what a role did lately, a cell each, the latest last; left out if there is no room.
    """
    left = f"  {_continued_guides(entry)}{'│ ' if has_children else '  '}"
    room = width - cell_len(left)
    shown = lane[-max(1, room - MIN_ACTIVITY_WIDTH) :]
    cells = _lane_cells(shown, palette) if len(shown) >= MIN_LANE_WIDTH else []
    room -= len(cells) + 1 if cells else 0
    tail = next((t for t in _tails(activity, now) if room - cell_len(t) >= MIN_TEXT_WIDTH), "")
    prefix = "said: " if activity.kind is ActivityKind.SAID else ""
    text = truncate_paths(f"{prefix}{activity.text}", max(1, room - cell_len(tail)))
    space = room - cell_len(text) - cell_len(tail) + (1 if cells else 0)
    asks = activity.kind is ActivityKind.ASKS
    row = [
        Segment(left, palette.faint),
        Segment(text, palette.text if asks else palette.muted),
        Segment(tail, palette.needs_input if asks else palette.muted),
        Segment(" " * max(0, space), palette.text),
        *cells,
    ]
    return _fit(row, width, palette, selected=selected)


def _tails(activity: Activity, now: float) -> Iterator[str]:
    """Yield how long a request waits, and how many more there are, the longest first."""
    if activity.since is None:
        return
    more = f" +{activity.more}" if activity.more else ""
    age = format_age(now - activity.since)
    yield f"{more} · waits {age}"
    yield f"{more} · {age}"
    yield f" {age}"


def _lane_cells(lane: Sequence[SpanKind | None], palette: Palette) -> Row:
    styles = {
        SpanKind.GATE: palette.faint,
        SpanKind.PERSON: palette.needs_input,
        SpanKind.PAUSED: palette.interrupted,
        None: palette.faint,
    }
    return [Segment(LANE_GLYPHS.get(kind, "━"), styles.get(kind, palette.running)) for kind in lane]


def _continued_guides(entry: TreeEntry) -> str:
    shown = entry.guides[-MAX_GUIDE_LEVELS:]
    return "".join("│ " if continues else "  " for continues in shown)


def choose_second_lines(wanted: Sequence[Rank | None], height: int) -> frozenset[int]:
    """Return the indexes of the rows that have a second line.

    All that want one have it if they fit. Otherwise the most urgent have theirs, the first rows
    first: those that ask or failed up to half of the height, others only where no row has to go
    for them.

    Args:
        wanted: for each row the rank of its thread, None if it has nothing for a second line.
        height: rows of the tree on the screen.
    """
    chosen: list[int] = []
    by_rank = sorted((RANKS.index(rank), i) for i, rank in enumerate(wanted) if rank is not None)
    for position, index in by_rank:
        limit = height - len(wanted)
        if position <= RANKS.index(Rank.FAILED):
            limit = max(limit, height // 2)
        if len(chosen) < limit:
            chosen.append(index)
    return frozenset(chosen)


def render_group_row(
    group: TreeGroup,
    threads: Mapping[str, ThreadView],
    width: int,
    palette: Palette,
    *,
    selected: bool = False,
) -> Strip:
    """Render the heading of a group, exactly `width` cells wide: title, count, who needs you.

    Args:
        group: the group; `▸` before its title says that it is folded.
        threads: its threads, by id.
        width: in cells.
        palette: the styles.
        selected: whether the row is selected.
    """
    fold = "▸ " if group.is_folded else ""
    title, count = f"{fold}{one_line(group.title, 40)}", f" {len(group.thread_ids)}"
    waiting = [threads[thread_id].info for thread_id in group.thread_ids if thread_id in threads]
    waiting = [info for info in waiting if info.state is ThreadState.NEEDS_INPUT]
    room = width - cell_len(title) - cell_len(count) - 2
    needs = next((text for text in _who_needs_you(waiting) if cell_len(text) <= room), "")
    row = [
        Segment(truncate(title, max(1, width - cell_len(count))), palette.heading),
        Segment(count, palette.muted),
        *([Segment(f"  {needs}", palette.needs_input)] if needs else []),
    ]
    return _fit(row, width, palette, selected=selected)


def _who_needs_you(waiting: list[ThreadInfo]) -> Iterator[str]:
    """Yield who of a group waits for the user, the longest first."""
    if not waiting:
        return
    glyph = STATE_GLYPHS[ThreadState.NEEDS_INPUT]
    verb = "needs" if len(waiting) == 1 else "need"
    if len(waiting) == 1:
        yield f"{glyph} {thread_label(waiting[0])} {verb} you"
    yield f"{glyph} {len(waiting)} {verb} you"
    yield f"{glyph} {len(waiting)}"


def _guides(entry: TreeEntry) -> str:
    shown = entry.guides[-MAX_GUIDE_LEVELS:]
    if not shown:
        return ""
    above = "".join("│ " if continues else "  " for continues in shown[:-1])
    return above + ("├ " if shown[-1] else "└ ")


def _abbreviate(handle: str, summary: RunSummary, room: int) -> str:
    """Return `…-codex` for the Codex thread of a role or a thread, if its handle does not fit."""
    parent = one_line(summary.parent_handle, 200)
    if not parent or cell_len(handle) <= room or not handle.startswith(f"{parent}-"):
        return handle
    return f"…{handle.removeprefix(parent)}"


def _over_facts(
    entry: TreeEntry, state: ThreadState, seconds: float, summary: RunSummary
) -> Iterator[str]:
    """Yield what can be at the right of a row that is over, the longest first."""
    counted = f" {summary.done_count}/{summary.role_count}" if summary.role_count else ""
    folded = f" +{len(entry.folded)}" if entry.folded else ""
    age = f" · {format_age(seconds)} ago"
    yield f"{state.value}{counted}{age}{folded}"
    yield f"{state.value}{counted}{age}"
    yield f"{state.value}{counted}"
    yield state.value


def _tree_facts(
    view: ThreadView,
    state: ThreadState,
    now: float,
    summary: RunSummary,
    *,
    is_new: bool,
    origin: str,
) -> Iterator[str]:
    """Yield what can be at the right of a tree row, the longest first.

    `origin` is the program of another program's thread that stands above the groups.
    """
    info = view.info
    state_word = needs_word(info) if state is ThreadState.NEEDS_INPUT else state.value
    state_word = "new" if is_new else state_word
    word = state_word
    if summary.role_count and state is not ThreadState.DONE:
        word = f"{word} {summary.done_count}/{summary.role_count}"
    elapsed = elapsed_of(view, state, now)
    tokens = format_tokens(info.usage.total) if info.usage.total else ""
    if not info.ours:
        yield from _foreign_facts(info, word, elapsed, origin)
        return
    for parts in (
        (word, elapsed, tokens, summary.cost),
        (word, elapsed, tokens),
        (word, elapsed),
        (word,),
        (state_word,),
    ):
        yield " ".join(part for part in parts if part)
    yield state_word.removeprefix("needs ")


def _foreign_facts(info: ThreadInfo, word: str, elapsed: str, origin: str) -> Iterator[str]:
    """Yield what can be at the right of the row of another program's thread, the longest first."""
    if origin:
        short = word.removeprefix("needs ")
        facts = (f"{word} {elapsed} · {origin}", f"{word} · {origin}", f"{short} · {origin}")
        yield from (*facts, word, short)
        return
    folder, branch = short_folder(info.cwd), one_line(info.branch, 60)
    place = f"{folder}@{branch}" if branch else folder
    model = one_line(info.model, 30)
    for parts in (
        (word, elapsed, place, model),
        (word, elapsed, place),
        (word, place),
        (word, elapsed, folder),
        (word, folder),
        (word, elapsed),
        (word,),
    ):
        yield " ".join(part for part in parts if part)
    yield word.removeprefix("needs ")


def _fitting_facts(view: ThreadView, choices: Iterable[str], room: int) -> str:
    """Return the first choice that fits `room` cells next to the handle, or an empty string.

    A name gets more room if all that matters fits beside it; for a whole name its cost is left
    out first.
    """
    label_width, facts = cell_len(thread_label(view.info)), list(choices)
    whole = next((f for f in facts[: _COSTS + 1] if cell_len(f) + 1 + label_width <= room), "")
    if whole:
        return whole
    least = min(MIN_HANDLE_WIDTH[view.info.kind], label_width)
    for label in (min(MIN_NAME_WIDTH, label_width), least):
        for choice in facts:
            if cell_len(choice) + 1 + label <= room:
                return choice
    return ""
