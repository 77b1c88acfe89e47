from __future__ import annotations

import json

import pytest
from console.render.looks import PALETTE, TEXTS, WIDTHS, is_harmless, lines
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.render.approval import approval_title, render_approval, render_approval_row
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
    UnknownAsked,
)
from codextui.text.sanitize import reveal


def approval(asked: Asked) -> Approval:
    return Approval("a7", "thread", "u", "i", "backend", 100.0, asked)


def draw(asked: Asked, width: int = 60) -> list[str]:
    return lines(render_approval(approval(asked), width, PALETTE))


COMMAND = CommandAsked(
    "git push origin main",
    "/work/shop",
    "The branch has to be there.",
    ("git push origin main",),
    ("git", "push"),
    "https://github.com",
    {"network": {"enabled": True}},
)
PATCH = PatchAsked((FileChange("a.py", "add", "x = 1\n"),), "adds it", "/work")


def test_a_command_is_shown_with_all_its_fields() -> None:
    assert draw(COMMAND) == [
        "$ git push origin main",
        "! publishes, reaches the network",
        "",
        "cwd      /work/shop",
        "reason   The branch has to be there.",
        "network  https://github.com",
        "permissions",
        "  {",
        '    "network": {',
        '      "enabled": true',
        "    }",
        "  }",
        "always   every command could reach: push",
    ]


def test_input_for_a_running_command_has_another_prompt() -> None:
    assert draw(CommandAsked("y", stdin=True))[0] == "> y"


def test_invisible_characters_of_a_command_are_shown_with_a_warning() -> None:
    rows = draw(CommandAsked("rm \x1b[8m-rf /\u202e"))
    assert rows[0] == "$ rm ␛[8m-rf /<U+202E>"
    assert rows[1].startswith("! It holds control or invisible characters")
    assert rows[2].endswith("others: ␛, <U+202E>")
    assert not any(row.startswith("!") for row in draw(CommandAsked("ls\t-l  a")))


@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_command_of_ten_thousand_characters_is_shown_in_full(width: int) -> None:
    command = "".join(f"echo {n} && " for n in range(900))[:10_000]
    strips = render_approval(approval(CommandAsked(command)), width, PALETTE)
    shown = "".join("".join(s.text for s in list(strip)[1:]) for strip in strips)
    assert command.replace(" ", "") in shown.replace(" ", "")


def test_a_patch_is_shown_with_its_whole_diff() -> None:
    content = "".join(f"line {n}\n" for n in range(5000))
    rows = draw(PatchAsked((FileChange("a", "add", content),), "why", "/root"))
    assert rows[:3] == [
        "reason   why",
        "grants   /root, for the session",
        "changes  1 file, +5,000 -0",
    ]
    assert rows[5:] == [f"+ line {n}" for n in range(5000)]


def test_a_patch_without_changes_has_a_warning() -> None:
    assert draw(PatchAsked(())) == ["! Codex has not shown what it would change."]


def test_questions_are_shown_with_their_options() -> None:
    question = Question(
        "q", "Colour", "Which one?", (("Blue", "calm"), ("Red", "")), other=True, secret=True
    )
    assert draw(QuestionsAsked((question, Question("r", "", "And why?")))) == [
        "1. Colour",
        "Which one?",
        "- Blue: calm",
        "- Red",
        "note     another answer is welcome, the answer stays hidden",
        "",
        "2.",
        "And why?",
    ]


def test_an_elicitation_is_shown_with_its_server_and_address() -> None:
    asked = ElicitationAsked("github", "url", "Log in", url="https://github.com/login")
    assert draw(asked) == ["server   github", "Log in", "address  https://github.com/login"]
    odd = draw(ElicitationAsked("github", "telepathy", "Think"))
    assert "! Its mode telepathy is not known here: it can be declined." in odd


def test_permissions_are_shown_in_full() -> None:
    asked = PermissionsAsked({"fileSystem": {"write": ["/a", "/b"]}}, "/w", "to build")
    rows = "\n".join(draw(asked))
    assert '"/a"' in rows
    assert '"/b"' in rows
    assert "reason   to build" in rows
    assert "cwd      /w" in rows


