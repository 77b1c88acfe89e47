"""What the approval dialog says of a request."""

from __future__ import annotations

from codextui.console.model.labels import Asker
from codextui.console.screens.approval_choices import describe_end, describe_origin
from codextui.protocol.approvals import Approval, CommandAsked, Others
from codextui.protocol.events import ApprovalResolved

ASKED = Approval("a1", "t1", "u1", "i1", "tui", 100.0, CommandAsked("make"), origin="Codex TUI")


def test_a_request_from_before_its_thread_was_adopted_is_still_asked_in_its_program() -> None:
    adopted = Asker("codextui command")
    shown = describe_origin(ASKED, adopted, 114.0)
    assert shown == "a1 · waits 14s · only you decide it, here or in Codex TUI"
    assert "only you" not in describe_origin(ASKED, adopted, 114.0, others=Others.DECIDE)


def test_what_is_lost_says_by_what_and_who_had_decided() -> None:
    lost = ApprovalResolved("a1", "lost", message="the server ended")
    assert describe_end(lost) == "lost: the server ended"
    assert describe_end(ApprovalResolved("a1", "lost")) == "lost"
    decided = ApprovalResolved("a1", "lost", by="ada")
    assert describe_end(decided) == "decided by ada, but Codex did not get it"
