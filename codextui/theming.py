"""The theme of the console: the one that the configuration names, and kept when it changes."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from codextui import config as configuration
from codextui.themes import load_themes


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
