"""What a piece of a role's time went into, in words."""

from __future__ import annotations

from codextui.model.timeline import end_of
from codextui.render.figures import format_elapsed, format_tokens
from codextui.render.sanitize import one_line
from codextui.wire.run import Span, SpanKind


def format_clock(seconds: float) -> str:
    """Time since a run began: `0:42`, `12:05`, `1:02:03`, `0:00.4` for less than a second."""
    if not 0 <= seconds < 1e9:
        return "0:00"
    if 0 < seconds < 1:
        return f"0:00.{int(seconds * 10)}"
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"


def span_words(span: Span, *, now: float, origin: float) -> str:
    """Who did what or waited for whom, how long, and when. Safe to show.

    Args:
        span: the piece of time.
        now: unix seconds, for what goes on.
        origin: unix seconds when the run began: times are told from there.
    """
    begun, ended = span.started_at - origin, end_of(span, now) - origin
    took = format_elapsed(ended - begun)
    goes_on = span.ended_at is None
    when = f"since {format_clock(begun)}" if goes_on else _from_to(begun, ended)
    facts = [f"{one_line(span.role, 80) or 'the run'} {_deed(span, goes_on=goes_on)} {took}"]
    if span.kind is SpanKind.GATE:
        facts[0] += f" for {_awaited(span)}"
    facts.append(when)
    facts.extend([f"{format_tokens(span.tokens)} tokens"] if span.tokens > 0 else [])
    facts.extend(["it failed"] if span.failed else [])
    return ", ".join(facts)


def _deed(span: Span, *, goes_on: bool) -> str:
    name = one_line(span.name, 80)
    by_name = f" ({name})" if name else ""
    match span.kind:
        case SpanKind.ROLE:
            return "is at work for" if goes_on else "was at work for"
        case SpanKind.MODEL:
            return f"{'waits' if goes_on else 'waited'} for its model{by_name}"
        case SpanKind.CODEX:
            return f"{'has' if goes_on else 'had'} Codex at work{by_name} for"
        case SpanKind.TOOL:
            return f"{'calls' if goes_on else 'called'} {name or 'a tool'} for"
        case SpanKind.GATE:
            return "waits" if goes_on else "waited"
        case SpanKind.PERSON:
            return f"{'waits' if goes_on else 'waited'} for a person{by_name}"
        case SpanKind.PAUSED:
            return "is paused for" if goes_on else "was paused for"


def _awaited(span: Span) -> str:
    names = ", ".join(one_line(name, 80) for name in span.waits_for[:20])
    return names or one_line(span.name, 120) or "other roles"


def _from_to(begun: float, ended: float) -> str:
    first, last = format_clock(begun), format_clock(ended)
    return f"at {first}" if first == last else f"from {first} to {last}"
