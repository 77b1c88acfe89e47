"""All but the entry is the same afterwards, byte by byte: in any JSON, JSONC and TOML."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codextui.errors import ConfigInvalid
from codextui.setup import json_file, toml_file
from codextui.setup.json_document import Document, Node, parse
from codextui.setup.recipe import Entry, EntryLocation, Format
from codextui.setup.toml_document import read_comments

JSON = EntryLocation(Path("/x/mcp.json"), Format.JSON, "servers", "codextui")
JSONC = EntryLocation(Path("/x/mcp.json"), Format.JSONC, "servers", "codextui")
TOML = EntryLocation(Path("/x/config.toml"), Format.TOML, "mcp_servers", "codextui")
MARK = "\ufeff"

LINE_ENDS = st.sampled_from(["\n", "\r\n", "mixed"])
ENTRIES = st.sampled_from(
    [
        {"command": "codextui", "args": ["mcp-server"]},
        {"command": "/a b/codextui", "args": ["mcp-server", "-L", 'te"am'], "timeout": 86_400_000},
        {"command": "codextui", "args": ["mcp-server"], "env": {"CODEX_HOME": "/hömé"}},
        {"url": "http://127.0.0.1:8040/mcp", "headers": {"Authorization": "Bearer ${T}"}},
    ]
)
OLD_SETTINGS: dict[str, Any] = {
    "command": "codex",
    "args": ["mcp-server"],
    "env": {"A": "1", "CODEX_HOME": "/mine"},
    "url": "http://old",
    "headers": {"X": "y"},
    "disabled": False,
    "note": 'a "quoted" // # text',
}


def with_line_ends(draw: st.DrawFn, text: str) -> str:
    """Give a text with newlines the line ends of one system, or of both."""
    ends = draw(LINE_ENDS)
    if ends != "mixed":
        return text.replace("\n", ends)
    return re.sub("\n", lambda _: draw(st.sampled_from(["\n", "\r\n"])), text)


def line_ends(text: str) -> set[str]:
    return set(re.findall(r"\r?\n", text))


class JsonWriter:
    """Writes JSON as nobody would: with any white space, and comments where they are allowed."""

    def __init__(self, draw: st.DrawFn, *, comments: bool) -> None:
        gaps = ["", " ", "\n", "\t", "\n  ", "  \n"]
        more = [" // it's a note\n", "/* a\n{note} */", "\n// [\n// ]\n", " /**/ "]
        self._gaps = st.sampled_from([*gaps, *more] if comments else gaps)
        self._draw, self._comments = draw, comments

    def gap(self) -> str:
        return self._draw(self._gaps)

    def value(self, value: object) -> str:
        match value:
            case dict():
                return self.object([(key, self.value(one)) for key, one in value.items()])
            case list():
                return self._joined("[", [self.value(one) for one in value], "]")
            case _:
                return json.dumps(value, ensure_ascii=self._draw(st.booleans()))

    def object(self, members: list[tuple[str, str]]) -> str:
        texts = [f"{json.dumps(key)}{self.gap()}:{self.gap()}{text}" for key, text in members]
        return self._joined("{", texts, "}")

    def _joined(self, begin: str, parts: list[str], end: str) -> str:
        inner = ",".join(f"{self.gap()}{part}{self.gap()}" for part in parts)
        trailing = "," if parts and self._comments and self._draw(st.booleans()) else ""
        return f"{begin}{inner}{trailing}{self.gap()}{end}"


NAMES = st.sampled_from(["a", "b", "Codextui", "", "//", "{", "ä\n", "codextui2"])
VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1.5e-3, "", "/* no */", 'q"\\', "http://x", "é\U0001f600"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def json_files(draw: st.DrawFn, *, comments: bool, with_entry: bool) -> str:
    writer = JsonWriter(draw, comments=comments)
    servers = [(key, writer.value(value)) for key, value in draw(others())]
    if with_entry:
        keys = draw(st.lists(st.sampled_from(sorted(OLD_SETTINGS)), unique=True))
        mine = writer.value({key: OLD_SETTINGS[key] for key in keys})
        servers.insert(draw(st.integers(0, len(servers))), ("codextui", mine))
    members = [(key, writer.value(value)) for key, value in draw(others())]
    if with_entry or draw(st.booleans()):
        place = draw(st.integers(0, len(members)))
        members.insert(place, ("servers", writer.object(servers)))
    text = f"{writer.gap()}{writer.object(members)}{writer.gap()}"
    return draw(st.sampled_from(["", MARK])) + with_line_ends(draw, text)


def others() -> st.SearchStrategy[list[tuple[str, object]]]:
    return st.lists(st.tuples(NAMES, VALUES), max_size=3)


def entry_of(document: Document) -> tuple[int, Node]:
    """Return where the entry's key begins, and its value."""
    section = document.root.member("servers")
    assert section is not None
    member = section.node.member("codextui")
    assert member is not None
    return member.start, member.node


