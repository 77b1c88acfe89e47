"""What the command palette finds on the main screen: what asks, threads, runs, and every action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from textual.binding import Binding, BindingType

from codextui.console.bindings import KeyGroup
from codextui.console.model.palette import EntryKind, PaletteEntry
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.protocol.approval_text import summarize_request
from codextui.protocol.runs import ThreadKind
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line

_LEFT_OUT = frozenset({"command_palette"})
"""Actions that are no use in the palette."""


def approval_entries(
    state: ConsoleState, now: float, open_approval: Callable[[str], object]
) -> Iterator[PaletteEntry]:
    """Yield an entry for each open approval, the oldest first; `open_approval` gets its id."""
    for approval in state.approvals.values():
        waits = format_running(max(0.0, now - approval.asked_at))
        yield PaletteEntry(
            EntryKind.APPROVAL,
            f"{one_line(approval.handle, 40)}: {summarize_request(approval.asked, 120)}",
            f"waits {waits}",
            lambda approval_id=approval.approval_id: open_approval(approval_id),  # type: ignore[misc]
        )


def thread_entries(
    views: Iterable[ThreadView], open_thread: Callable[[str], object]
) -> Iterator[PaletteEntry]:
    """Yield an entry for each thread, role and run; `open_thread` gets its id."""
    for view in views:
        info = view.info
        names = [one_line(text, 120) for text in (info.name, info.brief) if text]
        yield PaletteEntry(
            EntryKind.RUN if info.kind is ThreadKind.RUN else EntryKind.THREAD,
            one_line(info.handle, 60),
            "  ".join([one_line(info.state_word, 40), *names]),
            lambda thread_id=info.thread_id: open_thread(thread_id),  # type: ignore[misc]
        )


def action_entries(
    bindings: Sequence[BindingType],
    groups: Sequence[KeyGroup],
    run: Callable[[str], object],
    reason_of: Callable[[str], str],
) -> Iterator[PaletteEntry]:
    """Yield an entry for each action, those that can act now first.

    Args:
        bindings: of the main screen and its panes.
        groups: their keys as the keymap binds them.
        run: performs an action.
        reason_of: returns why an action cannot act now; empty if it can.
    """
    keys = {row.binding_id: row.keys for group in groups for row in group.keys}
    entries = [
        _action_entry(binding, keys, run, reason_of)
        for binding in bindings
        if isinstance(binding, Binding) and binding.id and binding.action not in _LEFT_OUT
    ]
    yield from sorted(entries, key=lambda entry: bool(entry.reason))


def _action_entry(
    binding: Binding,
    keys: Mapping[str, str],
    run: Callable[[str], object],
    reason_of: Callable[[str], str],
) -> PaletteEntry:
    key = keys.get(binding.id or "", "") or "no key"
    reason = one_line(reason_of(binding.action), 160)
    action = binding.action
    return PaletteEntry(EntryKind.ACTION, binding.description, key, lambda: run(action), reason)
