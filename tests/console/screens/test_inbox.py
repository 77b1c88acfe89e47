"""The list of the approval dialog: what it shows, its keys, and what never moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from console.screens.approval_dialog import OpenDialog, open_queue
from console.screens.console import build_console
from console.screens.dialog_host import DialogHost, FakeClock, approval, asking, on_screen
from msgspec import structs
from textual.events import MouseScrollUp as ScrollUp
from textual.widgets import Static

from codextui.config.schema import ApprovalsConfig, Config, UiConfig
from codextui.console.model.inbox import InboxMemory
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.widgets.approval_panel import DecisionButton
from codextui.console.widgets.inbox_list import InboxList
from codextui.protocol.approvals import Approval, Asked, CommandAsked
from codextui.protocol.decisions import Approved, Declined
from codextui.protocol.events import ApprovalResolved

ROOT = CommandAsked("sudo rm -rf /var/x", cwd="/srv")
PUSH = CommandAsked("git push origin main")
TEST = CommandAsked("npm test")
WRAPPED = CommandAsked("/bin/bash -lc 'npm test'")
LARGE, SMALL = (160, 45), (80, 24)


def queue(*asked: Asked) -> list[Approval]:
    return [approval(one, at, f"role-{at}") for at, one in enumerate(asked, 1)]


def listed(dialog: OpenDialog) -> list[str]:
    """Return the lines of the list."""
    widget = dialog.screen.query_one(InboxList)
    return [widget.draw_line(y).text.strip() for y in range(widget.size.height)]


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_the_list_tells_who_asks_since_when_and_for_what(size: tuple[int, int]) -> None:
    async with open_queue(queue(ROOT, WRAPPED, PUSH), size=size) as dialog:
        await dialog.pilot.pause()
        text = "\n".join(listed(dialog))
        for words in ("role-1", "role-2", "role-3", "12s", "sudo rm -rf /var/x", "npm test"):
            assert words in text
        assert "bash" not in text
        assert "! as root" in text
        assert "▸" in text.splitlines()[0 if size == SMALL else 2]


async def test_the_whole_request_stands_beside_the_list() -> None:
    async with open_queue(queue(ROOT, PUSH), size=LARGE) as dialog:
        await dialog.pilot.pause()
        shown = on_screen(dialog.host).splitlines()
        assert any("role-1" in row and "role-1 asks to run a command" in row for row in shown)
        assert "2 wait for you · oldest first" in on_screen(dialog.host)


async def test_one_alone_needs_no_list_above_it_and_none_has_room_on_a_tiny_screen() -> None:
    for asked, size in (((PUSH,), SMALL), ((PUSH, TEST), (50, 12))):
        async with open_queue(queue(*asked), size=size) as dialog:
            assert not dialog.screen.query_one(InboxList).display


async def test_v_sorts_and_the_shown_one_stays() -> None:
    async with open_queue(queue(TEST, PUSH, ROOT), size=LARGE) as dialog:
        for words, place in (("by thread", "1 of 3"), ("by risk", "3 of 3"), ("oldest", "1 of 3")):
            await dialog.press("v")
            assert words in "\n".join(listed(dialog))
            assert dialog.text("place").startswith(place)
            assert dialog.text("title") == "role-1 asks to run a command"


async def test_g_puts_the_same_commands_together_and_the_star_marks_them() -> None:
    async with open_queue(queue(TEST, PUSH, WRAPPED), size=LARGE) as dialog:
        await dialog.press("G")
        assert [row for row in listed(dialog) if "role-" in row][1].startswith("└ role-3")
        assert "2 alike · npm test" in listed(dialog)
        await dialog.press("asterisk")
        assert dialog.text("note") == "2 ask for the same, and are marked."
        assert sum("✓" in row for row in listed(dialog)) == 2
        await dialog.press_rested("N")
        assert dialog.decided == [("a1", Declined()), ("a3", Declined())]


async def test_marks_of_the_same_are_approved_only_once_all_were_shown() -> None:
    async with open_queue(queue(TEST, PUSH, WRAPPED)) as dialog:
        await dialog.press("asterisk")
        await dialog.press_rested("Y")
        assert dialog.decided == []
        dialog.clock.advance(10)
        await dialog.press("y")
        assert dialog.decided == [("a1", Approved()), ("a3", Approved())]


async def test_a_click_in_the_list_shows_another_and_decides_nothing() -> None:
    async with open_queue(queue(TEST, PUSH, ROOT), size=LARGE) as dialog:
        await dialog.pilot.click(InboxList, offset=(6, 6))
        await dialog.pilot.pause()
        assert dialog.text("title") == "role-3 asks to run a command"
        assert dialog.decided == []
        await dialog.pilot.click(InboxList, offset=(6, 0))
        assert dialog.text("title") == "role-3 asks to run a command"


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_what_arrives_moves_neither_the_selection_nor_the_focus(
    size: tuple[int, int],
) -> None:
    first = queue(TEST, PUSH)
    async with open_queue(first, size=size) as dialog:
        await dialog.press("j", "v", "v")  # by risk: ROOT will stand before it
        focused = dialog.screen.focused
        dialog.screen.update_approvals([*first, *queue(TEST, PUSH, ROOT)[2:]])
        await dialog.pilot.pause()
        assert dialog.text("title") == "role-2 asks to run a command"
        assert dialog.text("place").startswith("2 of 3")
        assert dialog.screen.focused is focused
        assert any(row.startswith("▸") and "role-2" in row for row in listed(dialog))


async def test_one_answered_elsewhere_says_so_before_it_goes() -> None:
    one, two, three = queue(TEST, PUSH, ROOT)
    async with open_queue([one, two, three], size=LARGE) as dialog:
        resolved = {"a2": ApprovalResolved("a2", "denied", "claude-code")}
        dialog.screen.update_approvals([one, three], resolved=resolved)
        await dialog.pilot.pause()
        assert listed(dialog)[-1:] != []
        assert "· declined by claude-code" in listed(dialog)
        assert dialog.text("place") == "1 of 2"
        dialog.clock.advance(10)
        await until_gone(dialog, "declined by claude-code")


async def until_gone(dialog: OpenDialog, words: str) -> None:
    async with asyncio.timeout(60):
        while any(words in row for row in listed(dialog)):  # noqa: ASYNC110 # a timer redraws it
            await asyncio.sleep(0.05)


async def test_a_click_on_a_button_that_has_just_moved_decides_nothing() -> None:
    first = queue(TEST)
    async with open_queue(first) as dialog:
        dialog.rest()
        dialog.screen.update_approvals([*first, approval(PUSH, 2)])
        await dialog.pilot.pause()
        await dialog.pilot.click(next(iter(dialog.screen.query(DecisionButton))))
        await dialog.pilot.pause()
        assert dialog.decided == []
        assert "just moved" in dialog.text("note")
        dialog.rest()
        await dialog.pilot.click(next(iter(dialog.screen.query(DecisionButton))))
        await dialog.pilot.pause()
        assert dialog.decided == [("a1", Approved())]


async def test_rows_of_two_long_requests_with_one_size_count_as_seen() -> None:
    long = [CommandAsked("\n".join(f"echo {at} {n}" for n in range(90))) for at in range(2)]
    async with open_queue(queue(*long)) as dialog:
        await dialog.press("j")
        await dialog.pilot.pause()
        assert 0 < dialog.screen.query_one("#body").unseen_count < 90  # type: ignore[attr-defined]


async def test_a_long_list_shows_the_current_one_and_the_wheel_looks_elsewhere() -> None:
    many = queue(*[CommandAsked(f"make {n}") for n in range(40)])
    async with open_queue(many, size=LARGE) as dialog:
        await dialog.press(*["j"] * 25)
        assert any(row.startswith("▸") and "role-26" in row for row in listed(dialog))
        assert listed(dialog)[-1] == "↓ more below"
        widget = dialog.screen.query_one(InboxList)
        for _ in range(60):
            await dialog.pilot._post_mouse_events([ScrollUp], InboxList, (3, 5), button=0)
        assert "role-1" in "\n".join(listed(dialog))
        assert not any(row.startswith("▸") for row in listed(dialog))
        await dialog.press("j")
        assert any(row.startswith("▸") and "role-27" in row for row in listed(dialog))
        assert widget.size.height < 45


async def test_marks_and_order_stay_over_esc_and_a_decision_made_meanwhile() -> None:
    console = build_console(
        config=Config(approvals=ApprovalsConfig(quiet=0.0), ui=UiConfig(layout=9, bell=False))
    )
    async with console.open():
        asked = [console.server.ask(console.server.running(f"r{n}"), f"a{n}") for n in range(3)]
        await console.settle()
        await console.press("m", "m", "v", "escape")
        console.server.resolve(asked[0])
        await console.settle()
        await console.press("a")
        screen = console.app.screen
        assert isinstance(screen, ApprovalScreen)
        assert str(screen.query_one("#place", Static).content) == "1 of 2 by thread · 1 marked"


async def test_what_was_seen_whole_stays_seen_over_esc_unless_it_changes() -> None:
    long = CommandAsked("\n".join(f"echo {n}" for n in range(90)))
    for later, decided in ((long, [("a1", Approved())]), (structs.replace(long, cwd="/etc"), [])):
        memory, clock = InboxMemory(), FakeClock()
        for asked, keys in ((long, ["pagedown"] * 12), (later, ["y"])):
            host = DialogHost(asking([approval(asked)], clock, quiet=0, memory=memory))
            async with host.run_test(size=SMALL) as pilot:
                await pilot.pause()
                await pilot.press(*keys)
                await pilot.pause()
                await pilot.press("escape")
                await pilot.pause()
        assert host.decided == decided


HOSTILE = "\x1b]0;x\x07[bold]x[/] \u202eevil\u202c\n2 of 5"


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_hostile_names_and_outcomes_are_text_in_the_list(size: tuple[int, int]) -> None:
    clock = FakeClock()
    asked: Sequence[Approval] = [approval(CommandAsked(HOSTILE), n, HOSTILE) for n in range(1, 4)]
    host = DialogHost(asking(asked, clock))
    async with host.run_test(size=size) as pilot:
        await pilot.pause()
        assert isinstance(host.dialog, ApprovalScreen)
        end = {"a3": ApprovalResolved("a3", HOSTILE, HOSTILE)}
        host.dialog.update_approvals(asked[:2], resolved=end)
        await pilot.pause()
        widget = host.dialog.query_one(InboxList)
        lines = [widget.draw_line(y).text for y in range(widget.size.height)]
        assert "[bold]x[/]" in "\n".join(lines)
        assert not any(bad in line for line in lines for bad in "\x1b\x07\u202e\n")
        assert all(len(line) <= widget.size.width for line in lines)
