"""The themes: files in the package and in the user's folder.

A file is a Textual theme as TOML: `name`, `dark`, the base colours, and `[variables]` with our
own colours (`VARIABLE_DEFAULTS`) and any of Textual's. Textual itself crashes on a colour that
it cannot parse, so every colour is parsed here first.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

from codextui.config import schema as configuration

DEFAULT_THEME = "harbour"

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
}
"""Our own theme variables, for `App.get_theme_variable_defaults`: themes that are not ours lack
them. A theme file that leaves one out gets it derived from its own colours."""

_SIZE_LIMIT = 64 * 1024
_COUNT_LIMIT = 200

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


@dataclass(frozen=True, slots=True)
class LoadedThemes:
    """What was found.

    Attributes:
        themes: every usable theme, the user's over ours where they have the same name.
        problems: one sentence for each file that cannot be used, for a single notice.
    """

    themes: tuple[Theme, ...]
    problems: tuple[str, ...]


def load_themes(user_folder: Path | None) -> LoadedThemes:
    """Read our themes and those in the user's folder (`*.toml`).

    Never raises: a file that cannot be used is skipped and told in `problems`.
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
    """Where our own themes are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def parse_theme(text: str) -> Theme:
    """Read the text of a theme file. Raises ValueError with everything that is wrong in it."""
    document = tomllib.loads(text)
    problems = list(_problems(document))
    if problems:
        raise ValueError("; ".join(problems))
    theme = Theme(**document)
    return _with_our_variables(theme)


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    try:
        return sorted(folder.glob("*.toml"))[:_COUNT_LIMIT]
    except OSError:
        return []


def _read(path: Path) -> Theme:
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if len(content) > _SIZE_LIMIT:
        raise ValueError(f"is larger than {_SIZE_LIMIT // 1024} KiB")
    try:
        return parse_theme(content.decode("utf-8"))
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
            yield f"{_brief(key)} is no key of a theme{_suggest(key, known)}"
    variables = document.get("variables", {})
    if not isinstance(variables, dict):
        yield "variables must be a table"
        return
    for key, value in variables.items():
        if key not in _variable_names():
            yield f"{_brief(key)} is no variable{_suggest(key, _variable_names())}"
        else:
            yield from _colour_problem(key, value)


def _colour_problem(key: str, value: object) -> Iterator[str]:
    try:
        colour = Color.parse(value if isinstance(value, str) else "")
    except ColorParseError:
        colour = None
    if colour is None or colour.ansi is not None:
        yield f'{key} must be a colour such as "#74b4f2", not {_brief(value)}'


@cache
def _variable_names() -> list[str]:
    generated = Theme(name="", primary="#ffffff").to_color_system().generate()
    colours = [name for name in generated if not name.endswith("-style")]
    return [*VARIABLE_DEFAULTS, *colours]


def _suggest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _brief(value: object) -> str:
    try:
        text = ascii(value)
    except ValueError:  # an integer of thousands of digits
        return "that"
    return text if len(text) <= 40 else f"{text[:39]}…"


def _with_our_variables(theme: Theme) -> Theme:
    colours = theme.to_color_system().generate()
    derived = {name: colours[source] for name, source in _DERIVED.items()}
    theme.variables = {**derived, **theme.variables}
    return theme


def register_themes(app: App[int], wanted: str, config_path: Path | None) -> tuple[str, ...]:
    """Register every theme and use the one that is wanted.

    Args:
        app: the console.
        wanted: a theme's name.
        config_path: the configuration's file; `themes` beside it is the person's own folder.

    Returns:
        what is wrong with those that cannot be used, and with the name; a sentence each.
    """
    loaded = load_themes(config_path.parent / "themes" if config_path else None)
    for theme in loaded.themes:
        app.register_theme(theme)
    if wanted in app.available_themes:
        app.theme = wanted
        return loaded.problems
    known = ", ".join(sorted(theme.name for theme in loaded.themes))
    return (*loaded.problems, f"there is no theme {wanted!r} (ui.theme); there are: {known}")


def save_theme(name: str, config_path: Path | None) -> None:
    """Keep a theme's name in the configuration, if it has a file. Raises ConfigInvalid."""
    if config_path is not None:
        configuration.save_setting(config_path, "ui.theme", name)
