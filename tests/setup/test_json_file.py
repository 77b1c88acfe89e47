"""Setting an entry in JSON files as people write them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.errors import ConfigInvalid
from codextui.setup import json_file
from codextui.setup.json_file import read_servers, set_entry
from codextui.setup.recipe import EntryLocation, Format

ENTRY: dict[str, Any] = {"command": "codextui", "args": ["mcp-server"]}
JSONC = EntryLocation(Path("/x/mcp.json"), Format.JSONC, "servers", "codextui")
JSON = EntryLocation(Path("/x/mcp.json"), Format.JSON, "servers", "codextui")


def test_an_empty_file_gets_only_the_entry() -> None:
    for text in ("", " \n"):
        assert json.loads(set_entry(text, JSON, ENTRY)) == {"servers": {"codextui": ENTRY}}


AS_PEOPLE_HAVE_THEM = {
    "nothing": "{}",
    "no servers": '{\n  "inputs": []\n}\n',
    "no servers yet": '{\n\t"servers": {}\n}\n',
    "one line": '{"servers": {"a": {"command": "x"}}, "z": 1}',
    "four spaces": '{\n    "servers": {\n        "a": {"command": "x"}\n    }\n}',
    "windows": '{\r\n  "servers": {\r\n    "a": 1\r\n  }\r\n}\r\n',
    "escapes": '{"\\u0041\\n": "\\ud83d\\ude00 /* no comment */ // none", "servers": {}}',
    "byte order mark": '\ufeff{"servers": {"a": 1}}',
    "two of a key": '{"servers": {"old": 1}, "servers": {"a": 1, "a": 2}}',
}
COMMENTED = {
    "comments": """\
