"""What a diff view compares: a turn, a thread, a run, forks, or a folder on the disk. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from codextui.console.model.diff_compose import compose_files
from codextui.console.model.diff_document import Section
from codextui.console.model.items import FileChanges
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.transcript import Turn
from codextui.console.model.working_tree import TreeRequest, WorkingTree
from codextui.protocol.approvals import FileChange
from codextui.protocol.changes import change_lines
from codextui.protocol.diff import Diff, FileDiff, parse_diff
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo
from codextui.text.sanitize import one_line

Parse = Callable[[str], Diff]
"""Parses a diff, perhaps from a cache."""

FROM_PATCHES = "Put together from the patches that were applied; a file may stand twice."
DROPPED = "The diff of {} is not kept any more."
CUT = "This diff is longer than what is kept of it."
SHARED_TURNS = (
    "What the turns did to a file cannot be put together exactly, so each turn's own diff follows, "
    "oldest first."
)
ALL_TURNS = "All {} turns in one; what others changed in between is not in it."
SAME_FOLDER = "Both work in {}, so a file there holds what was written last."
ON_DISK = "What is in {} now, whoever changed it, against {}."
SAME_ROOT = "Both work in the repository in {}."

MAX_FOLDERS = 12
"""Folders of a run that are read."""

_CUT_MARK = "more characters are not kept here"


class ScopeKind(StrEnum):
    """The kinds of scopes."""

    TURN = "turn"
    THREAD = "thread"
    RUN = "run"
    FORKS = "forks"
    WORKING_TREE = "working tree"


class Scope(msgspec.Struct, frozen=True):
    """What is compared.

    Attributes:
        kind: the kind.
        thread_id: the thread, or the run.
        other: the turn's id, or the id of the other thread; empty for the last turn, and for a
            folder that is compared with its own commit.
    """

    kind: ScopeKind
    thread_id: str
    other: str = ""


class Comparison(msgspec.Struct, frozen=True):
    """The diffs of a scope.

    Attributes:
        title: what is compared, in words.
        sections: the diffs.
    """

    title: str
    sections: tuple[Section, ...]


def list_scopes(state: ConsoleState, thread_id: str) -> list[tuple[Scope, str]]:
    """Return what can be compared for a thread, a role or a run, each with a description."""
    scopes: list[tuple[Scope, str]] = []
    view = state.threads.get(thread_id)
    if view is None:
        return scopes
    handle = one_line(view.info.handle, 40)
    if view.info.kind is ThreadKind.CODEX:
        turns = view.transcript.turns
        for turn in reversed(turns):
            last = "the last turn, " if turn is turns[-1] else ""
            words = (
                f"turn {turn.number} of {handle}: {last}{turn.state}  {one_line(turn.prompt, 90)}"
            )
            scopes.append((Scope(ScopeKind.TURN, thread_id, turn.turn_id), words))
        whole = f"thread {handle}: all its turns ({len(turns)})"
        scopes.insert(min(1, len(scopes)), (Scope(ScopeKind.THREAD, thread_id), whole))
    run_id = state.run_id_of(thread_id)
    if view.info.kind is ThreadKind.ROLE:
        scopes.append((Scope(ScopeKind.RUN, thread_id), f"role {handle}: all its threads"))
    if run_id:
        run = state.threads.get(run_id)
        name = one_line(run_id if run is None else run.info.handle, 40)
        scopes.append((Scope(ScopeKind.RUN, run_id), f"run {name}: all roles, told by role"))
    others = list(_relatives(state, thread_id))
    for other in others:
        words = f"forks: {handle} against {one_line(other.info.handle, 40)}"
        scopes.append((Scope(ScopeKind.FORKS, thread_id, other.thread_id), words))
    return [*scopes, *_folder_scopes(state, view, others)]


def _folder_scopes(
    state: ConsoleState, view: ThreadView, others: Iterable[ThreadView]
) -> Iterator[tuple[Scope, str]]:
    """Yield what can be compared on the disk."""
    handle, thread_id, cwd = one_line(view.info.handle, 40), view.thread_id, view.info.cwd
    own = Scope(ScopeKind.WORKING_TREE, thread_id)
    if requests := tree_requests(state, own):
        what = f"folder of {handle}" if len(requests) == 1 else f"folders of {handle}"
        yield own, f"{what}: all that git finds changed on the disk, whoever did it"
    for other in others:
        if cwd and other.info.cwd not in ("", cwd):
            scope = Scope(ScopeKind.WORKING_TREE, thread_id, other.thread_id)
            name = one_line(other.info.handle, 40)
            yield scope, f"folders: {handle} against {name}, on the disk, since they parted"


def default_scope(state: ConsoleState, thread_id: str) -> Scope:
    """Return the scope that is shown first: the last turn with changes, or all of a role or run.

    Where no change was told of it is the folder.
    """
    view = state.threads.get(thread_id)
    if view is None or view.info.kind is not ThreadKind.CODEX:
        return _default_scope_of_run(state, thread_id)
    patches = _patches_of(view)
    for turn in reversed(view.transcript.turns):
        if turn.diff.strip() or turn.turn_id in patches:
            return Scope(ScopeKind.TURN, thread_id, turn.turn_id)
    has_folder = bool(view.info.cwd) and not view.transcript.has_changes
    return Scope(ScopeKind.WORKING_TREE if has_folder else ScopeKind.THREAD, thread_id)


def _default_scope_of_run(state: ConsoleState, thread_id: str) -> Scope:
    view = state.threads.get(thread_id)
    members = [] if view is None else [state.threads[m.thread_id] for m in _members(state, view)]
    folders = Scope(ScopeKind.WORKING_TREE, thread_id)
    has_changes = any(member.transcript.has_changes for member in members)
    is_told = has_changes or not tree_requests(state, folders)
    return Scope(ScopeKind.RUN, thread_id) if is_told else folders


def compare(
    state: ConsoleState,
    scope: Scope,
    parse: Parse = parse_diff,
    trees: Mapping[TreeRequest, WorkingTree] | None = None,
) -> Comparison:
    """Return the diffs of a scope as they are now; of folders as they were read (`trees`)."""
    view = state.threads.get(scope.thread_id)
    if view is None:
        return Comparison("The thread is not known any more", ())
    handle = one_line(view.info.handle, 40)
    match scope.kind:
        case ScopeKind.TURN:
            return _compare_turn(view, scope.other, parse)
        case ScopeKind.THREAD:
            sections = _turn_sections(view, view.transcript.turns, "", parse)
            return Comparison(f"{handle}: the whole thread", tuple(sections))
        case ScopeKind.RUN:
            return _compare_run(state, view, parse)
        case ScopeKind.FORKS:
            other = state.threads.get(scope.other)
            if other is None:
                return Comparison("The other thread is not known any more", ())
            return _compare_forks(view, other, parse)
        case ScopeKind.WORKING_TREE:
            return _compare_folders(state, scope, parse, trees or {})


def _compare_turn(view: ThreadView, turn_id: str, parse: Parse) -> Comparison:
    handle, turns = one_line(view.info.handle, 40), view.transcript.turns
    turn = next((one for one in turns if one.turn_id == turn_id), turns[-1] if turns else None)
    if turn is None:
        return Comparison(f"{handle}: no turn yet", ())
    last = ", the last one" if turn is turns[-1] else ""
    title = f"{handle}: turn {turn.number}{last} ({turn.state})"
    section = _turn_section(view, turn, "", parse, _patches_of(view))
    return Comparison(title, () if section is None else (section,))


def _compare_run(state: ConsoleState, view: ThreadView, parse: Parse) -> Comparison:
    """Return the diffs of a run's threads, role by role; of a role those of its own threads."""
    sections: list[Section] = []
    is_role = view.info.kind is ThreadKind.ROLE
    for info in _members(state, view):
        member, role = state.threads[info.thread_id], state.threads.get(info.parent)
        name = one_line(info.handle, 40)
        if role is not None and role.info.kind is ThreadKind.ROLE:
            name = f"{one_line(role.info.handle, 40)} · {name}"
        sections.extend(_turn_sections(member, member.transcript.turns, name, parse))
    handle = one_line(view.info.handle, 40)
    what = "role {}: all its threads" if is_role else "run {}: changes of all roles, by role"
    return Comparison(what.format(handle), tuple(sections))


