from __future__ import annotations

from console.render.looks import PALETTE, TEXTS, is_harmless
from console.render.test_thread import changed, tree_row
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.activity import Activity, ActivityKind
from codextui.console.model.fleet import RANKS, Rank
from codextui.console.model.run import RunSummary
from codextui.console.model.tree import TreeEntry
from codextui.console.render.palette import palette_from
from codextui.console.render.tree import choose_second_lines, render_activity_row
from codextui.console.themes import VARIABLE_DEFAULTS
from codextui.protocol.runs import SpanKind, ThreadKind
from codextui.protocol.threads import ThreadState, Usage
from codextui.text.sanitize import one_line

ASKS = Activity(ActivityKind.ASKS, "npm test -- --watch=false", since=100.0)
LANE = (None, SpanKind.GATE, SpanKind.CODEX, SpanKind.MODEL, SpanKind.PERSON)


def second(activity: Activity, width: int, *guides: bool, **options: object) -> str:
    strip = render_activity_row(
        TreeEntry("x", guides),
        activity,
        width,
        PALETTE,
        now=280.0,
        **options,  # type: ignore[arg-type]
    )
    assert strip.cell_length == width
    return strip.text.rstrip()


def test_a_second_line_says_what_is_asked_and_since_when() -> None:
    assert second(ASKS, 50) == "    npm test -- --watch=false · waits 3m"
    assert second(ASKS, 28) == "    npm test -- … · waits 3m"
    assert second(ASKS, 20) == "    npm test -… · 3m"


def test_a_second_line_stands_under_its_guides() -> None:
    does = Activity(ActivityKind.DOES, "runs pytest")
    assert second(does, 40, True, False) == "  │     runs pytest"
    assert second(does, 40, has_children=True) == "  │ runs pytest"


def test_what_a_role_did_lately_stands_at_the_right_if_there_is_room() -> None:
    does = Activity(ActivityKind.DOES, "runs pytest")
    assert second(does, 40, lane=LANE).endswith(" ┈━━?")
    assert second(does, 28, lane=LANE) == "    runs pytest"
    assert second(does, 32, lane=(*LANE, *LANE)).endswith("? ┈━━?")


def test_a_run_that_is_over_is_one_line_that_says_since_when() -> None:
    run = changed(handle="shop", kind=ThreadKind.RUN, state=ThreadState.DONE)
    summary = RunSummary(role_count=5, done_count=5)
    row = tree_row(run, 40, summary=summary, over_since=165.0 - 7300)
    assert row == "  ✓ ▣ shop             done 5/5 · 2h ago"


def test_names_that_differ_at_their_end_can_be_told_apart() -> None:
    used = {"state": ThreadState.IDLE, "usage": Usage(total=13_400)}
    name = "worker-with-a-long-name-1"
    assert tree_row(changed(handle=name, **used), 50).endswith(" idle 13.4k")
    assert tree_row(changed(handle=name, **used), 36) == f"  ○ {name}   idle"
    assert tree_row(changed(handle=name, **used), 27) == "  ○ worker-with-…ame-1 idle"


def test_an_unseen_answer_is_new() -> None:
    idle = changed(state=ThreadState.IDLE)
    assert "new" in tree_row(idle, 40, is_new=True)
    assert "idle" in tree_row(idle, 40)


def test_a_role_has_the_same_colour_everywhere() -> None:
    ours = palette_from({"background": "#000", "foreground": "#fff"} | VARIABLE_DEFAULTS)
    assert ours.role("tester") == ours.role("Tester")
    assert len({ours.role(name).color for name in "abcdefghijklmnop"}) > 4


@given(TEXTS, st.sampled_from(ActivityKind), st.integers(8, 120), st.integers(0, 40))
def test_second_lines_fill_their_width_and_are_harmless(
    text: str, kind: ActivityKind, width: int, depth: int
) -> None:
    activity = Activity(kind, one_line(text), since=1.0, more=3)
    strip = render_activity_row(
        TreeEntry("x", (True,) * depth), activity, width, PALETTE, now=9.0, lane=LANE
    )
    assert strip.cell_length == width
    assert is_harmless(strip.text)


@given(st.lists(st.none() | st.sampled_from(Rank), max_size=60), st.integers(1, 60))
def test_second_lines_fit_and_go_to_the_most_urgent(wanted: list[Rank | None], height: int) -> None:
    chosen = choose_second_lines(wanted, height)
    assert all(wanted[index] is not None for index in chosen)
    total = len(wanted) + sum(rank is not None for rank in wanted)
    if total <= height:
        assert len(chosen) == total - len(wanted)
    urgent = [i for i, r in enumerate(wanted) if r in (Rank.ASKS, Rank.FAILED)]
    assert len(chosen) <= max(height - len(wanted), min(len(urgent), height // 2), 0)
    ranks = [RANKS.index(rank) for rank in wanted if rank is not None]
    worst = max((RANKS.index(wanted[i] or Rank.OVER) for i in chosen), default=0)
    assert sum(rank < worst for rank in ranks) <= len(chosen)


def test_a_thread_without_anything_to_say_has_one_line() -> None:
    assert choose_second_lines([None, Rank.IDLE, None], 40) == {1}
