from __future__ import annotations

from collections.abc import Mapping, Sequence

from codextui.console.approvals import ApprovalPresenter
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.events import ApprovalResolved


class Dialog:
    def __init__(self, approvals: Sequence[Approval], first: str) -> None:
        self.shown = [approval.approval_id for approval in approvals]
        self.first = first

    def show_approvals(
        self,
        approvals: Sequence[Approval],
        *,
        clients: Mapping[str, str] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        self.shown = [approval.approval_id for approval in approvals]

    def reject_decision(self, approval_id: str, why: str) -> None:
        self.rejected = (approval_id, why)


class Desk:
    """A desk whose dialogs are remembered."""

    def __init__(self) -> None:
        self.dialogs: list[Dialog] = []
        self.may_open = True
        self.desk = ApprovalPresenter(self._open, may_open=lambda: self.may_open)

    def _open(self, approvals: Sequence[Approval], first: str) -> Dialog:
        self.dialogs.append(Dialog(approvals, first))
        return self.dialogs[-1]

    def update(self, *names: str) -> None:
        approvals = [Approval(n, "t", "u", "", "backend", 0.0, CommandAsked("ls")) for n in names]
        self.desk.update(approvals, {}, {})


def test_an_approval_that_arrives_opens_the_dialog() -> None:
    desk = Desk()
    desk.update("a1")
    assert [dialog.first for dialog in desk.dialogs] == ["a1"]


def test_an_approval_that_arrives_while_the_dialog_is_open_joins_it() -> None:
    desk = Desk()
    desk.update("a1")
    desk.update("a1", "a2")
    assert len(desk.dialogs) == 1
    assert desk.dialogs[0].shown == ["a1", "a2"]


def test_an_approval_put_off_does_not_come_back_by_itself() -> None:
    desk = Desk()
    desk.update("a1")
    desk.desk.closed()
    desk.update("a1")
    desk.desk.nudge()
    assert len(desk.dialogs) == 1


def test_a_new_approval_opens_the_dialog_at_itself_though_others_were_put_off() -> None:
    desk = Desk()
    desk.update("a1")
    desk.desk.closed()
    desk.update("a1", "a2")
    assert desk.dialogs[1].first == "a2"
    assert desk.dialogs[1].shown == ["a1", "a2"]


def test_a_person_can_open_what_was_put_off() -> None:
    desk = Desk()
    desk.update("a1", "a2")
    desk.desk.closed()
    assert desk.desk.open("a2")
    assert desk.dialogs[1].first == "a2"


def test_with_nothing_to_decide_a_person_is_told_so() -> None:
    desk = Desk()
    assert not desk.desk.open("")
    assert not desk.dialogs


def test_the_dialog_waits_until_it_may_open() -> None:
    desk = Desk()
    desk.may_open = False
    desk.update("a1")
    assert not desk.dialogs
    desk.may_open = True
    desk.desk.nudge()
    assert len(desk.dialogs) == 1


def test_an_approval_decided_elsewhere_while_the_dialog_waited_opens_nothing() -> None:
    desk = Desk()
    desk.may_open = False
    desk.update("a1")
    desk.update()
    desk.may_open = True
    desk.desk.nudge()
    assert not desk.dialogs


def test_a_decision_that_did_not_arrive_opens_the_dialog_again_and_says_why() -> None:
    desk = Desk()
    desk.update("a1")
    desk.desk.closed()
    desk.desk.reject("a1", "the connection was lost")
    assert desk.dialogs[1].first == "a1"
    assert desk.dialogs[1].rejected == ("a1", "the connection was lost")


def test_a_decision_on_its_way_is_not_asked_for_again() -> None:
    desk = Desk()
    desk.update("a1")
    desk.desk.decide("a1")
    desk.desk.closed()
    desk.update("a1", "a2")
    assert desk.dialogs[1].shown == ["a2"]
    desk.desk.closed()
    desk.update("a1", "a2")
    assert desk.desk.open("")
    assert desk.dialogs[2].shown == ["a2"]


def test_a_decision_that_did_not_arrive_joins_an_open_dialog() -> None:
    desk = Desk()
    desk.update("a1", "a2")
    desk.desk.decide("a1")
    desk.desk.reject("a1", "lost")
    assert desk.dialogs[0].shown == ["a1", "a2"]
    assert desk.dialogs[0].rejected == ("a1", "lost")