def _members(state: ConsoleState, view: ThreadView) -> Iterator[ThreadInfo]:
    """Yield the Codex threads of a run, or of a role."""
    is_role = view.info.kind is ThreadKind.ROLE
    for info in state.run_members(state.run_id_of(view.thread_id)):
        if info.kind is ThreadKind.CODEX and (not is_role or info.parent == view.thread_id):
            yield info


# Forks.


def _relatives(state: ConsoleState, thread_id: str) -> Iterator[ThreadView]:
    """Yield the source of a thread, its forks, and the other forks of its source."""
    view = state.threads[thread_id]
    source = view.info.forked_from
    for other in state.threads.values():
        if other.thread_id == thread_id:
            continue
        is_sibling = bool(source) and other.info.forked_from == source
        if other.thread_id == source or other.info.forked_from == thread_id or is_sibling:
            yield other


def own_turns(view: ThreadView, other: ThreadView) -> list[Turn]:
    """Return the turns of a thread that another one does not share by a fork."""
    shared = {turn.turn_id for turn in other.transcript.turns}
    return [turn for turn in view.transcript.turns if turn.turn_id not in shared]


def _compare_forks(view: ThreadView, other: ThreadView, parse: Parse) -> Comparison:
    one, two = one_line(view.info.handle, 40), one_line(other.info.handle, 40)
    left = _turn_sections(view, own_turns(view, other), f"only {one}", parse)
    right = _turn_sections(other, own_turns(other, view), f"only {two}", parse)
    sections = _tell_apart((one, two), view.thread_id, left, right)
    if sections and view.info.cwd and view.info.cwd == other.info.cwd:
        note = SAME_FOLDER.format(one_line(view.info.cwd, 120))
        first = sections[0]
        sections[0] = msgspec.structs.replace(first, notes=(note, *first.notes))
    has_parted = len(own_turns(view, other)) < len(view.transcript.turns)
    since = " since the fork" if has_parted else ""
    return Comparison(f"{one} against {two}: what each has changed{since}", tuple(sections))


