"""What is compared, and that it is told."""

from __future__ import annotations

import itertools

import pytest
from msgspec import structs

from codextui.console.model.diff_scope import (
    ALL_TURNS,
    DROPPED,
    FROM_PATCHES,
    SAME_FOLDER,
    SAME_ROOT,
    SHARED_TURNS,
    Comparison,
    Scope,
    ScopeKind,
    compare,
    default_scope,
    list_scopes,
    tree_requests,
    unified_change,
)
from codextui.console.model.state import ConsoleState
from codextui.console.model.working_tree import TreeRequest, WorkingTree
from codextui.protocol import events as ev
from codextui.protocol.approvals import FileChange
from codextui.protocol.diff import parse_diff
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState


def patch(path: str, line: str = "new", old: str = "old") -> str:
    header = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
    return f"{header}@@ -1 +1 @@\n-{old}\n+{line}\n"


class World:
    """A state in which turns have diffs."""

    def __init__(self) -> None:
        self.state = ConsoleState()
        self._seq = itertools.count(1)

    def say(self, thread_id: str, msg: ev.Msg, turn_id: str = "") -> None:
        self.state.apply(ev.Event(next(self._seq), thread_id, turn_id, 0.0, msg))

    def thread(self, thread_id: str, **more: object) -> None:
        info = ThreadInfo(thread_id, thread_id, ThreadState.IDLE, **more)  # type: ignore[arg-type]
        self.say(thread_id, ev.ThreadChanged(info))

    def turn(self, thread_id: str, turn_id: str, diff: str = "") -> None:
        self.say(thread_id, ev.TurnStarted(), turn_id)
        if diff:
            self.say(thread_id, ev.DiffUpdated(diff), turn_id)
        self.say(thread_id, ev.TurnCompleted(), turn_id)

    def compare(self, kind: ScopeKind, thread_id: str, other: str = "") -> Comparison:
        return compare(self.state, Scope(kind, thread_id, other))


@pytest.fixture
def world() -> World:
    return World()


def paths(comparison: Comparison) -> list[list[str]]:
    return [[file.path for file in section.diff.files] for section in comparison.sections]


def test_each_turn_keeps_its_diff(world: World) -> None:
    world.thread("a")
    world.turn("a", "u1", patch("x"))
    world.turn("a", "u2", patch("y"))
    assert paths(world.compare(ScopeKind.TURN, "a", "u1")) == [["x"]]
    last = world.compare(ScopeKind.TURN, "a")
    assert paths(last) == [["y"]]
    assert last.title == "a: turn 2, the last one (completed)"


def test_a_thread_whose_turns_changed_other_files_is_one_diff(world: World) -> None:
    world.thread("a")
    world.turn("a", "u1", patch("x"))
    world.turn("a", "u2", patch("y"))
    whole = world.compare(ScopeKind.THREAD, "a")
    assert paths(whole) == [["x", "y"]]
    assert whole.sections[0].notes == (ALL_TURNS.format(2),)


def test_what_two_turns_did_to_a_file_is_one_diff(world: World) -> None:
    world.thread("a")
    world.turn("a", "u1", patch("x") + patch("back"))
    world.turn("a", "u2", patch("x", "newer", "new") + patch("back", "old", "new"))
    whole = world.compare(ScopeKind.THREAD, "a")
    assert paths(whole) == [["x"]]
    (hunk,) = whole.sections[0].diff.files[0].hunks
    assert [line.sign + line.text for line in hunk.lines] == ["-old", "+newer"]


def test_a_file_that_was_changed_and_then_moved_is_told_by_turn(world: World) -> None:
    world.thread("a")
    world.turn("a", "u1", patch("x"))
    world.turn("a", "u2", "diff --git a/x b/y\nrename from x\nrename to y\n")
    assert world.compare(ScopeKind.THREAD, "a").sections[0].notes == (SHARED_TURNS,)


def test_turns_that_do_not_follow_each_other_are_told_apart(world: World) -> None:
    world.thread("a")
    world.turn("a", "u1", patch("x"))
    world.turn("a", "u2", patch("x", "newer"))
    whole = world.compare(ScopeKind.THREAD, "a")
    assert [section.title for section in whole.sections] == [
        "turn 1 (completed)",
        "turn 2 (completed)",
    ]
    assert whole.sections[0].notes == (SHARED_TURNS,)


def test_a_turn_without_a_diff_is_put_together_from_its_patches(world: World) -> None:
    world.thread("a")
    world.say("a", ev.TurnStarted(), "u1")
    changes = [{"path": "n.py", "kind": {"type": "add"}, "diff": "one\ntwo\n"}]
    item = {"type": "fileChange", "id": "i", "status": "completed", "changes": changes}
    world.say("a", ev.ItemCompleted(item), "u1")
    declined = {**item, "id": "j", "status": "declined"}
    world.say("a", ev.ItemCompleted(declined), "u1")
    turn = world.compare(ScopeKind.TURN, "a", "u1")
    assert paths(turn) == [["n.py"]]
    assert turn.sections[0].notes == (FROM_PATCHES,)
    assert turn.sections[0].diff.files[0].added == 2


