"""Every binding is pressed where it applies, by each of its keys."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from console.screens.console import Console
from console.screens.key_effects import TABLE, Before, Effect, Keys, look
from console.screens.places import Place, build
from textual.binding import Binding

from codextui.console.binding_places import PLACES as BINDINGS
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.protocol.threads import ThreadInfo, ThreadState

PATIENCE = 100
"""Looks at the screen until a key has done nothing."""

ONCE_DRAWN = (ApprovalScreen, ApproveManyScreen)
"""Screens whose keys answer what was drawn."""


def bound() -> dict[str, list[str]]:
    """Return the keys of every binding, in Textual's notation."""
    bindings = [one for place in BINDINGS.values() for one in place]
    found: dict[str, list[str]] = {}
    for one in Binding.make_bindings(bindings):
        found.setdefault(one.id or one.action, []).append(one.key)
    return {name: list(dict.fromkeys(keys)) for name, keys in found.items()}


KEYS = bound()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, utc: None) -> None:
    """Save captures, pictures and settings away from the home folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path))


def test_every_binding_is_in_the_table_once() -> None:
    ids = [name for _, keys in TABLE for name in keys]
    assert sorted(ids) == sorted(KEYS)


def steps() -> Iterator[object]:
    for number, (place, keys) in enumerate(TABLE):
        yield pytest.param(place, keys, id=f"{number}-{place.screen.__name__}")


@pytest.mark.parametrize(("place", "keys"), steps())
async def test_every_key_does_something(place: Place, keys: Keys, tmp_path: Path) -> None:
    console = build(config_path=tmp_path / "config.toml")
    told, left = stand_in(console, tmp_path)
    failed: list[str] = []
    async with console.app.run_test(size=place.size, notifications=True):
        await console.server.ran.wait()
        for name, step in keys.items():
            before, effect = step if isinstance(step, tuple) else ((), step)
            for key in KEYS[name]:
                await reach(console, place, before)
                seen = look(console, told, left)
                if not await does(console, key, effect, seen):
                    failed.append(f"{name}: {key}")
    assert failed == []


async def reach(console: Console, place: Place, keys: tuple[str, ...]) -> None:
    """Come to a place as if one had just started."""
    app, main = console.app, console.app.main
    while app.screen is not main:
        app.screen.dismiss(None)
        await console.handled()
    app.clear_notifications()
    app._is_typing = False
    if main.is_composing():
        await console.swiftly("escape")
    main.workbench.zoom("")
    main.remove_class("-no-tree")
    main.unmark_all()
    main.clear_marks()
    main.workbench.drafts.clear()
    await (place.reopen(console) if console.app.state.connection.caught_up else place.open(console))
    for key in keys:
        await console.settle()
        await console.swiftly(key)
    if keys or place.screen in ONCE_DRAWN:
        await console.settle()


async def does(console: Console, key: str, effect: Effect, before: Before) -> bool:
    """Press a key, and wait for its effect."""
    await console.swiftly(key)
    for _ in range(PATIENCE):
        if effect(console, before):
            return True
        await asyncio.sleep(0.01)
        await console.handled()
    return False


def stand_in(console: Console, folder: Path) -> tuple[list[str], list[object]]:
    """Stand in for the programs that keys start, for toasts, and for the end of the app.

    Returns:
        what is told, and what the app was left with.
    """
    app, server = console.app, console.server
    told: list[str] = []
    left: list[object] = []

    async def opened(*_: object) -> str:
        return "It opens in Codex."

    async def edit(text: str) -> str:
        return f"{text}, edited"

    async def open_folder(*_: object) -> str:
        return "An editor opens."

    async def open_shell(*_: object) -> str:
        return "A shell opens."

    app.notify = lambda text, **_: told.append(text)  # type: ignore[method-assign]
    app.exit = lambda *given, **_: left.append(given)  # type: ignore[method-assign]
    app.tui.open = opened  # type: ignore[method-assign]
    app.editor.edit = edit  # type: ignore[method-assign]
    app.editor.open_folder = open_folder  # type: ignore[method-assign]
    app.editor.open_shell = open_shell  # type: ignore[method-assign]
    app.pictures._folder = lambda: folder
    fork = {"thread": ThreadInfo("t-new", "new", ThreadState.IDLE).to_json()}
    for tool in ("codex-fork", "codex-start", "codex-resume", "codex-review"):
        server.results[tool] = fork
    return told, left
