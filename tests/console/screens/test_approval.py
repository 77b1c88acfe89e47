"""The approval dialog decides only what the user decided, in the order of the queue."""

from __future__ import annotations

import pytest
from console.screens.approval_dialog import (
    COMMAND,
    LONG,
    LONG_PATCH,
    PATCH,
    PERMISSIONS,
    PLAIN,
    QUIET,
    UNKNOWN,
    open_dialog,
    open_queue,
    until,
)
from console.screens.dialog_host import (
    DialogHost,
    FakeClock,
    approval,
    asking,
    on_screen,
)
from textual import events
from textual.widgets import Input

from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.widgets.approval_panel import DecisionButton
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
)
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, Scope
from codextui.protocol.events import ApprovalResolved

# -- one key answers


@pytest.mark.parametrize(
    ("asked", "key", "decision"),
    [
        (COMMAND, "y", Approved()),
        (COMMAND, "s", Approved(Scope.SESSION)),
        (COMMAND, "n", Declined()),
        (COMMAND, "exclamation_mark", Aborted()),
        (PATCH, "y", Approved()),
        (PATCH, "s", Approved(Scope.SESSION)),
        (PATCH, "n", Declined()),
        (PERMISSIONS, "y", Approved()),
        (PERMISSIONS, "s", Approved(Scope.SESSION)),
        (UNKNOWN, "n", Declined()),
        (UNKNOWN, "exclamation_mark", Aborted()),
        (ElicitationAsked("docs", "url", "Sign in", url="https://example.org"), "y", Approved()),
        (ElicitationAsked("docs", "form", "May I?"), "y", Approved()),
    ],
)
async def test_one_key_decides_and_closes_the_dialog(
    asked: Asked, key: str, decision: Decision
) -> None:
    async with open_dialog(asked) as dialog:
        await dialog.press_rested(key)
        assert dialog.decided == [("a1", decision)]
        assert dialog.closed


@pytest.mark.parametrize(
    ("asked", "key", "why"),
    [
        (PLAIN, "p", "Codex proposes no rule"),
        (CommandAsked("y\n", stdin=True), "s", "approved each time"),
        (CommandAsked("make", available=(Scope.ONCE,), human=True), "s", "A policy demands"),
        (CommandAsked("make", available=(Scope.ONCE,), human=True), "p", "A policy demands"),
        (CommandAsked("make", available=()), "y", "Codex offers no approval"),
        (PatchAsked(available=(Scope.ONCE,)), "s", "Codex does not offer this"),
        (PATCH, "p", "no rule for file changes"),
        (PERMISSIONS, "p", "not for good"),
        (UNKNOWN, "y", "can only be declined"),
        (UNKNOWN, "s", "can only be declined"),
        (COMMAND, "ctrl+s", "no form to fill in"),
        (ElicitationAsked("docs", "hologram", "Look"), "y", "does not know the mode"),
        (ElicitationAsked("docs", "form", "May I?"), "s", "this one time only"),
    ],
)
async def test_an_unavailable_choice_has_no_button_and_says_why(
    asked: Asked, key: str, why: str
) -> None:
    async with open_dialog(asked) as dialog:
        await dialog.press_rested(key)
        assert dialog.decided == []
        assert not dialog.closed
        assert why in dialog.text("note")
        offered = {button.option.key for button in dialog.screen.query(DecisionButton)}
        assert {"ctrl+s": "^s"}.get(key, key) not in offered


async def test_a_tool_can_be_approved_for_the_session_if_its_server_allows_it() -> None:
    asked = ElicitationAsked("docs", "form", "Call it?", meta={"persist": ["session", "always"]})
    async with open_dialog(asked) as dialog:
        await dialog.press_rested("s")
        assert dialog.decided == [("a1", Approved(Scope.SESSION))]


async def test_enter_decides_nothing() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("enter", "enter", "space")
        assert dialog.decided == []
        assert "Enter decides nothing" in dialog.text("note")


async def test_tab_never_focuses_a_decision_button() -> None:
    async with open_dialog(COMMAND) as dialog:
        dialog.rest()
        for _ in range(8):
            await dialog.press("tab", "enter")
        assert dialog.decided == []


