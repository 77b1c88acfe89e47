"""What leaves a machine beside the requests to the models, as docs/teams.md and scripts.md say.

The models answer on loopback; whatever else a program asks for it asks the recorder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from documents.answers import answer
from documents.blocks import ROOT, read_blocks
from documents.machine import Machine, a_machine, scripted_model
from documents.trials import in_project, must, with_team

pytestmark = [pytest.mark.slow, pytest.mark.contract]

OPENAI = "api.openai.com"
OFF = "set_tracing_disabled(True)"
RUN = "codextui run shop 'Add a wish list' --headless"


@pytest.fixture
def machine(newcomer_clone: Path) -> Iterator[Machine]:
    """A machine with a team, and a key of OpenAI."""
    with a_machine(newcomer_clone) as machine, scripted_model(machine, answer):
        in_project(machine)
        with_team(machine)
        yield machine


def script() -> str:
    """The script on the Agents SDK that the guide shows."""
    blocks = read_blocks(ROOT / "docs" / "scripts.md")
    [text] = [block.text for block in blocks if "CodexServer" in block.text]
    return text


def run_script(machine: Machine, text: str) -> None:
    machine.write("script.py", text)
    must(machine, "python ~/script.py")


def test_the_script_of_the_guide_sends_no_traces(machine: Machine) -> None:
    run_script(machine, script())
    assert machine.recorder.hosts == []


def test_a_script_of_ones_own_sends_them_to_openai_unless_it_says_otherwise(
    machine: Machine,
) -> None:
    without = "".join(line for line in script().splitlines(True) if OFF not in line)
    assert without != script()
    run_script(machine, without)
    assert set(machine.recorder.hosts) == {OPENAI}


def test_a_variable_keeps_the_traces_of_any_script(machine: Machine) -> None:
    machine.env["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
    run_script(machine, script().replace(OFF, ""))
    assert machine.recorder.hosts == []


def test_a_run_of_a_team_sends_nothing(machine: Machine) -> None:
    must(machine, RUN)
    assert machine.recorder.hosts == []


def test_a_run_sends_its_traces_to_openai_if_it_is_told_to(machine: Machine) -> None:
    with (machine.home / ".config/codextui/config.toml").open("a") as file:
        file.write('\n[traces]\nexport = "openai"\n')
    must(machine, RUN)
    assert set(machine.recorder.hosts) == {OPENAI}
