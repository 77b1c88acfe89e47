"""Rebinding: the keys of `[ui.keys]`, checked, as Textual wants them.

Textual takes unknown ids and keys that no terminal sends in silence, does not unbind on an
empty text, and drops a binding whose key is taken. So everything is checked here first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.binding import Binding, BindingType, InvalidBinding
from textual.keys import format_key, key_to_character

from codextui.config.schema import line_of
from codextui.errors import ConfigInvalid

_UNBOUND = "unbound."
"""What a key that was taken away is called inside Textual: no terminal sends it."""

_MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMED_KEYS = frozenset(
    {"enter", "escape", "tab", "space", "backspace", "delete", "insert", "home", "end"}
    | {"pageup", "pagedown", "up", "down", "left", "right", "minus", "plus"}
    | {f"f{number}" for number in range(1, 21)}
)


APP_BINDINGS: list[BindingType] = [
    Binding("ctrl+p", "command_palette", "Commands", id="console.palette", priority=True),
    Binding("ctrl+q", "quit", "Detach", id="console.quit", show=False, priority=True),
]
"""The keys that work on every screen."""


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The keys of one place, for the help screen.

    Attributes:
        title: where they work.
        keys: a row per binding.
    """

    title: str
    keys: tuple[KeyRow, ...]


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One binding.

    Attributes:
        keys: as a person reads them (`y`, `^s`), empty where the keymap took them away.
        description: what they do.
        binding_id: the name to rebind it by, empty where it cannot be.
    """

    keys: str
    description: str
    binding_id: str


def key_groups(
    places: Mapping[str, Sequence[BindingType]], keymap: Mapping[str, str]
) -> tuple[KeyGroup, ...]:
    """The keys of every place (title → its `BINDINGS`) as they are bound now.

    Args:
        places: in the order in which to show them.
        keymap: what `check_keymap` returned.
    """
    return tuple(KeyGroup(title, tuple(_rows(list_, keymap))) for title, list_ in places.items())


def check_keymap(
    keys: Mapping[str, str],
    places: Mapping[str, Sequence[BindingType]],
    path: Path | None = None,
) -> dict[str, str]:
    """Check `[ui.keys]` against the bindings of every place; what `App.set_keymap` needs.

    A place is what is active at the same time (a screen and its panes), so a key may mean one
    thing in the console and another in a dialog. An empty text takes the key away.

    Args:
        keys: binding id → keys with commas between them, as they stand in the file.
        places: title → `BINDINGS`.
        path: the configuration's file, to name in messages with the line.

    Raises:
        ConfigInvalid: unknown ids, keys that do not exist, two bindings on one key; all of
            them, a line each.
    """
    problems = [
        *_id_problems(keys, places),
        *_key_problems(keys),
    ]
    if not problems:
        problems = [*_clashes(keys, places)]
    if problems:
        raise ConfigInvalid("\n".join(_located(problems, path)))
    return {
        binding_id: ",".join(_split(text)) or f"{_UNBOUND}{binding_id}"
        for binding_id, text in keys.items()
    }


def is_unbound(binding: Binding) -> bool:
    """Whether the keymap took this binding's key away; footers leave it out."""
    return binding.key.startswith(_UNBOUND)


def show_keys(keys: str) -> str:
    """Keys as Textual writes them (`ctrl+s,question_mark`) as people read them (`^s ?`)."""
    return " ".join(_show_key(key) for key in keys.split(",") if not key.startswith(_UNBOUND))


def _show_key(key: str) -> str:
    *modifiers, name = key.strip().split("+")
    shown = "".join("^" if part == "ctrl" else f"{part}+" for part in modifiers)
    return shown + format_key(name)


def _rows(bindings: Sequence[BindingType], keymap: Mapping[str, str]) -> Iterator[KeyRow]:
    seen: set[str] = set()
    for binding in _as_bindings(bindings):
        name = binding.id or binding.action
        if name in seen or not binding.description or binding.system:
            continue
        seen.add(name)
        keys = keymap.get(binding.id or "") or binding.key
        yield KeyRow(show_keys(keys), binding.description, binding.id or "")


def _as_bindings(bindings: Sequence[BindingType]) -> Iterator[Binding]:
    for binding in bindings:
        yield binding if isinstance(binding, Binding) else Binding(*binding)


def _id_problems(
    keys: Mapping[str, str], places: Mapping[str, Sequence[BindingType]]
) -> Iterator[tuple[str, str]]:
    known = {b.id for list_ in places.values() for b in _as_bindings(list_) if b.id is not None}
    for binding_id in keys:
        if binding_id not in known:
            close = difflib.get_close_matches(binding_id, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "the help screen (?) lists them all"
            yield binding_id, f"is no binding; {hint}"


def _key_problems(keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for binding_id, text in keys.items():
        for key in _split(text):
            if problem := _key_problem(key):
                yield binding_id, problem


def _key_problem(key: str) -> str:
    *modifiers, name = key.split("+") if key != "+" else ["+"]
    unknown = [part for part in modifiers if part not in _MODIFIERS]
    if unknown:
        return f"has {key!a}: {unknown[0]!a} is no modifier; use ctrl, alt or shift"
    if modifiers == ["shift"] and len(name) == 1:
        return f"has {key!a}: terminals send the letter itself; write {name.upper()!r}"
    if name in _NAMED_KEYS or (len(name) == 1 and name.isprintable() and name != " "):
        return ""
    if len(name) > 1 and key_to_character(name) is not None:
        return ""
    return f"has {key!a}, which is no key; write for example x, X, ctrl+x, f5 or pageup"


def _clashes(
    keys: Mapping[str, str], places: Mapping[str, Sequence[BindingType]]
) -> Iterator[tuple[str, str]]:
    for title, bindings in places.items():
        owners: dict[str, list[Binding]] = {}
        for binding in _as_bindings(bindings):
            bound = binding.key if binding.id is None else keys.get(binding.id, binding.key)
            for key in _split(bound):
                owners.setdefault(_normal(key), []).append(binding)
        for key, sharing in owners.items():
            yield from _clash(title, key, sharing, keys)


def _clash(
    title: str, key: str, sharing: Sequence[Binding], keys: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """A clash is one that the user made: our own defaults may share a key on purpose."""
    rebound = [binding for binding in sharing if binding.id in keys]
    others = {binding.id or binding.action for binding in sharing}
    if rebound and len(others) > 1:
        names = " and ".join(sorted(others))
        yield rebound[0].id or "", f"clashes ({title}): {show_keys(key)} would be {names}"


def _located(problems: Sequence[tuple[str, str]], path: Path | None) -> Iterator[str]:
    text = ""
    if path is not None and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")
    for binding_id, problem in problems:
        key = f"ui.keys.{binding_id}"
        place = f"{path}:{line_of(text, key)}: " if path is not None else ""
        yield f"{place}{key} {problem}"


def _split(keys: str) -> list[str]:
    """`a, b` → a, b; the comma itself is a key when it stands alone."""
    if keys.strip() == ",":
        return ["comma"]
    return [key.strip() for key in keys.split(",")] if keys.strip() else []


def _normal(key: str) -> str:
    try:
        return next(iter(Binding.make_bindings([Binding(key, "")]))).key
    except InvalidBinding:
        return key