async def test_a_decision_button_can_be_clicked() -> None:
    async with open_dialog(COMMAND) as dialog:
        dialog.rest()
        await dialog.pilot.click(next(iter(dialog.screen.query(DecisionButton))))
        await dialog.pilot.pause()
        assert dialog.decided == [("a1", Approved())]


# -- always


async def test_always_shows_the_rule_before_it_is_accepted() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("p")
        assert dialog.decided == []
        assert "Every command that begins with" in on_screen(dialog.host)
        assert "git push" in on_screen(dialog.host)
        assert "in every thread, for good" in on_screen(dialog.host)
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved(Scope.ALWAYS))]


async def test_always_shows_the_host_that_commands_could_reach() -> None:
    asked = CommandAsked("curl x", network="https://pypi.org", rule=("allow", "pypi.org"))
    async with open_dialog(asked) as dialog:
        await dialog.press_rested("p")
        lines = on_screen(dialog.host)
        assert "Every command could reach" in lines
        assert "  pypi.org" in lines
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved(Scope.ALWAYS))]


async def test_enter_accepts_the_rule_that_is_shown() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("p", "enter")
        assert dialog.decided == [("a1", Approved(Scope.ALWAYS))]


async def test_esc_goes_back_from_the_rule_and_y_is_once_again() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("p", "escape")
        assert not dialog.closed
        assert dialog.text("title") == "backend asks to run a command"
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved())]


@pytest.mark.parametrize("key", ["s", "n", "e", "exclamation_mark", "p"])
async def test_no_other_key_decides_while_the_rule_is_shown(key: str) -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("p", key)
        assert dialog.decided == []
        assert dialog.text("note")


# -- a message


async def test_a_decline_can_carry_a_message() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("e")
        await dialog.press(*"no", "space", *"jy", "enter")
        assert dialog.decided == [("a1", Declined("no jy"))]


async def test_all_lines_of_a_paste_are_in_the_message() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("e", "x")
        field = dialog.host.screen.query_one("#message", Input)
        field.post_message(events.Paste("first\nsecond\n"))
        await dialog.pilot.pause()
        await dialog.press("y", "enter")
        assert dialog.decided == [("a1", Declined("xfirst secondy"))]


async def test_an_empty_message_is_not_sent() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("e", "space", "enter")
        assert dialog.decided == []
        assert "Write what the agent should read" in dialog.text("note")


async def test_esc_goes_back_from_the_message() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("e", "x", "escape")
        assert not dialog.closed
        await dialog.press("n")
        assert dialog.decided == [("a1", Declined())]


# -- the quiet moment


@pytest.mark.parametrize("key", ["y", "s", "p", "n", "e", "exclamation_mark", "o", "ctrl+s"])
async def test_a_key_pressed_too_early_decides_nothing(key: str) -> None:
    async with open_dialog(COMMAND, PLAIN) as dialog:
        dialog.clock.advance(QUIET - 0.01)
        await dialog.press(key)
        assert dialog.decided == []
        assert not dialog.closed
        assert "Not taken as a decision" in dialog.text("note")


async def test_every_keystroke_restarts_the_quiet_time() -> None:
    async with open_dialog(COMMAND) as dialog:
        for key in ("h", "down", "y", "y"):
            dialog.clock.advance(QUIET - 0.1)
            await dialog.press(key)
        assert dialog.decided == []
        await dialog.press_rested("y")
        assert dialog.decided == [("a1", Approved())]


async def test_a_held_key_decides_once_however_late_it_is_repeated() -> None:
    async with open_dialog(COMMAND, PLAIN, PATCH) as dialog:
        await dialog.press_rested("y")
        dialog.clock.advance(QUIET + 0.06)  # as X11 does by default
        await dialog.press(*"yyyyy")
        assert dialog.decided == [("a1", Approved())]
        assert "Not taken as a decision" in dialog.text("note")
        dialog.clock.advance(QUIET + 0.01)  # pressed once more
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved()), ("a2", Approved())]
        dialog.clock.advance(QUIET + 0.01)
        await dialog.press("n")  # another key is none that is held down
        assert dialog.decided[2:] == [("a3", Declined())]


