"""A run's costs and timeline as text: by role, by turn and by Codex thread."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from codextui.commands.output import print_line, print_table
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

_ROLE_COLUMNS = ("ROLE", "MODEL", "OWN TOKENS", "WITH CODEX", "COST")

_TURN_COLUMNS = ("TURN OF", "ID", "HANDED OFF TO", "TOKENS", "COST")

_THREAD_COLUMNS = ("CODEX THREAD", "ROLE", "MODEL", "TURN", "TOKENS", "COST")

_UNKNOWN = "-"


def print_costs(costs: JsonObject) -> None:
    """Print a report of costs.

    Args:
        costs: a report of `codextui.teams.records.costs`, or the data of a `run_ended` event.
    """
    print_line(format_costs(costs))
    currency = fields.text_or(costs, "currency")
    roles = fields.objects(costs, "roles")
    turns = fields.objects(costs, "role_turns")
    threads = fields.objects(costs, "threads")
    _print_section(_ROLE_COLUMNS, [_format_role(role, currency) for role in roles])
    _print_section(_TURN_COLUMNS, [_format_turn(turn, currency) for turn in turns])
    _print_section(
        _THREAD_COLUMNS, [row for thread in threads for row in _format_thread(thread, currency)]
    )
    unpriced = fields.texts(costs, "unpriced")
    if unpriced and any(one.get("cost") is not None for one in roles):
        names = ", ".join(one_line(model) or "an unknown model" for model in unpriced)
        print_line()
        print_line(f"without a price, and not in the cost: {names}")


def format_costs(costs: JsonObject) -> str:
    """Return the totals in one line: model calls, tokens and money."""
    usage = _read_usage(costs)
    tokens = f"{format_count(usage.total)} tokens"
    if usage.total:
        read, cached = format_count(usage.input), format_count(usage.cached_input)
        tokens += f" ({read} input, {cached} of them cached; {format_count(usage.output)} output)"
    calls = f"{fields.integer_or(costs, 'turns')} model calls of roles"
    money = _format_money(costs, fields.text_or(costs, "currency"))
    return f"{calls}; {tokens}" if money == _UNKNOWN else f"{calls}; {tokens}; {money}"


def format_cost(amount: float | None, currency: str) -> str:
    """Return an amount of money; `-` if it is unknown."""
    return _UNKNOWN if amount is None else format_money(amount, one_line(currency, 12))


def _print_section(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        print_line()
        print_table(header, rows)


def _format_role(role: JsonObject, currency: str) -> tuple[str, ...]:
    own = Usage.from_json(fields.as_object(role.get("own_usage", {}), "own_usage"))
    return (
        one_line(fields.text_or(role, "role")) or "-",
        ", ".join(one_line(model) for model in fields.texts(role, "models")) or "-",
        format_tokens(own.total),
        format_tokens(_read_usage(role).total),
        _format_money(role, currency),
    )


def _format_turn(turn: JsonObject, currency: str) -> tuple[str, ...]:
    return (
        one_line(fields.text_or(turn, "role")) or "-",
        one_line(fields.text_or(turn, "turn")) or "-",
        one_line(fields.text_or(turn, "handed_off_to")) or "-",
        format_tokens(_read_usage(turn).total),
        _format_money(turn, currency),
    )


def _format_thread(thread: JsonObject, currency: str) -> list[tuple[str, ...]]:
    """Return a row for the thread, and one for each of its turns if there are several."""
    turns = fields.objects(thread, "turns")
    name = fields.text_or(thread, "handle") or fields.text_or(thread, "thread")
    shown = [
        ("", "", "", *_format_figures(fields.text_or(turn, "turn"), turn, currency))
        for turn in turns
    ]
    about = (
        one_line(name),
        one_line(fields.text_or(thread, "role")) or "-",
        one_line(fields.text_or(thread, "model")) or "-",
    )
    if len(shown) == 1:
        return [(*about, *shown[0][3:])]
    return [(*about, *_format_figures("all", thread, currency)), *shown]


def _format_figures(turn: str, source: JsonObject, currency: str) -> tuple[str, ...]:
    tokens = format_tokens(_read_usage(source).total)
    return (one_line(turn) or "-", tokens, _format_money(source, currency))


def _read_usage(source: JsonObject) -> Usage:
    return Usage.from_json(fields.as_object(source.get("usage", {}), "usage"))


def _format_money(source: JsonObject, currency: str) -> str:
    return format_cost(fields.maybe_number(source, "cost"), currency)


_CHARACTERS = {
    SpanKind.ROLE: "-",
    SpanKind.MODEL: "m",
    SpanKind.CODEX: "C",
    SpanKind.TOOL: "t",
    SpanKind.GATE: ".",
    SpanKind.PERSON: "?",
    SpanKind.PAUSED: "=",
}
"""The characters of the timeline, which every terminal and log can show."""

_LEGEND = (
    "m model  C codex  t tool  . waits for roles  ? waits for a person  = paused  - between steps"
)

_MAX_NAME_WIDTH = 24


def format_timeline(spans: Sequence[Span], width: int, now: float) -> list[str]:
    """Return a sanitized line for each role, and a legend.

    Args:
        spans: the spans of a run.
        width: the columns of the terminal.
        now: the current time in unix seconds, the end of unfinished spans.
    """
    lanes = build_lanes(spans)
    names = [one_line(lane.role, _MAX_NAME_WIDTH) or "-" for lane in lanes]
    label = max(map(cell_len, names), default=0)
    window = _window_of(spans, max(10, width - label - 2), now)
    lines = [
        f"{set_cell_size(name, label)}  {_format_cells(lane_cells(lane, window, now))}".rstrip()
        for name, lane in zip(names, lanes, strict=True)
    ]
    legend = f"{_LEGEND}; a column is {format_elapsed(window.step)}"
    return [*lines, "", *textwrap.wrap(legend, max(20, width))]


def format_totals(spans: Sequence[Span], now: float) -> list[tuple[str, ...]]:
    """Return a row of `TOTALS_HEADER` for each role: how its time was spent."""
    return [_format_lane(lane, now) for lane in build_lanes(spans)]


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
"""The columns of `format_totals`. `FOR ROLES` and `FOR A PERSON` are times of waiting."""


def format_waits(spans: Sequence[Span], now: float) -> list[str]:
    """Return sanitized lines about which role waited for whom, longest first."""
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


def _window_of(spans: Sequence[Span], cells: int, now: float) -> Window:
    """Return the window that shows all spans in `cells` columns."""
    start = min((span.started_at for span in spans), default=now)
    end = max((span_end(span, now) for span in spans), default=now)
    return Window(start, max(end - start, 0.1) / cells, cells)


def _format_lane(lane: Lane, now: float) -> tuple[str, ...]:
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
        one_line(lane.role, _MAX_NAME_WIDTH) or "-",
        format_elapsed(totals.working),
        *(format_elapsed(totals.of(kind)) if kind in totals.seconds else "-" for kind in kinds),
    )


def _format_cells(kinds: Sequence[SpanKind | None]) -> str:
    return "".join(" " if kind is None else _CHARACTERS[kind] for kind in kinds)
