"""What the composer suggests, and which texts are commands."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codextui.console.model.image_marks import restore_images, split_images
from codextui.console.model.suggestions import (
    COMMANDS,
    MAX_SUGGESTIONS,
    Typed,
    as_text,
    command_problem,
    file_mark,
    parse_command,
    queued_command_problem,
    recall,
    suggest_commands,
    suggest_files,
    typed_before,
)

PATHS = ("cost.py", "src/cost_of.py", "src/shop/basket.py", "docs/costs.md", "docs/my notes.md")


@pytest.mark.parametrize(
    ("line", "is_first", "typed"),
    [
        ("/", True, Typed("/", "")),
        ("/ki", True, Typed("/", "ki")),
        ("/ki", False, None),
        (" /ki", True, None),
        ("/kill ", True, None),
        ("/usr/lib", True, None),
        ("see @co", True, Typed("@", "co")),
        ("see @co", False, Typed("@", "co")),
        ("@", False, Typed("@", "")),
        ("@src/co", True, Typed("@", "src/co")),
        ("ada@example.org", True, None),
        ("@co st", True, None),
        ("@image:/tmp/a.png", True, None),
        ("", True, None),
    ],
)
def test_what_stands_before_the_cursor(line: str, is_first: bool, typed: Typed | None) -> None:
    assert typed_before(line, is_first=is_first) == typed


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("cost", "cost.py"),
        ("COST", "cost.py"),
        ("basket", "src/shop/basket.py"),
        ("ssb", "src/shop/basket.py"),
        ("docs/", "docs/costs.md"),
    ],
)
def test_the_closest_file_comes_first(query: str, first: str) -> None:
    assert suggest_files(query, PATHS)[0].label == first


def test_a_query_that_is_a_pattern_of_characters_is_taken_literally() -> None:
    assert suggest_files(".*", PATHS) == ()
    assert [one.label for one in suggest_files("(a)[", ["(a)[b].py"])] == ["(a)[b].py"]


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("a.py", "a.py "),
        ("my notes.md", '"my notes.md" '),
        ("shot.PNG", "@image:shot.PNG "),
        ("my shot.png", '@image:"my shot.png" '),
        ('odd".png', 'odd".png '),
    ],
)
def test_a_file_is_named_and_an_image_is_attached(path: str, mark: str) -> None:
    assert file_mark(path) == mark


def test_an_image_is_attached_by_its_whole_path() -> None:
    assert file_mark("docs/shot.png", "/srv/shop") == "@image:/srv/shop/docs/shot.png "
    assert file_mark("shot.png", "/srv/my shop") == '@image:"/srv/my shop/shot.png" '
    assert file_mark("cost.py", "/srv/shop") == "cost.py "
    assert file_mark("shot.png", '/srv/"shop"') == "shot.png "


def test_commands_that_begin_so_come_before_those_that_have_it() -> None:
    names = [one.label.split()[0] for one in suggest_commands("fork")]
    assert names[:2] == ["/fork", "/fork-through"]
    assert "/retry" in [one.label for one in suggest_commands("try")]
    assert len(suggest_commands("")) == MAX_SUGGESTIONS
    assert suggest_commands("xyz") == ()


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("/kill", ("kill", "")),
        ("/kill \n", ("kill", "")),
        ("/queue then test it", ("queue", "then test it")),
        ("/queue two\nlines", ("queue", "two\nlines")),
        (" /kill", None),
        ("\n/kill", None),
        ("/kill it", None),
        ("/usr/bin/env", None),
        ("kill", None),
        ("see /kill", None),
        ("/nothing", None),
    ],
)
def test_a_text_is_a_command_only_if_it_begins_with_one(
    text: str, parsed: tuple[str, str] | None
) -> None:
    found = parse_command(text)
    assert (None if found is None else (found[0].name, found[1])) == parsed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/kil", "did you mean /kill?"),
        ("/zzzz", "There is no command /zzzz"),
        ("/kill it", "takes nothing after it"),
        ("/queue", "needs its text after it"),
        ("/rename", "needs its handle after it"),
    ],
)
def test_a_command_that_cannot_run_says_why(text: str, words: str) -> None:
    assert words in command_problem(text)


@pytest.mark.parametrize("text", ["/fork", "/kill", "/queue it", " /kil", "/usr/lib/x", "hello"])
def test_what_runs_or_is_a_text_has_no_problem(text: str) -> None:
    assert command_problem(text) == ""


def test_a_command_cannot_be_queued() -> None:
    assert "/kill is a command" in queued_command_problem("/kill")
    assert "did you mean" in queued_command_problem("/kil")
    assert queued_command_problem(" /kill") == queued_command_problem("later") == ""


@given(st.text() | st.sampled_from(COMMANDS).map(lambda one: f"/{one.name}"))
def test_any_text_can_be_sent_as_a_text(text: str) -> None:
    sent = as_text(text)
    assert sent.strip() == text.strip()
    assert parse_command(sent) is None
    assert command_problem(sent) == ""


@example("@\n", [])
@example("/kill\n", [])
@given(st.text(alphabet='/@ab.- \n"('), st.lists(st.text(alphabet='ab/.( "', min_size=1)))
def test_suggestions_replace_what_was_typed_and_are_paths_that_exist(
    line: str, paths: list[str]
) -> None:
    typed = typed_before(line, is_first=True)
    if typed is None:
        return
    assert line.endswith(typed.kind + typed.query)
    assert typed.length <= len(line)
    found = suggest_files(typed.query, paths)
    assert len(found) <= MAX_SUGGESTIONS
    assert {one.label for one in found} <= set(paths)


def test_earlier_prompts_are_recalled_back_and_forth() -> None:
    past = ["one", "two", "three"]
    assert recall(past, "", -1) == "three"
    assert recall(past, "three", -1) == "two"
    assert recall(past, "one", -1) is None
    assert recall(past, "two", 1) == "three"
    assert recall(past, "three", 1) == ""
    assert recall(past, "", 1) is None
    assert recall(past, "something else", -1) is None
    assert recall([], "", -1) is None


@given(st.lists(st.text(min_size=1), unique=True), st.integers(0, 8))
def test_going_back_and_forth_ends_where_it_began(past: list[str], steps: int) -> None:
    shown, back = "", 0
    for _ in range(steps):
        if (prompt := recall(past, shown, -1)) is None:
            break
        shown, back = prompt, back + 1
    assert back == min(steps, len(past))
    for _ in range(back):
        shown = recall(past, shown, 1) or ""
    assert shown == ""


@pytest.mark.parametrize(
    ("shown", "typed"),
    [
        ("plain", "plain"),
        ("see [Image #1]\n[image /tmp/a.png]", "see @image:/tmp/a.png"),
        ("[image /tmp/my a.png]\nsee it", 'see it\n@image:"/tmp/my a.png"'),
        ("[image /tmp/a.png]", "@image:/tmp/a.png"),
        ("[image data:image/png;base64,AA]", "[image data:image/png;base64,AA]"),
        ("[image /etc/passwd]", "[image /etc/passwd]"),
    ],
)
def test_the_images_of_a_sent_prompt_are_marked_again(shown: str, typed: str) -> None:
    assert restore_images(shown) == typed


@given(
    st.text(alphabet="ab #1[]\n"), st.lists(st.sampled_from(["/a.png", "/b c.gif"]), unique=True)
)
def test_restored_images_are_those_that_were_sent(text: str, paths: list[str]) -> None:
    shown = "\n".join([text, *(f"[image {path}]" for path in paths)])
    restored = restore_images(shown)
    assert set(split_images(restored)[1]) <= set(paths)
