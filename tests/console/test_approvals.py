from __future__ import annotations

from collections.abc import Mapping, Sequence

from codextui.console.approvals import ApprovalPresenter
from codextui.console.model.labels import Asker
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
        askers: Mapping[str, Asker] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        self.shown = [approval.approval_id for approval in approvals]

    def reject_decision(self, approval_id: str, why: str) -> None:
        self.rejected = (approval_id, why)


class Harness:
    """A presenter, and the dialogs that it has opened."""

    def __init__(self, *quiet: str) -> None:
        self.dialogs: list[Dialog] = []
        self.may_open = True
        self.examined: list[str] = []
        self._quiet = quiet
        self.presenter = ApprovalPresenter(
            self._open, may_open=lambda: self.may_open, pops_up=self._pops_up
        )

    def _pops_up(self, approval: Approval) -> bool:
        self.examined.append(approval.approval_id)
        return approval.approval_id not in self._quiet

    def _open(self, approvals: Sequence[Approval], first: str, by_user: bool) -> Dialog:
        self.dialogs.append(Dialog(approvals, first))
        return self.dialogs[-1]

    def update(self, *names: str, lost: str = "") -> None:
        approvals = [Approval(n, "t", "u", "", "backend", 0.0, CommandAsked("ls")) for n in names]
        resolved = {lost: ApprovalResolved(lost, "lost")} if lost else {}
        self.presenter.update(approvals, {}, resolved)


def test_an_approval_that_arrives_opens_the_dialog() -> None:
    harness = Harness()
    harness.update("a1")
    assert [dialog.first for dialog in harness.dialogs] == ["a1"]


def test_an_approval_that_arrives_while_the_dialog_is_open_joins_it() -> None:
    harness = Harness()
    harness.update("a1")
    harness.update("a1", "a2")
    assert len(harness.dialogs) == 1
    assert harness.dialogs[0].shown == ["a1", "a2"]


def test_a_postponed_approval_does_not_reopen_the_dialog() -> None:
    harness = Harness()
    harness.update("a1")
    harness.presenter.on_dialog_closed()
    harness.update("a1")
    harness.presenter.open_if_allowed()
    assert len(harness.dialogs) == 1


def test_what_was_postponed_stays_so_when_it_is_asked_again_after_a_break() -> None:
    harness = Harness()
    harness.update("a1")
    harness.presenter.on_dialog_closed()
    harness.update(lost="a1")
    harness.update("a2")  # the same request: asked at the same time by the same item
    assert len(harness.dialogs) == 1
    harness.update("a2", "a3")
    assert [dialog.first for dialog in harness.dialogs] == ["a1", "a3"]


def test_a_new_approval_opens_the_dialog_at_itself_even_if_others_were_postponed() -> None:
    harness = Harness()
    harness.update("a1")
    harness.presenter.on_dialog_closed()
    harness.update("a1", "a2")
    assert harness.dialogs[1].first == "a2"
    assert harness.dialogs[1].shown == ["a1", "a2"]


def test_the_user_can_open_postponed_approvals() -> None:
    harness = Harness()
    harness.update("a1", "a2")
    harness.presenter.on_dialog_closed()
    assert harness.presenter.open("a2")
    assert harness.dialogs[1].first == "a2"


def test_open_returns_false_if_nothing_waits_for_a_decision() -> None:
    harness = Harness()
    assert not harness.presenter.open("")
    assert not harness.dialogs


def test_the_dialog_waits_until_it_may_open() -> None:
    harness = Harness()
    harness.may_open = False
    harness.update("a1")
    assert not harness.dialogs
    harness.may_open = True
    harness.presenter.open_if_allowed()
    assert len(harness.dialogs) == 1


def test_an_approval_decided_elsewhere_while_the_dialog_waited_opens_nothing() -> None:
    harness = Harness()
    harness.may_open = False
    harness.update("a1")
    harness.update()
    harness.may_open = True
    harness.presenter.open_if_allowed()
    assert not harness.dialogs


def test_a_failed_decision_reopens_the_dialog_with_the_reason() -> None:
    harness = Harness()
    harness.update("a1")
    harness.presenter.on_dialog_closed()
    harness.presenter.reject_decision("a1", "the connection was lost")
    assert harness.dialogs[1].first == "a1"
    assert harness.dialogs[1].rejected == ("a1", "the connection was lost")


def test_a_decision_on_its_way_is_not_asked_for_again() -> None:
    harness = Harness()
    harness.update("a1")
    harness.presenter.mark_decided("a1")
    harness.presenter.on_dialog_closed()
    harness.update("a1", "a2")
    assert harness.dialogs[1].shown == ["a2"]
    harness.presenter.on_dialog_closed()
    harness.update("a1", "a2")
    assert harness.presenter.open("")
    assert harness.dialogs[2].shown == ["a2"]


def test_a_failed_decision_returns_to_the_open_dialog() -> None:
    harness = Harness()
    harness.update("a1", "a2")
    harness.presenter.mark_decided("a1")
    harness.presenter.reject_decision("a1", "lost")
    assert harness.dialogs[0].shown == ["a1", "a2"]
    assert harness.dialogs[0].rejected == ("a1", "lost")


def test_one_that_does_not_pop_up_opens_no_dialog_and_is_examined_once() -> None:
    harness = Harness("a1")
    harness.update("a1")
    for _ in range(3):
        harness.presenter.open_if_allowed()
    assert not harness.dialogs
    assert harness.examined == ["a1"]
    assert harness.presenter.open("")
    harness.presenter.on_dialog_closed()
    harness.update("a1", "a2")
    assert harness.dialogs[-1].first == "a2"
    assert harness.dialogs[-1].shown == ["a1", "a2"]
