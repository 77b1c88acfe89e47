from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, WIDTHS, lines, looks
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from codextui.console.render.layout import to_strips
from codextui.console.render.markdown import DEFAULT_LIMITS, MarkdownLimits, markdown_rows
from codextui.console.render.streaming_markdown import StreamingMarkdown
from codextui.text.sanitize import sanitize

SAMPLE = """# Title

A paragraph with **bold** and `code`, over
two lines.

- one
- two
  - nested

  still two

1. first

```python
def f(x):
    # not a heading

    return x
```

| a | b |
|---|---|
| 1 | 2 |

> quote
lazy

Heading
=======
text
- list right after
* another list

    indented code

***
end"""


def stream(
    deltas: list[str], width: int = 40, limits: MarkdownLimits = DEFAULT_LIMITS
) -> StreamingMarkdown:
    streaming = StreamingMarkdown(width, PALETTE, limits=limits)
    for delta in deltas:
        streaming.feed(delta)
        streaming.update()
    streaming.finish()
    return streaming


def cut_up(source: str, places: list[int]) -> list[str]:
    ends = sorted({min(place, len(source)) for place in places} | {len(source)})
    return [source[a:b] for a, b in zip([0, *ends], ends, strict=False)]


PLACES = st.lists(st.integers(0, 300), max_size=30)


@given(TEXTS, PLACES, WIDTHS)
@settings(max_examples=300)
def test_text_in_any_parts_looks_like_text_rendered_at_once(
    source: str, places: list[int], width: int
) -> None:
    whole = to_strips(markdown_rows(sanitize(source), width, PALETTE))
    assert looks(stream(cut_up(source, places), width).rows) == looks(whole)


@given(st.permutations(SAMPLE.split("\n\n")), PLACES)
def test_blocks_in_any_order_look_like_whole_text(blocks: list[str], places: list[int]) -> None:
    source = "\n".join(blocks)
    whole = to_strips(markdown_rows(source, 40, PALETTE))
    assert looks(stream(cut_up(source, places)).rows) == looks(whole)


def test_text_by_characters_looks_like_text_rendered_at_once() -> None:
    whole = to_strips(markdown_rows(SAMPLE, 40, PALETTE))
    assert looks(stream(list(SAMPLE)).rows) == looks(whole)


@given(TEXTS, PLACES)
def test_update_returns_the_first_changed_row(source: str, places: list[int]) -> None:
    streaming = StreamingMarkdown(30, PALETTE)
    for delta in cut_up(source, places):
        before = looks(streaming.rows)
        streaming.feed(delta)
        first = streaming.update()
        assert looks(streaming.rows)[:first] == before[:first]


def test_finished_blocks_keep_their_strips() -> None:
    streaming = StreamingMarkdown(40, PALETTE)
    streaming.feed("First paragraph.\n\nSecond")
    streaming.update()
    first = streaming.rows[0]
    for _ in range(20):
        streaming.feed(" and more words")
        assert streaming.update() >= 2
    assert streaming.rows[0] is first


@pytest.mark.parametrize("unit", ["word ", "para\n\n", "- item\n"])
def test_long_text_becomes_source_at_the_same_place_in_any_parts(unit: str) -> None:
    source = unit * ((DEFAULT_LIMITS.text + 30_000) // len(unit))
    at_once = stream([source])
    in_parts = stream([source[i : i + 9_973] for i in range(0, len(source), 9_973)])
    assert lines(in_parts.rows) == lines(at_once.rows)
    assert "".join("".join(lines(at_once.rows)).replace("•", "-").split()) == "".join(
        source.split()
    )


_SMALL = MarkdownLimits(block=100, text=600, open_block=50, open_shown=50)
_FOLDED = structs.replace(_SMALL, text=400, lines=60, is_folded=True)
_LONG = [
    "```\n" + "code\n" * 30 + "```\n",
    "- item\n" * 20,
    "word " * 30 + "\n",
    "```\n" + "code\n" * 30,
    "    code\n" * 20,
]


@given(
    st.lists(st.sampled_from(["# h\n", "text\n", "\n", *_LONG]), min_size=1, max_size=12),
    st.lists(st.integers(0, 1500), max_size=20),
)
@settings(max_examples=300)
def test_long_blocks_look_the_same_in_any_parts(parts: list[str], places: list[int]) -> None:
    source = "".join(parts)
    for limits in (_SMALL, _FOLDED):
        at_once = stream([source], limits=limits)
        in_parts = stream(cut_up(source, places), limits=limits)
        assert lines(in_parts.rows) == lines(at_once.rows)
        assert in_parts.is_hiding == at_once.is_hiding


def test_blocks_after_a_long_block_of_code_are_laid_out() -> None:
    source = "# h\n" + "    code\n" * 20 + "# h\n# h\n"
    rows = lines(stream([source], limits=_SMALL).rows)
    assert rows == ["h", "", *[" code"] * 20, "", "h", "", "h"]


def test_a_long_open_block_counts_its_hidden_characters() -> None:
    streaming = StreamingMarkdown(40, PALETTE)
    streaming.feed("```\n" + "code line\n" * DEFAULT_LIMITS.open_block)
    streaming.update()
    assert "more characters" in lines(streaming.rows)[0]
    streaming.finish()
    assert lines(streaming.rows) == [" code line"] * DEFAULT_LIMITS.open_block


def test_an_escape_sequence_in_two_parts_is_removed() -> None:
    assert lines(stream(["red \x1b[3", "1mtext\x1b[", "0m end"]).rows) == ["red text end"]
