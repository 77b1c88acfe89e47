"""Command lines of bash: what is read as bash reads it, and what is quoted so that it reads it."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.commands.bash_line import BashLine, quote, split_line

BREAKS = " \t\n\"'@><=;|&(:"
"""COMP_WORDBREAKS as bash has it."""

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" $`!\\\"'~#*{[(&;"))


@pytest.mark.parametrize(
    ("line", "words", "current", "kept", "open_quote"),
    [
        ("codextui ", ("codextui",), "", "", ""),
        ("codextui read b", ("codextui", "read"), "b", "", ""),
        ("codextui  read\tit\\'s\\ a", ("codextui", "read"), "it's a", "", ""),
        ('codextui read "a b', ("codextui", "read"), "a b", "", '"'),
        ("codextui read 'a\\ \"b", ("codextui", "read"), 'a\\ "b', "", "'"),
        ('codextui read "\\"\\$\\n', ("codextui", "read"), '"$\\n', "", '"'),
        ("codextui read run:b", ("codextui", "read"), "run:b", "run:", ""),
        ("codextui read run\\:b", ("codextui", "read"), "run:b", "", ""),
        ('codextui read "run:b', ("codextui", "read"), "run:b", "", '"'),
        ('codextui read ba"ck', ("codextui", "read"), "back", "ba", '"'),
        ("codextui --config=a=b", ("codextui",), "--config=a=b", "--config=a=", ""),
        ("codextui read '' x", ("codextui", "read", ""), "x", "", ""),
        ("codextui > f read b", ("codextui", "read"), "b", "", ""),
        ("codextui 'a\n", ("codextui",), "a\n", "", "'"),
        ("codextui a\\", ("codextui",), "a", "", ""),
    ],
)
def test_a_line_is_split_as_bash_does(
    line: str, words: tuple[str, ...], current: str, kept: str, open_quote: str
) -> None:
    assert split_line(line, BREAKS) == BashLine(words, current, kept, open_quote, redirects=False)


@pytest.mark.parametrize("line", ["codextui ps > a", "codextui ps >a", "codextui < ", "x 2>'a b"])
def test_the_file_of_a_redirection_is_known(line: str) -> None:
    assert split_line(line, BREAKS).redirects


@given(st.lists(TEXTS, max_size=5))
def test_quoted_words_are_read_again(words: list[str]) -> None:
    line = " ".join(shlex.quote(word) for word in ("codextui", *words, "end"))
    assert split_line(line, BREAKS).words == ("codextui", *words)


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=20))
def test_bash_reads_what_is_quoted_as_the_value(values: list[str]) -> None:
    opened = [
        f"{open_quote}{quote(value, open_quote)}{open_quote}"
        for value in values
        for open_quote in ("", "'", '"')
    ]
    done = subprocess.run(
        ["bash", "--norc", "-c", f"printf '%s\\0' {' '.join(opened)}"],
        capture_output=True,
        timeout=60,
        check=True,
        env={"LC_ALL": "C.UTF-8", "HOME": "/nowhere"},
    )
    read = done.stdout.decode().split("\0")[:-1]
    assert read == [value for value in values for _ in range(3)]


@given(TEXTS, TEXTS, st.sampled_from(["", "'", '"']))
def test_what_is_inserted_makes_the_word_the_value(begin: str, rest: str, open_quote: str) -> None:
    typed = f"codextui read {open_quote}{quote(begin, open_quote)}"
    line = split_line(typed, BREAKS)
    assert line.current == begin
    kept = len(line.kept)
    shown = f"codextui read {open_quote}{quote(begin[:kept], open_quote)}"
    assert split_line(shown + line.insertion(begin + rest), BREAKS).current == begin + rest
