"""Renders the approval inbox: a row or two for each approval that waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.inbox import InboxEntry
from codextui.console.model.labels import UNKNOWN_ASKER, Asker, who_asks
from codextui.console.render.layout import Row, fit_row, row_width, truncate, truncate_paths
from codextui.console.render.palette import Palette
from codextui.protocol.approval_text import describe_subject, summarize_request
from codextui.protocol.approvals import Asked, CommandAsked, PatchAsked
from codextui.protocol.changes import summarize_changes
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line, one_revealed_line

MAX_SUMMARY = 240
"""Characters of what is asked that a row of the list begins with."""


class InboxLook(msgspec.Struct, frozen=True):
    """What rows of the list are rendered with.

    Attributes:
        width: of every row, in cells.
        palette: the styles.
        now: unix seconds.
        askers: thread id → whose thread it is.
        compact: whether each approval has one row instead of two.
    """

    width: int
    palette: Palette
    now: float
    askers: Mapping[str, Asker]
    compact: bool = False


class InboxRow(msgspec.Struct, frozen=True):
    """A rendered row, and the approval that it belongs to."""

    approval_id: str
    strip: Strip


def render_inbox(
    entries: Sequence[InboxEntry], look: InboxLook, *, current: str, grouped: bool = False
) -> list[InboxRow]:
    """Render the list.

    Of each approval: whether it is the one on the screen (▸) and marked (✓), who asks, since when,
    what it risks (!), what it asks for, and how many ask for the same.

    Args:
        entries: the approvals, in order.
        look: the width, the styles and the time.
        current: id of the approval on the screen.
        grouped: whether same commands stand together: then what they ask for stands there once.
    """
    rows: list[InboxRow] = []
    for entry in entries:
        name = entry.approval.approval_id
        selected = name == current and not entry.outcome
        for row, style in _entry_rows(entry, look, selected=selected, grouped=grouped):
            rows.append(InboxRow(name, fit_row(row, look.width, style)))
    return rows


def _entry_rows(
    entry: InboxEntry, look: InboxLook, *, selected: bool, grouped: bool
) -> list[tuple[Row, Style]]:
    palette = look.palette
    base = palette.selected if selected else palette.text
    is_said = grouped and not entry.is_first
    head = _head(entry, look, base, grouped=grouped)
    if look.compact:
        asked = [] if is_said else _asked(entry, look, base, look.width - row_width(head))
        return [([*head, *asked], base)]
    rows = [(_with_age(head, entry, look, base), base)]
    if not is_said:
        rows.append(([Segment("   ", base), *_asked(entry, look, base, look.width - 3)], base))
    return rows


def _head(entry: InboxEntry, look: InboxLook, base: Style, *, grouped: bool) -> Row:
    palette, is_selected = look.palette, base is look.palette.selected
    accent = base if is_selected else palette.muted if entry.outcome else palette.needs_input
    asker = look.askers.get(entry.approval.thread_id, UNKNOWN_ASKER)
    below = "└ " if grouped and not entry.is_first else ""
    room = min(30, look.width // 3) if look.compact else look.width - 14
    who = truncate(f"{below}{who_asks(entry.approval, asker)}", max(4, room))
    marks = ("▸" if is_selected else " ") + ("✓" if entry.is_marked else " ")
    row = [Segment(f"{marks} ", accent), Segment(who, accent)]
    if look.compact and not entry.outcome:
        row.append(Segment(f" {_age(entry, look)}", base))
    return row


def _with_age(head: Row, entry: InboxEntry, look: InboxLook, base: Style) -> Row:
    """Add what it risks, as far as there is room, and its age at the right."""
    is_selected = base is look.palette.selected
    age = "" if entry.outcome else f" {_age(entry, look)}"
    room = look.width - row_width(head) - len(age)
    risks = truncate(f"  ! {', '.join(entry.risks)}", room) if entry.risks and room > 6 else ""
    gap = " " * (room - cell_len(risks))
    warning = base if is_selected else look.palette.warning
    return [*head, Segment(risks, warning), Segment(gap + age, _dim(look, base))]


def _asked(entry: InboxEntry, look: InboxLook, base: Style, room: int) -> Row:
    """Return what it asks for, or what became of it, in `room` cells."""
    dim, space = _dim(look, base), " " if look.compact else ""
    if entry.outcome:
        return [Segment(f"{space}· {one_line(entry.outcome, 200)}", dim)]
    row = [Segment(space, base)]
    if entry.risks and look.compact:
        more = f" +{len(entry.risks) - 1}" if len(entry.risks) > 1 else ""
        warning = base if dim is base else look.palette.warning
        row.append(Segment(f"! {entry.risks[0]}{more} · ", warning))
    row += [Segment(f"{entry.same} alike · ", dim)] if entry.same > 1 else []
    summary = truncate_paths(_summary(entry.approval.asked), room - row_width(row))
    return [*row, Segment(summary, dim)]


def _summary(asked: Asked) -> str:
    match asked:
        case CommandAsked(stdin=False):
            return describe_subject(asked, MAX_SUMMARY)
        case PatchAsked(changes) if changes:
            names = ", ".join(change.path.rstrip("/").rpartition("/")[2] for change in changes)
            summary = f"change {summarize_changes(changes)}: {names}"
            return one_revealed_line(summary, MAX_SUMMARY)
        case _:
            return summarize_request(asked, MAX_SUMMARY)


def _age(entry: InboxEntry, look: InboxLook) -> str:
    return format_running(look.now - entry.approval.asked_at)


def _dim(look: InboxLook, base: Style) -> Style:
    return base if base is look.palette.selected else look.palette.muted
