"""Codex's own programs and ours on one app-server, each in its terminal."""

from __future__ import annotations

import asyncio
import json

import pytest
from e2e.codex_programs import DIALOG, READY, CodexPrograms, answer_yes, type_prompt
from e2e.conftest import OpenTerminal, OurServer, ServeOn, StartPrograms

from codextui.demo import Run, Say, Script


def asking(programs: CodexPrograms, name: str) -> Run:
    """A command for which Codex has to ask."""
    return Run(f"touch {programs.outside / name}", escalate=True, justification=f"It makes {name}.")


def start_ours(server: OurServer, programs: CodexPrograms, prompt: str) -> str:
    options = ("--handle", "worker", "-C", str(programs.workspace))
    (started,) = server.run("new", prompt, *options, "-s", "workspace-write", "-a", "on-request")
    return str(started["thread"]["thread_id"])


def test_an_approval_of_our_thread_is_answered_in_codexs_own_screen_or_in_our_console(
    start_programs: StartPrograms, serve_on: ServeOn, open_terminal: OpenTerminal
):
    script = Script()
    programs = start_programs(script)
    script.on("make one", asking(programs, "one"), Say("One is made."))
    script.on("make two", asking(programs, "two"), Say("Two is made."))
    programs.start_app_server()
    server = serve_on(programs)
    thread = start_ours(server, programs, "Please make one")
    console = open_terminal("-L", server.name)
    console.wait_for("worker asks to run a command")
    screen = programs.open_screen("resume", thread)
    screen.wait_for(DIALOG)

    answer_yes(screen)
    console.wait_gone("asks to run a command")
    print(console.text)
    console.wait_for("answered in another program")
    screen.wait_for("One is made.")
    console.wait_for("One is made.")
    assert (programs.outside / "one").exists()

    type_prompt(screen, "Now make two")
    screen.wait_for(DIALOG)
    console.wait_for("worker asks to run a command")
    console.wait_for("keys ready")
    console.press("y")
    screen.wait_gone(DIALOG)
    screen.wait_for("Two is made.")
    console.wait_for("Two is made.")
    assert (programs.outside / "two").exists()


@pytest.mark.slow
def test_a_daemon_that_is_killed_comes_back_with_all_that_was_finished(
    start_programs: StartPrograms, serve_on: ServeOn, open_terminal: OpenTerminal
):
    script = Script()
    programs = start_programs(script)
    script.on("first", Say("One is said."))
    script.on("make it", asking(programs, "it"), Say("It is made."))
    script.on("third", Say("Three is said."))
    programs.run_daemon("start")
    server = serve_on(programs, attach="daemon")
    thread = start_ours(server, programs, "The first")
    console = open_terminal("-L", server.name)
    console.wait_for("One is said.")
    console.press("1", "c")
    console.wait_for(READY)
    console.wait_for("One is said.")
    console.press(*"/quit")
    console.wait_for("exit Codex")
    console.press("enter")
    console.wait_for("q detach")
    screen = programs.open_screen("resume", thread, address=programs.daemon_address)
    screen.wait_for("One is said.")
    type_prompt(screen, "Please make it")
    screen.wait_for(DIALOG)
    console.wait_for("worker asks to run a command")

    programs.kill_daemon()
    console.wait_for("Codex's daemon is gone")
    console.wait_for("lost, nobody decided: the connection to")
    console.wait_gone("asks to run a command")
    screen.wait_gone(DIALOG)
    assert not (programs.outside / "it").exists()

    # Our server has started the daemon again, and both are on it.
    console.wait_until(lambda: "gone" not in console.rows[0], "the daemon to come back")
    screen.wait_for("Conversation interrupted")
    type_prompt(screen, "The third")
    screen.wait_for("Three is said.")
    console.wait_for("Three is said.")
    for terminal in (screen, console):
        assert "One is said." in terminal.text
    _, *events = server.run("read", "worker")
    items = [event["msg"]["item"] for event in events if event["msg"]["type"] == "item_completed"]
    said = [item["text"] for item in items if item["type"] == "agentMessage"]
    assert said == ["One is said.", "Three is said."]


def test_an_approval_of_codexs_own_screen_is_answered_there_or_in_our_console(
    start_programs: StartPrograms, serve_on: ServeOn, open_terminal: OpenTerminal
):
    script = Script()
    programs = start_programs(script)
    script.on("make one", asking(programs, "one"), Say("One is made."))
    script.on("make two", asking(programs, "two"), Say("Two is made."))
    programs.start_app_server()
    server = serve_on(programs)
    console = open_terminal("-L", server.name)
    console.wait_for("connected")
    screen = programs.open_screen()
    type_prompt(screen, "Please make one")
    screen.wait_for(DIALOG)
    console.wait_for("asks to run a command")
    console.wait_for("only you decide it, here or in Codex TUI")
    console.wait_for("keys ready")
    console.press("y")
    screen.wait_gone(DIALOG)
    screen.wait_for("One is made.")
    assert (programs.outside / "one").exists()

    type_prompt(screen, "Now make two")
    screen.wait_for(DIALOG)
    console.wait_for("asks to run a command")
    answer_yes(screen)
    console.wait_gone("asks to run a command")
    console.wait_for("answered in another program")
    screen.wait_for("Two is made.")
    console.wait_for("Two is made.")
    assert (programs.outside / "two").exists()
    # The thread that finds a title for the first one is Codex's own affair.
    (thread,) = server.run("ps")
    assert (thread["handle"], thread["origin"], thread["ours"]) == ("tui", "Codex TUI", False)


def test_a_turn_of_codex_exec_is_seen_while_it_runs(
    start_programs: StartPrograms, serve_on: ServeOn, open_terminal: OpenTerminal
):
    gate = asyncio.Event()
    said = Say("alpha beta gamma omega.", gate=gate, open_deltas=2)
    programs = start_programs(Script().on("say", said))
    programs.start_app_server()
    server = serve_on(programs)
    console = open_terminal("-L", server.name)
    console.wait_for("connected")
    process = programs.start_exec("Please say it")
    console.wait_for("1 running")
    console.press("down", "enter")
    console.wait_for("> Please say it")
    programs.call(gate.set)
    console.wait_for("alpha beta gamma omega.")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    events = [json.loads(line) for line in output.splitlines()]
    (item,) = [event["item"] for event in events if "omega" in str(event)]
    assert (item["type"], item["text"]) == ("agent_message", "alpha beta gamma omega.")


def test_of_two_servers_of_ours_on_one_app_server_the_first_answer_wins(
    start_programs: StartPrograms, serve_on: ServeOn, open_terminal: OpenTerminal
):
    script = Script()
    programs = start_programs(script)
    script.on("make one", asking(programs, "one"), Say("One is made."))
    programs.start_app_server()
    one, two = serve_on(programs, "one"), serve_on(programs, "two")
    theirs = open_terminal("-L", two.name)
    theirs.wait_for("connected")
    start_ours(one, programs, "Please make one")
    console = open_terminal("-L", one.name)
    for terminal in (console, theirs):
        terminal.wait_for("asks to run a command")
    theirs.wait_for("keys ready")
    theirs.press("y")
    console.wait_gone("asks to run a command")
    console.wait_for("answered in another program")
    for terminal in (console, theirs):
        terminal.wait_for("One is made.")
    assert (programs.outside / "one").exists()
    assert ours_of(one) == [True]
    assert ours_of(two) == [False]


def ours_of(server: OurServer) -> list[bool]:
    return [bool(thread["ours"]) for thread in server.run("ps")]
