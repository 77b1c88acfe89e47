"""Tab completion in the shells themselves, each in a terminal, with a server that has threads."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from caching import unavailable
from client.fake_server import FakeServer
from e2e.conftest import PROGRAM, Served
from e2e.terminal import Terminal

from codextui.commands.completion import script
from codextui.config import paths
from codextui.config.files import FileLock
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

SHELLS = ("bash", "zsh", "fish")

HOSTILE = 'it\'s $(touch x) `touch x` "$HOME" ; touch x & > x \\ !1 *?[a]{b,c} ~#=: end'
"""A handle that is dangerous where it is not quoted."""

EVIL = "evil\n$(touch x)\x1b]0;owned\x07"
"""A handle that no line can show."""

THREADS = (
    ThreadInfo("id-1", "backend", ThreadState.RUNNING, brief="%n %F{red} $(touch x) `touch x`: it"),
    ThreadInfo("run:shop-1/tester", "tester", ThreadState.WAITING, kind=ThreadKind.ROLE),
    ThreadInfo("id-2", HOSTILE, ThreadState.IDLE),
    ThreadInfo("evil-id", EVIL, ThreadState.IDLE, brief=EVIL),
)


@dataclass(frozen=True)
class Typed:
    """What a person types before tab, and what the program is then called with."""

    text: str
    arguments: tuple[str, ...]


HOSTILE_CASE = Typed("codextui read it", ("read", HOSTILE))

CASES = (
    Typed("codextui kill-s", ("kill-server",)),
    Typed("codextui --vers", ("--version",)),
    Typed("codextui runs sh", ("runs", "show")),
    Typed("codextui runs timeline --js", ("runs", "timeline", "--json")),
    Typed("codextui read ba", ("read", "backend")),
    Typed("codextui reply te", ("reply", "tester")),
    Typed("codextui -L other read pa", ("-L", "other", "read", "painter")),
    Typed("codextui read -L other pa", ("read", "-L", "other", "painter")),
    Typed("codextui -L o", ("-L", "other")),
    Typed("codextui --config garden.toml run gr", ("--config", "garden.toml", "run", "greenhouse")),
    Typed("codextui --config=gard", ("--config=garden.toml",)),
    Typed("codextui new --sandbox=r", ("new", "--sandbox=read-only")),
    Typed("codextui new -i 'a p", ("new", "-i", "a picture.png")),
    Typed("codextui new -i a\\ p", ("new", "-i", "a picture.png")),
    Typed("codextui set x sandbox=r", ("set", "x", "sandbox=read-only")),
    Typed("X=1 codextui read ba", ("read", "backend")),
    Typed("true && codextui read ba", ("read", "backend")),
    HOSTILE_CASE,
    Typed('codextui read "it', ("read", HOSTILE)),
    Typed("codextui read 'it", ("read", HOSTILE)),
    Typed("codextui read ev", ("read", "evil-id")),
)


@pytest.fixture
def servers(scratch: Path) -> Iterator[FakeServer]:
    """Two servers on a loop in a thread of its own: the terminal's waits block this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def start(name: str, threads: tuple[ThreadInfo, ...]) -> FakeServer:
        server = FakeServer(paths.socket_path(name))
        rows = [info.to_json() for info in threads]
        server.tools["codex-threads"] = lambda _: {"threads": rows}
        asyncio.run_coroutine_threadsafe(server.listen(), loop).result(60)
        return server

    painter = ThreadInfo("id-p", "painter", ThreadState.IDLE)
    started = [start("default", THREADS), start("other", (painter,))]
    lock = FileLock(paths.lock_path("other"))  # by which it is known to run
    assert lock.acquire()
    yield started[0]
    lock.release()
    for server in started:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)
    loop.close()


OpenShell = Callable[..., Terminal]


@pytest.fixture
def folder(scratch: Path) -> Path:
    folder = scratch / "work"
    folder.mkdir()
    (folder / "garden.toml").write_text("[teams.greenhouse]\n")
    (folder / "a picture.png").touch()
    return folder


@pytest.fixture
def open_shell(scratch: Path, folder: Path) -> Iterator[OpenShell]:
    """Opens a shell with the script; its codextui prints its arguments, one after the other."""
    opened: list[Terminal] = []

    def start(shell: str, setup: str = "") -> Terminal:
        if shutil.which(shell) is None:
            raise unavailable(f"{shell} is not installed")
        home = scratch / "home"
        home.mkdir()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {"HOME": str(home), "ZDOTDIR": str(home), "PATH": path, "LC_ALL": "C.UTF-8"}
        command = write_start(shell, home, setup or default_setup(shell))
        opened.append(Terminal(command, env=env, cwd=folder, columns=200))
        opened[-1].wait_for("ready>")
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def default_setup(shell: str) -> str:
    if shell == "fish":
        return "codextui completion fish | source"
    return f'eval "$(codextui completion {shell})"'


def write_start(shell: str, home: Path, setup: str) -> list[str]:
    """Write what the shell reads at its start; return its command line."""
    show = "printf '<%s>' \"$@\""
    match shell:
        case "bash":
            rc = home / "rc"
            rc.write_text(f"{setup}\nPS1='ready> '\ncodextui() {{ {show}; echo; }}\n")
            return ["bash", "--noprofile", "--rcfile", str(rc), "-i"]
        case "zsh":
            text = f"{setup}\nPROMPT='ready> '\ncodextui() {{ {show}; echo; }}\n"
            (home / ".zshrc").write_text(text)
            return ["zsh", "-d", "-i"]
        case _:
            rc = home / "rc"
            prompt = "function fish_prompt; echo 'ready> '; end"
            show = "function codextui; printf '<%s>' $argv; echo; end"
            rc.write_text(f"{setup}\n{prompt}\n{show}\n")
            return ["fish", "--no-config", "-i", "-C", f"source {shlex.quote(str(rc))}"]