async def test_a_click_pressed_too_early_decides_nothing() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.pilot.click(next(iter(dialog.screen.query(DecisionButton))))
        await dialog.pilot.pause()
        assert dialog.decided == []


async def test_the_dialog_shows_whether_keys_decide() -> None:
    async with open_dialog(COMMAND) as dialog:
        assert dialog.text("guard") == "reading…"
        dialog.rest()
        await until(lambda: dialog.text("guard") == "keys ready")


async def test_once_ready_typing_fast_is_fine() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("down", "p", "escape", "y")
        assert dialog.decided == [("a1", Approved())]


async def test_a_held_key_decides_one_approval_and_not_the_next() -> None:
    async with open_dialog(COMMAND, PLAIN, PATCH) as dialog:
        await dialog.press_rested(*"yyyyyy")
        assert dialog.decided == [("a1", Approved())]


async def test_without_a_quiet_time_keys_decide_at_once() -> None:
    clock = FakeClock()
    host = DialogHost(asking([approval(COMMAND)], clock, quiet=0))
    async with host.run_test() as pilot:
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert host.decided == [("a1", Approved())]


# -- after a key of the user opened the dialog


async def test_harmless_keys_work_at_once_if_the_user_opened_the_dialog() -> None:
    for key, effect in (("o", "opened"), ("p", "rule"), ("y", "decided")):
        host = DialogHost(asking([approval(COMMAND)], FakeClock(), quiet=QUIET, by_user=True))
        async with host.run_test() as pilot:
            await pilot.pause()
            await pilot.press(key)
            await pilot.pause()
            assert host.opened == (["0199-0001-abcd-thread"] if effect == "opened" else [])
            assert host.decided == []
            if effect == "rule":
                assert "Always allow this?" in on_screen(host)
                await pilot.press("y")
                assert host.decided == []


async def test_they_wait_if_the_dialog_opened_by_itself() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press("o", "p")
        assert dialog.host.opened == []
        assert "Not taken as a decision" in dialog.text("note")


@pytest.mark.parametrize("asked", [COMMAND, LONG, LONG_PATCH, PERMISSIONS])
@pytest.mark.parametrize("size", [(50, 12), (80, 24), (40, 12)])
async def test_the_decision_keys_are_on_a_small_screen(asked: Asked, size: tuple[int, int]) -> None:
    async with open_dialog(asked, PLAIN, size=size) as dialog:
        await dialog.pilot.pause()
        shown = on_screen(dialog.host)
        labels = [str(button.content) for button in dialog.screen.query(DecisionButton)]
        assert len(labels) >= 5
        assert [label for label in labels if label not in shown] == []


# -- the queue


async def test_j_and_k_go_through_the_queue_and_stop_at_its_ends() -> None:
    async with open_dialog(COMMAND, PLAIN, PATCH) as dialog:
        seen = [dialog.text("place")]
        for key in ("j", "right", "j", "k", "left", "k"):
            await dialog.press(key)
            seen.append(dialog.text("place"))
        assert seen == ["1 of 3", "2 of 3", "3 of 3", "3 of 3", "2 of 3", "1 of 3", "1 of 3"]


async def test_the_dialog_opens_at_a_given_approval() -> None:
    queue = [approval(COMMAND, 1), approval(PLAIN, 2)]
    async with open_queue(queue, first="a2") as dialog:
        assert dialog.text("place") == "2 of 2"
    async with open_queue(queue, first="gone") as dialog:
        assert dialog.text("place") == "1 of 2"


async def test_after_a_decision_the_next_is_shown() -> None:
    async with open_dialog(COMMAND, PLAIN) as dialog:
        await dialog.press_rested("y")
        assert "make test" in on_screen(dialog.host)
        assert "backend's a1: approved." in dialog.text("note")
        await dialog.press_rested("n")
        assert dialog.decided == [("a1", Approved()), ("a2", Declined())]
        assert dialog.closed


async def test_later_closes_and_decides_nothing() -> None:
    async with open_dialog(COMMAND, PLAIN) as dialog:
        await dialog.press("escape")
        assert dialog.closed
        assert dialog.decided == []


async def test_the_thread_can_be_opened() -> None:
    async with open_dialog(COMMAND) as dialog:
        await dialog.press_rested("o")
        assert dialog.host.opened == ["0199-0001-abcd-thread"]
        assert dialog.closed
        assert dialog.decided == []