def _tell_apart(
    names: tuple[str, str], thread_id: str, left: Sequence[Section], right: Sequence[Section]
) -> list[Section]:
    """Put what both sides have changed alike into a section of its own, before the others."""
    lefts = {_content(file) for section in left for file in section.diff.files}
    both = [
        file
        for section in right
        for file in section.diff.files
        if _content(file) in lefts and not file.is_binary
    ]
    contents = {_content(file) for file in both}
    sections: list[Section] = []
    if both:
        title = f"{names[0]} and {names[1]}: the same changes"
        sections.append(Section(title, thread_id, Diff(tuple(both))))
    rest = [_without(section, contents) for section in (*left, *right)]
    sections.extend(section for section in rest if section.diff.files or section.notes)
    return sections


def _content(file: FileDiff) -> tuple[object, ...]:
    return file.path, file.old_path, file.kind, file.modes, file.hunks


def _without(section: Section, contents: set[tuple[object, ...]]) -> Section:
    files = tuple(file for file in section.diff.files if _content(file) not in contents)
    return msgspec.structs.replace(section, diff=Diff(files, section.diff.preamble))


# Folders on the disk.


def tree_requests(state: ConsoleState, scope: Scope) -> list[TreeRequest]:
    """Return what has to be read for a scope: of a run each folder once, for its newest thread."""
    view = state.threads.get(scope.thread_id)
    if view is None or scope.kind is not ScopeKind.WORKING_TREE:
        return []
    if scope.other:
        both = scope.thread_id, scope.other
        return [TreeRequest(*both), TreeRequest(*reversed(both))]
    if view.info.kind is ThreadKind.CODEX:
        return [TreeRequest(view.thread_id)] if view.info.cwd else []
    newest = {info.cwd: info.thread_id for info in _members(state, view) if info.cwd}
    return [TreeRequest(thread_id) for thread_id in newest.values()][:MAX_FOLDERS]


def _compare_folders(
    state: ConsoleState, scope: Scope, parse: Parse, trees: Mapping[TreeRequest, WorkingTree]
) -> Comparison:
    """Return what differs on the disk, of what was read; each repository once."""
    found: dict[str, Section] = {}
    requests = tree_requests(state, scope)
    for request in requests:
        view, tree = state.threads.get(request.thread_id), trees.get(request)
        if view is not None and tree is not None:
            title = "" if len(requests) == 1 else one_line(view.info.handle, 40)
            key = tree.root or request.thread_id
            found.setdefault(key, _tree_section(view, title, tree, parse))
    names = [one_line(state.threads[one].info.handle, 40) for one in _named(state, scope)]
    sections = list(found.values())
    if not scope.other or len(names) != len(requests):
        return Comparison(f"{' and '.join(names)}: on the disk", tuple(sections))
    if len(sections) == len(requests):
        sections = _tell_apart((names[0], names[1]), scope.thread_id, sections[:1], sections[1:])
    elif sections and all(request in trees for request in requests):
        only = sections[0]
        root = one_line(trees[requests[0]].root, 120)
        notes = (SAME_ROOT.format(root), *only.notes)
        sections = [msgspec.structs.replace(only, title="", notes=notes)]
    return Comparison(f"{names[0]} against {names[1]}: on the disk", tuple(sections))


def _named(state: ConsoleState, scope: Scope) -> list[str]:
    return [one for one in (scope.thread_id, scope.other) if one in state.threads]


def _tree_section(view: ThreadView, title: str, tree: WorkingTree, parse: Parse) -> Section:
    if tree.problem:
        return Section(title, view.thread_id, Diff(), (tree.problem,))
    diff = parse(tree.patch)
    against = f"commit {tree.base[:10]}" if tree.base else "nothing: there is no commit yet"
    notes = [ON_DISK.format(one_line(tree.root, 120), against)]
    notes += [f"{one_line(note, 200)}." for note in tree.notes]
    notes += [] if diff.files else ["Nothing is changed."]
    return Section(title, view.thread_id, diff, tuple(notes))


# Turns.


