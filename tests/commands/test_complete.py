"""What tab completion offers, whatever the shell."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import EVIL, ROLE, RUN, THREAD, approval, offer
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.commands import completion_values
from codextui.commands.completion_place import find_place
from codextui.commands.completion_values import find_source
from codextui.commands.parser import build_parser
from codextui.config import paths
from codextui.config.files import FileLock
from codextui.errors import ServerRefused
from codextui.protocol.approvals import CommandAsked
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.records.store import RunStore

HOSTILE = "it's $(touch x) `touch x` \"; touch x #"
"""A handle that is dangerous where it is not quoted."""


@pytest.fixture
def offered(run: Any) -> Any:
    """What is offered in zsh after these words, without what is said about it."""

    async def offered(*words: str) -> list[str]:
        result = await run("complete", "zsh", "codextui", *words)
        assert result.code == 0
        assert result.err == ""
        return [line.partition("\t")[0] for line in result.lines[1:]]

    return offered


@pytest.fixture
def threads(server: FakeServer) -> list[Frame]:
    role = msgspec.structs.replace(ROLE, handle="tester")
    rows = [info.to_json() for info in (THREAD, RUN, role)]
    server.tools["codex-threads"] = lambda _: {"threads": rows}
    return rows


def add_thread(rows: list[Frame], handle: str, thread_id: str) -> None:
    rows.append(ThreadInfo(thread_id, handle, ThreadState.IDLE).to_json())


def arguments(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.Action]]:
    """Everything that takes a value, with the words of its command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from arguments(command, (*path, name))
        elif action.nargs != 0:
            yield path, action


def test_every_argument_is_completed_or_said_to_be_free_text() -> None:
    unknown = [
        f"{' '.join(path)}: {action.metavar or action.dest} (option {action.option_strings})"
        for path, action in arguments(build_parser())
        if action.choices is None and find_source(path, action) is None
    ]
    assert not unknown, "say in codextui/commands/completion_values.py what completes these"


def test_no_source_of_values_is_left_from_an_argument_that_is_gone() -> None:
    known = set()
    for path, action in arguments(build_parser()):
        name = action.metavar or action.dest.upper()
        known |= {name, action.dest, " ".join((*path, str(name)))}
    assert set(completion_values._SOURCES) - known == set()


async def test_commands_are_offered_and_hidden_ones_are_not(offered: Any) -> None:
    found = await offered("")
    assert {"ps", "read", "runs", "completion"} <= set(found)
    assert "complete" not in found


def commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command, with its words."""
    yield path, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from commands(command, (*path, name))


def test_every_option_that_is_shown_is_offered_after_its_command() -> None:
    parser = build_parser()
    for path, command in commands(parser):
        if path == ("complete",):  # takes all that follows
            continue
        shown = {
            option
            for action in command._actions
            if action.help != argparse.SUPPRESS
            for option in action.option_strings
        }
        place = find_place(parser, path, "-")
        assert (place.path, set(place.options)) == (path, shown)
        assert "%(" not in "".join(place.options.values())


def option_names(parser: argparse.ArgumentParser) -> set[str]:
    return set(parser._option_string_actions)


COMMANDS = tuple(commands(build_parser()))
ODD = ("", "-", "--", "---", "-=", "--=", "--config=", "--c", "-Lx", "-hL", "a b", "x=y", "\ud800")
WORDS = (
    st.sampled_from(sorted({word for path, _ in COMMANDS for word in path}))
    | st.sampled_from(sorted({name for _, found in COMMANDS for name in option_names(found)}))
    | st.sampled_from(ODD)
    | st.text(max_size=5)
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=6), WORDS)
def test_no_line_is_too_odd_to_complete(words: list[str], current: str) -> None:
    place = find_place(build_parser(), words, current)
    assert current.startswith(place.head)
    assert set(place.path) <= set(words)


@pytest.mark.parametrize(
    ("words", "there", "not_there"),
    [
        (("runs", ""), {"show", "export"}, {"--json"}),
        (("runs", "show", "-"), {"--json", "--config"}, {"show", "--wait"}),
        (("teams", "check", "-"), {"--json", "-L"}, set()),
        (("teams", ""), {"check"}, set()),
        (("ps", "--json", "-"), {"--all"}, {"--json"}),
        (("approve", "a7", "--session", "-"), {"--json"}, {"--always", "--session"}),
        (("new", "-i", "x.png", "-"), {"-i", "--image"}, set()),
        (("new", "--sandbox", ""), {"read-only"}, {"--json"}),
        (("new", "--sandbox=r"), {"read-only"}, {"--json"}),
        (("new", "-s"), {"-s"}, set()),
        (("new", "-sr"), {"read-only"}, set()),
        (("new", "--sand", ""), {"read-only"}, set()),
        (("new", "prompt", ""), {"--wait"}, set()),
        (("new", "--handle", ""), set(), {"--wait", "read-only"}),
        (("setup", ""), {"claude-code", "vscode"}, set()),
        (("setup", "--user", "-"), {"--write"}, {"--project", "--user"}),
        (("completion", ""), {"bash", "zsh", "fish"}, set()),
        (("set", "x", ""), {"sandbox=read-only", "effort=", "budget="}, set()),
        (("queue", "x", "--edit", "1", ""), set(), {"--json"}),
        (("queue", "x", "--edit", "1", "text", "-"), {"--json"}, {"--edit"}),
        (("new", "--", "-"), set(), {"--json"}),
        (("no-such-command", ""), set(), {"ps", "--json"}),
        (("no-such-command", "-"), set(), {"ps", "--json"}),
        (("mcp-server", "--n"), set(), {"--no-events"}),
    ],
)
async def test_options_actions_and_choices_of_each_command(
    offered: Any, words: tuple[str, ...], there: set[str], not_there: set[str]
) -> None:
    found = set(await offered(*words))
    assert there <= found
    assert not found & not_there


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("--config", ""), "files 0"),
        (("--config=x",), "files 9"),
        (("new", "-i", ""), "files 0"),
        (("new", "-C", ""), "folders 0"),
        (("new", "-Cx"), "folders 2"),
        (("runs", "export", "run", ""), "files 0"),
    ],
)
async def test_files_and_folders_are_left_to_the_shell(
    run: Any, words: tuple[str, ...], first: str
) -> None:
    result = await run("complete", "fish", "codextui", *words)
    assert result.lines[0] == first


async def test_the_file_of_a_redirection_is_left_to_bash(run: Any) -> None:
    assert (await run("complete", "bash", "codextui ps > ", " =")).lines == ["files 0"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_an_empty_line_offers_the_commands(run: Any, shell: str) -> None:
    assert any(line.startswith("ps") for line in (await run("complete", shell)).lines)


async def test_a_value_that_goes_on_gets_no_blank_in_bash(run: Any) -> None:
    result = await run("complete", "bash", "codextui set x eff", " =:")
    assert result.lines == ["nospace 0", "effort="]


async def test_threads_runs_and_roles_are_offered_with_what_they_do(
    threads: list[Frame], run: Any
) -> None:
    for shell in ("zsh", "fish"):
        result = await run("complete", shell, "codextui", "reply", "")
        assert result.lines[1:] == [
            "backend\tcodex, running, build it",
            "bugs\trun, running",
            "tester\trole, done",
        ]


@pytest.mark.parametrize("command", ["read", "reply", "steer", "interrupt", "set", "queue", "open"])
async def test_live_threads_are_offered_where_a_thread_is_taken(
    threads: list[Frame], offered: Any, command: str
) -> None:
    assert await offered(command, "") == ["backend", "bugs", "tester"]
    assert await offered("search", "--thread", "") == ["backend", "bugs", "tester"]


async def test_a_hostile_handle_is_quoted_for_bash(threads: list[Frame], run: Any) -> None:
    add_thread(threads, HOSTILE, "id-1")
    result = await run("complete", "bash", "codextui read it", " =:")
    assert result.lines[1:] == [
        r"it\'s\ \$\(touch\ x\)\ \`touch\ x\`\ \"\;\ touch\ x\ \#",
    ]


@pytest.mark.parametrize(
    "handle",
    [
        EVIL,
        "two\nlines",
        "nul\0",
        "tab\tstop",
        "--option",
        "-L",
        "\u200bzero",
        "a" * 300,
        "",
    ],
)
@pytest.mark.parametrize("shell", ["zsh", "fish"])
async def test_a_handle_that_cannot_be_shown_as_it_is_gives_way_to_the_id(
    threads: list[Frame], run: Any, handle: str, shell: str
) -> None:
    threads.clear()
    add_thread(threads, handle, "id-1")
    result = await run("complete", shell, "codextui", "read", "")
    assert result.lines == ["values 0", "id-1\tcodex, idle"]


async def test_what_is_said_of_a_value_is_one_safe_line(threads: list[Frame], run: Any) -> None:
    threads[:] = [ThreadInfo("i", "odd", ThreadState.IDLE, brief=f"{EVIL}\n\t{EVIL}").to_json()]
    result = await run("complete", "zsh", "codextui", "read", "")
    assert len(result.lines) == 2
    assert result.lines[1].count("\t") == 1
    assert not {"\x1b", "\x9b", "\u202e"} & set(result.out)


async def test_approvals_are_offered_with_what_they_ask(server: FakeServer, run: Any) -> None:
    offer(server, approval(CommandAsked("make test", "/work"), "a7"))
    result = await run("complete", "fish", "codextui", "approve", "")
    assert result.lines[1].startswith("a7\tbackend: command: make test")


async def test_decisions_are_offered_where_one_is_shown(server: FakeServer, offered: Any) -> None:
    row = {"approval_id": "a3", "outcome": "declined", "by": "console"}
    server.tools["codex-decisions"] = lambda _: {"decisions": [row], "cursor": ""}
    assert await offered("decisions", "--show", "") == ["a3"]


async def test_closed_threads_are_offered_where_one_is_taken_up(
    threads: list[Frame], server: FakeServer, offered: Any
) -> None:
    threads.append(ThreadInfo("id-k", "killed", ThreadState.KILLED).to_json())
    row = {"thread_id": "on-disk", "brief": "old"}
    server.tools["codex-history"] = lambda asked: {"threads": [] if asked["archived"] else [row]}
    assert await offered("resume", "") == ["killed", "on-disk"]
    assert await offered("unarchive", "") == []


async def test_killed_threads_are_offered_also_where_codex_does_not_work(
    threads: list[Frame], server: FakeServer, offered: Any
) -> None:
    def refuse(_: Frame) -> Frame:
        raise ServerRefused("Codex does not work")

    threads.append(ThreadInfo("id-k", "killed", ThreadState.KILLED).to_json())
    server.tools["codex-history"] = refuse
    assert await offered("resume", "") == ["killed"]


async def test_threads_of_others_are_offered_where_one_is_taken_over(
    threads: list[Frame], offered: Any
) -> None:
    threads.append(ThreadInfo("id-other", "o", ThreadState.IDLE, ours=False).to_json())
    assert await offered("adopt", "") == ["id-other"]


@pytest.mark.parametrize("words", [("runs", "show"), ("runs", "remove"), ("run", "--resume")])
async def test_kept_runs_are_offered_with_their_tasks(
    home: Path, run: Any, words: tuple[str, ...]
) -> None:
    store, odd = RunStore.create("shop"), RunStore.create("odd")
    store.write("run", {"task": "Add a\nwish list"})
    odd.write("run", {"task": 3})
    result = await run("complete", "zsh", "codextui", *words, "")
    assert set(result.lines[1:]) == {f"{store.run_id}\tAdd a ␊ wish list", f"{odd.run_id}\t"}


async def test_the_teams_of_the_configuration_are_offered(
    home: Path, tmp_path: Path, offered: Any
) -> None:
    user, other = paths.config_path(), tmp_path / "other.toml"
    user.parent.mkdir(parents=True)
    # The rest of the file may be wrong.
    user.write_text('[ui]\nnonsense = 1\n[teams.shop]\n[teams."it\'s $(x)"]\n[teams."a\\nb"]\n')
    other.write_text("[teams.garden]\n")
    assert await offered("run", "") == ["shop", "it's $(x)"]
    assert await offered("teams", "check", "") == ["shop", "it's $(x)"]
    assert await offered("--config", str(other), "run", "") == ["garden"]
    assert await offered("teams", "check", f"--config={other}", "") == ["garden"]
    for odd in ("teams = 3", "[teams]\nshop = 3", "[teams.shop]\nroles = [1]"):
        other.write_text(odd)
        assert await offered("--config", str(other), "run", "") in ([], ["shop"])
    other.write_text("[teams\n")
    assert await offered("run", "--config", str(other), "") == []
    assert await offered("run", "--config", str(tmp_path / "none"), "") == []


async def test_the_servers_that_run_are_offered(home: Path, offered: Any) -> None:
    lock = FileLock(paths.lock_path("work"))
    assert lock.acquire()
    paths.lock_path("ended").touch()
    assert await offered("-L", "") == ["work"]
    assert await offered("ps", "-L", "") == ["work"]
    lock.release()


async def test_the_server_that_the_line_names_is_asked(threads: list[Frame], offered: Any) -> None:
    async with FakeServer(paths.socket_path("work")) as other:
        rows = [ThreadInfo("id-w", "painter", ThreadState.IDLE).to_json()]
        other.tools["codex-threads"] = lambda _: {"threads": rows}
        assert await offered("-L", "work", "read", "") == ["painter"]
        assert await offered("read", "-L", "work", "") == ["painter"]
        assert await offered("read", "-Lwork", "") == ["painter"]
        assert await offered("-L", "../work", "read", "") == []


async def test_without_a_server_nothing_is_offered_and_none_is_started(
    home: Path, offered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(*_: object, **__: object) -> Path:
        raise AssertionError("a server was started")

    monkeypatch.setattr("codextui.client.spawn.ensure_server", start)
    for words in (("read",), ("approve",), ("resume",), ("unarchive",), ("adopt",)):
        assert await offered(*words, "") == []
    assert list(paths.runtime_dir().iterdir()) == []


async def test_a_server_that_does_not_answer_is_given_up(
    server: FakeServer, offered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion_values, "CALL_S", 0.05)
    server.deaf = True
    async with asyncio.timeout(30):
        assert await offered("read", "") == []


async def test_a_server_that_refuses_or_says_nonsense_offers_nothing(
    server: FakeServer, offered: Any
) -> None:
    assert await offered("read", "") == []
    server.tools["codex-threads"] = lambda _: {"threads": [{"handle": 3}]}
    assert await offered("read", "") == []
    server.tools["codex-threads"] = lambda _: {"threads": "none"}
    assert await offered("read", "") == []
