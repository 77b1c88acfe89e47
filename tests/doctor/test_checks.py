"""How checks are run: none stops another, whatever it raises and however long it takes."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from doctor.conftest import Stage, worse
from hypothesis import given
from hypothesis import strategies as st

from codextui.doctor import checks
from codextui.doctor.checks import CHECKS, Check, run_checks
from codextui.doctor.findings import Finding, Severity, fine
from codextui.doctor.machine import Fact, Machine

MACHINE = Machine("default", Path("/nonexistent"))
ERRORS = (OSError, ValueError, KeyError, RecursionError, UnicodeError, AssertionError, TypeError)


@given(
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    error=st.sampled_from(ERRORS),
    message=st.text(max_size=20),
)
def test_a_check_that_raises_is_a_finding_and_hides_no_other(
    before: int, after: int, error: type[Exception], message: str
) -> None:
    def fail(_: Machine) -> Any:
        yield fine("failing", "the first thing was all right")
        raise error(message)

    good = [Check("good", lambda _: [fine("good", "it is")])]
    found = run_checks(MACHINE, [*good * before, Check("failing", fail), *good * after])
    names = [one.check for one in found]
    assert names == ["good"] * before + ["failing"] * 2 + ["good"] * after
    failure = found[before + 1]
    assert failure.severity is Severity.PROBLEM
    assert error.__name__ in failure.found
    assert failure.place is not None
    assert failure.place.path == Path(__file__)
    json.dumps(failure.to_json())


def test_a_check_that_takes_too_long_is_a_finding_and_is_left_behind() -> None:
    ends = threading.Event()

    def hang(_: Machine) -> Any:
        yield fine("hanging", "the first thing was all right")
        ends.wait(60)

    found = run_checks(
        MACHINE, [Check("hanging", hang, limit_s=0.1), Check("good", lambda _: [fine("good", "x")])]
    )
    ends.set()
    assert [one.check for one in found] == ["hanging", "hanging", "good"]
    assert "not done within 0.1 s" in found[1].found


@pytest.mark.parametrize("broken", [check.name for check in CHECKS])
async def test_every_check_can_fail_alone(
    broken: str, stage: Stage, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Machine) -> list[Finding]:
        raise RuntimeError("out of order")

    others = tuple(Check(check.name, fail) if check.name == broken else check for check in CHECKS)
    monkeypatch.setattr(checks, "CHECKS", others)
    code, findings = await examine()
    assert (code, worse(findings)) == (1, {broken: "problem"})


def test_a_fact_is_looked_up_once_for_all_threads() -> None:
    looked: list[int] = []
    begin = threading.Barrier(8)

    def look() -> int:
        looked.append(1)
        return 7

    fact = Fact(look)
    got: list[int] = []

    def ask() -> None:
        begin.wait(60)
        got.append(fact.get())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (got, looked) == ([7] * 8, [1])


def test_a_fact_that_cannot_be_looked_up_raises_for_everybody() -> None:
    calls: list[int] = []

    def look() -> int:
        calls.append(1)
        raise ValueError("no")

    fact = Fact(look)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            fact.get()
    assert calls == [1]


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
