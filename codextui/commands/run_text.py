"""What a run cost, as tables for a person: by role, by what a role did, and by Codex thread."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from codextui.commands.output import show, show_table
from codextui.config.prices import format_money
from codextui.console.model.timeline import (
    Lane,
    Window,
    build_lanes,
    lane_cells,
    lane_totals,
    span_end,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import Span, SpanKind
from codextui.protocol.threads import Usage
from codextui.text.figures import format_count, format_elapsed, format_tokens
from codextui.text.sanitize import one_line

_ROLES = ("ROLE", "MODEL", "OWN TOKENS", "WITH CODEX", "COST")

_TURNS = ("TURN OF", "ID", "HANDED OFF TO", "TOKENS", "COST")

_THREADS = ("CODEX THREAD", "ROLE", "MODEL", "TURN", "TOKENS", "COST")

_NO_MONEY = "-"


def show_costs(costs: JsonObject) -> None:
    """Print what `teams.cost_report.report_costs` told, or what a `run_ended` holds of it."""
    show(cost_line(costs))
    currency = fields.text_or(costs, "currency")
    roles = fields.objects(costs, "roles")
    turns = fields.objects(costs, "role_turns")
    threads = fields.objects(costs, "threads")
    _show_some(_ROLES, [_role_row(role, currency) for role in roles])
    _show_some(_TURNS, [_turn_row(turn, currency) for turn in turns])
    _show_some(_THREADS, [row for thread in threads for row in _thread_rows(thread, currency)])
    unpriced = fields.texts(costs, "unpriced")
    if unpriced and any(one.get("cost") is not None for one in roles):
        names = ", ".join(one_line(model) or "an unknown model" for model in unpriced)
        show()
        show(f"without a price, and not in the cost: {names}")


def cost_line(costs: JsonObject) -> str:
    """All of it in a line: model calls, tokens, money."""
    usage = _usage(costs)
    tokens = f"{format_count(usage.total)} tokens"
    if usage.total:
        read, cached = format_count(usage.input), format_count(usage.cached_input)
        tokens += f" ({read} input, {cached} of them cached; {format_count(usage.output)} output)"
    calls = f"{fields.integer_or(costs, 'turns')} model calls of roles"
    money = _money(costs, fields.text_or(costs, "currency"))
    return f"{calls}; {tokens}" if money == _NO_MONEY else f"{calls}; {tokens}; {money}"


def money_text(amount: float | None, currency: str) -> str:
    """An amount of money; `-` where it is unknown."""
    return _NO_MONEY if amount is None else format_money(amount, one_line(currency, 12))


def _show_some(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        show()
        show_table(header, rows)


def _role_row(role: JsonObject, currency: str) -> tuple[str, ...]:
    own = Usage.from_json(fields.as_object(role.get("own_usage", {}), "own_usage"))
    return (
        one_line(fields.text_or(role, "role")) or "-",
        ", ".join(one_line(model) for model in fields.texts(role, "models")) or "-",
        format_tokens(own.total),
        format_tokens(_usage(role).total),
        _money(role, currency),
    )


def _turn_row(turn: JsonObject, currency: str) -> tuple[str, ...]:
    return (
        one_line(fields.text_or(turn, "role")) or "-",
        one_line(fields.text_or(turn, "turn")) or "-",
        one_line(fields.text_or(turn, "handed_off_to")) or "-",
        format_tokens(_usage(turn).total),
        _money(turn, currency),
    )


def _thread_rows(thread: JsonObject, currency: str) -> list[tuple[str, ...]]:
    """A row for the thread, and one for each of its turns where it has several."""
    turns = fields.objects(thread, "turns")
    name = fields.text_or(thread, "handle") or fields.text_or(thread, "thread")
    shown = [
        ("", "", "", *_figures(fields.text_or(turn, "turn"), turn, currency)) for turn in turns
    ]
    about = (
        one_line(name),
        one_line(fields.text_or(thread, "role")) or "-",
        one_line(fields.text_or(thread, "model")) or "-",
    )
    if len(shown) == 1:
        return [(*about, *shown[0][3:])]
    return [(*about, *_figures("all", thread, currency)), *shown]


def _figures(turn: str, source: JsonObject, currency: str) -> tuple[str, ...]:
    tokens = format_tokens(_usage(source).total)
    return (one_line(turn) or "-", tokens, _money(source, currency))


def _usage(source: JsonObject) -> Usage:
    return Usage.from_json(fields.as_object(source.get("usage", {}), "usage"))


def _money(source: JsonObject, currency: str) -> str:
    return money_text(fields.maybe_number(source, "cost"), currency)


LETTERS = {
    SpanKind.ROLE: "-",
    SpanKind.MODEL: "m",
    SpanKind.CODEX: "C",
    SpanKind.TOOL: "t",
    SpanKind.GATE: ".",
    SpanKind.PERSON: "?",
    SpanKind.PAUSED: "=",
}
"""What a cell shows: plain, so that every terminal and every log can."""

LEGEND = (
    "m model  C codex  t tool  . waits for roles  ? waits for a person  = paused  - between steps"
)

_LONGEST_NAME = 24


def timeline_lines(spans: Sequence[Span], width: int, now: float) -> list[str]:
    """A line for each role, the legend below; safe to print.

    Args:
        spans: of one run.
        width: columns of the terminal.
        now: unix seconds, for spans that go on.
    """
    lanes = build_lanes(spans)
    names = [one_line(lane.role, _LONGEST_NAME) or "-" for lane in lanes]
    label = max(map(cell_len, names), default=0)
    window = _window(spans, max(10, width - label - 2), now)
    lines = [
        f"{set_cell_size(name, label)}  {_cells(lane_cells(lane, window, now))}".rstrip()
        for name, lane in zip(names, lanes, strict=True)
    ]
    legend = f"{LEGEND}; a column is {format_elapsed(window.step)}"
    return [*lines, "", *textwrap.wrap(legend, max(20, width))]


def total_rows(spans: Sequence[Span], now: float) -> list[tuple[str, ...]]:
    """What each role's time went into, for a table: `TOTALS_HEADER`."""
    return [_total_row(lane, now) for lane in build_lanes(spans)]


