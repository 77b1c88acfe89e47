"""The approval dialog shows everything, and decides only what the user decided."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random

import pytest
from console.screens.dialog_host import (
    NOTHING_YET,
    NOW,
    DialogHost,
    FakeClock,
    approval,
    asking,
    on_screen,
)
from msgspec import structs
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Static

from codextui.console.bindings import check_keymap
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.widgets.approval_panel import DecisionButton
from codextui.console.widgets.strip_view import StripView
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, Scope
from codextui.protocol.events import ApprovalResolved

COMMAND = CommandAsked("git push origin main", cwd="/srv/shop", rule=("git", "push"))
PLAIN = CommandAsked("make test")
PATCH = PatchAsked((FileChange("a.py", "update", "@@ -1 +1 @@\n-x\n+y\n"),))
PERMISSIONS = PermissionsAsked({"network": {"enabled": True}}, "/srv", "to install")
UNKNOWN = UnknownAsked("item/new/thing", {"a": 1})
QUIET = 0.6


class OpenDialog:
    """An open dialog, and its input."""

    def __init__(self, pilot: Pilot[None], host: DialogHost, clock: FakeClock) -> None:
        self.pilot = pilot
        self.host = host
        self.clock = clock

    @property
    def screen(self) -> ApprovalScreen:
        assert isinstance(self.host.dialog, ApprovalScreen)
        return self.host.dialog

    @property
    def decided(self) -> list[tuple[str, Decision]]:
        return self.host.decided

    @property
    def closed(self) -> bool:
        return self.host.result is not NOTHING_YET

    def text(self, part: str) -> str:
        return str(self.screen.query_one(f"#{part}", Static).content)

    def rest(self) -> None:
        """Let the quiet time pass."""
        self.clock.advance(QUIET + 0.001)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def press_rested(self, *keys: str) -> None:
        self.rest()
        await self.press(*keys)


@asynccontextmanager
async def open_dialog(*asked: Asked, size: tuple[int, int] = (80, 24)) -> AsyncIterator[OpenDialog]:
    async with open_queue(
        [approval(one, at) for at, one in enumerate(asked, 1)], size=size
    ) as dialog:
        yield dialog


@asynccontextmanager
async def open_queue(
    approvals: Sequence[Approval], *, size: tuple[int, int] = (80, 24), first: str = ""
) -> AsyncIterator[OpenDialog]:
    clock = FakeClock()
    host = DialogHost(asking(approvals, clock, quiet=QUIET, first=first))
    async with host.run_test(size=size) as pilot:
        await pilot.pause()
        yield OpenDialog(pilot, host, clock)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is on the screen sets no event
            await asyncio.sleep(0.02)


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


# -- nothing is granted unseen

LONG = CommandAsked("\n".join(f"echo {n}" for n in range(100)), rule=("echo",))
LONG_PATCH = PatchAsked((FileChange("a.py", "add", "".join(f"x{n}\n" for n in range(12_000))),))


@pytest.mark.parametrize(
    ("asked", "key", "decision"),
    [
        (LONG, "y", Approved()),
        (LONG, "s", Approved(Scope.SESSION)),
        (LONG_PATCH, "y", Approved()),
        (ElicitationAsked("docs", "form", "May I?\n" * 90), "y", Approved()),
    ],
)
async def test_what_was_not_shown_to_its_end_takes_a_key_that_says_so(
    asked: Asked, key: str, decision: Decision
) -> None:
    async with open_dialog(asked) as dialog:
        await dialog.press_rested(key)
        assert dialog.decided == []
        unseen, total = re.findall(r"[\d,]+", dialog.text("note"))
        assert 0 < int(unseen.replace(",", "")) < int(total.replace(",", ""))
        assert "U go on without having seen them" in dialog.text("keys")
        await dialog.press_rested(key, "enter", key, "Y")
        assert dialog.decided == []
        await dialog.press_rested("U")
        assert dialog.decided == [("a1", decision)]


async def test_the_key_for_the_unseen_needs_the_key_of_an_answer_first() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("U", "U")
        assert dialog.decided == []
        await dialog.press("y", "U")
        assert dialog.decided == []
        assert "Not taken as a decision" in dialog.text("note")


async def test_what_was_scrolled_to_its_end_is_approved_by_one_key() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested(*["pagedown"] * 12)
        assert "not seen yet" not in dialog.text("position")
        await dialog.press("home", "y")
        assert dialog.decided == [("a1", Approved())]


async def test_a_jump_to_the_end_does_not_show_what_is_between() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("end", "y")
        assert dialog.decided == []
        await dialog.press("escape", "home", *["pagedown"] * 12)
        await dialog.press_rested("y")
        assert dialog.decided == [("a1", Approved())]


async def test_scrolling_on_to_the_end_makes_the_plain_key_work_again() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("y", *["pagedown"] * 12)
        assert dialog.text("note") == "All of it has been on the screen now."
        await dialog.press_rested("y")
        assert dialog.decided == [("a1", Approved())]


async def test_what_was_seen_stays_seen_while_others_are_looked_at() -> None:
    async with open_dialog(LONG, PLAIN) as dialog:
        await dialog.press_rested(*["pagedown"] * 12, "j", "k", "y")
        assert dialog.decided == [("a1", Approved())]


async def test_the_rule_is_shown_only_after_the_request() -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("p")
        assert "never on the screen" in dialog.text("note")
        await dialog.press_rested("U")
        assert dialog.text("title") == "Always allow this?"
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved(Scope.ALWAYS))]


@pytest.mark.parametrize(("key", "decision"), [("n", Declined()), ("exclamation_mark", Aborted())])
async def test_what_was_not_shown_can_be_declined_at_once(key: str, decision: Decision) -> None:
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested(key)
        assert dialog.decided == [("a1", decision)]
    async with open_dialog(LONG) as dialog:
        await dialog.press_rested("y")
        await dialog.press_rested(key)
        assert dialog.decided == [("a1", decision)]


async def test_changed_content_counts_as_unseen() -> None:
    async with open_queue([approval(LONG)]) as dialog:
        await dialog.press_rested(*["pagedown"] * 12)
        dialog.screen.update_approvals([approval(structs.replace(LONG, cwd="/etc"))])
        await dialog.press_rested("y")
        assert dialog.decided == []


async def test_the_key_for_the_unseen_goes_to_no_request_that_takes_its_place() -> None:
    changed = approval(structs.replace(LONG, cwd="/etc"))
    for arrived in ([changed], [approval(LONG, 2)]):
        async with open_queue([approval(LONG)]) as dialog:
            await dialog.press_rested("y")
            assert "U go on without having seen them" in dialog.text("keys")
            dialog.screen.update_approvals(arrived)
            await dialog.press_rested("U", "U")
            assert dialog.decided == []


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (50, 12), (30, 8)])
async def test_rows_that_are_counted_as_seen_were_drawn(size: tuple[int, int]) -> None:
    async with open_dialog(LONG, size=size) as dialog:
        await dialog.pilot.pause()
        drawn = len(re.findall(r"echo \d+", on_screen(dialog.host)))
        assert dialog.screen.query_one(StripView).unseen_count >= 100 - drawn


@pytest.mark.parametrize("seed", range(12))
async def test_one_key_approves_exactly_what_was_drawn_to_its_end(seed: int) -> None:
    random = Random(seed)
    asked = CommandAsked("\n".join(f"echo {n};" for n in range(40)), cwd="/w")
    lines = {*(f"echo {n};" for n in range(40)), "cwd      /w"}
    drawn: set[str] = set()
    async with open_dialog(asked, size=(60, random.choice([14, 24]))) as dialog:
        await dialog.pilot.pause()
        for key in random.choices(["down", "pagedown", "space", "pageup", "home", "end"], k=8):
            shown = on_screen(dialog.host)
            drawn |= {line for line in lines if line in shown}
            await dialog.press(key)
        shown = on_screen(dialog.host)
        drawn |= {line for line in lines if line in shown}
        await dialog.press_rested("y")
        assert bool(dialog.decided) == (drawn == lines)


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


# -- everything can be read


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (160, 45), (60, 16)])
async def test_a_command_of_10000_characters_can_be_read_to_its_end(size: tuple[int, int]) -> None:
    words = [f"word{number:04}" for number in range(1_112)]
    async with open_dialog(CommandAsked(" ".join(words)), size=size) as dialog:
        seen = ""
        for _ in range(300):
            before = dialog.screen.query_one("#body").scroll_offset.y
            seen += on_screen(dialog.host)
            await dialog.press("pagedown")
            if dialog.screen.query_one("#body").scroll_offset.y == before:
                break
        assert [word for word in words if word not in seen] == []
        assert " of " in dialog.text("position")


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
@pytest.mark.parametrize(
    "asked", [COMMAND, PATCH, PERMISSIONS, UNKNOWN], ids=lambda one: type(one).__name__
)
async def test_the_buttons_and_the_keys_are_always_visible(
    asked: Asked, size: tuple[int, int]
) -> None:
    long = [
        approval(CommandAsked("x " * 5_000), 2),
        approval(PatchAsked(tuple(FileChange(f"f{n}", "add", "x\n" * 50) for n in range(20))), 3),
    ]
    async with open_queue([approval(asked), *long], size=size) as dialog:
        for _ in range(3):
            await dialog.pilot.pause()
            lines = on_screen(dialog.host)
            assert "n decline" in lines
            assert "esc later" in lines
            await dialog.press("j")


async def test_the_diff_is_shown_file_by_file() -> None:
    changes = (
        FileChange("src/a.py", "update", "@@ -1 +1 @@\n-old\n+new\n"),
        FileChange("b.md", "add", "hello\n"),
    )
    async with open_dialog(PatchAsked(changes, reason="because"), size=(160, 45)) as dialog:
        lines = on_screen(dialog.host)
        for word in ("src/a.py", "old", "new", "b.md", "hello", "because"):
            assert word in lines


async def test_role_thread_client_and_waiting_time_are_shown() -> None:
    async with open_dialog(COMMAND) as dialog:
        assert "backend" in dialog.text("title")
        assert (
            dialog.text("facts") == "a1 · waits 12s · thread 0199-0001-abc · started by claude-code"
        )


HOSTILE = "\x1b[31mred\x1b[0m [bold red]x[/] \u202eevil\u202c \x07 [@click=app.quit]click[/] $(rm)"


@pytest.mark.parametrize(
    "asked",
    [
        CommandAsked(HOSTILE, cwd=HOSTILE, reason=HOSTILE, parsed=(HOSTILE,), rule=(HOSTILE,)),
        PatchAsked((FileChange(HOSTILE, "add", HOSTILE),), reason=HOSTILE, grant_root=HOSTILE),
        PermissionsAsked({HOSTILE: HOSTILE}, HOSTILE, HOSTILE),
        ElicitationAsked(
            HOSTILE,
            "form",
            HOSTILE,
            {
                "properties": {
                    HOSTILE: {
                        "title": HOSTILE,
                        "default": HOSTILE,
                        "type": "string",
                        "enum": [HOSTILE],
                    }
                }
            },
        ),
        ElicitationAsked(HOSTILE, HOSTILE, HOSTILE),
        UnknownAsked(HOSTILE, {HOSTILE: HOSTILE}),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_hostile_text_is_shown_as_text(asked: Asked) -> None:
    hostile = approval(asked, 1, HOSTILE)
    async with open_queue([hostile, approval(PLAIN, 2)], size=(160, 45)) as dialog:
        for _ in range(2):
            lines = on_screen(dialog.host)
            assert "[bold red]x[/]" in lines
            assert "evil" in lines
            assert not any(bad in lines for bad in ("\x1b", "\x07", "\u202e"))
            await dialog.press_rested("p")
        assert dialog.decided == []


async def test_the_name_of_a_deciding_client_is_sanitized() -> None:
    first, second = approval(COMMAND, 1, HOSTILE), approval(PLAIN, 2)
    async with open_queue([first, second], size=(160, 45)) as dialog:
        dialog.screen.update_approvals(
            [second], resolved={"a1": ApprovalResolved("a1", HOSTILE, HOSTILE)}
        )
        await dialog.pilot.pause()
        assert "\x1b" not in dialog.text("note")
        assert "[bold red]x[/]" in on_screen(dialog.host)


# -- keys can be rebound


async def test_the_dialog_shows_rebound_keys() -> None:
    clock = FakeClock()
    host = DialogHost(asking([approval(COMMAND)], clock, quiet=QUIET))
    host.set_keymap(
        check_keymap(
            {"approval.once": "ctrl+y", "approval.decline": ""},
            {"Approval": ApprovalScreen.BINDINGS},
        )
    )
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        lines = on_screen(host)
        assert "^y once" in lines
        assert "n decline" not in lines
        clock.advance(QUIET)
        await pilot.press("y", "n")
        assert host.decided == []
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert host.decided == [("a1", Approved())]


async def test_the_waiting_time_grows_while_the_dialog_is_open() -> None:
    moment = [NOW]
    dialog = ApprovalScreen([approval(COMMAND)], now=lambda: moment[0])
    host = DialogHost(dialog)
    async with host.run_test() as pilot:
        await pilot.pause()
        moment[0] += 60
        dialog.refresh_clock()
        facts = host.dialog.query_one("#facts", Static)
        await until(lambda: "waits 1m 12s" in str(facts.content))