# -- others answer too


async def test_a_decision_made_elsewhere_shows_the_next_approval_and_says_who() -> None:
    first, second = approval(COMMAND, 1), approval(PLAIN, 2)
    async with open_queue([first, second]) as dialog:
        dialog.rest()
        resolved = ApprovalResolved("a1", "approved_for_session", "claude-code")
        dialog.screen.update_approvals([second], resolved={"a1": resolved})
        await dialog.pilot.pause()
        assert "backend's a1 was approved for the session by claude-code." in dialog.text("note")
        assert "make test" in on_screen(dialog.host)


async def test_a_key_on_its_way_does_not_decide_the_approval_that_moved_up() -> None:
    first, second = approval(COMMAND, 1), approval(PLAIN, 2)
    async with open_queue([first, second]) as dialog:
        dialog.rest()
        dialog.screen.update_approvals([second])
        await dialog.press("y")
        assert dialog.decided == []
        await dialog.press_rested("y")
        assert dialog.decided == [("a2", Approved())]


async def test_a_key_on_its_way_does_not_decide_an_approval_that_changed() -> None:
    async with open_queue([approval(PATCH)]) as dialog:
        dialog.rest()
        other = PatchAsked((FileChange("b.py", "add", "rm -rf\n"),))
        dialog.screen.update_approvals([approval(other)])
        await dialog.press("y")
        assert dialog.decided == []
        assert "b.py" in on_screen(dialog.host)


async def test_a_new_approval_does_not_replace_the_shown_one() -> None:
    first = approval(COMMAND, 1)
    async with open_queue([first]) as dialog:
        dialog.rest()
        dialog.screen.update_approvals([first, approval(PLAIN, 2)])
        await dialog.pilot.pause()
        assert dialog.text("place") == "1 of 2"
        assert "j next" in dialog.text("keys")
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved())]
        assert not dialog.closed


async def test_a_half_written_message_is_not_sent_to_another_agent() -> None:
    first, second = approval(COMMAND, 1), approval(PLAIN, 2, "tester")
    async with open_queue([first, second]) as dialog:
        await dialog.press_rested("e", *"stop")
        dialog.screen.update_approvals([second])
        await dialog.press("enter")
        assert dialog.decided == []
        assert "n decline" in on_screen(dialog.host)
        await dialog.press_rested("e", *"ok", "enter")
        assert dialog.decided == [("a2", Declined("ok"))]


async def test_the_dialog_closes_when_the_last_approval_is_decided_elsewhere() -> None:
    async with open_dialog(COMMAND) as dialog:
        dialog.screen.update_approvals([])
        await dialog.pilot.pause()
        assert dialog.closed
        assert dialog.decided == []


async def test_the_dialog_never_closes_another_screen() -> None:
    async with open_dialog(COMMAND) as dialog:
        over = ConfirmScreen("Sure?", "Really?", yes="Yes")
        dialog.host.push_screen(over)
        await dialog.pilot.pause()
        dialog.screen.update_approvals([])
        await dialog.pilot.pause()
        assert dialog.host.screen is over
        over.dismiss(False)
        await dialog.pilot.pause()
        assert dialog.closed
        assert len(dialog.host.screen_stack) == 1


async def test_a_failed_decision_is_asked_for_again() -> None:
    first, second = approval(COMMAND, 1), approval(PLAIN, 2)
    async with open_queue([first, second]) as dialog:
        await dialog.press_rested("y")
        assert dialog.text("place") == ""
        dialog.screen.reject_decision("a1", "The server is out of reach.")
        await dialog.pilot.pause()
        assert dialog.text("place") == "2 of 2"
        assert "a1: The server is out of reach." in dialog.text("note")


async def test_a_decided_approval_does_not_return_before_the_server_confirms() -> None:
    first, second = approval(COMMAND, 1), approval(PLAIN, 2)
    async with open_queue([first, second]) as dialog:
        await dialog.press_rested("y")
        dialog.screen.update_approvals([first, second])
        await dialog.press_rested("n")
        assert dialog.decided == [("a1", Approved()), ("a2", Declined())]
        assert dialog.closed
