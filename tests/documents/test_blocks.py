"""Every block of the documents is run as somebody pastes it, and every command in them parses."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator

import pytest
from documents.answers import answer
from documents.blocks import (
    ROOT,
    RUN_LANGUAGES,
    Block,
    documents,
    indented_blocks,
    inline_codes,
    read_blocks,
    without_comment,
)
from documents.machine import Machine, a_machine, scripted_model
from documents.trials import TRIALS, Changed, How, InTerminal, NotRun, Prints, Stays, Trial
from e2e.terminal import Terminal

from codextui.cli import main
from codextui.commands.parser import build_parser

EXAMPLE = ROOT / "config.example.toml"
BLOCKS = [block for path in documents() for block in read_blocks(path)]
START_S = 90
END_S = 30

WORDS = {
    "ADDRESS": "127.0.0.1:8040",
    "CLIENT": "cursor",
    "N": "1",
    "TO": "1",
    "ID": "a1",
    "SECONDS": "5",
}
"""What stands in for a word that a document leaves to its reader, where any word will not do."""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.document}:{block.line}")
def test_every_block_has_a_language_and_a_trial(block: Block) -> None:
    assert block.language in RUN_LANGUAGES
    assert block.name in TRIALS, f"tests/documents/trials.py has no trial of {block.name!r}"
    trial = TRIALS[block.name]
    if block.language == "sh":
        alike = [other for other in BLOCKS if other.name == block.name]
        typed = {command_of(line) for other in alike for line in other.commands}
        assert trial.run is None
        assert set(trial.commands) <= typed, "the trial has commands that the block has not"
    else:
        assert trial.run is not None


def test_every_trial_has_its_block() -> None:
    assert set(TRIALS) == {block.name for block in BLOCKS}


def test_no_block_is_set_in_without_a_fence() -> None:
    assert {path.name: indented_blocks(path) for path in documents() if indented_blocks(path)} == {}


def test_the_example_of_the_configuration_can_be_copied_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["config", "check", "--config", str(EXAMPLE)]) == 0, capsys.readouterr()


@pytest.mark.slow
@pytest.mark.contract
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.document}:{block.line}")
def test_a_block_works_as_it_is_pasted(block: Block, request: pytest.FixtureRequest) -> None:
    trial = TRIALS[block.name]
    clone = "contributor_clone" if trial.contributor else "newcomer_clone"
    with (
        a_machine(request.getfixturevalue(clone)) as machine,
        scripted_model(machine, answer) as model,
    ):
        for prepare in trial.before:
            prepare(machine)
        if trial.run is not None:
            trial.run(machine, block.text)
        else:
            paste(machine, block, trial)
        for look in trial.after:
            look(machine)
        assert not model.faults


def command_of(line: str) -> str:
    """A line of a block without its comment."""
    return line if "\n" in line else without_comment(line)


def paste(machine: Machine, block: Block, trial: Trial) -> None:
    with contextlib.ExitStack() as running:
        for line in block.commands:
            how = trial.commands.get(command_of(line), Prints())
            running.enter_context(run_line(machine, line, how))


@contextlib.contextmanager
def run_line(machine: Machine, line: str, how: How) -> Iterator[None]:
    """Run a command, and end it with the context where it stays."""
    match how:
        case NotRun():
            yield
        case Changed(pattern, replacement, _, changed):
            other = re.sub(pattern, replacement, line)
            assert other != line
            with run_line(machine, other, changed):
                yield
        case Prints(text, code):
            ran = machine.run(line)
            assert ran.code == code, f"{line} ended with {ran.code}:\n{ran.output}"
            assert text in ran.output
            yield
        case InTerminal(play, code):
            with machine.terminal(line) as terminal:
                play(terminal)
                assert terminal.wait_exit(timeout=END_S) == code, terminal.text
            yield
        case Stays(until):
            with machine.terminal(line) as terminal:
                terminal.wait_for(until, timeout=START_S)
                yield
                interrupt(terminal)


def interrupt(terminal: Terminal) -> None:
    terminal.press("ctrl+c")
    terminal.wait_exit(timeout=END_S)


def command_lines() -> list[tuple[str, str]]:
    """Every command line of codextui between backticks, and in which document."""
    found: list[tuple[str, str]] = []
    for path in (*documents(), EXAMPLE):
        if path.name == "CHANGELOG.md":  # which tells of what was, and in short forms
            continue
        for code in inline_codes(path):
            lines = re.findall(r"(?:^|\| )(codextui(?: .*)?)$", code)
            found += [(path.name, line) for line in lines]
    return found


def parsed(words: list[str]) -> int:
    """Parse a command line, and return the exit code that the parser ends with."""
    try:
        build_parser().parse_args(words)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize(("document", "line"), command_lines())
def test_a_command_between_backticks_parses(
    document: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [WORDS.get(word, word) for word in shlex.split(line.replace("…", ""))[1:]]
    code = parsed([word.partition("|")[0] for word in words if word != "|"])
    problem = capsys.readouterr().err
    # A text that only names a command leaves out what it must be given.
    is_named_only = "arguments are required" in problem and "-" not in line
    assert code == 0 or is_named_only, f"{document} says `{line}`: {problem}"
