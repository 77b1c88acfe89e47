from __future__ import annotations

from collections.abc import Mapping, Sequence

from codextui.console.approvals import ApprovalPresenter
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.events import ApprovalResolved


class Dialog:
    def __init__(self, approvals: Sequence[Approval], first: str) -> None:
        self.shown = [approval.approval_id for approval in approvals]
        self.first = first

    def update_approvals(
        self,
        approvals: Sequence[Approval],
        *,
        clients: Mapping[str, str] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        self.shown = [approval.approval_id for approval in approvals]

    def reject_decision(self, approval_id: str, why: str) -> None:
        self.rejected = (approval_id, why)


class RecordingPresenter:
    """A presenter, and the dialogs that it has opened."""

    def __init__(self) -> None:
        self.dialogs: list[Dialog] = []
        self.may_open = True
        self.tested = ApprovalPresenter(self._open, may_open=lambda: self.may_open)

    def _open(self, approvals: Sequence[Approval], first: str) -> Dialog:
        self.dialogs.append(Dialog(approvals, first))
        return self.dialogs[-1]

    def update(self, *names: str) -> None:
        approvals = [Approval(n, "t", "u", "", "backend", 0.0, CommandAsked("ls")) for n in names]
        self.tested.update(approvals, {}, {})


def test_an_approval_that_arrives_opens_the_dialog() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1")
    assert [dialog.first for dialog in presenter.dialogs] == ["a1"]


def test_an_approval_that_arrives_while_the_dialog_is_open_joins_it() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1")
    presenter.update("a1", "a2")
    assert len(presenter.dialogs) == 1
    assert presenter.dialogs[0].shown == ["a1", "a2"]


def test_an_approval_put_off_does_not_come_back_by_itself() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1")
    presenter.tested.on_dialog_closed()
    presenter.update("a1")
    presenter.tested.open_if_allowed()
    assert len(presenter.dialogs) == 1


def test_a_new_approval_opens_the_dialog_at_itself_though_others_were_put_off() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1")
    presenter.tested.on_dialog_closed()
    presenter.update("a1", "a2")
    assert presenter.dialogs[1].first == "a2"
    assert presenter.dialogs[1].shown == ["a1", "a2"]


def test_a_person_can_open_what_was_put_off() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1", "a2")
    presenter.tested.on_dialog_closed()
    assert presenter.tested.open("a2")
    assert presenter.dialogs[1].first == "a2"


def test_with_nothing_to_decide_a_person_is_told_so() -> None:
    presenter = RecordingPresenter()
    assert not presenter.tested.open("")
    assert not presenter.dialogs


def test_the_dialog_waits_until_it_may_open() -> None:
    presenter = RecordingPresenter()
    presenter.may_open = False
    presenter.update("a1")
    assert not presenter.dialogs
    presenter.may_open = True
    presenter.tested.open_if_allowed()
    assert len(presenter.dialogs) == 1


def test_an_approval_decided_elsewhere_while_the_dialog_waited_opens_nothing() -> None:
    presenter = RecordingPresenter()
    presenter.may_open = False
    presenter.update("a1")
    presenter.update()
    presenter.may_open = True
    presenter.tested.open_if_allowed()
    assert not presenter.dialogs


def test_a_decision_that_did_not_arrive_opens_the_dialog_again_and_says_why() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1")
    presenter.tested.on_dialog_closed()
    presenter.tested.reject_decision("a1", "the connection was lost")
    assert presenter.dialogs[1].first == "a1"
    assert presenter.dialogs[1].rejected == ("a1", "the connection was lost")


def test_a_decision_on_its_way_is_not_asked_for_again() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1")
    presenter.tested.mark_decided("a1")
    presenter.tested.on_dialog_closed()
    presenter.update("a1", "a2")
    assert presenter.dialogs[1].shown == ["a2"]
    presenter.tested.on_dialog_closed()
    presenter.update("a1", "a2")
    assert presenter.tested.open("")
    assert presenter.dialogs[2].shown == ["a2"]


def test_a_decision_that_did_not_arrive_joins_an_open_dialog() -> None:
    presenter = RecordingPresenter()
    presenter.update("a1", "a2")
    presenter.tested.mark_decided("a1")
    presenter.tested.reject_decision("a1", "lost")
    assert presenter.dialogs[0].shown == ["a1", "a2"]
    assert presenter.dialogs[0].rejected == ("a1", "lost")