def comments_of(document: Document) -> list[str]:
    return sorted(document.text[start:end] for start, end in document.comments)


def set_json(text: str, comments: bool, entry: Entry) -> tuple[Document, Document]:
    location = JSONC if comments else JSON
    written = json_file.set_entry(text, location, entry)
    assert json_file.set_entry(written, location, entry) == written
    return parse(text), parse(written)


@pytest.mark.parametrize("comments", [False, True])
@given(data=st.data(), entry=ENTRIES)
def test_a_new_entry_in_json_is_only_inserted(
    comments: bool, data: st.DataObject, entry: Entry
) -> None:
    text = data.draw(json_files(comments=comments, with_entry=False))
    before, after = set_json(text, comments, entry)
    assert values(after) == {
        **values(before),
        "servers": {**values(before).get("servers", {}), "codextui": entry},
    }
    assert comments_of(after) == comments_of(before)
    assert line_ends(after.text) <= (line_ends(text) or {"\n"})
    start, node = entry_of(after)
    if "servers" not in values(before):
        section = after.root.member("servers")
        assert section is not None
        start, node = section.start, section.node
    assert is_inserted(text, after.text[:start], after.text[node.end :])


def values(document: Document) -> dict[str, Any]:
    assert isinstance(document.root.value, dict)
    return document.root.value


def is_inserted(text: str, head: str, tail: str) -> bool:
    """Return whether what stands around an insertion is a text, but for white space and commas.

    One comma may be new behind the member before, and one behind what was inserted.
    """
    for at in range(len(tail) - len(tail.lstrip(", \t\r\n")) + 1):
        begin = text.removesuffix(tail[at:])
        if text == begin + tail[at:] and is_begun(begin, head):
            return True
    return False


def is_begun(text: str, head: str) -> bool:
    """Return whether a head is a text with one comma more, at most, and white space behind it."""
    commas = [at for at, character in enumerate(head) if character == ","]
    without = [head, *(head[:at] + head[at + 1 :] for at in commas)]
    return any(one.startswith(text) and not one[len(text) :].strip() for one in without)


@pytest.mark.parametrize("comments", [False, True])
@given(data=st.data(), entry=ENTRIES)
def test_all_around_an_entry_in_json_stays(
    comments: bool, data: st.DataObject, entry: Entry
) -> None:
    text = data.draw(json_files(comments=comments, with_entry=True))
    try:
        before, after = set_json(text, comments, entry)
    except ConfigInvalid as error:
        assert "comment in servers.codextui would be lost" in str(error)  # noqa: PT017 - or it is written
        assert comments
        return
    (old_start, old), (start, node) = entry_of(before), entry_of(after)
    assert after.text[:start] == text[:old_start]
    assert after.text[node.end :] == text[old.end :]
    assert after.trailing_comma < 0 or before.trailing_comma >= 0
    assert comments_of(after) == comments_of(before)
    assert line_ends(after.text) <= (line_ends(text) or {"\n"})


