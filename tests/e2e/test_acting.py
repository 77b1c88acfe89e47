"""The user's editor and shell in the console's terminal, and turns that are sent again."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from e2e.conftest import OpenTerminal, Serve, Served
from e2e.terminal import KEYS, Terminal

from codextui.demo import Say, Script

KEYS.setdefault("ctrl+g", b"\x07")
KEYS.setdefault("ctrl+o", b"\x0f")


def open_console(served: Served, open_terminal: OpenTerminal, said: str, **env: str) -> Terminal:
    terminal = open_terminal("-L", served.name, env={"TMUX": "", **env})
    terminal.wait_for(said)
    terminal.press("1")
    terminal.wait_quiet()
    return terminal


def test_ctrl_g_writes_in_the_users_editor_and_a_paste_runs_no_command(
    serve: Serve, open_terminal: OpenTerminal, scratch: Path
) -> None:
    served = serve(Script().on("from the editor", Say("Read it.")).on("", Say("I am here.")))
    served.start_thread("Say something")
    editor = scratch / "editor"
    editor.write_text('#!/bin/sh\necho EDITING; read line; echo "it is from the editor" > "$1"\n')
    editor.chmod(0o700)
    terminal = open_console(served, open_terminal, "I am here.", VISUAL=str(editor))
    terminal.press("r")
    terminal.wait_for("reply to worker")
    terminal.paste("/kill\n")
    terminal.wait_for("/kill")
    terminal.wait_quiet()
    (thread,) = served.run_all("ps")
    assert thread["state"] == "idle"
    terminal.press("space", *"hello", "ctrl+g")
    terminal.wait_for("EDITING")
    terminal.press("enter")
    terminal.wait_for("from the editor")
    terminal.press("enter")
    terminal.wait_for("Read it.")


def test_a_shell_opens_in_the_folder_and_the_console_returns(
    serve: Serve, open_terminal: OpenTerminal
) -> None:
    served = serve(Script().on("", Say("I am here.")))
    served.start_thread("Say something")
    terminal = open_console(served, open_terminal, "I am here.", SHELL="/bin/sh", PS1="SHELL> ")
    terminal.press("!")
    terminal.wait_for("SHELL>")
    terminal.press("echo in=$PWD", "enter")
    terminal.wait_for(f"in={served.workspace.project}")
    terminal.press("exit 3", "enter")
    terminal.wait_for("I am here.")
    terminal.wait_gone("SHELL>")
    terminal.press("r")
    terminal.wait_for("reply to worker")


def test_an_earlier_prompt_is_edited_and_sent_in_a_fork(
    serve: Serve, open_terminal: OpenTerminal
) -> None:
    script = Script()
    script.on("build it well", Say("Built well."))
    script.on("build it", Say("Built."))
    script.on("plan it anew", Say("Planned anew."))
    script.on("plan it", Say("Planned."))
    served = serve(script)
    source = served.start_thread("plan it")
    terminal = open_console(served, open_terminal, "Planned.")
    terminal.press("r", *"build it", "enter")
    terminal.wait_for("Built.")
    terminal.press("e")
    terminal.wait_for("Edit a prompt of worker")
    terminal.press(*" well", "ctrl+s")
    terminal.wait_for("Built well.")
    threads = served.run_all("ps")
    (fork,) = [one for one in threads if one["handle"] != "worker"]
    assert fork["forked_from"] == source["thread"]["thread_id"]
    terminal.press("e")
    terminal.wait_for("Edit a prompt of worker-fork")
    terminal.press("shift+tab", "up", "enter", *" anew", "ctrl+s")
    terminal.wait_for("Planned anew.")
    threads = served.run_all("ps")
    (new,) = [one for one in threads if not one["handle"].startswith("worker")]
    assert not new["forked_from"]
    assert new["sandbox"] == "workspace-write"
    assert new["cwd"] == fork["cwd"]


def test_all_that_the_end_of_codex_cut_off_goes_on(
    serve: Serve, open_terminal: OpenTerminal
) -> None:
    script = Script()
    script.on("was cut off", Say("I went on."), repeat=True)
    script.on("talk", Say("Word after word", gate=asyncio.Event(), open_deltas=2), repeat=True)
    served = serve(script)
    served.start_thread("talk", handle="one")
    served.start_thread("talk", handle="two")
    terminal = open_console(served, open_terminal, "Word after")
    (codex,) = app_servers(served)
    os.kill(codex, signal.SIGKILL)
    terminal.wait_until(lambda: terminal.text.count("lost") >= 2, "two turns to be lost")
    terminal.press("ctrl+o")
    terminal.wait_for("Go on with 2 turns that a crash cut off?")
    assert "one" in terminal.text
    assert "two" in terminal.text
    terminal.press("y")
    terminal.wait_until(lambda: terminal.text.count("I went on.") >= 2, "both to go on")


def app_servers(served: Served) -> list[int]:
    """Return the ids of the processes that are the server's Codex."""
    mark = f"CODEX_HOME={served.workspace.codex_home}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"app-server" in words and mark in environment:
            found.append(int(process.name))
    return found
