"""The lines of keys and of mistakes in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from codextui.config import toml_lines
from codextui.config.toml_lines import describe_syntax_error, line_of

TEXT = """\
# What is read is of no interest.
a = 1
b = [
  1,
  [2],
]
c = '''
[x]
y = 1
'''
d = { e = 1, f.g = 2 }
h."i j" = 1

[k.l]
m = 1
n = [
  { o = 1 },
]

  [ k . p ]
q = "]"
[[r]]
s = 1
[t]
u = 1
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("a", 2),
        ("b", 3),
        ("c", 7),
        ("d", 11),
        ("d.e", 11),
        ("d.f.g", 11),
        ("h.i j", 12),
        ("k", 14),
        ("k.l", 14),
        ("k.l.m", 15),
        ("k.l.n", 16),
        ("k.p", 20),
        ("k.p.q", 21),
        ("r", 22),
        ("t", 24),
        ("t.u", 25),
    ],
)
def test_the_line_of_a_key_is_where_its_statement_begins(key: str, line: int, end: str) -> None:
    assert line_of(TEXT.replace("\n", end), key) == line


@pytest.mark.parametrize(
    ("key", "line"), [("k.l.none", 14), ("k.none.none", 14), ("none.x", 1), ("r.s", 22)]
)
def test_the_line_of_a_key_that_is_not_there_is_that_of_the_nearest_table(
    key: str, line: int
) -> None:
    assert line_of(TEXT, key) == line


def test_a_long_file_is_parsed_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = 0
    loads = tomllib.loads

    def count(text: str) -> dict[str, Any]:
        nonlocal parsed
        parsed += len(text)
        return loads(text)

    monkeypatch.setattr(toml_lines.tomllib, "loads", count)
    role = 'about = "x"\ninstructions = """\n' + "Do it.\n" * 40 + '"""\nlist = [\n1,\n2,\n]\n'
    text = "".join(f"[teams.shop.roles.role{number}]\n{role}" for number in range(50))
    assert line_of(text, "teams.shop.roles.role49.list") == 50 * 48 - 3
    assert parsed < 3 * len(text)


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("a = 1\nb = dogs\n", 2, "write a text in quotes"),
        ("a = ~/dogs\n", 1, "write a text in quotes"),
        ("a = \u201cdogs\u201d\n", 1, "write straight quotes"),
        ('a = "dogs\n', 1, "end the text with the quote that it begins with"),
        ("a = True # yes\n", 1, "write true"),
        ("a =\n", 1, "write a value after ="),
        ("a: 1\n", 1, "write KEY = VALUE, or a table as [NAME]"),
        ('{"a": 1}\n', 1, "write KEY = VALUE, or a table as [NAME]"),
        ("a = 1\na = 2\n", 2, "it stands further up already"),
        ("[a.b]\n[a.b]\n", 2, "Cannot declare [a.b] twice"),
        ('a = 1\nb = """\nx\ny\n', 2, "what begins here has no end"),
        ("a = 1\nb = [\n", 2, "what begins here has no end"),
        ("a = [\n1,\nb = 2\n", 3, "what begins in line 1 may have no end"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line_and_what_would_be_right(
    text: str, line: int, remedy: str
) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    found, problem = describe_syntax_error(text, caught.value)
    assert found == line
    assert problem.startswith("is no TOML: ")
    assert remedy in problem
