"""The filter of the tree: words that are looked for loosely, and keys such as `state:asks`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import msgspec

from codextui.console.model.labels import short_folder, thread_label
from codextui.console.model.tree import program_of
from codextui.protocol.threads import ThreadInfo, ThreadState

FILTER_KEYS = ("state", "role", "dir", "branch", "program", "model", "team", "is")
"""The keys that a filter may have, before a colon."""

AWAY_WORDS = ("away", "hidden", "archived")
"""The values of `is:`, all of which show what was put away."""

STATE_WORDS = ("asks", "failed", "new", "running", "idle", "over", *map(str, ThreadState))
"""The values of `state:`; their beginning is enough."""

MAX_QUERY = 200
"""Characters of a filter that are read."""


class FilterFacts(msgspec.Struct, frozen=True):
    """What a filter is held against, beside a thread's own information.

    Attributes:
        rank: the word for how urgent it is: `asks`, `failed`, `new`, `running`, `idle`, `over`.
        role: the role that it is or works for, empty if there is none.
        team: the handle of its run, empty if there is none.
        is_away: whether it was put away.
    """

    rank: str = ""
    role: str = ""
    team: str = ""
    is_away: bool = False


class TreeFilter(msgspec.Struct, frozen=True):
    """A filter as it was typed, and what it means.

    Attributes:
        text: as typed.
        words: casefolded words, all of which must be found.
        keys: `(key, value)` pairs, casefolded; those of one key are alternatives.
        problem: what is wrong with it in a few words, empty if nothing is. What is wrong is left
            out of the filter.
    """

    text: str = ""
    words: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    def __bool__(self) -> bool:
        return bool(self.words or self.keys)

    @property
    def wants_away(self) -> bool:
        """Whether it looks for what was put away."""
        return any(key == "is" for key, _ in self.keys)

    def matches(self, info: ThreadInfo, facts: FilterFacts) -> bool:
        """Return whether a thread is to be shown."""
        names = {key for key, _ in self.keys}
        return all(
            any(_has(info, facts, key, value) for key, value in self.keys if key == name)
            for name in names
        ) and all(_is_found(word, info) for word in self.words)


NO_FILTER = TreeFilter()
"""Shows every thread."""


def parse_filter(text: str) -> TreeFilter:
    """Read a filter. Never raises: what cannot be read is left out, and reported in `problem`."""
    words: list[str] = []
    keys: list[tuple[str, str]] = []
    problem = ""
    for part in text[:MAX_QUERY].casefold().split():
        key, colon, value = part.partition(":")
        if not colon or not key:
            words.append(part)
        elif found := _key_problem(key, value):
            problem = problem or found
        elif value:
            keys.append((key, value))
    return TreeFilter(text, tuple(words), tuple(keys), problem)


def _key_problem(key: str, value: str) -> str:
    if key not in FILTER_KEYS:
        close = difflib.get_close_matches(key, FILTER_KEYS, n=1)
        return f"no key {key}: {f'{close[0]}:?' if close else ' '.join(FILTER_KEYS)}"
    known = {"state": STATE_WORDS, "is": AWAY_WORDS}.get(key, ())
    if known and not any(word.startswith(value) for word in known):
        return f"no {key} {value}: {' '.join(dict.fromkeys(known))}"
    return ""


def _has(info: ThreadInfo, facts: FilterFacts, key: str, value: str) -> bool:
    match key:
        case "state":
            return facts.rank.startswith(value) or info.state.value.startswith(value)
        case "role":
            return value in (facts.role or info.handle).casefold()
        case "dir":
            return value in info.cwd.casefold()
        case "branch":
            return value in info.branch.casefold()
        case "program":
            return value in f"{program_of(info)}\n{info.client}".casefold()
        case "model":
            return value in info.model.casefold()
        case "team":
            return value in facts.team.casefold()
        case _:
            return facts.is_away


def _is_found(word: str, info: ThreadInfo) -> bool:
    return any(_is_within(word, text.casefold()) for text in _searched(info)) or (
        word in info.brief.casefold()
    )


def _searched(info: ThreadInfo) -> Iterator[str]:
    yield from (thread_label(info), info.handle, info.name, info.branch, short_folder(info.cwd))


def _is_within(word: str, text: str) -> bool:
    """Return whether the letters of a word stand in a text in this order."""
    letters = iter(text)
    return all(letter in letters for letter in word)
