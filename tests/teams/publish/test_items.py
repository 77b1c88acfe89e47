"""Tool results as text."""

from __future__ import annotations

import json

import pytest
from agents import ToolOutputFileContent, ToolOutputImage, ToolOutputText
from hypothesis import given
from hypothesis import strategies as st

from codextui.teams.publish.items import result_text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("plain", "plain"),
        ("{not json", "{not json"),
        ('{"rows": 3}', '{"rows": 3}'),
        ({"rows": 3}, '{"rows": 3}'),
        (7, "7"),
        (None, "null"),
        ({"type": "text", "text": "one"}, "one"),
        ([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], "one\ntwo"),
        (({"type": "text", "text": "one"},), "one"),
        (ToolOutputText(text="one"), "one"),
        ([ToolOutputText(text="one"), ToolOutputImage(image_url="data:x")], "one\n(an image)"),
        (ToolOutputFileContent(file_data="QUJD", filename="a.txt"), "(a file: a.txt)"),
        ('{"type": "text", "text": "one", "annotations": null}', "one"),
        ('[{"type": "text", "text": "one"}]', "one"),
        ('{"threadId": "01a2", "content": "Six checks passed."}', "Six checks passed."),
        ('{"threadId": "01a2", "content": "x", "more": 1}', None),
    ],
)
def test_the_text_of_a_result_is_what_its_tool_said(result: object, text: str | None):
    assert result_text(result) == (result if text is None else text)


@given(st.lists(st.text(), min_size=1))
def test_text_parts_are_never_shown_as_a_data_structure(texts: list[str]):
    parts = [{"type": "text", "text": text} for text in texts]
    assert result_text(parts) == result_text(json.dumps(parts)) == "\n".join(texts)
