"""Drafts outlive the console, and those of two consoles do not overwrite each other."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.drafts import MAX_DRAFTS, Drafts


def test_drafts_are_read_back_from_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    drafts = Drafts(path)
    drafts.replies["t1"] = "half a\nthought 😀"
    drafts.forks["t1"] = "try again"
    drafts.new_thread = {"prompt": "write", "cwd": "/w"}
    drafts.comments["t1"] = "[]"
    drafts.save()
    read = Drafts(path)
    assert read.comments == {"t1": "[]"}
    assert (read.replies, read.forks) == (drafts.replies, drafts.forks)
    assert read.new_thread == drafts.new_thread
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_typed_writes_no_file(tmp_path: Path) -> None:
    Drafts(tmp_path / "drafts.json").save()
    assert not list(tmp_path.iterdir())


def test_two_consoles_keep_the_drafts_of_both(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    first, second = Drafts(path), Drafts(path)
    first.replies["a"] = "from the first"
    first.save()
    second.replies["b"] = "from the second"
    second.save()
    assert Drafts(path).replies == {"a": "from the first", "b": "from the second"}
    del first.replies["a"]
    first.save()
    assert Drafts(path).replies == {"b": "from the second"}


def test_old_drafts_make_room_for_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    drafts = Drafts(path)
    drafts.replies |= {str(number): "x" for number in range(MAX_DRAFTS + 5)}
    drafts.save()
    assert list(Drafts(path).replies) == [str(number) for number in range(5, MAX_DRAFTS + 5)]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"replies": 3}', '{"replies": {"a": 1}}'])
def test_a_damaged_file_counts_as_empty_and_is_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "drafts.json"
    path.write_text(content)
    drafts = Drafts(path)
    assert (drafts.replies, drafts.forks, drafts.new_thread) == ({}, {}, {})
    drafts.replies["t1"] = "text"
    drafts.save()
    assert Drafts(path).replies == {"t1": "text"}


def test_a_save_that_failed_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "drafts.json"
    path.parent.write_text("a file where the folder should be")
    drafts = Drafts(path)
    drafts.replies["t1"] = "text"
    with pytest.raises(OSError, match="missing"):
        drafts.save()
    path.parent.unlink()
    drafts.save()
    assert Drafts(path).replies == {"t1": "text"}


@given(unsent=st.text(min_size=1), since=st.text())
def test_an_unsent_text_and_what_was_written_since_are_both_kept(unsent: str, since: str) -> None:
    drafts = Drafts()
    if since:
        drafts.replies["t1"] = since
    draft = drafts.keep_unsent("t1", unsent)
    assert draft.startswith(unsent)
    assert draft.endswith(since) or not since.strip()
    assert drafts.keep_unsent("t1", unsent) == draft
