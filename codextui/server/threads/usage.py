"""What the model calls of a thread have used, by the counts that Codex sends. Pure.

Codex's `tokenUsage` has a total and the last call, but the total is not what a thread has used:

* A fork begins with the total of its source.
* Where a conversation does not fit the model, Codex sets the total to the size of the context,
  with neither input nor output, and counts on from there.
* After a compaction `last` is an estimate of the context's size, and no call.
* The same counts come again: with the account's limits, at the start of a turn, and when a thread
  is loaded.

So the increases of the total are counted, as far as model calls explain them.
"""

from __future__ import annotations

from msgspec import structs

from codextui.protocol.events import TokensCounted
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, Usage, add_usage, subtract_usage


def count_tokens(
    info: ThreadInfo, counted: TokensCounted, *, in_turn: bool
) -> tuple[TokensCounted, dict[str, object]]:
    """Return the event to publish for a count, and what it changes about its thread.

    Args:
        info: the thread's info before it. Programs count the tokens of roles and runs themselves.
        counted: the count as Codex, or the program, sent it.
        in_turn: whether it is of the running turn, rather than of an earlier one.
    """
    changes: dict[str, object] = {"context_window": counted.context_window or info.context_window}
    if info.kind is not ThreadKind.CODEX:
        used = subtract_usage(counted.total, info.usage)
        published, usage = counted, counted.total
    else:
        used, usage = _used(info, counted, in_turn=in_turn), info.usage
        usage = add_usage(usage, used)
        context = _context_tokens(counted) or info.context_tokens
        changes |= {"codex_usage": counted.total, "context_tokens": context}
        last = counted.last if counted.last.is_call else Usage()
        published = structs.replace(counted, total=usage, last=last, context_tokens=context)
    if in_turn:
        changes["turn_usage"] = add_usage(info.turn_usage, used)
    return published, {**changes, "usage": usage}


def _used(info: ThreadInfo, counted: TokensCounted, *, in_turn: bool) -> Usage:
    """Return what the thread has used since the count before."""
    before, total, last = info.codex_usage, counted.total, counted.last
    if not total.is_call or total == before:
        return Usage()
    if total == last and (before is None or info.usage == Usage()):
        return total  # the first call of all
    if before is None:
        return Usage()  # what was used before is not known, and may be another thread's
    if total == add_usage(before, last):
        return last
    if info.forked_from and info.usage == Usage():
        return Usage()  # the source's total was another than we thought
    if total.input >= before.input and total.output >= before.output:
        more = subtract_usage(total, before)  # counts were missed
        return structs.replace(more, total=more.input + more.output)
    return last if in_turn and last.is_call else Usage()


def _context_tokens(counted: TokensCounted) -> int:
    is_overflow = counted.total.total > 0 and not counted.total.is_call
    return counted.total.total if is_overflow else counted.last.total
