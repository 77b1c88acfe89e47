"""Themes: loads them from the package and from the user's folder, and saves the chosen one.

A file is a Textual theme in TOML: `name`, `dark`, the base colours, and `[variables]` with
codextui's own colours (`VARIABLE_DEFAULTS`) and any of Textual's. Textual crashes on a colour that
it cannot parse, so every colour is parsed here first.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

from codextui.config.schema import save_setting

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

_MAX_FILE_SIZE = 64 * 1024
_MAX_FILES = 200

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


def register_themes(app: App[int], theme_name: str, config_path: Path | None) -> tuple[str, ...]:
    """Register every theme, and activate one.

    Args:
        app: the console.
        theme_name: the theme to activate.
        config_path: the configuration file; `themes` beside it is the user's folder.

    Returns:
        one sentence for each unusable file, and one if there is no theme of this name.
    """
    loaded = load_themes(config_path.parent / "themes" if config_path else None)
    for theme in loaded.themes:
        app.register_theme(theme)
    if theme_name in app.available_themes:
        app.theme = theme_name
        return loaded.problems
    known = ", ".join(sorted(theme.name for theme in loaded.themes))
    return (*loaded.problems, f"there is no theme {theme_name!r} (ui.theme); there are: {known}")


def save_theme(name: str, config_path: Path | None) -> None:
    """Save the theme's name in the configuration file, if there is one. Raises ConfigInvalid."""
    if config_path is not None:
        save_setting(config_path, "ui.theme", name)


class LoadedThemes(msgspec.Struct, frozen=True):
    """The result of loading all themes.

    Attributes:
        themes: every usable theme; the user's replace those of the package by name.
        problems: one sentence for each unusable file.
    """

    themes: tuple[Theme, ...]
    problems: tuple[str, ...]


def load_themes(user_folder: Path | None) -> LoadedThemes:
    """Load the themes of the package and of the user's folder (`*.toml`).

    Never raises: unusable files are skipped and listed in `problems`.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for path in (*_files(themes_folder()), *_files(user_folder)):
        try:
            theme = _read(path)
        except ValueError as error:
            problems.append(f"{path}: {error}")
        else:
            themes[theme.name] = theme
    return LoadedThemes(tuple(themes.values()), tuple(problems))


def themes_folder() -> Path:
    """Return the folder of the package's themes, which is beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def parse_theme(text: str) -> Theme:
    """Parse a theme file. Raises ValueError listing everything that is wrong in it."""
    document = tomllib.loads(text)
    problems = list(_problems(document))
    if problems:
        raise ValueError("; ".join(problems))
    theme = Theme(**document)
    return _with_derived_variables(theme)


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    try:
        return sorted(folder.glob("*.toml"))[:_MAX_FILES]
    except OSError:
        return []


def _read(path: Path) -> Theme:
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


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    name = document.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 40:
        yield "name must be a short text"
    if "primary" not in document:
        yield "primary is missing"
    if not isinstance(document.get("dark", True), bool):
        yield "dark must be true or false"
    known = ["name", "dark", "variables", *_COLOURS]
    for key, value in document.items():
        if key in _COLOURS:
            yield from _colour_problem(key, value)
        elif key not in known:
            yield f"{_shorten(key)} is no key of a theme{_suggest(key, known)}"
    variables = document.get("variables", {})
    if not isinstance(variables, dict):
        yield "variables must be a table"
        return
    for key, value in variables.items():
        if key not in VARIABLE_DEFAULTS and key not in _variable_names():
            yield f"{_shorten(key)} is no variable{_suggest(key, _variable_names())}"
        else:
            yield from _colour_problem(key, value)


def _colour_problem(key: str, value: object) -> Iterator[str]:
    try:
        colour = Color.parse(value if isinstance(value, str) else "")
    except ColorParseError:
        colour = None
    if colour is None or colour.ansi is not None:
        yield f'{key} must be a colour such as "#74b4f2", not {_shorten(value)}'


@cache
def _variable_names() -> list[str]:
    generated = Theme(name="", primary="#ffffff").to_color_system().generate()
    colours = [name for name in generated if not name.endswith("-style")]
    return [*VARIABLE_DEFAULTS, *colours]


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
    missing = _DERIVED.keys() - theme.variables.keys()
    roles = {name: VARIABLE_DEFAULTS[name] for name in VARIABLE_DEFAULTS.keys() - _DERIVED.keys()}
    theme.variables = roles | theme.variables
    if missing:  # the shipped themes have them all, and the first frame waits for this
        colours = theme.to_color_system().generate()
        theme.variables = {name: colours[_DERIVED[name]] for name in missing} | theme.variables
    return theme
