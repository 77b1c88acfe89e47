from __future__ import annotations

from typing import Any

import pytest

from codextui import errors
from codextui.client.call import structured_content
from codextui.errors import CodextuiError, MessageInvalid, ServerRefused

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CodextuiError)
]


def error_of(content: object, text: str = "") -> CodextuiError:
    said = [{"type": "text", "text": text}]
    with pytest.raises(CodextuiError) as caught:
        structured_content(
            "codex-x", {"isError": True, "content": said, "structuredContent": content}
        )
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_ours_comes_back_as_its_own_class(kind: type[CodextuiError]) -> None:
    error = error_of({"error": {"kind": kind.__name__, "message": "what happened"}})
    assert type(error) is kind
    assert str(error) == "what happened"


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "annotations", ""])
def test_a_class_that_is_none_of_ours_is_not_raised(name: str) -> None:
    error = error_of({"error": {"kind": name, "message": "what happened"}})
    assert type(error) is ServerRefused


@pytest.mark.parametrize("content", [None, {}, {"error": "no"}, {"error": {"kind": 1}}])
def test_an_error_without_a_kind_says_what_its_text_says(content: object) -> None:
    assert str(error_of(content, "in words")) == "in words"
    assert str(error_of(content))


@pytest.mark.parametrize("result", [{"isError": True}, {"isError": True, "content": 7}])
def test_an_error_that_says_nothing_is_an_error_all_the_same(result: dict[str, Any]) -> None:
    with pytest.raises(ServerRefused, match="without saying why"):
        structured_content("codex-x", result)


def test_content_that_is_no_object_is_refused_by_name() -> None:
    with pytest.raises(MessageInvalid, match="the result of codex-x must be an object"):
        structured_content("codex-x", {"structuredContent": [1]})
    assert structured_content("codex-x", {}) == {}