TOML_LINES = [
    "# a note, it's one [",
    "",
    "  ",
    'name{n} = "x" # y',
    "name{n} = 'C:\\' # [mcp_servers.codextui]",
    'name{n} = """\n[mcp_servers.codextui]\n# no "comment" ""\n"""',
    "name{n} = '''\n# '' none\n'''",
    "name{n} = [ # first\n  1, # one\n  2,\n]",
    "name{n} = [[1], [{{ a = 1 }}]]",
    'name{n} = {{ a = 1, "b.c" = "}}", d.e = [1, 2] }}',
    'name{n}."dotted key" = 1979-05-27 07:32:00 # then',
    "name{n} = nan",
    "[table{n}]",
    "  [table{n}.'inner # one'] # head",
    "[[array{n}]]",
    "[mcp_servers.other{n}] # other",
]
INLINE = {
    "command": '"codex"',
    "args": '["mcp-server"]',
    "env": '{ A = "1" }',
    "url": '"http://old"',
    "enabled": "false",
}


@st.composite
def toml_parts(draw: st.DrawFn) -> tuple[str, str, str]:
    """A text in three parts: what precedes the entry, the entry in any form, what follows it."""
    lines = [line.format(n=n) for n, line in enumerate(draw(st.lists(st.sampled_from(TOML_LINES))))]
    place = draw(st.integers(0, len(lines)))
    head = "".join(f"{line}\n" for line in lines[:place])
    tail = "".join(f"{line}\n" for line in ["[last]", *lines[place:]])
    keys = draw(st.lists(st.sampled_from(sorted(INLINE)), unique=True, min_size=1))
    note = draw(st.sampled_from(["", " # kept", "\n# kept, too", "\n\n# kept"]))
    pairs = [f"{key} = {INLINE[key]}{note}" for key in keys]
    match draw(st.sampled_from(["none", "table", "sub-table", "dotted", "inline", "all inline"])):
        case "none":
            body: list[str] = []
        case "table":
            body = ["[mcp_servers.codextui] # mine", *pairs]
        case "sub-table":
            body = ["[ mcp_servers . 'codextui' ]", *pairs[:1]]
            body += ["", "[mcp_servers.codextui.env] # variables", 'B = "2" # b']
        case "dotted":
            body = ["[mcp_servers]", *(f"codextui.{pair}" for pair in pairs)]
        case "inline":
            inner = ", ".join(f"{key} = {INLINE[key]}" for key in keys)
            body = ["[mcp_servers]", f"codextui = {{ {inner} }}{note}"]
        case _:
            inner = ", ".join(f"{key} = {INLINE[key]}" for key in keys)
            head, body = f"mcp_servers = {{ codextui = {{{inner}}} }}{note}\n{head}", []
    text = draw(st.sampled_from(["", MARK])) + "\0".join(
        [head, "".join(f"{one}\n" for one in body), tail]
    )
    before, mine, after = with_line_ends(draw, text).split("\0")
    return before, mine, after


@given(parts=toml_parts(), entry=ENTRIES, ends=st.booleans())
def test_all_around_an_entry_in_toml_stays(
    parts: tuple[str, str, str], entry: Entry, ends: bool
) -> None:
    head, mine, tail = parts
    text = head + mine + (tail if ends else tail.rstrip())
    try:
        before = tomllib.loads(text.removeprefix(MARK))
    except ValueError:
        assume(False)
    written = toml_file.set_entry(text, TOML, entry)
    assert toml_file.set_entry(written, TOML, entry) == written
    after = tomllib.loads(written.removeprefix(MARK))
    servers, now = before.pop("mcp_servers", {}), after.pop("mcp_servers")
    assert repr(after) == repr(before)
    assert set(entry) <= set(now.pop("codextui"))
    is_there = servers.pop("codextui", None) is not None
    assert repr(now) == repr(servers)  # nan is not equal to itself
    assert sorted(read_comments(written)) == sorted(read_comments(text))
    assert line_ends(written) <= (line_ends(text) or {"\n"})
    if mine:
        assert written.startswith(head)
        assert written.endswith(tail if ends else tail.rstrip())
    elif not is_there:
        assert written.startswith(text)
