"""The runs that a name means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import RUN, THREAD
from msgspec import structs

from codextui.errors import ServerRefused, ThreadUnknown
from codextui.protocol.threads import ThreadInfo
from codextui.teams.records.store import RunStore, write_handle


def record(home: Path, run_id: str, handle: str = "") -> RunStore:
    """Record a run of a team that the configuration does not have."""
    folder = home / "state" / "codextui" / "runs" / run_id
    folder.mkdir(parents=True, mode=0o700)
    for parent in (folder.parent, folder.parent.parent):
        parent.chmod(0o700)
    store = RunStore(folder)
    run = {"team": "shop", "task": "x", "project": str(home), "mode": "handoffs"}
    store.write("run", {**run, "config": str(home / "config.toml"), "server": "default"})
    if handle:
        write_handle(store, handle)
    return store


def show(server: FakeServer, **threads: ThreadInfo) -> None:
    """Let the server know threads by these names, and refuse one that several have."""

    def find(arguments: Frame) -> Frame:
        if arguments["thread"] == "several":
            raise ServerRefused("several threads have it")
        if arguments["thread"] not in threads:
            raise ThreadUnknown("none")
        return {"threads": [threads[arguments["thread"]].to_json()]}

    server.tools["codex-threads"] = find


def run_row(run_id: str) -> ThreadInfo:
    return structs.replace(RUN, thread_id=f"run:{run_id}")


def arguments_of(action: str, name: str) -> tuple[str, ...]:
    if action == "resume":
        return ("run", "--headless", "--resume", name)
    return ("runs", action, name, *(("-",) if action == "export" else ()))


@pytest.mark.parametrize("action", ["show", "timeline", "export", "remove", "resume"])
@pytest.mark.parametrize(
    "name", ["shop-2026-b", "run:shop-2026-b", "shop-2", "shop-2026-b1", "stored-name", "other-2"]
)
async def test_every_command_about_a_run_finds_it_by_each_of_its_names(
    server: FakeServer, home: Path, run: Any, action: str, name: str
) -> None:
    meant = {"shop-2026-b1": "shop-2026-b12", "other-2": "other-2026-c"}.get(name, "shop-2026-b")
    record(home, "shop-2026-a", "shop-2")
    for one in ("shop-2026-b", "shop-2026-b12", "other-2026-c"):
        record(home, one, "stored-name" if one == "shop-2026-b" else "")
    show(server, **{"shop-2": run_row("shop-2026-b"), "stored-name": THREAD})
    ran = await run(*arguments_of(action, name))
    if action == "resume":
        assert (ran.code, "no team 'shop'" in ran.err) == (2, True)
    elif action == "timeline":
        assert (ran.code, ran.err) == (0, f"{meant} has kept nothing of what its time went into\n")
    else:
        assert (ran.code, meant in ran.out) == (0, True)


@pytest.mark.parametrize("action", ["show", "remove"])
async def test_a_name_that_several_runs_may_have_lists_them(
    home: Path, run: Any, action: str
) -> None:
    for one in ("shop-2026-a", "shop-2026-b"):
        record(home, one, "shop")
    for name in ("shop", "shop-2026", "shop-2"):
        ran = await run("runs", action, name)
        assert ran.code == 2
        assert "may be one of 2 runs, say which: " in ran.err
        assert "shop-2026-a" in ran.err
        assert "shop-2026-b" in ran.err


async def test_an_unknown_name_lists_the_last_runs(
    server: FakeServer, home: Path, run: Any
) -> None:
    record(home, "shop-2026-a")
    show(server)
    for name in ("nobody", "several", "", "shop-", "../shop-2026-a"):
        ran = await run("runs", "show", name)
        assert (ran.code, f"there is no run {name!r}" in ran.err) == (2, True)
        assert "shop-2026-a" in ran.err


async def test_a_run_that_is_recorded_elsewhere_is_told(
    server: FakeServer, home: Path, run: Any
) -> None:
    show(server, script=run_row("script-1"))
    ran = await run("runs", "show", "script")
    assert ran.code == 2
    assert "'script' is run:script-1, of which nothing is recorded here" in ran.err
