"""The themes: files in the package and in the user's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.theme import Theme

DEFAULT_THEME = "harbour"

VARIABLE_DEFAULTS: dict[str, str] = {}
"""Our own theme variables, for `App.get_theme_variable_defaults`: themes may leave them out."""


@dataclass(frozen=True, slots=True)
class LoadedThemes:
    """What was found.

    Attributes:
        themes: every usable theme, the user's over ours by name.
        problems: one sentence for each file that cannot be used.
    """

    themes: tuple[Theme, ...]
    problems: tuple[str, ...]


def load_themes(user_folder: Path | None) -> LoadedThemes:
    """Read our themes and the user's (`themes/*.toml` beside config.toml). Never raises."""
    raise NotImplementedError
