"""Machines with one thing wrong: it is found and named, and nothing else is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from doctor.conftest import FREE, LOGGED_OUT, Stage, worse

from codextui.commands.parser import build_parser
from codextui.config import paths
from codextui.config.files import FileLock
from codextui.doctor import folders, provider, sandbox
from codextui.server.store.migrations import MIGRATIONS, migrate

TEAM = """\
[teams.shop]
[teams.shop.roles.planner]
instructions = "Plan."
{planner}
handoffs = ["tester"]
produces = ["PLAN.md"]
[teams.shop.roles.tester]
instructions = "Test."
about = "tests what the planner planned"
{tester}
handoffs = ["planner"]
requires = ["PLAN.md"]
"""
FULL = 'sandbox = "danger-full-access"'


class Broken(NamedTuple):
    """A broken machine.

    Attributes:
        breaks: breaks it.
        finds: the severities of what has to be found, by check.
        says: what has to be in the text.
    """

    breaks: Callable[[Stage], object]
    finds: dict[str, str]
    says: str


def remove_codex(stage: Stage) -> None:
    (stage.bin / "codex").unlink()


def break_codex_on_path(stage: Stage) -> None:
    other = stage.home / "other" / "codex"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    stage.setenv(PATH=f"{os.environ['PATH']}:{other.parent}")


def configure_script_without_program(stage: Stage) -> None:
    path = stage.write_program("mine", "")
    path.write_text("#!/nowhere/node\n")
    stage.write_config(f'[codex]\nbinary = "{path}"\n')


def remove_bubblewrap(stage: Stage) -> None:
    (stage.bin / "bwrap").unlink()
    stage.write_codex(sandbox="exit 1")


def forbid_namespaces(setting: str, value: str) -> Callable[[Stage], None]:
    def forbid(stage: Stage) -> None:
        path = stage.home / "sys" / setting
        path.parent.mkdir(parents=True)
        path.write_text(f"{value}\n")
        stage.monkeypatch.setattr(sandbox, "_KERNEL", stage.home / "sys")
        stage.write_codex(sandbox='echo "bwrap: No permissions to create a new namespace" >&2')

    return forbid


def own_provider(stage: Stage, more: str = "", url: str = "") -> None:
    stage.write_codex_config(
        'model_provider = "mine"\n[model_providers.mine]\nname = "mine"\n'
        f'base_url = "{url or stage.provider}"\n{more}'
    )


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def leave_socket(stage: Stage) -> None:
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(stage.runtime / "default.sock"))


def hold_lock(stage: Stage) -> None:
    lock = FileLock(stage.runtime / "default.lock")
    assert lock.acquire()
    stage.monkeypatch.setattr(stage, "held", lock, raising=False)


def write_journal(stage: Stage) -> Path:
    path = stage.state / "default.sqlite"
    migrate(path)
    return path


def write_newer_journal(stage: Stage) -> None:
    with closing(sqlite3.connect(write_journal(stage))) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


def damage_journal(stage: Stage) -> None:
    path = write_journal(stage)
    data = bytearray(path.read_bytes())
    data[4096:8192] = os.urandom(4096)
    path.write_bytes(data)


def write_other_database(stage: Stage) -> None:
    with closing(sqlite3.connect(write_journal(stage))) as database:
        database.execute("DROP TABLE approvals")


def write_text(name: str, text: str, mode: int = 0o600) -> Callable[[Stage], None]:
    def write(stage: Stage) -> None:
        path = stage.state / name
        path.write_text(text)
        path.chmod(mode)

    return write


def leave_temporary_file(stage: Stage) -> None:
    path = stage.config.parent / ".config.toml.abcd1234"
    path.touch()
    os.utime(path, (0, time.time() - 2 * folders.LEFTOVER_AGE_S))


def leave_part_of_a_run(stage: Stage) -> None:
    run = stage.state / "runs" / "shop-1"
    run.mkdir(parents=True, mode=0o700)
    (stage.state / "runs").chmod(0o700)
    path = run / ".spent.1a2b3c4d"
    path.touch()
    os.utime(path, (0, time.time() - 2 * folders.LEFTOVER_AGE_S))


def leave_demo(stage: Stage) -> None:
    path = paths.cache_dir() / "codex-home-x1y2z3"
    path.mkdir(parents=True)
    os.utime(path, (0, time.time() - 2 * folders.LEFTOVER_AGE_S))


def open_runs(stage: Stage) -> None:
    (stage.state / "runs").mkdir()
    (stage.state / "runs").chmod(0o755)


def fill_disk(stage: Stage) -> None:
    stage.monkeypatch.setattr(folders, "LOW_BYTES", 2 * folders.FULL_BYTES)
    usage = shutil.disk_usage(stage.home)._replace(free=folders.FULL_BYTES - 1)
    stage.monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


def keep_old_runs(stage: Stage) -> None:
    (stage.state / "runs").mkdir(mode=0o700)
    for number in range(30):
        run = stage.state / "runs" / f"shop-{number}"
        run.mkdir(parents=True)
        (run / "traces.jsonl").write_text("{}\n" * 1000)
        os.utime(run / "traces.jsonl", (0, time.time() - 90 * 86_400))


def note_daemon(stage: Stage) -> None:
    folder = stage.codex_home / "app-server-daemon"
    folder.mkdir()
    (folder / "daemon.pid").touch()


def old_entry(stage: Stage) -> None:
    servers = {"codex": {"command": "codex", "args": ["mcp-server"]}}
    (stage.project / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))


def errors_in_log(stage: Stage) -> None:
    at = time.strftime("%Y-%m-%d %H:%M:%S")
    lines = (f"{at},001 INFO it listens", f"{at},002 ERROR the disk is on fire", f"{at},3 INFO x")
    write_text("default.log", "\n".join(lines))(stage)


def make_folder_of_socket(stage: Stage) -> None:
    (stage.runtime / "default.sock").mkdir()


MACHINES: dict[str, Broken] = {
    "without a Codex": Broken(
        remove_codex, {"codex.binary": "problem"}, "No usable Codex was found"
    ),
    "with a Codex that is too old": Broken(
        lambda stage: stage.write_codex("0.99.0"), {"codex.binary": "problem"}, "too old"
    ),
    "with a Codex that is newer than the tested ones": Broken(
        lambda stage: stage.write_codex("0.999.0"), {"codex.binary": "advice"}, "0.999.0"
    ),
    "with a configured Codex that hangs up": Broken(
        lambda stage: stage.write_config(
            f'[codex]\nbinary = "{stage.write_program("mine", "exit 1")}"\n'
        ),
        {"codex.binary": "problem"},
        "config.toml:2",
    ),
    "with a configured Codex whose Node is gone": Broken(
        configure_script_without_program,
        {"codex.binary": "problem"},
        "the program that its first line names is missing",
    ),
    "with another Codex on PATH that does not run": Broken(
        break_codex_on_path, {"codex.passed-over": "advice"}, "other/codex does not say its version"
    ),
    "where Codex's configuration is no TOML": Broken(
        lambda stage: stage.write_codex_config('model = "x"\nsandbox_mode = \n'),
        {"codex.config": "problem"},
        "codex/config.toml:2",
    ),
    "where Codex is not logged in": Broken(
        lambda stage: stage.write_codex(login=LOGGED_OUT),
        {"codex.login": "problem"},
        "type: codex login",
    ),
    "where the provider's key is not set": Broken(
        lambda stage: own_provider(stage, 'env_key = "MINE_KEY"'),
        {"codex.login": "problem"},
        "MINE_KEY, which is not set",
    ),
    "where the provider cannot be reached": Broken(
        lambda stage: own_provider(stage, url=f"http://127.0.0.1:{closed_port()}/v1"),
        {"codex.provider": "problem"},
        "cannot be reached at http://127.0.0.1:",
    ),
    "where OPENAI_BASE_URL leads Codex nowhere": Broken(
        lambda stage: (
            stage.write_codex_config('model = "x"\n'),
            stage.setenv(
                OPENAI_BASE_URL=stage.provider, HTTPS_PROXY=f"http://127.0.0.1:{closed_port()}"
            ),
        ),
        {"codex.base-url": "advice", "codex.provider": "problem"},
        "Codex does not read it",
    ),
    "where no command runs in the sandbox": Broken(
        lambda stage: stage.write_codex(
            sandbox='echo "bwrap: setting up uid map: Permission denied" >&2; exit 1'
        ),
        {"codex.sandbox": "problem"},
        "bwrap: setting up uid map: Permission denied",
    ),
    "where the kernel forbids user namespaces": Broken(
        forbid_namespaces("user/max_user_namespaces", "0"),
        {"codex.sandbox": "problem"},
        "type: sudo sysctl -w user.max_user_namespaces=15000",
    ),
    "where AppArmor forbids user namespaces": Broken(
        forbid_namespaces("kernel/apparmor_restrict_unprivileged_userns", "1"),
        {"codex.sandbox": "problem"},
        "sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict",
    ),
    "without bubblewrap": Broken(
        remove_bubblewrap,
        {"codex.sandbox": "problem", "codex.bubblewrap": "problem"},
        "Install bubblewrap",
    ),
    "where the sandbox confines nothing": Broken(
        lambda stage: stage.write_codex(sandbox=FREE),
        {"codex.sandbox": "problem"},
        "confines nothing",
    ),
    "where Codex's daemon has crashed": Broken(
        note_daemon, {"codex.daemon": "advice"}, "codex app-server daemon start"
    ),
    "where nobody listens at the address of [codex] attach": Broken(
        lambda stage: stage.write_config('[codex]\nattach = "unix:///nowhere.sock"\n'),
        {"codex.daemon": "problem"},
        "unix:///nowhere.sock",
    ),
    "with a stale socket": Broken(leave_socket, {"server.socket": "advice"}, "default.sock"),
    "with a server that does not listen": Broken(
        hold_lock, {"server.running": "problem"}, f"type: kill {os.getpid()}"
    ),
    "with a runtime folder that is open to others": Broken(
        lambda stage: stage.runtime.chmod(0o755),
        {"folders.runtime": "problem"},
        "type: chmod 700 /tmp/ct-",
    ),
    "where XDG_RUNTIME_DIR does not exist": Broken(
        lambda stage: shutil.rmtree(stage.runtime.parent),
        {"folders.runtime": "problem"},
        "XDG_RUNTIME_DIR",
    ),
    "with a link in place of the state folder": Broken(
        lambda stage: (stage.state.rmdir(), stage.state.symlink_to(stage.home)),
        {"folders.state": "problem"},
        "not a link",
    ),
    "where the state folder cannot be made": Broken(
        lambda stage: stage.setenv(XDG_STATE_HOME="/dev/null"),
        {"folders.state": "problem"},
        "Set XDG_STATE_HOME",
    ),
    "with a journal that others can read": Broken(
        lambda stage: write_journal(stage).chmod(0o644),
        {"folders.files": "problem"},
        "default.sqlite can be read by other users",
    ),
    "with a token that others can read": Broken(
        write_text("default.token", "x", 0o640),
        {"folders.files": "problem"},
        "default.token can be read by other users",
    ),
    "with what a killed process left": Broken(
        leave_temporary_file, {"folders.leftovers": "advice"}, ".config.toml.abcd1234"
    ),
    "with what a killed run left": Broken(
        leave_part_of_a_run, {"folders.leftovers": "advice"}, ".spent.1a2b3c4d"
    ),
    "with what a killed demo left": Broken(
        leave_demo, {"folders.leftovers": "advice"}, "type: rm -r /"
    ),
    "with runs that others can read": Broken(
        open_runs, {"folders.files": "problem"}, "runs is open to other users (mode 0755)"
    ),
    "with a full disk": Broken(fill_disk, {"folders.disk": "problem"}, "only 16 MB left"),
    "with the journal of a newer codextui": Broken(
        write_newer_journal, {"journal": "problem"}, "of a newer codextui"
    ),
    "with a damaged journal": Broken(
        damage_journal, {"journal": "problem"}, "the journal cannot be used"
    ),
    "with a folder in place of the socket": Broken(
        make_folder_of_socket, {"server.socket": "problem"}, "a folder that is no socket"
    ),
    "with a journal that lacks a table": Broken(
        write_other_database, {"journal": "problem"}, "it has no table approvals"
    ),
    "with something else in place of the journal": Broken(
        write_text("default.sqlite", "no database " * 100),
        {"journal": "problem"},
        "file is not a database",
    ),
    "with an emptied journal": Broken(
        write_text("default.sqlite", ""), {"journal": "problem"}, "is an empty file"
    ),
    "with an error in the server's log": Broken(
        errors_in_log, {"server.log": "advice"}, "default.log:2"
    ),
    "with a setting that has no effect": Broken(
        lambda stage: stage.write_config('[codex]\ntoken_env = "MINE"\n'),
        {"config.file": "advice"},
        "only used where attach is a ws:// address",
    ),
    "with a mistake in the configuration": Broken(
        lambda stage: stage.write_config("# mine\n\n[ui]\nlayuot = 3\n"),
        {"config.file": "problem"},
        "config.toml:4",
    ),
    "with a mistake in a team": Broken(
        lambda stage: stage.write_config(TEAM.format(planner='sandbox = "nine"', tester="")),
        {"config.file": "problem"},
        "config.toml:4",
    ),
    "with a configuration that is no TOML": Broken(
        lambda stage: stage.write_config("[ui]\nlayout = \n"),
        {"config.file": "problem"},
        "config.toml:2",
    ),
    "with an old entry of a client": Broken(
        old_entry,
        {"clients.old-entry": "problem"},
        "type: codextui setup claude-code --name codex --project --write",
    ),
    "with a team that may do anything": Broken(
        lambda stage: stage.write_config(TEAM.format(planner=FULL, tester=FULL)),
        {"teams.advice": "advice", "teams.provider": "advice"},
        "every role has danger-full-access",
    ),
    "with a tester that writes": Broken(
        lambda stage: stage.write_config(
            TEAM.format(planner='sandbox = "workspace-write"', tester='sandbox = "workspace-write"')
        ),
        {"teams.advice": "advice", "teams.provider": "advice"},
        "tester checks what others make and may change it",
    ),
    "where old runs are kept": Broken(
        keep_old_runs, {"traces.kept": "advice"}, "type: codextui runs remove shop-"
    ),
    "where traces go nowhere": Broken(
        lambda stage: stage.write_config(
            f'[traces]\nexport = "otlp"\nendpoint = "http://127.0.0.1:{closed_port()}/v1"\n'
        ),
        {"traces.export": "problem"},
        "config.toml:2",
    ),
    "without a kind of terminal": Broken(
        lambda stage: stage.unset("TERM"), {"terminal.type": "advice"}, "TERM is not set"
    ),
    "with few colours": Broken(
        lambda stage: (stage.unset("COLORTERM"), stage.setenv(TERM="vt100")),
        {"terminal.colours": "advice"},
        "export COLORTERM=truecolor",
    ),
    "with a locale that is not of UTF-8": Broken(
        lambda stage: stage.setenv(LC_ALL="de_DE.ISO-8859-1"),
        {"terminal.locale": "problem"},
        "type: export LC_ALL=C.UTF-8",
    ),
    "with the locale C": Broken(
        lambda stage: stage.setenv(LC_ALL="C"), {"terminal.locale": "advice"}, "LC_ALL=C"
    ),
}


async def test_in_the_sandbox_of_codex_itself_what_it_forbids_is_not_tried(
    stage: Stage, examine: Any
) -> None:
    stage.setenv(CODEX_SANDBOX_NETWORK_DISABLED="1")
    own_provider(stage, url=f"http://127.0.0.1:{closed_port()}/v1")
    stage.write_codex(sandbox="exit 1")
    code, findings = await examine()
    assert (code, worse(findings)) == (0, {"process.sandbox": "advice"})
    assert findings[0]["check"] == "process.sandbox"


@pytest.mark.parametrize("name", ["ollama", "amazon-bedrock"])
async def test_other_providers_that_codex_knows_need_no_login_of_openai(
    stage: Stage, examine: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_LOCAL", {"ollama": stage.provider})
    stage.write_codex(login=LOGGED_OUT)
    stage.write_codex_config(f'model_provider = "{name}"\n')
    assert worse((await examine())[1]) == {}


async def test_a_path_too_long_for_a_socket_is_told_and_the_other_place_is_checked(
    stage: Stage, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = stage.home / ("long" * 30)
    long.mkdir(mode=0o700)
    (long / "codextui").mkdir(mode=0o700)
    temporary = stage.runtime.parent / f"codextui-{os.getuid()}"
    monkeypatch.setattr(paths, "_TEMPORARY", stage.runtime.parent)
    stage.setenv(XDG_RUNTIME_DIR=long)
    code, findings = await examine()
    assert (code, worse(findings)) == (0, {})
    assert any("too long for a socket" in one["found"] for one in findings)
    temporary.mkdir(mode=0o755)
    code, findings = await examine()
    assert (code, worse(findings)) == (1, {"folders.runtime": "problem"})
    assert (await examine("--fix"))[0] == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a folder away")
async def test_a_folder_of_another_user_is_named_and_left_alone(stage: Stage, examine: Any) -> None:
    os.chown(stage.state, 12345, 12345)
    code, findings = await examine("--fix")
    assert (code, worse(findings)) == (1, {"folders.state": "problem"})
    assert stage.state.stat().st_uid == 12345


async def test_on_a_healthy_machine_nothing_is_found(examine: Any, examine_text: Any) -> None:
    code, findings = await examine()
    assert (code, worse(findings)) == (0, {})
    assert len(findings) > 15
    text = await examine_text()
    assert text.code == 0
    assert text.lines[-1].startswith("0 problems, 0 pieces of advice")


@pytest.mark.parametrize("name", MACHINES)
async def test_what_is_wrong_is_named_and_nothing_else(
    name: str, stage: Stage, examine: Any, examine_text: Any
) -> None:
    machine = MACHINES[name]
    machine.breaks(stage)
    code, findings = await examine()
    assert worse(findings) == machine.finds
    is_bad = "problem" in machine.finds.values()
    assert code == (1 if is_bad else 0)
    bad = [one for one in findings if one["severity"] != "ok"]
    assert all(one["advice"] or one["command"] for one in bad), "what is to be done is missing"
    text = await examine_text()
    assert text.code == code
    assert machine.says in text.out
    for one in bad:
        assert f"{one['severity']:9}{one['check']}: " in text.out
        for command in our_commands(one):
            build_parser().parse_args(command)


def our_commands(finding: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the arguments of every command of ours that a finding names."""
    named = re.findall(r"`(codextui [^`]+)`", f"{finding['found']} {finding['advice']}")
    for line in [*named, *finding["command"].split(" && ")]:
        words = shlex.split(line)
        if words and Path(words[0]).name == "codextui":
            yield words[1:]


@pytest.mark.parametrize("name", MACHINES)
async def test_looking_changes_nothing(name: str, stage: Stage, examine: Any) -> None:
    MACHINES[name].breaks(stage)
    before = stage.contents
    await examine()
    assert stage.contents == before
