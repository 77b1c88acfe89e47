"""`codextui complete`, which the scripts of `codextui completion` call at the tab key.

Its first line says what the shell has to do: `values`, `nospace` (values that go on, so that no
blank comes after them), `files` or `folders`, and how many characters of the word at the cursor
belong to an option (`--config=`). Each other line is a value, for zsh and fish with a tab and what
it is. zsh and fish look for what fits, and quote it; for bash that is done here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codextui.commands.bash_line import split_line
from codextui.commands.completion_place import Place, find_place, subcommands
from codextui.commands.completion_values import Given, Kind, Values, find_source, is_offered
from codextui.commands.parser import build_parser
from codextui.config.paths import DEFAULT_SERVER
from codextui.errors import CodextuiError
from codextui.text.sanitize import one_line

_MAX_ABOUT = 72
"""Characters of what is said about a value."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be put at the cursor.

    Attributes:
        kind: `values`, `files` or `folders`.
        head: the beginning of the word that belongs to an option, as `--config=`.
        values: what can come after it, and what each is.
    """

    kind: str
    head: str = ""
    values: Values = field(default_factory=dict)

    def fitting(self, current: str) -> list[str]:
        """Return the words that begin with what stands at the cursor."""
        words = (f"{self.head}{value}" for value in self.values)
        return [word for word in words if word.startswith(current)]

    def kind_of(self, current: str) -> str:
        """Return what the shell has to do."""
        fitting = self.fitting(current)
        return "nospace" if fitting and all(word[-1] == "=" for word in fitting) else self.kind


def complete(options: argparse.Namespace) -> int:
    """Print what can come at the cursor of a shell's command line."""
    given: list[str] = options.line or [""]
    if options.shell == "bash":
        _complete_bash(given[0], given[-1])
        return 0
    *words, current = given
    offer = find_offer(words[1:], current)
    _print(f"{offer.kind_of(current)} {len(offer.head)}")
    head = offer.head if options.shell == "fish" else ""
    for value, about in offer.values.items():
        _print(f"{head}{value}\t{one_line(about, _MAX_ABOUT)}")
    return 0


def find_offer(words: Sequence[str], current: str) -> Offer:
    """Return what can come at the cursor.

    Args:
        words: the words after the program's name and before the one at the cursor.
        current: the beginning of the word at the cursor.
    """
    place = find_place(build_parser(), words, current)
    try:
        kind, values = _find_values(place)
    except (CodextuiError, OSError, ValueError):  # nothing is said in the middle of a line
        kind, values = "values", {}
    shown = {value: about for value, about in values.items() if _can_print(value)}
    return Offer(kind, place.head, shown)


def _complete_bash(text: str, breaks: str) -> None:
    line = split_line(text, breaks)
    if line.redirects:
        _print("files 0")
        return
    offer = find_offer(line.words[1:], line.current)
    _print(f"{offer.kind_of(line.current)} 0")
    for word in offer.fitting(line.current):
        _print(line.insertion(word))


def _find_values(place: Place) -> tuple[str, Values]:
    action = place.argument
    if action is None:
        return "values", place.options
    if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - it has no public name
        return "values", subcommands(action)
    if action.choices is not None:
        return "values", dict.fromkeys(map(str, action.choices), "")
    match find_source(place.path, action):
        case None | Kind.FREE_TEXT:
            return "values", place.options
        case Kind.FILES:
            return "files", {}
        case Kind.FOLDERS:
            return "folders", {}
        case source:
            values = source(_given(place)).items()
            return "values", {value: about for value, about in values if is_offered(value)}


def _given(place: Place) -> Given:
    config = place.given.get("config")
    return Given(
        place.given.get("server", DEFAULT_SERVER),
        Path(config).expanduser() if config else None,
    )


def _can_print(value: str) -> bool:
    try:
        value.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
