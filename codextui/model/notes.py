"""Messages that are no items, read into what a transcript shows of them."""

from __future__ import annotations

from codextui.model import body as b
from codextui.model.read_body import clip
from codextui.wire import event as ev

MAX_MISSING = 200
"""Lines of a refused handoff that are kept."""


def note_of(msg: ev.Msg) -> b.Note | None:
    """What a transcript shows of a message; None where that is nothing."""
    match msg:
        case ev.ErrorRaised(message, will_retry):
            return b.Failure(clip(message), will_retry)
        case ev.Warned(message):
            return b.Caution(clip(message))
        case ev.HandedOff(source, target):
            return b.Handoff(source, target)
        case ev.HandoffRefused(source, target, missing):
            lines = tuple(clip(line) for line in missing[:MAX_MISSING])
            return b.HandoffRefusal(source, target, lines)
        case ev.RunNoted(kind, role, text):
            return b.RunNote(kind, role, clip(text))
        case ev.RoleRequested(action, text, by):
            return b.RoleRequest(action, clip(text), by)
        case ev.UnknownEvent(kind, payload):
            return b.Unknown(kind, payload)
        case _:
            return None
