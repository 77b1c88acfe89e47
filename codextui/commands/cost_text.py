"""What a run cost, as tables for a person: by role, by what a role did, and by Codex thread."""

from __future__ import annotations

from collections.abc import Sequence

from codextui.commands.output import show, show_table
from codextui.prices import format_money
from codextui.render.figures import format_count, format_tokens
from codextui.render.sanitize import one_line
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.thread import Usage

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
    own = Usage.parse(fields.as_object(role.get("own_usage", {}), "own_usage"))
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
    return Usage.parse(fields.as_object(source.get("usage", {}), "usage"))


def _money(source: JsonObject, currency: str) -> str:
    return money_text(fields.maybe_number(source, "cost"), currency)