def _turn_sections(
    view: ThreadView, turns: Sequence[Turn], name: str, parse: Parse
) -> list[Section]:
    """Return the diffs of several turns: in one section if they can be put together exactly."""
    patches = _patches_of(view)
    pairs = [(turn, _turn_section(view, turn, name, parse, patches)) for turn in turns]
    sections = [(turn, section) for turn, section in pairs if section is not None]
    if len(sections) <= 1:
        return [section for _, section in sections]
    if (files := _put_together([section.diff for _, section in sections])) is not None:
        notes = [note for _, section in sections for note in section.notes if note != FROM_PATCHES]
        told = (ALL_TURNS.format(len(sections)), *dict.fromkeys(notes))
        return [Section(name, view.thread_id, Diff(files), told)]
    titled = [
        msgspec.structs.replace(section, title=_turn_title(turn, name))
        for turn, section in sections
    ]
    first = titled[0]
    titled[0] = msgspec.structs.replace(first, notes=(SHARED_TURNS, *first.notes))
    return titled


def _put_together(diffs: Sequence[Diff]) -> tuple[FileDiff, ...] | None:
    """Return the files of diffs that follow each other, each once; None if that is not exact."""
    files: dict[str, FileDiff] = {}
    for diff in diffs:
        for file in diff.files:
            before = files.get(file.path)
            if file.old_path and (file.old_path in files or before is not None):
                return None
            composed = file if before is None else compose_files(before, file)
            if composed is None:
                return None
            files[file.path] = composed
    moved = {file.old_path for file in files.values() if file.old_path}
    if moved & set(files):
        return None
    return tuple(file for file in files.values() if not _is_undone(file))


def _is_undone(file: FileDiff) -> bool:
    """Return whether a file is in the end as it was in the beginning."""
    return file.header[0].startswith("--- ") and not file.hunks


def _turn_title(turn: Turn, name: str) -> str:
    prompt = one_line(turn.prompt, 90)
    title = f"turn {turn.number} ({turn.state})" + (f": {prompt}" if prompt else "")
    return f"{name} · {title}" if name else title


def _turn_section(
    view: ThreadView, turn: Turn, name: str, parse: Parse, patches: Mapping[str, str]
) -> Section | None:
    """Return the diff of a turn, None if it has changed nothing."""
    if turn.diff_dropped:
        note = DROPPED.format(f"turn {turn.number}")
        return Section(name, view.thread_id, Diff(), (note,))
    if turn.diff.strip():
        cut = (CUT,) if _CUT_MARK in turn.diff[-80:] else ()
        return Section(name, view.thread_id, parse(turn.diff), cut)
    text = patches.get(turn.turn_id, "")
    return Section(name, view.thread_id, parse(text), (FROM_PATCHES,)) if text else None


def turn_diffs(view: ThreadView, parse: Parse = parse_diff) -> dict[str, Diff]:
    """Return the diff of each turn that has one, or whose applied patches are known."""
    texts = _patches_of(view)
    texts |= {turn.turn_id: turn.diff for turn in view.transcript.turns if turn.diff.strip()}
    return {turn_id: parse(text) for turn_id, text in texts.items()}


def _patches_of(view: ThreadView) -> dict[str, str]:
    """Return the applied patches of each turn that has no diff, as one unified diff."""
    bare = {turn.turn_id for turn in view.transcript.turns if not turn.diff}
    patches: dict[str, list[str]] = {}
    for item in view.transcript.items if bare else ():
        content = item.content
        if not isinstance(content, FileChanges) or item.turn_id not in bare:
            continue
        if content.status == "completed":
            changes = map(unified_change, content.changes)
            patches.setdefault(item.turn_id, []).extend(changes)
    return {turn_id: "".join(texts) for turn_id, texts in patches.items()}


def unified_change(change: FileChange) -> str:
    """Return the change of a file as a unified diff with a header."""
    old, new = (path.replace("\n", "␊") for path in (change.path, change.move_path or change.path))
    lines = change_lines(change)
    header = [f"diff --git a/{old} b/{new}"]
    if change.kind == "update":
        header += [f"rename from {old}", f"rename to {new}"] if old != new else []
        names = [f"--- a/{old}", f"+++ b/{new}"] if change.diff.strip() else []
        return "\n".join([*header, *names, change.diff.removesuffix("\n"), ""])
    is_add = change.kind == "add"
    header.append("new file mode 100644" if is_add else "deleted file mode 100644")
    if lines:
        header += ["--- /dev/null", f"+++ b/{new}"] if is_add else [f"--- a/{old}", "+++ /dev/null"]
        header.append(f"@@ -0,0 +1,{len(lines)} @@" if is_add else f"@@ -1,{len(lines)} +0,0 @@")
    return "\n".join([*header, *(line.sign + line.text for line in lines), ""])
