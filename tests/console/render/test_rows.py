from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, is_harmless, lines
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.standing import Standing
from codextui.console.model.thread import ThreadView
from codextui.console.model.tree import TreeRow
from codextui.console.render.thread import (
    mark_state,
    render_pane_header,
    render_plan,
    render_plan_line,
    render_tree_row,
)
from codextui.protocol.events import PlanStep, PlanUpdated
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

INFO = ThreadInfo(
    thread_id="0192",
    handle="backend",
    state=ThreadState.RUNNING,
    cwd="/home/ada/work/shop/services/api",
    branch="limits",
    model="gpt-5.5",
    sandbox="workspace-write",
    turn_id="u1",
    turn_started_at=100.0,
    usage=Usage(total=12_345),
    context_window=100_000,
)


def tree_row(info: ThreadInfo, width: int, row: TreeRow | None = None, **options: object) -> str:
    strip = render_tree_row(
        row or TreeRow(info.thread_id),
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
    return ThreadInfo(
        **{name: getattr(INFO, name) for name in INFO.__struct_fields__} | values  # type: ignore[arg-type]
    )


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
def test_what_does_not_fit_is_left_out_from_the_end(width: int, row: str) -> None:
    assert tree_row(INFO, width) == row


def test_a_thread_that_waits_says_for_what() -> None:
    waiting = changed(state=ThreadState.NEEDS_INPUT, waits_for="approval")
    assert "needs approval" in tree_row(waiting, 40)
    assert "needs input" in tree_row(waiting, 23)


def test_a_thread_at_rest_has_no_clock() -> None:
    assert (
        tree_row(changed(state=ThreadState.IDLE), 40) == "  ○ backend                   idle 12.3k"
    )


def test_forks_hang_under_their_parents() -> None:
    assert tree_row(INFO, 30, TreeRow("x", (True, False))).startswith("  │ └ ● backend")
    assert tree_row(INFO, 30, TreeRow("x", (False, True))).startswith("    ├ ● backend")


def test_the_pane_that_shows_a_thread_is_named() -> None:
    assert tree_row(INFO, 30, pane=3).startswith("3 ● backend")


def test_a_chosen_row_is_one_style() -> None:
    strip = render_tree_row(
        TreeRow("x"), ThreadView(INFO), INFO.state, 30, PALETTE, now=0.0, selected=True
    )
    assert {segment.style for segment in strip if segment.text.strip()} == {PALETTE.selected}


def test_every_state_has_a_glyph_of_its_own_and_its_word() -> None:
    marks = [mark_state(state, PALETTE) for state in ThreadState]
    assert len({mark.glyph for mark in marks}) == len(marks)
    assert [mark.word for mark in marks] == [state.value for state in ThreadState]


def header(info: ThreadInfo, width: int, **options: object) -> list[str]:
    view = ThreadView(info, last_tokens=41_000)
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


def test_a_pane_is_headed_by_who_works_how_long_where() -> None:
    assert header(INFO, 80, number=2, home="/home/ada") == [
        "2 ● backend running · 1m 05s · 12.3k (41%)",
        "gpt-5.5  ~/work/shop/services/api@limits  workspace-write",
    ]


def test_a_narrow_pane_shortens_the_folder_from_the_left() -> None:
    assert header(INFO, 44)[1] == "gpt-5.5  …rvices/api@limits  workspace-write"


def test_the_sandbox_outlives_the_model_where_there_is_no_room_for_both() -> None:
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
def test_rows_of_any_thread_are_exactly_as_wide_as_asked_for(
    info: ThreadInfo, width: int, guides: tuple[bool, ...]
) -> None:
    texts = [tree_row(info, width, TreeRow("x", guides)), *header(info, width)]
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


def test_a_plan_says_what_is_done() -> None:
    assert lines(render_plan(PLAN, 30, PALETTE)) == [
        "Step by step.",
        "[x] Read the code",
        "[>] Write it, and wrap where",
        "    it is long",
        "[ ] Test it",
        "[?] Dance",
    ]


def test_a_plan_in_one_row_names_the_step_at_work() -> None:
    assert render_plan_line(PLAN, 30, PALETTE).text == "plan 1/4 Write it, and wrap w…"
    done = PlanUpdated("", (PlanStep("a", "completed"),))
    assert render_plan_line(done, 30, PALETTE).text.rstrip() == "plan 1/1 all done"


@given(TEXTS, TEXTS, TEXTS, st.integers(10, 80))
def test_any_plan_fits(explanation: str, step: str, status: str, width: int) -> None:
    plan = PlanUpdated(explanation, (PlanStep(step, status),))
    assert render_plan_line(plan, width, PALETTE).cell_length == width
    for strip in render_plan(plan, width, PALETTE):
        assert strip.cell_length <= width
        assert is_harmless(strip.text)


RUN = changed(handle="bug-busters", kind=ThreadKind.RUN, model="", brief="Build a game")
ROLE = changed(handle="backend", kind=ThreadKind.ROLE, sandbox="", cwd="", branch="")


def test_a_run_and_a_role_can_be_told_from_a_thread() -> None:
    assert tree_row(RUN, 50, standing=Standing(roles=5, done=2)) == (
        "  ● ▣ bug-busters         running 2/5 1m 05s 12.3k"
    )
    assert tree_row(ROLE, 30).startswith("  ● @backend")
    assert tree_row(changed(kind=ThreadKind.ROLE, state=ThreadState.WAITING), 30).endswith(
        "waiting 12.3k"
    )


def test_the_thread_of_a_role_is_told_apart_from_it_where_there_is_little_room() -> None:
    thread = changed(handle="frontend-developer-codex")
    standing = Standing(run="bug-busters", role="frontend-developer")
    row = TreeRow("x", (True, False))
    assert tree_row(thread, 21, row, standing=standing).startswith("  │ └ ● …-codex")
    assert "frontend-developer-codex" in tree_row(thread, 60, row, standing=standing)


def test_money_is_the_first_to_be_left_out_of_a_row() -> None:
    standing = Standing(cost="0.12 USD")
    assert tree_row(INFO, 50, standing=standing).endswith("running 1m 05s 12.3k 0.12 USD")
    assert tree_row(INFO, 40, standing=standing).endswith("running 1m 05s 12.3k")


def test_a_role_is_headed_by_the_run_that_it_belongs_to() -> None:
    standing = Standing(run="bug-busters", cost="0.12 USD")
    assert header(ROLE, 70, number=2, standing=standing) == [
        "2 ● @backend running · 1m 05s · 12.3k (41%) · 0.12 USD",
        "role of bug-busters  gpt-5.5",
    ]


def test_a_run_is_headed_by_how_its_roles_and_gates_stand() -> None:
    assert header(RUN, 70, standing=Standing(roles=5, done=2, gates=7, met=3))[1] == (
        "run · 2 of 5 roles done · gates 3/7 · Build a game"
    )


@given(TEXTS, st.sampled_from(list(ThreadKind)), st.integers(12, 120))
def test_hostile_names_of_runs_do_nothing(words: str, kind: ThreadKind, width: int) -> None:
    info = changed(handle=words, brief=words, model=words, cwd=words, kind=kind)
    standing = Standing(run=words, roles=3, gates=2, cost="1 USD")
    rows = [*header(info, width, standing=standing), tree_row(info, width, standing=standing)]
    assert is_harmless("".join(rows))