def test_a_diff_that_is_not_kept_is_told(world: World) -> None:
    world.thread("a")
    world.turn("a", "u1", patch("x"))
    world.turn("a", "u2")
    view = world.state.threads["a"]
    view.transcript.set_diff("u2", patch("y"), max_size=len(patch("y")) + 1)
    assert world.compare(ScopeKind.TURN, "a", "u1").sections[0].notes == (DROPPED.format("turn 1"),)
    assert paths(world.compare(ScopeKind.THREAD, "a")) == [["y"]]


def run_of(world: World) -> None:
    world.thread("run:1", kind=ThreadKind.RUN)
    world.thread("run:1/tester", kind=ThreadKind.ROLE, parent="run:1")
    world.thread("run:1/writer", kind=ThreadKind.ROLE, parent="run:1")
    world.thread("a", parent="run:1/tester")
    world.thread("b", parent="run:1/writer")
    world.turn("a", "u1", patch("x"))
    world.turn("b", "u2", patch("x"))


def test_a_run_is_told_by_role(world: World) -> None:
    run_of(world)
    whole = world.compare(ScopeKind.RUN, "run:1")
    assert [section.title for section in whole.sections] == [
        "run:1/tester · a",
        "run:1/writer · b",
    ]
    assert [section.thread_id for section in whole.sections] == ["a", "b"]


def test_a_role_shows_its_own_threads(world: World) -> None:
    run_of(world)
    assert default_scope(world.state, "run:1/writer") == Scope(ScopeKind.RUN, "run:1/writer")
    role = world.compare(ScopeKind.RUN, "run:1/writer")
    assert [section.thread_id for section in role.sections] == ["b"]


def forks_of(world: World) -> None:
    world.thread("a", cwd="/shop")
    world.turn("a", "u1", patch("before"))
    world.thread("b", forked_from="a", cwd="/shop")
    world.turn("b", "u1", patch("before"))
    world.turn("a", "u2", patch("x") + patch("both"))
    world.turn("b", "u3", patch("x", "other") + patch("both"))


def test_forks_are_compared_since_they_parted(world: World) -> None:
    forks_of(world)
    both = world.compare(ScopeKind.FORKS, "a", "b")
    assert paths(both) == [["both"], ["x"], ["x"]]
    assert [section.title for section in both.sections] == [
        "a and b: the same changes",
        "only a",
        "only b",
    ]
    assert both.sections[0].notes == (SAME_FOLDER.format("/shop"),)


def test_all_that_can_be_compared_is_listed(world: World) -> None:
    forks_of(world)
    kinds = [scope.kind for scope, _ in list_scopes(world.state, "b")]
    own = [ScopeKind.TURN, ScopeKind.THREAD, ScopeKind.TURN, ScopeKind.FORKS]
    assert kinds == [*own, ScopeKind.WORKING_TREE]
    world.thread("b", forked_from="a", cwd="/fork")
    folders = [scope.other for scope, _ in list_scopes(world.state, "b")][-2:]
    assert folders == ["", "a"]
    run_of(world)
    assert Scope(ScopeKind.RUN, "run:1") in dict(list_scopes(world.state, "run:1/writer"))
    assert list_scopes(world.state, "nobody") == []


def test_the_last_turn_with_changes_is_shown_first(world: World) -> None:
    world.thread("a")
    assert default_scope(world.state, "a").kind is ScopeKind.THREAD
    world.turn("a", "u1", patch("x"))
    world.turn("a", "u2")
    assert default_scope(world.state, "a") == Scope(ScopeKind.TURN, "a", "u1")


def test_a_thread_that_told_of_no_changes_shows_its_folder_first(world: World) -> None:
    world.thread("a", cwd="/shop")
    assert default_scope(world.state, "a") == ON_DISK
    world.turn("a", "u1", patch("x"))
    assert default_scope(world.state, "a") == Scope(ScopeKind.TURN, "a", "u1")


ON_DISK = Scope(ScopeKind.WORKING_TREE, "a")
BASE = "0123456789abcdef"


