from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, is_harmless, lines
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.console.model.run import RunSummary
from codextui.console.model.state import ThreadView
from codextui.console.model.tree import TreeEntry
from codextui.console.render.thread import (
    frame_of,
    render_pane_header,
    render_plan_line,
    state_label,
)
from codextui.console.render.tree import render_tree_row
from codextui.protocol.events import PlanStep, PlanUpdated
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

_VALUES: dict[str, object] = {
    "thread_id": "0192",
    "handle": "backend",
    "state": ThreadState.RUNNING,
    "cwd": "/home/ada/work/shop/services/api",
    "branch": "limits",
    "model": "gpt-5.5",
    "sandbox": "workspace-write",
    "turn_id": "u1",
    "turn_started_at": 100.0,
    "usage": Usage(total=12_345),
    "context_window": 100_000,
}
INFO = ThreadInfo(**_VALUES)  # type: ignore[arg-type]


def tree_row(info: ThreadInfo, width: int, row: TreeEntry | None = None, **options: object) -> str:
    strip = render_tree_row(
        row or TreeEntry(info.thread_id),
        ThreadView(info),
        info.state,
        width,
        PALETTE,
        now=165.0,
        **options,  # type: ignore[arg-type]
    )
    assert strip.cell_length == width
    return strip.text


def changed(**values: object) -> ThreadInfo:
    return ThreadInfo(**(_VALUES | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (40, "  ● backend         running 1m 05s 12.3k"),
        (28, "  ● backend   running 1m 05s"),
        (20, "  ● backend  running"),
        (12, "  ● backend "),
        (8, "  ● bac…"),
    ],
)
def test_facts_that_do_not_fit_are_left_out_from_the_right(width: int, row: str) -> None:
    assert tree_row(INFO, width) == row


def test_a_thread_that_needs_input_says_which() -> None:
    waiting = changed(state=ThreadState.NEEDS_INPUT, waits_for="approval")
    assert "needs approval" in tree_row(waiting, 40)
    assert tree_row(waiting, 23).endswith(" approval")


def test_an_idle_thread_has_no_elapsed_time() -> None:
    assert (
        tree_row(changed(state=ThreadState.IDLE), 40) == "  ○ backend                   idle 12.3k"
    )


def test_a_fork_has_guides_to_its_source() -> None:
    assert tree_row(INFO, 30, TreeEntry("x", (True, False))).startswith("  │ └ ● backend")
    assert tree_row(INFO, 30, TreeEntry("x", (False, True))).startswith("    ├ ● backend")


def test_a_tree_row_has_the_number_of_its_pane() -> None:
    assert tree_row(INFO, 30, pane=3).startswith("3 ● backend")


def test_a_selected_row_has_one_style() -> None:
    strip = render_tree_row(
        TreeEntry("x"), ThreadView(INFO), INFO.state, 30, PALETTE, now=0.0, selected=True
    )
    assert {segment.style for segment in strip if segment.text.strip()} == {PALETTE.selected}


def test_every_state_has_a_glyph_of_its_own_and_a_word() -> None:
    marks = [state_label(state, PALETTE) for state in ThreadState]
    assert len({mark.glyph for mark in marks}) == len(marks)
    assert [mark.word for mark in marks] == [state.value for state in ThreadState]


def header(info: ThreadInfo, width: int, **options: object) -> list[str]:
    view = ThreadView(structs.replace(info, context_tokens=41_000))
    strips = render_pane_header(
        view,
        info.state,
        width,
        PALETTE,
        now=165.0,
        **options,  # type: ignore[arg-type]
    )
    assert [strip.cell_length for strip in strips] == [width, width]
    return lines(strips)


def test_a_pane_header_has_handle_state_and_location() -> None:
    assert header(INFO, 80, number=2, home="/home/ada") == [
        "[2] ● backend running · 1m 05s · 12.3k (41%)",
        "gpt-5.5  ~/work/shop/services/api@limits  workspace-write",
    ]


def test_a_narrow_header_shortens_the_folder_from_the_left() -> None:
    assert header(INFO, 44)[1] == "gpt-5.5  …rvices/api@limits  workspace-write"


def test_a_narrow_header_leaves_out_the_model_before_the_sandbox() -> None:
    assert header(INFO, 30)[1] == "…s/api@limits  workspace-write"


@given(
    st.builds(
        ThreadInfo,
        TEXTS,
        TEXTS,
        st.sampled_from(ThreadState),
        cwd=TEXTS,
        branch=TEXTS,
        model=TEXTS,
        sandbox=TEXTS,
        waits_for=TEXTS,
        turn_started_at=st.none() | st.floats(),
        usage=st.builds(Usage, st.integers()),
        context_window=st.none() | st.integers(-5, 10**6),
    ),
    st.integers(1, 120),
    st.lists(st.booleans(), max_size=12).map(tuple),
)
def test_rows_of_any_thread_fill_their_width_and_are_harmless(
    info: ThreadInfo, width: int, guides: tuple[bool, ...]
) -> None:
    texts = [tree_row(info, width, TreeEntry("x", guides)), *header(info, width)]
    assert all(is_harmless(text) for text in texts)


PLAN = PlanUpdated(
    "Step by step.",
    (
        PlanStep("Read the code", "completed"),
        PlanStep("Write it, and wrap where it is long", "inProgress"),
        PlanStep("Test it", "pending"),
        PlanStep("Dance", "optional"),
    ),
)


