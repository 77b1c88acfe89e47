"""Every view of a request shows all of it, each thing once, and nothing that is not in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from console.render.looks import PALETTE, text
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from protocol import shapes

from codextui.console.render.approval import render_approval
from codextui.protocol.approval_parts import Caution, Script
from codextui.protocol.approval_text import (
    LONG_SCRIPT,
    LONG_SCRIPT_LINES,
    describe_question,
    describe_subject,
    describe_title,
    format_details,
    format_elicitation,
    format_request,
    request_parts,
    scope_problem,
    summarize_request,
)
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
    approval_scopes,
    takes_answers,
)
from codextui.protocol.decisions import Scope

WORD = st.from_regex(r"[a-z]{4,8}", fullmatch=True)
VALUES = st.recursive(
    WORD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3)
)
OBJECT = st.dictionaries(WORD, VALUES, min_size=1, max_size=3)
CHANGE = st.builds(FileChange, WORD, st.sampled_from(["add", "delete"]), WORD, WORD)
QUESTION = st.builds(Question, WORD, WORD, WORD, st.lists(st.tuples(WORD, WORD)).map(tuple))
ASKED: st.SearchStrategy[Asked] = st.one_of(
    st.builds(CommandAsked, WORD, WORD, WORD, network=WORD, permissions=OBJECT),
    st.builds(PatchAsked, st.lists(CHANGE, min_size=1, max_size=3).map(tuple), WORD, WORD),
    st.builds(PermissionsAsked, OBJECT, WORD, WORD),
    st.builds(QuestionsAsked, st.lists(QUESTION, min_size=1, max_size=3).map(tuple)),
    st.builds(
        ElicitationAsked,
        WORD,
        st.just("form"),
        WORD,
        OBJECT.map(lambda fields: {"properties": fields}),
        meta=OBJECT | OBJECT.map(lambda given: {"tool_params": given}),
    ),
    st.builds(ElicitationAsked, WORD, st.just("url"), WORD, url=WORD, meta=OBJECT),
    st.builds(ToolAsked, WORD, OBJECT, WORD, WORD),
    st.builds(UnknownAsked, WORD, OBJECT),
)


def words(value: object) -> Iterator[str]:
    """Yield every text in a request."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from words(inner) if key not in ("kind", "mode", "question_id") else ()
        case list() | tuple():
            for inner in value:
                yield from words(inner)
        case str():
            yield value


@given(ASKED)
def test_every_text_of_a_request_is_in_every_view(asked: Asked) -> None:
    approval = Approval("a1", "t", "u", "i", "backend", 1.0, asked)
    views = {
        "command line": format_request(asked),
        "elicitation": format_elicitation(asked),
        "dialog": text(render_approval(approval, 100, PALETTE)),
        "transcript": f"{describe_subject(asked, 10_000)}\n{format_details(asked)}",
    }
    diffs = {c.diff for c in asked.changes} if isinstance(asked, PatchAsked) else set()
    for view, shown in views.items():
        missing = [word for word in words(asked.to_json()) if word not in shown]
        assert not missing or (view == "transcript" and diffs.issuperset(missing)), view


@given(shapes.asked)
def test_any_request_has_all_texts_and_one_line_is_one_line(asked: Asked) -> None:
    assert format_request(asked) is not None
    assert format_elicitation(asked) is not None
    for line in (
        describe_title(asked),
        describe_subject(asked),
        describe_question(asked),
        summarize_request(asked),
    ):
        assert "\n" not in line
        assert "\x1b" not in line


LINES = "x\ncwd: /safe\n\nalways: nothing\r\n! no\u2028warning"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (CommandAsked("ls", "/w", "why", permissions={"a": "b"}), ("command", "cwd", "reason")),
        (PatchAsked((FileChange("a", "add", "x"),), "why", "/w"), ("reason", "grant_root")),
        (PermissionsAsked({"a": "b"}, "/w", "why"), ("cwd", "reason")),
        (ElicitationAsked("s", "url", "m", {}, "https://x", {"a": "b"}), ("message", "url")),
        (ToolAsked("t", {"a": "b"}, "s", "why"), ("tool", "server", "reason")),
        (UnknownAsked("m", {"a": "b"}), ("method",)),
    ],
)
def test_no_text_of_a_request_looks_like_a_line_of_its_own(
    asked: Asked, names: tuple[str, ...]
) -> None:
    def starts(asked: Asked) -> list[str]:
        lines = format_request(asked).split("\n")
        return [line for line in lines if line[:1] not in ("", " ", "!")]

    plain = len(starts(asked))
    for name in names:
        hostile = structs.replace(asked, **{name: LINES})
        assert len(starts(hostile)) == plain
        assert "others: <U+2028>" in format_request(hostile)


def test_the_shell_is_taken_off_and_each_thing_said_once() -> None:
    asked = CommandAsked(
        "/bin/bash -lc 'git push origin'",
        "/w",
        parsed=("unknown git push origin", "read a.py"),
        rule=("git", "push"),
    )
    assert format_request(asked).split("\n") == [
        "$ git push origin",
        "! publishes, reaches the network",
        "cwd: /w",
        "parsed: read a.py",
        "always: every command that begins with: git push",
    ]
    assert summarize_request(asked) == "run: git push origin"


def test_a_script_that_ends_in_a_line_end_is_not_said_twice() -> None:
    script = "echo safe\n\ntouch x\n"
    asked = CommandAsked(f"/bin/bash -lc '{script}'", "/w", parsed=(f"run {script}",))
    assert "parsed" not in format_request(asked)


