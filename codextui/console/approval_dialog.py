"""Opens the approval dialog for what needs the user, and sends the decisions to the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on

from codextui.console.alerts import Alerts
from codextui.console.approvals import ApprovalPresenter
from codextui.console.model.alerts import pops_up
from codextui.console.requests import RequestsApp
from codextui.console.screens import messages
from codextui.errors import ApprovalGone, CodextuiError
from codextui.protocol.approvals import Approval, Deciders
from codextui.text.sanitize import one_line, sanitize

if TYPE_CHECKING:
    from codextui.console.screens.approval import ApprovalScreen


class ApprovalsApp(RequestsApp):
    """Wires the open approvals of the state, their dialog and the decisions on them."""

    _alerts: Alerts

    def __init__(self, typing_pause: float) -> None:
        """Create an app without approvals; see `KeyDispatchingApp`."""
        super().__init__(typing_pause)
        self._offered_ids: set[str] = set()
        self._approvals = ApprovalPresenter(
            self._open_approvals,
            may_open=self._may_interrupt,
            pops_up=lambda one: pops_up(one, popup=self._config.approvals.popup),
        )

    def _update_approvals(self) -> None:
        approvals = list(self.state.approvals.values()) if self.state.connection.connected else []
        if self._config.approvals.clients is Deciders.CLIENT:  # the others are for their clients
            approvals = [one for one in approvals if one.approval_id in self._offered_ids]
        askers = self.state.askers()
        self._approvals.update(approvals, askers, self.state.outcomes)
        self._alerts.update(approvals, askers)

    def _may_interrupt(self) -> bool:
        """Return whether the approval dialog may open by itself."""
        if self.screen is not self.main or not self.state.connection.caught_up:
            return False
        if self._is_aside:
            return False
        return not self.main.workbench.is_writing or not self._is_soon_after_key()

    def _open_approvals(
        self,
        approvals: Sequence[Approval],
        first: str,
        by_user: bool,  # the presenter's callback
    ) -> ApprovalScreen:
        from codextui.console.screens.approval import ApprovalScreen  # noqa: PLC0415

        screen = ApprovalScreen(
            approvals,
            askers=self.state.askers(),
            others=self._config.approvals.others,
            first=first,
            by_user=by_user,
            quiet=self._config.approvals.quiet,
            now=self._main_options.now,
            drafts=self._main_options.drafts.answers,
            memory=self._approvals.memory,
        )
        self.push_screen(screen, lambda _: self._approvals.on_dialog_closed())
        return screen

    @on(messages.OpenApprovals)
    def _handle_open_approvals(self, message: messages.OpenApprovals) -> None:
        if not self.state.connection.connected:
            self.notify("Nothing can be decided: the server is out of reach.", severity="warning")
        elif not self._approvals.open(message.approval_id):
            self.notify("Nothing needs a decision.", severity="warning")

    @on(messages.ApprovalDecided)
    def _handle_approval_decided(self, message: messages.ApprovalDecided) -> None:
        self._approvals.mark_decided(message.approval_id)
        self.run_worker(self._send_decision(message), group="decisions", exit_on_error=False)

    async def _send_decision(self, message: messages.ApprovalDecided) -> None:
        try:
            await self._connection.answer(message.approval_id, message.decision)
        except ApprovalGone as error:
            self.notify(sanitize(str(error)), markup=False)
        except CodextuiError as error:
            self._approvals.reject_decision(message.approval_id, one_line(str(error)))
            self._notify_error("The decision did not reach the server", error)
