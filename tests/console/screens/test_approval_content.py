"""The approval dialog shows everything of a request, and its own keys."""

from __future__ import annotations

import pytest
from console.screens.approval_dialog import (
    COMMAND,
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
    NOW,
    DialogHost,
    FakeClock,
    approval,
    asking,
    on_screen,
)
from textual.widgets import Static

from codextui.console.bindings import check_keymap
from codextui.console.screens.approval import ApprovalScreen
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Approved
from codextui.protocol.events import ApprovalResolved


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
