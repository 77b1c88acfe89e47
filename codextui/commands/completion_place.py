"""Where the cursor stands in a command line: what its parser lets come there.

argparse has no public way to ask a parser for its arguments.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codextui.commands.parser_parts import Commands

_MANY = (argparse.ONE_OR_MORE, argparse.ZERO_OR_MORE, argparse.REMAINDER)
_REPEATED = (argparse._AppendAction, argparse._CountAction)


@dataclass(frozen=True, slots=True)
class Place:
    """What may come at the cursor.

    Attributes:
        path: the command's words, such as `("runs", "show")`.
        argument: the argument whose value is completed; None where no value may come.
        head: the beginning of the word that belongs to an option: `--config=`.
        options: the options that may come, with what they do.
        given: the values of the options before the cursor, by their `dest`.
    """

    path: tuple[str, ...]
    argument: argparse.Action | None
    head: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


def find_place(parser: argparse.ArgumentParser, words: Sequence[str], current: str) -> Place:
    """Return what may come at the cursor.

    Args:
        parser: the parser of the whole command line.
        words: the words after the program's name and before the one at the cursor.
        current: the beginning of the word at the cursor.
    """
    walk = _Walk(parser)
    for word in words:
        walk.take(word)
    return walk.finish(current)


def subcommands(action: Commands) -> dict[str, str]:
    """Return the commands that an argument chooses from, with what they do; hidden ones not."""
    return {choice.dest: _explain(choice) for choice in action._choices_actions}


class _Walk:
    """Reads words as argparse does, and knows what it waits for. Mistakes are ignored."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._path: tuple[str, ...] = ()
        self._given: dict[str, str] = {}
        self._option: argparse.Action | None = None
        self._values = 0
        self._literal = False
        self._enter(parser)

    def take(self, word: str) -> None:
        if self._literal or word == "-" or not word.startswith("-"):
            self._take_value(word)
        elif word == "--":
            self._literal, self._option = True, None
        else:
            self._take_option(word)

    def finish(self, current: str) -> Place:
        if not self._literal and current.startswith("-"):
            option, head, _ = self._find_option(current)
            if head and option is not None and option.nargs != 0:
                return self._place(option, head=head)
            return self._place(None, options=self._open_options())
        if self._option is not None:
            return self._place(self._option)
        argument = self._positionals[0] if self._positionals else None
        return self._place(argument, options={} if self._literal else self._open_options())

    def _place(
        self,
        argument: argparse.Action | None,
        *,
        head: str = "",
        options: Mapping[str, str] | None = None,
    ) -> Place:
        return Place(self._path, argument, head, options or {}, self._given)

    def _enter(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser
        self._used: set[argparse.Action] = set()
        self._positionals = parser._get_positional_actions()

    def _take_value(self, word: str) -> None:
        if self._option is not None:
            self._given[self._option.dest] = word
            self._values += 1
            if self._values >= _most_values(self._option):
                self._option = None
            return
        if not self._positionals:
            return
        action = self._positionals[0]
        if isinstance(action, argparse._SubParsersAction):
            self._take_command(action, word)
        elif action.nargs not in _MANY:
            self._positionals = self._positionals[1:]

    def _take_command(self, action: Commands, word: str) -> None:
        self._path = (*self._path, word)
        self._enter(action.choices.get(word) or argparse.ArgumentParser(add_help=False))

    def _take_option(self, word: str) -> None:
        self._option, self._values = None, 0
        option, head, value = self._find_option(word)
        if option is None:
            return
        self._used.add(option)
        if head:
            self._given[option.dest] = value
        elif option.nargs != 0:
            self._option = option

    def _find_option(self, word: str) -> tuple[argparse.Action | None, str, str]:
        """Return the option of a word, and what it is made of: `--config=` and a value."""
        options = self._parser._option_string_actions
        if word in options:
            return options[word], "", ""
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            option = options.get(name)
            if option is None:
                found = {options[known] for known in options if known.startswith(name)}
                option = found.pop() if len(found) == 1 else None
            return option, name + equals if equals else "", value
        return options.get(word[:2]), word[:2], word[2:]

    def _open_options(self) -> dict[str, str]:
        shut = {action for action in self._used if not isinstance(action, _REPEATED)}
        for group in self._parser._mutually_exclusive_groups:
            if shut & set(group._group_actions):
                shut |= set(group._group_actions)
        return {
            name: _explain(action)
            for name, action in self._parser._option_string_actions.items()
            if action not in shut and action.help != argparse.SUPPRESS
        }


def _most_values(option: argparse.Action) -> float:
    if isinstance(option.nargs, int):
        return option.nargs
    return float("inf") if option.nargs in _MANY else 1


def _explain(action: argparse.Action) -> str:
    choices = ", ".join(map(str, action.choices or ()))
    return (action.help or "") % {**vars(action), "choices": choices}