def test_a_folder_is_shown_as_it_was_read(world: World) -> None:
    world.thread("a", cwd="/shop/src")
    (request,) = tree_requests(world.state, ON_DISK)
    assert request == TreeRequest("a")
    assert compare(world.state, ON_DISK) == Comparison("a: on the disk", ())
    against = "What is in /shop now, whoever changed it, against "
    commit, nothing = f"commit {BASE[:10]}.", "nothing: there is no commit yet."
    table = [
        (
            WorkingTree("/shop", BASE, patch("x"), ("Only 5 of them",)),
            [["x"]],
            (against + commit, "Only 5 of them."),
        ),
        (WorkingTree("/shop"), [[]], (against + nothing, "Nothing is changed.")),
        (WorkingTree(problem="git is missing"), [[]], ("git is missing",)),
    ]
    for tree, files, notes in table:
        shown = compare(world.state, ON_DISK, trees={request: tree})
        assert paths(shown) == files
        (section,) = shown.sections
        assert (section.title, section.thread_id, section.notes) == ("", "a", notes)


def test_folders_of_forks_are_told_apart(world: World) -> None:
    forks_of(world)
    world.thread("b", forked_from="a", cwd="/fork")
    scope = Scope(ScopeKind.WORKING_TREE, "a", "b")
    one, two = tree_requests(world.state, scope)
    assert (one, two) == (TreeRequest("a", "b"), TreeRequest("b", "a"))
    trees = {one: WorkingTree("/shop", BASE, patch("x") + patch("both"))}
    assert paths(compare(world.state, scope, trees=trees)) == [["x", "both"]]
    trees[two] = WorkingTree("/fork", BASE, patch("x", "other") + patch("both"))
    both = compare(world.state, scope, trees=trees)
    assert paths(both) == [["both"], ["x"], ["x"]]
    assert [section.title for section in both.sections] == ["a and b: the same changes", "a", "b"]
    assert [section.thread_id for section in both.sections] == ["a", "a", "b"]
    trees[two] = WorkingTree("/shop", BASE, patch("x"))
    same = compare(world.state, scope, trees=trees)
    assert same.sections[0].notes[0] == SAME_ROOT.format("/shop")
    assert len(same.sections) == 1
    trees[two] = WorkingTree(problem="gone")
    assert compare(world.state, scope, trees=trees).sections[1].notes == ("gone",)


def test_a_run_has_each_folder_once(world: World) -> None:
    run_of(world)
    for thread_id, folder in (("a", "/shop"), ("b", "/fork")):
        info = world.state.threads[thread_id].info
        world.say(thread_id, ev.ThreadChanged(structs.replace(info, cwd=folder)))
    run = Scope(ScopeKind.WORKING_TREE, "run:1")
    requests = tree_requests(world.state, run)
    assert {request.thread_id for request in requests} == {"a", "b"}
    trees = {request: WorkingTree("/shop", BASE, patch("x")) for request in requests}
    assert paths(compare(world.state, run, trees=trees)) == [["x"]]
    trees[requests[1]] = WorkingTree("/fork", BASE, patch("y"))
    assert paths(compare(world.state, run, trees=trees)) == [["x"], ["y"]]
    role = Scope(ScopeKind.WORKING_TREE, "run:1/writer")
    assert len(tree_requests(world.state, role)) == 1
    assert default_scope(world.state, "run:1") == Scope(ScopeKind.RUN, "run:1")


def test_a_run_that_told_of_no_changes_shows_its_folders_first(world: World) -> None:
    world.thread("run:1", kind=ThreadKind.RUN)
    world.thread("run:1/writer", kind=ThreadKind.ROLE, parent="run:1")
    assert default_scope(world.state, "run:1") == Scope(ScopeKind.RUN, "run:1")
    world.thread("a", parent="run:1/writer", cwd="/shop")
    for thread_id in ("run:1", "run:1/writer"):
        expected = Scope(ScopeKind.WORKING_TREE, thread_id)
        assert default_scope(world.state, thread_id) == expected


@pytest.mark.parametrize("scope", [Scope(ScopeKind.TURN, "x"), Scope(ScopeKind.FORKS, "a", "x")])
def test_a_thread_that_has_gone_is_told(world: World, scope: Scope) -> None:
    world.thread("a")
    comparison = compare(world.state, scope)
    assert "not known any more" in comparison.title
    assert comparison.sections == ()


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (FileChange("x", "add", "a\nb\n"), (2, 0)),
        (FileChange("x", "add", ""), (0, 0)),
        (FileChange("x", "delete", "a\n"), (0, 1)),
        (FileChange("x", "update", "@@ -1 +1,2 @@\n-a\n+b\n+c\n", "y"), (2, 1)),
        (FileChange("x\n--- evil", "update", "@@ -1 +1 @@\n-a\n+b\n"), (1, 1)),
    ],
)
def test_a_patch_of_a_file_is_a_diff(change: FileChange, counts: tuple[int, int]) -> None:
    (file,) = parse_diff(unified_change(change)).files
    assert (file.added, file.removed) == counts
    assert file.path == (change.move_path or change.path.replace("\n", "␊"))
