"""Key bindings: checks the keymap of `[ui.keys]`, and formats keys for the screen.

Textual silently accepts unknown binding ids and keys that no terminal sends, does not unbind on
an empty string, and drops a binding whose key is taken. So the keymap is checked here first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec
from textual.binding import Binding, BindingType, InvalidBinding
from textual.keys import format_key, key_to_character

from codextui.config.toml_lines import line_of
from codextui.errors import ConfigInvalid

_UNBOUND = "unbound."
"""Prefix of the key that Textual gets for an unbound binding: no terminal sends such a key."""

_MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMED_KEYS = frozenset(
    {"enter", "escape", "tab", "space", "backspace", "delete", "insert", "home", "end"}
    | {"pageup", "pagedown", "up", "down", "left", "right", "menu", "pause", "print_screen"}
    | {"kp_begin"}
    | {f"f{number}" for number in range(1, 25)}
)
"""Keys that make no character, as Textual names them."""

_OTHER_NAMES = {
    "return": "enter",
    "esc": "escape",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "page_down": "pagedown",
}
"""Names that other programs have for keys."""

_LAST_TYPED = 0x2600
"""From this code point on characters that are no letters are pictures, which no key makes."""

GRANTS = frozenset(
    {"approval.once", "approval.session", "approval.always", "approval.unseen", "many.approve"}
)
"""Bindings that approve something."""

_CARELESS = frozenset(
    {"enter", "space", "tab", "shift+tab", "escape", "backspace", "delete", "home", "end"}
    | {"pageup", "pagedown", "up", "down", "left", "right"}
)
"""Keys that are pressed to read, to go on or to leave, and so approve nothing."""

_OPENS_APPROVALS = "approvals.open"

APP_BINDINGS: list[BindingType] = [
    Binding(
        "ctrl+p",
        "command_palette",
        "Find anything: threads, actions, files",
        id="console.palette",
        priority=True,
    ),
    Binding(
        "ctrl+s",
        "save_picture",
        "Save a picture of the screen, unless a dialog has another use for the key",
        id="console.picture",
        show=False,
    ),
    Binding("ctrl+q", "quit", "Detach", id="console.quit", show=False, priority=True),
]
"""The bindings that are active on every screen."""


class KeyGroup(msgspec.Struct, frozen=True):
    """The bindings of one place, for the help screen.

    Attributes:
        title: where they are active.
        keys: one row per binding.
    """

    title: str
    keys: tuple[KeyRow, ...]


class KeyRow(msgspec.Struct, frozen=True):
    """One binding.

    Attributes:
        keys: formatted (`y`, `^s`); empty if the keymap unbinds it.
        description: what the keys do.
        binding_id: its name in `[ui.keys]`; empty if it cannot be rebound.
    """

    keys: str
    description: str
    binding_id: str


def key_groups(
    places: Mapping[str, Sequence[BindingType]], keymap: Mapping[str, str]
) -> tuple[KeyGroup, ...]:
    """List the keys of every place as the keymap binds them.

    Args:
        places: title → `BINDINGS`, in the order of the help screen.
        keymap: the result of `check_keymap`.
    """
    return tuple(KeyGroup(title, tuple(_rows(list_, keymap))) for title, list_ in places.items())


def check_keymap(
    keys: Mapping[str, str],
    places: Mapping[str, Sequence[BindingType]],
    path: Path | None = None,
) -> dict[str, str]:
    """Check `[ui.keys]` against the bindings of every place.

    The bindings of a place are active at the same time (a screen and its panes), so a key may do
    one thing in the console and another in a dialog. An empty string unbinds.

    Args:
        keys: binding id → comma-separated keys, as in the file.
        places: title → `BINDINGS`.
        path: the configuration file, named in messages with the line.

    Returns:
        the keymap for `App.set_keymap`.

    Raises:
        ConfigInvalid: unknown ids, keys that do not exist, a key that would approve by accident,
            or two bindings on one key; lists all of them, one per line.
    """
    if problems := find_key_problems(keys, places):
        raise ConfigInvalid("\n".join(_located(problems, path)))
    return {
        binding_id: ",".join(_split(text)) or f"{_UNBOUND}{binding_id}"
        for binding_id, text in keys.items()
    }


def find_key_problems(
    keys: Mapping[str, str], places: Mapping[str, Sequence[BindingType]]
) -> tuple[tuple[str, str], ...]:
    """Return what `check_keymap` refuses, as pairs of a binding's id and what is wrong with it."""
    problems = [*_id_problems(keys, places), *_key_problems(keys)]
    problems += _grant_problems(keys, places)
    return tuple(problems or _clashes(keys, places))


