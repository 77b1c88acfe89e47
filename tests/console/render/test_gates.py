from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, is_harmless, lines, text
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.render.gates import MIN_TABLE_WIDTH, gates_title, render_gates
from codextui.protocol.runs import Gate

MET = Gate("spec.md", ("designer",), ("frontend", "backend"), True, "2.1 kB", 40.0)
UNMET = Gate("index.html", ("frontend",), (), False, "is empty", 95.0)
GIVEN = Gate("REQUIREMENTS.md", (), ("designer",), True)


def draw(*gates: Gate, width: int) -> list[str]:
    return lines(render_gates(gates, width, PALETTE, now=100.0))


def test_narrow_gates_have_two_rows_each() -> None:
    assert draw(MET, UNMET, GIVEN, width=70) == [
        "✓ met  spec.md  1m 00s",
        "  by designer · for frontend, backend · 2.1 kB",
        "✗ not met  index.html  5s",
        "  by frontend · for the end · is empty",
        "✓ met  REQUIREMENTS.md",
        "  by the project · for designer",
    ]


def test_wide_gates_have_columns() -> None:
    rows = draw(MET, UNMET, width=120)
    assert len(rows) == 3
    assert [row.split()[:2] for row in rows[1:]] == [["✓", "met"], ["✗", "not"]]
    for words in ("condition", "made by", "needed by", "since"):
        assert words in rows[0]
    at = rows[0].index("made by")
    assert rows[1][at:].startswith("designer")
    assert rows[2][at:].startswith("frontend")
    assert rows[2][rows[0].index("why") :].startswith("is empty")


def test_long_cells_are_wrapped() -> None:
    gate = Gate("make " + "very " * 20 + "long succeeds", ("backend",), detail="exit 2")
    shown = " ".join(" ".join(draw(gate, width=MIN_TABLE_WIDTH)).split())
    assert shown.count("very") == 20


def test_many_makers_are_counted() -> None:
    gate = Gate("a", tuple(f"r{number}" for number in range(60)))
    assert "r49 and 10 more" in " ".join(" ".join(draw(gate, width=70)).split())


@pytest.mark.parametrize(
    ("gates", "title"),
    [((MET, UNMET), "1 of 2 gates met"), ((UNMET,), "0 of 1 gate met"), ((), "0 of 0 gates met")],
)
def test_the_title_counts_met_gates(gates: tuple[Gate, ...], title: str) -> None:
    assert gates_title(gates) == title


@given(TEXTS, TEXTS, st.integers(20, 200), st.floats())
def test_rows_of_any_gates_fit(one: str, other: str, width: int, since: float) -> None:
    gate = Gate(one, (other, one), (one,), False, other, since)
    strips = render_gates((gate, gate), width, PALETTE, now=100.0)
    assert all(strip.cell_length <= width for strip in strips)
    assert is_harmless(text(strips).replace("\n", ""))