def test_the_warnings_of_a_long_script_stand_before_it() -> None:
    short = CommandAsked("echo a\n" * 3 + "rm -rf /", "/w")
    assert [type(part) for part in request_parts(short)][:2] == [Script, Caution]
    for long in ("echo a\n" * LONG_SCRIPT_LINES, "echo a;" * LONG_SCRIPT):
        parts = request_parts(CommandAsked(f"{long}rm -rf /", "/w"))
        assert [type(part) for part in parts][:2] == [Caution, Script]


def test_hidden_characters_are_named_and_counted_for_every_kind() -> None:
    for asked in (
        CommandAsked("echo \u200b\u200b\u202e"),
        PatchAsked((FileChange("a", "add", "\u200b\u200b\u202e\n"),)),
        ToolAsked("t", {"a": ["\u200b\u200b", {"\u202e": 1}]}),
        ElicitationAsked("s", "form", "m", meta={"tool_params": {"a": "\u200b\u200b\u202e"}}),
    ):
        assert "for others: <U+200B> (2), <U+202E>" in format_request(asked)


def test_the_call_of_a_tool_shows_its_arguments_and_says_them_once() -> None:
    given = {"text": "\u5220\u9664 all"}
    meta = {
        "codex_approval_kind": "mcp_tool_call",
        "persist": ["session"],
        "tool_params": given,
        "tool_params_display": [{"name": "text", "value": given["text"], "display_name": "text"}],
    }
    asked = ElicitationAsked("notes", "form", "Allow it?", {"properties": {}}, meta=meta)
    assert format_request(asked).split("\n") == [
        "server: notes",
        "Allow it?",
        "arguments:",
        "  {",
        '    "text": "\u5220\u9664 all"',
        "  }",
    ]
    assert describe_title(asked) == "asks to call a tool of notes"
    assert '"\u5220\u9664 all"' in describe_subject(asked)
    other = structs.replace(
        asked, meta={**meta, "tool_params_display": [{"name": "text", "value": "harmless"}]}
    )
    assert "harmless" in format_request(other)


def test_a_patch_of_several_files_begins_with_their_list() -> None:
    changes = tuple(FileChange(f"f{n}.py", "add", "x\n" * 12_000) for n in range(3))
    lines = format_request(PatchAsked(changes)).split("\n")
    assert lines[:4] == [
        "changes: 3 files, +36,000 -0",
        "  add f0.py, +12,000 -0",
        "  add f1.py, +12,000 -0",
        "  add f2.py, +12,000 -0",
    ]


def test_tabs_and_trailing_blanks_of_a_diff_are_visible() -> None:
    diff = "@@ -1 +1 @@\n-    x\n+\tx \n"
    lines = format_request(PatchAsked((FileChange("a", "update", diff),))).split("\n")
    assert lines == ["update a, +1 -1", "  @@ -1 +1 @@", "  -    x", "  +→   x·"]


def test_blank_lines_that_pad_a_diff_are_counted() -> None:
    content = "a\n" + "\n" * 12_000 + "rm\n"
    lines = format_request(PatchAsked((FileChange("a", "add", content),))).split("\n")
    assert lines == ["add a, +12,002 -0", "  +a", "  +\u22ef 12,000 blank lines \u22ef", "  +rm"]


def test_an_elicitation_keeps_the_question_of_another_server_as_its_first_line() -> None:
    asked = CommandAsked("ls", "/w", "to see")
    assert format_elicitation(asked, "Allow Codex to run `ls` in `/w`?").split("\n") == [
        "Allow Codex to run `ls` in `/w`?",
        "reason: to see",
    ]
    patch = PatchAsked((FileChange("a", "add", "x\n"),), "why")
    question = "why\nAllow Codex to apply proposed code changes?"
    assert format_elicitation(patch, question) == f"{question}\nadd a, +1 -0\n  +x"


@given(shapes.asked, st.sampled_from(Scope))
def test_a_scope_is_possible_or_there_is_a_reason(asked: Asked, scope: Scope) -> None:
    assert (scope in approval_scopes(asked)) == (not scope_problem(asked, scope))


@pytest.mark.parametrize(
    ("asked", "scopes", "answers"),
    [
        (CommandAsked("ls"), "once session", False),
        (CommandAsked("ls", rule=("ls",)), "once session always", False),
        (CommandAsked("y", stdin=True), "once", False),
        (PatchAsked(()), "once session", False),
        (PermissionsAsked({}), "once session", False),
        (QuestionsAsked(()), "", True),
        (ElicitationAsked("s", "url", "m", url="https://x"), "once", False),
        (ElicitationAsked("s", "form", "m"), "once", False),
        (ElicitationAsked("s", "form", "m", meta={"persist": "always"}), "once always", False),
        (ElicitationAsked("s", "form", "m", {"properties": {"a": {}}}), "once", True),
        (
            ElicitationAsked("s", "form", "m", {"properties": {"a": {}}, "required": ["a"]}),
            "",
            True,
        ),
        (ElicitationAsked("s", "odd", "m"), "", False),
        (ToolAsked("t"), "once session", False),
        (UnknownAsked("x"), "", False),
    ],
)
def test_what_can_be_decided_depends_on_the_request(
    asked: Asked, scopes: str, answers: bool
) -> None:
    assert " ".join(approval_scopes(asked)) == scopes
    assert takes_answers(asked) == answers