def default_keys(places: Mapping[str, Sequence[BindingType]]) -> dict[str, str]:
    """Return the keys of each binding that can be rebound, by id, in Textual's notation."""
    return {
        binding.id: binding.key
        for bindings in places.values()
        for binding in _as_bindings(bindings)
        if binding.id is not None
    }


def describe_clashes(
    binding_id: str, keys: Mapping[str, str], places: Mapping[str, Sequence[BindingType]]
) -> tuple[str, ...]:
    """Say which bindings have the keys of one already.

    Args:
        binding_id: the binding.
        keys: binding id → comma-separated keys, those of the binding included.
        places: title → `BINDINGS`.
    """
    said: dict[str, None] = {}
    for title, bindings in places.items():
        owners = _owners(bindings, keys)
        for key, sharing in owners.items():
            if binding_id not in {binding.id for binding in sharing}:
                continue
            for other in sharing:
                if other.id != binding_id:
                    name = f" ({other.id})" if other.id else ""
                    shown = format_keys(key)
                    said[f"{shown} is taken: {other.description}{name}, in {title}."] = None
    return tuple(said)


def is_unbound(binding: Binding) -> bool:
    """Return whether the keymap unbinds this binding."""
    return binding.key.startswith(_UNBOUND)


def format_keys(keys: str) -> str:
    """Format keys in Textual's notation (`ctrl+s,question_mark`) for the screen (`^s ?`)."""
    return " ".join(_format_key(key) for key in keys.split(",") if not key.startswith(_UNBOUND))


def _format_key(key: str) -> str:
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
        yield KeyRow(format_keys(keys), binding.description, binding.id or "")


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
    """Return why Textual never sends a key, and which is probably meant; empty if it does."""
    *modifiers, name = key.split("+") if key != "+" and not key.endswith("++") else _plus(key)
    unknown = [part for part in modifiers if part not in _MODIFIERS]
    if unknown:
        return f"has {key!a}: {unknown[0]!a} is no modifier; use ctrl, alt or shift"
    if not _is_key(name):
        return f"has {key!a}, which is no key; {_meant('+'.join(modifiers), name)}"
    if modifiers != sorted(set(modifiers)):
        ordered = "+".join([*sorted(set(modifiers)), name])
        return f"has {key!a}; write its modifiers in their order: {ordered}"
    character = _character_of(name)
    if not modifiers or name in _NAMED_KEYS:
        return ""
    if modifiers == ["shift"]:
        upper = f"write {character.upper()!r}" if character.isalpha() else "write that character"
        return f"has {key!a}: terminals send the character that it makes; {upper}"
    if character.isupper() and character.lower() != character:
        plain, shifted = (
            "+".join([*sorted(held), character.lower()])
            for held in ({*modifiers}, {*modifiers, "shift"})
        )
        return f"has {key!a}; write {plain}, or {shifted} where shift is held, too"
    return ""


def _plus(key: str) -> list[str]:
    """Split a key that ends with the character `+`."""
    return [*(part for part in key[:-1].split("+") if part), "+"]


def _is_key(name: str) -> bool:
    """Return whether a key without modifiers has this name in Textual."""
    if name in _NAMED_KEYS or name in _named_characters():
        return True
    character = _character_of(name)
    if not character.isprintable() or not character.strip():
        return False
    is_typed = character.isalpha() or ord(character) < _LAST_TYPED
    return is_typed and (len(name) == 1 or _name_of(character) == name)