TOTALS_HEADER = (
    "ROLE",
    "AT WORK",
    "MODEL",
    "CODEX",
    "TOOLS",
    "FOR ROLES",
    "FOR A PERSON",
    "PAUSED",
)
"""The columns of `total_rows`; two of them are what it waited for."""


def wait_lines(spans: Sequence[Span], now: float) -> list[str]:
    """Who waited for whom, the longest first; safe to print."""
    waits: dict[tuple[str, str], float] = {}
    for span in spans:
        whom = "a person" if span.kind is SpanKind.PERSON else ", ".join(span.waits_for)
        if span.kind in (SpanKind.GATE, SpanKind.PERSON) and whom:
            at = (span.role, whom)
            waits[at] = waits.get(at, 0.0) + span_end(span, now) - span.started_at
    ordered = sorted(waits.items(), key=lambda wait: -wait[1])
    return [
        f"{one_line(role)} waited {format_elapsed(seconds)} for {one_line(whom, 200)}"
        for (role, whom), seconds in ordered
    ]


def _window(spans: Sequence[Span], cells: int, now: float) -> Window:
    """All of the time, as wide as there is room."""
    start = min((span.started_at for span in spans), default=now)
    end = max((span_end(span, now) for span in spans), default=now)
    return Window(start, max(end - start, 0.1) / cells, cells)


def _total_row(lane: Lane, now: float) -> tuple[str, ...]:
    totals = lane_totals(lane, now)
    kinds = (
        SpanKind.MODEL,
        SpanKind.CODEX,
        SpanKind.TOOL,
        SpanKind.GATE,
        SpanKind.PERSON,
        SpanKind.PAUSED,
    )
    return (
        one_line(lane.role, _LONGEST_NAME) or "-",
        format_elapsed(totals.working),
        *(format_elapsed(totals.of(kind)) if kind in totals.seconds else "-" for kind in kinds),
    )


def _cells(kinds: Sequence[SpanKind | None]) -> str:
    return "".join(" " if kind is None else LETTERS[kind] for kind in kinds)
