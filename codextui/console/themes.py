"""Themes: loads them from the package and from the user's folder, and saves the chosen one.

A file is a Textual theme in TOML: `name`, `dark`, the base colours, and `[variables]` with
codextui's own colours (`VARIABLE_DEFAULTS`) and any of Textual's; with `ansi = true` the colours
are those of the terminal (`ansi_blue`). Textual crashes on a colour that it cannot parse, so every
colour is parsed here first.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from codextui.config.readers import suggest
from codextui.config.schema import save_setting
from codextui.config.toml_lines import line_of

VARIABLE_DEFAULTS: dict[str, str] = {
    "text-quiet": "#96a3b5",
    "state-starting": "#9fb2cb",
    "state-running": "#74b4f2",
    "state-asking": "#f0b46c",
    "state-idle": "#85d1a0",
    "state-interrupted": "#e6c46a",
    "state-failed": "#f38b8b",
    "state-killed": "#96a3b5",
    "state-disconnected": "#96a3b5",
    "diff-added": "#85d1a0",
    "diff-added-background": "#12291f",
    "diff-removed": "#f38b8b",
    "diff-removed-background": "#321b20",
    "diff-hunk": "#9fb2cb",
    "code-background": "#0c1117",
    "syntax-keyword": "#c3a6f0",
    "syntax-string": "#a3d39c",
    "syntax-number": "#f0b46c",
    "syntax-name": "#74b4f2",
    "syntax-operator": "#9fb2cb",
    "syntax-comment": "#8b99ac",
    "role-1": "#56b4e9",
    "role-2": "#e69f00",
    "role-3": "#2bb894",
    "role-4": "#f0e442",
    "role-5": "#6f9fe8",
    "role-6": "#e8743b",
    "role-7": "#cc79a7",
    "role-8": "#b9b9b9",
}
"""Theme variables of codextui, for Textual's own themes (`App.get_theme_variable_defaults`).

Variables that a theme file leaves out are derived from the file's own colours, except for those
of roles: eight that differ for the colour-blind too, after Okabe and Ito.
"""

_ANSI_GROUNDS = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"}
"""Variables that Textual needs of a theme in the terminal's colours, and of no other."""

_MAX_FILE_SIZE = 64 * 1024
_MAX_FILES = 200
_MAX_SIZE_FOR_LINES = 8 * 1024

_COLOURS = (
    "primary",
    "secondary",
    "warning",
    "error",
    "success",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "boost",
)
_KNOWN_KEYS = ["name", "dark", "ansi", "variables", *_COLOURS]
_DERIVED = {
    "text-quiet": "secondary",
    "state-starting": "secondary",
    "state-running": "primary",
    "state-asking": "accent",
    "state-idle": "success",
    "state-interrupted": "warning",
    "state-failed": "error",
    "state-killed": "secondary",
    "state-disconnected": "secondary",
    "diff-added": "success",
    "diff-removed": "error",
    "diff-hunk": "secondary",
    "code-background": "surface",
    "diff-added-background": "surface",
    "diff-removed-background": "surface",
    "syntax-keyword": "accent",
    "syntax-string": "success",
    "syntax-number": "warning",
    "syntax-name": "primary",
    "syntax-operator": "foreground",
    "syntax-comment": "secondary",
}


def register_themes(app: App[int], theme_name: str, config_path: Path | None) -> LoadedThemes:
    """Register a theme and the user's, and activate it; `register_others` registers the rest.

    Args:
        app: the console.
        theme_name: the theme to activate.
        config_path: the configuration file; `themes` beside it is the user's folder.

    Returns:
        the themes, with one more problem if there is no theme of this name.
    """
    user_folder = config_path.parent / "themes" if config_path else None
    loaded = load_themes(user_folder, shipped=theme_name)
    for theme in loaded.themes:
        app.register_theme(theme)
    if theme_name in app.available_themes:
        app.theme = theme_name
        return loaded
    known = ", ".join(_names(loaded))
    problem = f"there is no theme {theme_name!r} (ui.theme); there are: {known}"
    return structs.replace(loaded, problems=(*loaded.problems, problem))


def find_theme_problem(theme_name: str, config_path: Path) -> str:
    """Return what is wrong with the name of a theme in a configuration; empty if nothing is."""
    loaded = load_themes(config_path.parent / "themes", shipped=theme_name)
    if theme_name in BUILTIN_THEMES or theme_name in {theme.name for theme in loaded.themes}:
        return ""
    unusable = [one for one in loaded.problems if f"/{theme_name}.toml: " in one]
    if unusable:
        return f"cannot be used: {unusable[0]}"
    return f"is no theme{suggest(theme_name, _names(loaded))}"


def _names(loaded: LoadedThemes) -> list[str]:
    """Return the names of the package's themes and of the loaded ones."""
    shipped = {path.stem for path in _files(themes_folder())}
    return sorted(shipped | {theme.name for theme in loaded.themes})


def register_others(app: App[int]) -> None:
    """Register the themes of the package that `register_themes` has left out."""
    for theme in load_themes(None).themes:
        if theme.name not in app.available_themes:
            app.register_theme(theme)


def save_theme(name: str, config_path: Path | None) -> None:
    """Save the theme's name in the configuration file, if there is one. Raises ConfigInvalid."""
    if config_path is not None:
        save_setting(config_path, "ui.theme", name)