def type_and_complete(terminal: Terminal, case: Typed) -> None:
    """Type, press tab, wait until the last word is whole, and run it: what is printed is judged."""
    terminal.press("\x0c", case.text)
    terminal.wait_for(f"ready> {case.text}")
    terminal.press("tab")
    end = case.arguments[-1][-4:]
    terminal.wait_until(lambda: end in terminal.text.split("ready> ")[-1], f"{end!r}")
    terminal.press("enter")
    terminal.wait_for("".join(f"<{argument}>" for argument in case.arguments))


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_typed_is_completed_and_nothing_of_it_is_run(
    servers: FakeServer, open_shell: OpenShell, folder: Path, shell: str
) -> None:
    terminal = open_shell(shell)
    for case in CASES:
        type_and_complete(terminal, case)
    assert sorted(path.name for path in folder.iterdir()) == ["a picture.png", "garden.toml"]
    assert b"owned" not in terminal.raw


@pytest.mark.parametrize("shell", SHELLS)
def test_a_threads_handle_is_completed(
    servers: FakeServer, open_shell: OpenShell, shell: str
) -> None:
    type_and_complete(open_shell(shell), Typed("codextui read ba", ("read", "backend")))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_commands_and_threads_are_explained(
    servers: FakeServer, open_shell: OpenShell, folder: Path, shell: str
) -> None:
    terminal = open_shell(shell)
    terminal.press("codextui re", "tab")
    terminal.wait_for("print what a thread said and did")
    terminal.press("\x15", "codextui read ", "tab")
    terminal.wait_for("codex, running, %n %F{red} $(touch x) `touch x`: it")
    assert not (folder / "x").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_whose_codextui_is_gone_takes_the_one_on_path(
    servers: FakeServer, open_shell: OpenShell, scratch: Path, shell: str
) -> None:
    stale = scratch / "stale"
    stale.write_text(script(shell, [str(scratch / "gone" / "codextui")]))
    terminal = open_shell(shell, f". {stale}" if shell != "fish" else f"source {stale}")
    type_and_complete(terminal, Typed("codextui read ba", ("read", "backend")))


@pytest.mark.parametrize(
    ("shell", "options"),
    [
        ("bash", "set -uo noclobber; shopt -s failglob nullglob nocasematch; IFS=e"),
        ("bash", "set +o history +H -f; shopt -s failglob extglob; export LC_ALL=C"),
        ("zsh", "setopt KSH_ARRAYS SH_WORD_SPLIT NULL_GLOB NO_UNSET GLOB_SUBST; IFS=e"),
        ("zsh", "emulate sh; setopt EXTENDED_GLOB CSH_NULL_GLOB MENU_COMPLETE"),
    ],
)
def test_a_script_does_not_depend_on_the_shells_options(
    servers: FakeServer, open_shell: OpenShell, folder: Path, shell: str, options: str
) -> None:
    terminal = open_shell(shell, f"{default_setup(shell)}\n{options}")
    for case in (Typed("codextui read ba", ("read", "backend")), HOSTILE_CASE):
        type_and_complete(terminal, case)
    assert not (folder / "x").exists()


def test_the_real_server_tells_its_threads(serve_fake: Served, tmp_path: Path) -> None:
    serve_fake.start_thread("build it", handle="builder")
    ran = subprocess.run(
        [*PROGRAM, "complete", "zsh", "codextui", "read", "-L", serve_fake.name, ""],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.splitlines()[1].startswith("builder\tcodex, ")


def test_zsh_loads_the_script_from_its_function_path(
    servers: FakeServer, open_shell: OpenShell, scratch: Path
) -> None:
    functions = scratch / "functions"
    functions.mkdir()
    write = f"codextui completion zsh > {functions}/_codextui"
    setup = f"{write}\nfpath=({functions} $fpath)\nautoload -Uz compinit\ncompinit -u"
    terminal = open_shell("zsh", setup)
    for _ in range(2):  # the first one loads it
        type_and_complete(terminal, Typed("codextui read ba", ("read", "backend")))


def test_fish_loads_the_script_from_its_completions_folder(
    servers: FakeServer, open_shell: OpenShell, scratch: Path
) -> None:
    functions = scratch / "completions"
    functions.mkdir()
    write = f"codextui completion fish > {functions}/codextui.fish"
    terminal = open_shell("fish", f"{write}\nset -p fish_complete_path {functions}")
    type_and_complete(terminal, Typed("codextui read ba", ("read", "backend")))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_finds_no_mistake_in_its_script(shell: str) -> None:
    if shutil.which(shell) is None:
        raise unavailable(f"{shell} is not installed")
    text = script(shell, ["/o'dd pl\\ace/$(x)/codextui"])
    checked = subprocess.run(
        [shell, "-n"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_program_in_a_script_is_quoted(scratch: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        raise unavailable(f"{shell} is not installed")
    odd = scratch / "o'dd \\pl\\\\ace $(touch x)" / "codextui"
    name = "$__codextui_program" if shell == "fish" else '"${_codextui_program[@]}"'
    text = script(shell, [str(odd), "-P"])
    define = "function compdef; true; end" if shell == "fish" else "compdef() { :; }"
    ran = subprocess.run(
        [shell, "-c", f"{define}\n{text}\nprintf '%s\\n' {name}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=scratch,
    )
    assert ran.stdout.splitlines() == [str(odd), "-P"]
    assert not (scratch / "x").exists()