@cache
def _named_characters() -> dict[str, str]:
    """Return the characters of ASCII whose keys Textual names by a word, by that word."""
    names = {_name_of(chr(code)): chr(code) for code in range(33, 127)}
    return {name: character for name, character in names.items() if len(name) > 1}


def _character_of(name: str) -> str:
    """Return the character that a key makes; empty if there is none of this name."""
    if len(name) == 1:
        return name
    return _named_characters().get(name) or key_to_character(name) or ""


def _name_of(character: str) -> str:
    return "comma" if character == "," else _normal(character)


def _meant(modifiers: str, name: str) -> str:
    """Say which key is probably meant by a name that is none."""
    known = sorted({*_NAMED_KEYS, *_named_characters()})
    word = name.lower().replace("-", "_")
    character = _character_of(name)
    if word in _OTHER_NAMES:
        meant = _OTHER_NAMES[word]
    elif word in known:
        meant = word
    elif character.isascii() and character.isprintable() and character:
        meant = _name_of(character)
    else:
        meant = next(iter(difflib.get_close_matches(word, known, n=1)), "")
    if meant:
        return f"did you mean {'+'.join(filter(None, (modifiers, meant)))}?"
    return "write for example x, X, ctrl+x, f5 or pageup"


def _grant_problems(
    keys: Mapping[str, str], places: Mapping[str, Sequence[BindingType]]
) -> Iterator[tuple[str, str]]:
    """Report keys that would approve what nobody has read."""
    bound = {**default_keys(places), **keys}
    opens = {_normal(key) for key in _split(bound.get(_OPENS_APPROVALS, ""))}
    for binding_id in sorted(GRANTS & bound.keys()):
        for key in _split(bound[binding_id]):
            if _normal(key) in _CARELESS and binding_id in keys:
                yield binding_id, f"has {key!a}, which goes on or leaves: it would approve unread"
            elif _normal(key) in opens and keys.keys() & {binding_id, _OPENS_APPROVALS}:
                problem = f"has {key!a}, which opens the approvals: pressed twice it would approve"
                yield binding_id, problem


def _clashes(
    keys: Mapping[str, str], places: Mapping[str, Sequence[BindingType]]
) -> Iterator[tuple[str, str]]:
    for title, bindings in places.items():
        for key, sharing in _owners(bindings, keys).items():
            yield from _clash(title, key, sharing, keys)


def _owners(bindings: Sequence[BindingType], keys: Mapping[str, str]) -> dict[str, list[Binding]]:
    """Return the bindings of each key in a place."""
    owners: dict[str, list[Binding]] = {}
    for binding in _as_bindings(bindings):
        bound = binding.key if binding.id is None else keys.get(binding.id, binding.key)
        for key in _split(bound):
            owners.setdefault(_normal(key), []).append(binding)
    return owners


def _clash(
    title: str, key: str, sharing: Sequence[Binding], keys: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Report only clashes that the keymap makes: the defaults may share a key on purpose."""
    rebound = [binding for binding in sharing if binding.id in keys]
    others = {binding.id or binding.action for binding in sharing}
    if rebound and len(others) > 1:
        names = " and ".join(sorted(others))
        yield rebound[0].id or "", f"clashes ({title}): {format_keys(key)} would be {names}"


def _located(problems: Sequence[tuple[str, str]], path: Path | None) -> Iterator[str]:
    text = ""
    if path is not None and path.is_file():
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    for binding_id, problem in problems:
        key = f"ui.keys.{binding_id}"
        place = f"{path}:{line_of(text, key)}: " if path is not None else ""
        yield f"{place}{key} {problem}"


def _split(keys: str) -> list[str]:
    """Split at commas; a comma on its own is the key."""
    if keys.strip() == ",":
        return ["comma"]
    return [key.strip() for key in keys.split(",")] if keys.strip() else []


def _normal(key: str) -> str:
    try:
        return next(iter(Binding.make_bindings([Binding(key, "")]))).key
    except InvalidBinding:
        return key