class LoadedThemes(msgspec.Struct, frozen=True):
    """The result of loading all themes.

    Attributes:
        themes: every usable theme; the user's replace those of the package by name.
        problems: one sentence for each unusable file.
        files: the files in the user's folder by the names of their themes.
    """

    themes: tuple[Theme, ...]
    problems: tuple[str, ...]
    files: Mapping[str, Path] = {}


def load_themes(user_folder: Path | None, *, shipped: str | None = None) -> LoadedThemes:
    """Load the themes of the package and of the user's folder (`*.toml`).

    Never raises: unusable files are skipped and listed in `problems`.

    Args:
        user_folder: the user's folder; None if there is none.
        shipped: the only theme of the package to load, which is the name of its file; None for all.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    own = _files(user_folder)
    files: dict[str, Path] = {}
    of_package = [path for path in _files(themes_folder()) if shipped in (None, path.stem)]
    for path in (*of_package, *own):
        try:
            theme = read_theme(path)
        except ValueError as error:
            problems.append(f"{path}: {error}")
        else:
            themes[theme.name] = theme
            if path in own:
                files[theme.name] = path
    return LoadedThemes(tuple(themes.values()), tuple(problems), files)


def themes_folder() -> Path:
    """Return the folder of the package's themes, which is beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def parse_theme(text: str) -> Theme:
    """Parse a theme file. Raises ValueError listing everything that is wrong, with its line."""
    document = tomllib.loads(text)
    problems = list(_problems(document))
    if problems:
        raise ValueError("; ".join(_with_line(text, key, problem) for key, problem in problems))
    theme = Theme(**document)
    return _with_derived_variables(theme)


def _with_line(text: str, key: str, problem: str) -> str:
    name = key.removeprefix("variables.")
    name = name if name in _KNOWN_KEYS or name in _variable_names() else _shorten(name)
    if len(text) > _MAX_SIZE_FOR_LINES:
        return f"{name} {problem}"
    return f"line {line_of(text, key)}: {name} {problem}"


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    try:
        return sorted(folder.glob("*.toml"))[:_MAX_FILES]
    except OSError:
        return []


def read_theme(path: Path) -> Theme:
    """Read a theme file. Raises ValueError: it cannot be read, or something in it is wrong."""
    if path.is_fifo():
        raise ValueError("is a pipe, which would block for ever")
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_SIZE + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if len(content) > _MAX_FILE_SIZE:
        raise ValueError(f"is larger than {_MAX_FILE_SIZE // 1024} KiB")
    try:
        return parse_theme(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error


def _problems(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the dotted key and the mistake of everything that is wrong."""
    name = document.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 40:
        yield "name", "must be a short text"
    if "primary" not in document:
        yield "primary", "is missing"
    is_ansi = document.get("ansi", False)
    for key in ("dark", "ansi"):
        if not isinstance(document.get(key, True), bool):
            yield key, "must be true or false"
    for key, value in document.items():
        if key in _COLOURS:
            yield from _colour_problem(key, value, is_ansi=is_ansi is True)
        elif key not in _KNOWN_KEYS:
            yield key, f"is no key of a theme{_suggest(key, _KNOWN_KEYS)}"
    variables = document.get("variables", {})
    if isinstance(variables, dict):
        yield from _variable_problems(variables, is_ansi=is_ansi is True)
    else:
        yield "variables", "must be a table"


def _variable_problems(
    variables: Mapping[str, object], *, is_ansi: bool
) -> Iterator[tuple[str, str]]:
    for key, value in variables.items():
        if key not in VARIABLE_DEFAULTS and key not in _variable_names():
            yield f"variables.{key}", f"is no variable{_suggest(key, _variable_names())}"
        else:
            yield from _colour_problem(f"variables.{key}", value, is_ansi=is_ansi)


def _colour_problem(key: str, value: object, *, is_ansi: bool) -> Iterator[tuple[str, str]]:
    try:
        colour = Color.parse(value if isinstance(value, str) else "")
    except ColorParseError:
        colour = None
    if colour is None or (colour.ansi is not None) is not is_ansi:
        example = "ansi_blue" if is_ansi else "#74b4f2"
        yield key, f'must be a colour such as "{example}", not {_shorten(value)}'


@cache
def _variable_names() -> list[str]:
    generated = Theme(name="", primary="#ffffff").to_color_system().generate()
    colours = [name for name in generated if not name.endswith("-style")]
    return [*VARIABLE_DEFAULTS, *_ANSI_GROUNDS, *colours]


def _suggest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _shorten(value: object) -> str:
    try:
        text = ascii(value)
    except ValueError:  # an integer of thousands of digits
        return "that"
    return text if len(text) <= 40 else f"{text[:39]}…"


def _with_derived_variables(theme: Theme) -> Theme:
    if theme.ansi:
        theme.variables = _ANSI_GROUNDS | theme.variables
    missing = _DERIVED.keys() - theme.variables.keys()
    roles = {name: VARIABLE_DEFAULTS[name] for name in VARIABLE_DEFAULTS.keys() - _DERIVED.keys()}
    theme.variables = roles | theme.variables
    if missing:  # the shipped themes have them all, and the first frame waits for this
        colours = theme.to_color_system().generate()
        theme.variables = {name: colours[_DERIVED[name]] for name in missing} | theme.variables
    return theme
