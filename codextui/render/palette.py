"""The styles of everything we draw, from a theme's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style


@dataclass(frozen=True, slots=True)
class Palette:
    """Styles by what they are for. Every one carries the surface's background.

    Meaning never hangs on a style alone: there is a word or a glyph beside it.

    Attributes:
        text: running text; also fills what is left of a row.
        muted: what matters less.
        faint: guides, rules, gutters.
        strong: what is looked for first.
        accent: marks of the person's own doing, keys.
        heading: Markdown headings.
        code: inline code, commands.
        block: code blocks; has a background of its own.
        link: addresses.
        added: lines that a diff adds.
        removed: lines that a diff removes.
        hunk: where in the file a diff is.
        path: file names.
        running: at work.
        asking: a person is needed.
        good: went well.
        bad: failed.
        caution: worth a look.
        keyword: in highlighted code.
        string: in highlighted code.
        number: in highlighted code.
        comment: in highlighted code.
        name: names of functions and classes in highlighted code.
        selected: a chosen row.
    """

    text: Style
    muted: Style
    faint: Style
    strong: Style
    accent: Style
    heading: Style
    code: Style
    block: Style
    link: Style
    added: Style
    removed: Style
    hunk: Style
    path: Style
    running: Style
    asking: Style
    good: Style
    bad: Style
    caution: Style
    keyword: Style
    string: Style
    number: Style
    comment: Style
    name: Style
    selected: Style


def palette_from(variables: Mapping[str, str], *, surface: str = "background") -> Palette:
    """Build the styles from `App.theme_variables`.

    Args:
        variables: a Textual theme's variables, name (no `$`) → colour. Missing and unreadable
            ones fall back to plain text.
        surface: the variable whose colour is behind everything drawn with this palette.
    """
    raise NotImplementedError