_JSON = st.recursive(
    st.integers() | st.booleans() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, _JSON, max_size=4), WIDTHS)
def test_an_unknown_request_is_shown_in_full(params: dict[str, object], width: int) -> None:
    strips = render_approval(approval(UnknownAsked("item/odd/kind", params)), width, PALETTE)
    shown = "".join("".join(strip.text for strip in strips).split())
    for wanted in (*params, *params.values()):
        text = reveal(json.dumps(wanted, ensure_ascii=False))
        assert "".join(text.split()) in shown
    assert "item/odd/kind" in shown


def test_json_too_deep_to_be_indented_is_shown() -> None:
    deep: object = "bottom"
    for _ in range(600):
        deep = [deep]
    rows = draw(UnknownAsked("odd", {"deep": deep}))
    assert "bottom" in "".join(rows)


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (COMMAND, "backend asks to reach the network"),
        (CommandAsked("ls"), "backend asks to run a command"),
        (CommandAsked("y", stdin=True), "backend asks to type into a command"),
        (PATCH, "backend asks to change files"),
        (PermissionsAsked({}), "backend asks for permissions"),
        (QuestionsAsked(()), "backend has a question"),
        (ElicitationAsked("github", "form", ""), "backend passes on a question of github"),
        (UnknownAsked("x", {}), "backend asks something that is not known here"),
    ],
)
def test_the_title_says_who_asks_for_what(asked: Asked, title: str) -> None:
    assert approval_title(approval(asked)) == title


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        (CommandAsked("git push\nrm x"), "? backend 12s run: git push ␊ rm x"),
        (PATCH, "? backend 12s change a.py: 1 file, +1 -0"),
        (PatchAsked(()), "? backend 12s change files, not shown by Codex"),
        (PermissionsAsked({"network": 1}), '? backend 12s have permissions: {"network": 1}'),
        (QuestionsAsked((Question("q", "", "Why?"),)), "? backend 12s have an answer: Why?"),
        (ElicitationAsked("gh", "form", "Log in"), "? backend 12s answer gh: Log in"),
        (UnknownAsked("a/b", {}), "? backend 12s something unknown: a/b"),
    ],
)
def test_a_row_says_who_waits_for_what_and_how_long(asked: Asked, row: str) -> None:
    assert render_approval_row(approval(asked), 60, PALETTE, now=112.0).text.rstrip() == row


_ASKED: st.SearchStrategy[Asked] = st.one_of(
    st.builds(
        CommandAsked,
        TEXTS,
        TEXTS,
        TEXTS,
        st.lists(TEXTS, max_size=2).map(tuple),
        st.lists(TEXTS, max_size=2).map(tuple),
        TEXTS,
        st.dictionaries(TEXTS, _JSON, max_size=2),
        st.booleans(),
    ),
    st.builds(
        PatchAsked,
        st.lists(
            st.builds(FileChange, TEXTS, st.sampled_from(["add", "update"]), TEXTS, TEXTS),
            max_size=2,
        ).map(tuple),
        TEXTS,
        TEXTS,
    ),
    st.builds(PermissionsAsked, st.dictionaries(TEXTS, _JSON, max_size=2), TEXTS, TEXTS),
    st.builds(
        QuestionsAsked,
        st.lists(
            st.builds(
                Question,
                TEXTS,
                TEXTS,
                TEXTS,
                st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
                st.booleans(),
                st.booleans(),
            ),
            max_size=2,
        ).map(tuple),
    ),
    st.builds(
        ElicitationAsked, TEXTS, TEXTS, TEXTS, st.dictionaries(TEXTS, _JSON, max_size=2), TEXTS
    ),
    st.builds(UnknownAsked, TEXTS, st.dictionaries(TEXTS, _JSON, max_size=2)),
)


@given(_ASKED, WIDTHS)
def test_rows_of_any_approval_fit_and_are_harmless(asked: Asked, width: int) -> None:
    strips = render_approval(approval(asked), width, PALETTE)
    row = render_approval_row(approval(asked), width, PALETTE, now=0.0)
    assert row.cell_length == width
    for strip in (*strips, row):
        assert strip.cell_length <= width
        assert is_harmless(strip.text)
