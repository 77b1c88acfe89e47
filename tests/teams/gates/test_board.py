"""The gate board: what it shows of conditions, and when it changes."""

from __future__ import annotations

from pathlib import Path

from teams.scripted import role, team

from codextui.protocol.runs import Gate
from codextui.teams.config.team import Artifact, Check, Command, Team
from codextui.teams.gates.board import GateBoard, read_gates


def board_team() -> Team:
    one = role("one")
    check = Command("make test")
    needs = (Artifact("a.json", Check.JSON), Artifact("src/*.py"), check)
    made = (Artifact("a.json"), Artifact("src/*.py"))
    return team(
        type(one)(name="one", instructions="x", produces=made),
        type(one)(name="two", instructions="x", requires=needs),
    )


def test_gates_have_their_makers_their_dependents_and_a_description(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1" * 1500, encoding="utf-8")
    (tmp_path / "src" / "b.py").write_text("1" * 600, encoding="utf-8")
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    gates = {gate.condition: gate for gate in read_gates(board_team(), tmp_path)}
    assert gates["src/*.py"].met
    assert gates["src/*.py"].detail == "2 files, 2.1 kB"
    assert gates["src/*.py"].makers == ("one",)
    assert gates["src/*.py"].needed_by == ("two",)
    assert "a.json" not in gates  # that it exists is the least of what is wanted of it
    assert not gates["a.json (valid JSON)"].met
    assert gates["a.json (valid JSON)"].detail.startswith("is no valid JSON")
    assert not gates["`make test` succeeds"].met
    assert gates["`make test` succeeds"].detail == "has not been run yet"


async def test_a_commands_gate_shows_how_it_ended_last(tmp_path: Path) -> None:
    boards: list[tuple[Gate, ...]] = []
    board = GateBoard(board_team(), tmp_path, boards.append, clock=lambda: 7.0)
    board.refresh()
    await board.flush()
    board.record_check(Command("make test"), "")
    await board.flush()
    await board.flush()
    shown = [gate for gates in boards for gate in gates if gate.condition.startswith("`make")]
    assert [gate.met for gate in shown] == [False, True]
    assert shown[-1].since == 7.0