def test_a_plan_line_names_the_current_step() -> None:
    assert render_plan_line(PLAN, 30, PALETTE).text == "plan 1/4 Write it, and wrap w…"
    done = PlanUpdated("", (PlanStep("a", "completed"),))
    assert render_plan_line(done, 30, PALETTE).text.rstrip() == "plan 1/1 all done"


@given(TEXTS, TEXTS, TEXTS, st.integers(10, 80))
def test_the_line_of_any_plan_fills_its_width(
    explanation: str, step: str, status: str, width: int
) -> None:
    plan = PlanUpdated(explanation, (PlanStep(step, status),))
    strip = render_plan_line(plan, width, PALETTE)
    assert strip.cell_length == width
    assert is_harmless(strip.text)


RUN = changed(handle="bug-busters", kind=ThreadKind.RUN, model="", brief="Build a game")
ROLE = changed(handle="backend", kind=ThreadKind.ROLE, sandbox="", cwd="", branch="")


def test_runs_and_roles_have_prefixes() -> None:
    assert tree_row(RUN, 50, summary=RunSummary(role_count=5, done_count=2)) == (
        "  ● ▣ bug-busters         running 2/5 1m 05s 12.3k"
    )
    assert tree_row(ROLE, 30).startswith("  ● @backend")
    assert tree_row(changed(kind=ThreadKind.ROLE, state=ThreadState.WAITING), 30).endswith(
        "waiting 12.3k"
    )


def test_the_thread_of_a_role_is_abbreviated_in_a_narrow_tree() -> None:
    thread = changed(handle="frontend-developer-codex")
    summary = RunSummary(run_handle="bug-busters", parent_handle="frontend-developer")
    row = TreeEntry("x", (True, False))
    assert tree_row(thread, 21, row, summary=summary).startswith("  │ └ ● …-codex")
    assert "frontend-developer-codex" in tree_row(thread, 60, row, summary=summary)


def test_the_cost_is_left_out_of_a_row_first() -> None:
    summary = RunSummary(cost="0.12 USD")
    assert tree_row(INFO, 50, summary=summary).endswith("running 1m 05s 12.3k 0.12 USD")
    assert tree_row(INFO, 40, summary=summary).endswith("running 1m 05s 12.3k")


def test_the_header_of_a_role_names_its_run() -> None:
    summary = RunSummary(run_handle="bug-busters", cost="0.12 USD")
    assert header(ROLE, 70, number=2, summary=summary) == [
        "[2] ● @backend running · 1m 05s · 12.3k (41%) · 0.12 USD",
        "role of bug-busters  gpt-5.5",
    ]


def test_the_header_of_a_run_counts_its_roles_and_gates() -> None:
    assert header(
        RUN, 70, summary=RunSummary(role_count=5, done_count=2, gate_count=7, met_count=3)
    )[1] == ("run · 2 of 5 roles done · gates 3/7 · Build a game")


@given(TEXTS, st.sampled_from(list(ThreadKind)), st.integers(12, 120))
def test_rows_of_hostile_names_are_harmless(words: str, kind: ThreadKind, width: int) -> None:
    info = changed(handle=words, brief=words, model=words, cwd=words, kind=kind)
    summary = RunSummary(run_handle=words, role_count=3, gate_count=2, cost="1 USD")
    rows = [*header(info, width, summary=summary), tree_row(info, width, summary=summary)]
    assert is_harmless("".join(rows))


def test_what_failed_is_red_in_the_tree_and_in_the_header() -> None:
    failed = ThreadView(changed(state=ThreadState.FAILED))
    row = render_tree_row(
        TreeEntry("x"), failed, ThreadState.FAILED, 40, PALETTE, now=165.0, selected=False
    )
    title = render_pane_header(failed, ThreadState.FAILED, 60, PALETTE, now=165.0)[0]
    for strip in (row, title):
        assert [segment.style for segment in strip if "failed" in segment.text] == [PALETTE.failed]


def test_a_thread_that_waits_shows_how_long_it_has_waited() -> None:
    view = ThreadView(
        changed(state=ThreadState.NEEDS_INPUT, waits_for="approval"), waits_since=151.0
    )
    row = render_tree_row(TreeEntry("x"), view, ThreadState.NEEDS_INPUT, 50, PALETTE, now=165.0)
    assert "needs approval 14s" in row.text
    title = render_pane_header(view, ThreadState.NEEDS_INPUT, 60, PALETTE, now=165.0)[0]
    assert "needs approval · 14s" in title.text


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (70, "[2] ● backend running · 1m 05s · 12.3k (41%)               ← asks"),
        (50, "[2] ● backend running · 1m 05s           ← asks"),
        (36, "[2] ● backe… running · 1m 05s · 12.…"),
    ],
)
def test_figures_give_way_to_why_a_thread_has_its_pane(width: int, title: str) -> None:
    row = header(INFO, width, number=2, note="← asks")[0].rstrip()
    assert " ".join(row.split()) == " ".join(title.split())


def test_the_line_of_the_frame_goes_on_behind_the_title() -> None:
    frame = frame_of(INFO.state, PALETTE, is_current=True)
    row = header(INFO, 60, number=2, note="← asks", frame=frame)[0]
    assert row.endswith("12.3k (41%) ━━━━━━━ ← asks")


@given(st.integers(0, 90), st.integers(0, 40))
def test_a_frame_fits_its_pane(width: int, height: int) -> None:
    frame = frame_of(INFO.state, PALETTE, is_current=False)
    for y in range(height):
        assert frame.draw_row(y, width, height, "4 of 12 threads").cell_length == width