// before
{
  /* the
     servers */
  "servers": {
    "a": {"command": "x"} // the last one
    // and this
  }, // after
  "inputs": [] /* end */
}
// behind
""",
    "a comment alone": "{\n  // nothing yet\n}\n",
    "trailing commas": '{\n  "servers": {\n    "a": [1, 2,],\n  },\n}\n',
    "trailing commas and comments": '{"servers": {"a": 1, /* x */}, // y\n}',
}


@pytest.mark.parametrize("text", AS_PEOPLE_HAVE_THEM.values(), ids=AS_PEOPLE_HAVE_THEM)
def test_everything_else_stays_as_it_was(text: str) -> None:
    written = set_entry(text, JSON, ENTRY)
    before, after = json.loads(text.lstrip("\ufeff")), json.loads(written.lstrip("\ufeff"))
    assert after.pop("servers") == {**before.pop("servers", {}), "codextui": ENTRY}
    assert after == before
    assert set_entry(written, JSON, ENTRY) == written


@pytest.mark.parametrize(
    "text",
    [*AS_PEOPLE_HAVE_THEM.values(), *COMMENTED.values()],
    ids=[*AS_PEOPLE_HAVE_THEM, *COMMENTED],
)
def test_no_character_is_lost_and_setting_it_again_changes_nothing(text: str) -> None:
    written = set_entry(text, JSONC, ENTRY)
    kept = iter(written)
    assert all(character in kept for character in "".join(text.split()))
    for comment in ("// before", "servers */", "// the last one", "// nothing yet", "/* x */"):
        assert (comment in written) == (comment in text)
    assert read_servers(written, JSONC)["codextui"] == ENTRY  # type: ignore[index] # it is a table
    assert set_entry(written, JSONC, ENTRY) == written


def test_the_indentation_of_the_file_is_used() -> None:
    text = '{\n\t"servers": {\n\t\t"a": {}\n\t}\n}\n'
    assert set_entry(text, JSON, {"command": "c"}) == (
        '{\n\t"servers": {\n\t\t"a": {},\n\t\t"codextui": {\n\t\t\t"command": "c"\n\t\t}\n\t}\n}\n'
    )


def test_an_existing_server_is_changed_in_place_and_keeps_other_settings() -> None:
    text = """{
  "servers": {
    "codextui": {"command": "old", "env": {"CODEX_HOME": "/mine"}, "disabled": true},
    "b": {} // stays
  }
}"""
    entry = {**ENTRY, "env": {"CODEX_HOME": "/other", "XDG_STATE_HOME": "/s"}}
    written = set_entry(text, JSONC, entry)
    assert read_servers(written, JSONC) == {
        "codextui": {
            "command": "codextui",
            "env": {"CODEX_HOME": "/mine", "XDG_STATE_HOME": "/s"},
            "disabled": True,
            "args": ["mcp-server"],
        },
        "b": {},
    }
    assert "// stays" in written
    assert list(read_servers(written, JSONC) or ()) == ["codextui", "b"]


def test_comments_between_the_settings_of_an_entry_stay() -> None:
    text = """{
  "servers": {
    "codextui": { // mine
      // which one
      "command": "old", // for now
      "args": [],
      "url": "http://gone", // no more
      "disabled": true /* still */
      // that is all
    }
  }
}
"""
    assert (
        set_entry(text, JSONC, ENTRY)
        == """{
  "servers": {
    "codextui": { // mine
      // which one
      "command": "codextui", // for now
      "args": ["mcp-server"],
      // no more
      "disabled": true /* still */
      // that is all
    }
  }
}
"""
    )


@pytest.mark.parametrize(
    "value", ['[ // which\n"exec"]', '["exec", // why\n"x"]', '/* which */ ["exec"]']
)
def test_a_comment_inside_of_what_is_replaced_is_not_lost(value: str) -> None:
    text = f'{{"servers": {{"codextui": {{"command": "old",\n"args": {value}}}}}}}'
    if value.startswith("["):
        with pytest.raises(ConfigInvalid, match=r"mcp.json:2: the comment in servers.codextui wo"):
            set_entry(text, JSONC, ENTRY)
    else:
        assert '/* which */ ["mcp-server"]' in set_entry(text, JSONC, ENTRY)
    gone = f'{{"servers": {{"codextui": {{"command": "codextui", "url": "x",\n"cwd": {value}}}}}}}'
    with pytest.raises(ConfigInvalid, match=r"mcp.json:2: the comment in servers.codextui wo"):
        set_entry(gone, JSONC, {"url": "x"})


BROKEN = {
    '{\n  "servers": {\n': 3,
    '{"servers": {"a": 1}\n "b": 2}': 2,
    "{'servers': {}}": 1,
    '{"servers": {}}\n\n}': 3,
    '{"servers":\n nope}': 2,
    '{"servers": {"a" 1}}': 1,
    '{"a": "not\nclosed"}': 1,
    '{"a": 01}': 1,
    '{"a": "\\x"}': 1,
    '{"a":\n\n\n': 4,
    "{,}": 1,
    '{"a": /* open': 1,
    "[" * 200: 1,
    "nonsense": 1,
    '["a list"]': 1,
    '{"servers": []}': 1,
    '{"servers": {"codextui": "text"}}': 1,
}


@pytest.mark.parametrize(("text", "line"), BROKEN.items())
def test_a_broken_file_is_refused_with_its_line(text: str, line: int) -> None:
    for location in (JSON, JSONC):
        with pytest.raises(ConfigInvalid, match=rf"^/x/mcp.json:{line}: "):
            set_entry(text, location, ENTRY)


@pytest.mark.parametrize("text", COMMENTED.values(), ids=COMMENTED)
def test_comments_and_trailing_commas_are_refused_in_strict_json(text: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"^/x/mcp.json:\d+: (comments|nothing follows)"):
        set_entry(text, JSON, ENTRY)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    document=st.dictionaries(st.text(), VALUES, max_size=4), indent=st.sampled_from([None, 0, 3])
)
def test_any_json_keeps_its_values(document: dict[str, Any], indent: int | None) -> None:
    document.pop("servers", None)
    text = json.dumps(document, indent=indent)
    assert json_file.parse(text).root.value == document
    written = set_entry(text, JSON, ENTRY)
    assert json.loads(written) == {**document, "servers": {"codextui": ENTRY}}


@given(st.text(alphabet='{}[]",:/*\\ \nab1'))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(json_file.JsonError):
        document = json_file.parse(text)
        assert document.root.end <= len(text)
