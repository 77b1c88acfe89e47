"""The output of `codextui run --headless`."""

from __future__ import annotations

import json

import pytest

from codextui.commands.run import print_event
from codextui.protocol.runs import RunEventKind
from codextui.teams.records.events import RunEvent


@pytest.mark.parametrize(
    ("asks", "how"),
    [
        ("command", "`codextui approve a1` says yes"),
        ("tool", "`codextui approve a1` says yes"),
        ("questions", "`codextui answer a1 ANSWER` answers"),
    ],
)
def test_a_headless_run_prints_how_to_decide(
    capsys: pytest.CaptureFixture[str], asks: str, how: str
) -> None:
    data = {"approval": "a1", "asks": asks}
    print_event(RunEvent(RunEventKind.PERSON_NEEDED, "one", "needs a person", data), as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["asks"] == asks
    assert how in err
    assert "`codextui decline a1` says no" in err


def test_a_request_of_a_person_is_printed_as_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_event(
        RunEvent(RunEventKind.ROLE_DIRECTED, "one", "is stopped by \x1b[31mann"), as_json=False
    )
    out, _ = capsys.readouterr()
    assert out.startswith("one is stopped by ")
    assert "\x1b" not in out
