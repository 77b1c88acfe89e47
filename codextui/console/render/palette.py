"""The styles of the console, built from the variables of a Textual theme."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec
from rich.style import Style
from textual.color import Color, ColorParseError

MIN_TEXT_CONTRAST = 4.5
"""Contrast of text with its background (WCAG AA)."""

MIN_GUIDE_CONTRAST = 2.0
"""Contrast of guides and rules with their background."""

ROLE_COLOURS = 8
"""Colours of roles."""

MAX_SURFACE_CONTRAST = 1.6
"""Contrast of a themed background with the surface above which it is not used."""


class Palette(msgspec.Struct, frozen=True):
    """Styles by use. Each has the background of the surface, unless stated otherwise.

    A style is never the only carrier of a meaning: a word or a glyph stands next to it.

    Attributes:
        text: text, and the padding of rows.
        muted: secondary text.
        faint: guides and rules.
        strong: handles, names and titles.
        accent: prompts, bullets and keys.
        heading: Markdown headings.
        code: inline code, with the background of code.
        code_block: commands and code, with the background of code.
        link: links in Markdown.
        added: lines a diff adds, with a background of their own.
        removed: lines a diff removes, with a background of their own.
        hunk: hunk headers of a diff.
        path: file names.
        starting: a thread that is starting or waiting.
        running: a running thread, command or tool call.
        needs_input: a thread that waits for a person.
        idle: a thread that is idle or done.
        interrupted: a thread that was interrupted or paused.
        failed: a thread whose turn failed.
        killed: a killed thread.
        disconnected: a thread whose server is out of reach.
        success: a good outcome.
        error: a failure.
        warning: a warning.
        keyword: keywords in code.
        string: strings in code.
        number: numbers in code.
        operator: operators in code.
        comment: comments in code.
        name: names of functions and classes in code.
        selected: the selected row, with a background of its own.
        role_1: one of eight colours of roles, which differ for the colour-blind too; see `roles`.
        role_2: another.
        role_3: another.
        role_4: another.
        role_5: another.
        role_6: another.
        role_7: another.
        role_8: another.
    """

    text: Style
    muted: Style
    faint: Style
    strong: Style
    accent: Style
    heading: Style
    code: Style
    code_block: Style
    link: Style
    added: Style
    removed: Style
    hunk: Style
    path: Style
    starting: Style
    running: Style
    needs_input: Style
    idle: Style
    interrupted: Style
    failed: Style
    killed: Style
    disconnected: Style
    success: Style
    error: Style
    warning: Style
    keyword: Style
    string: Style
    number: Style
    operator: Style
    comment: Style
    name: Style
    selected: Style
    role_1: Style
    role_2: Style
    role_3: Style
    role_4: Style
    role_5: Style
    role_6: Style
    role_7: Style
    role_8: Style

    def role(self, name: str) -> Style:
        """Return the style of a role's name, the same wherever the role appears."""
        number = zlib.crc32(name.casefold().encode("utf-8", "replace")) % ROLE_COLOURS + 1
        style = getattr(self, f"role_{number}")
        return style if isinstance(style, Style) else self.text


def palette_from(variables: Mapping[str, str], *, surface: str = "background") -> Palette:
    """Build a palette from `App.theme_variables`.

    Colours are moved towards black or white until they are readable on their background. A theme
    in the terminal's own colours gets a palette without backgrounds.

    Args:
        variables: colours by name, without `$`. Missing and invalid ones become plain text.
        surface: name of the colour behind everything drawn with the palette.
    """
    background = _parse(variables.get(surface, ""))
    foreground = _parse(variables.get("foreground", ""))
    if background is None or background.ansi is not None:
        return _ansi_palette()
    if foreground is None or foreground.ansi is not None:
        return _ansi_palette()
    opaque = Color(background.r, background.g, background.b)
    return _PaletteBuilder(variables, opaque, foreground).build()


def contrast_ratio(one: Color, other: Color) -> float:
    """Return the contrast ratio of two opaque colours, 1 to 21 (WCAG 2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


class _PaletteBuilder:
    """Builds a palette on one background."""

    def __init__(self, variables: Mapping[str, str], background: Color, foreground: Color) -> None:
        self._variables = variables
        self._background = background
        self._foreground = background + foreground

    def build(self) -> Palette:
        block = self._background_color("code-background", self._faded(0.06))
        added = self._background_color("diff-added-background", self._tinted("success"))
        removed = self._background_color("diff-removed-background", self._tinted("error"))
        return Palette(
            text=self._style(self._foreground),
            muted=self._style(self._color("text-quiet", self._faded(0.7))),
            faint=self._style(self._faded(0.4), min_contrast=MIN_GUIDE_CONTRAST),
            strong=self._style(self._foreground, bold=True),
            accent=self._style(self._color("accent")),
            heading=self._style(self._color("primary"), bold=True),
            code=self._style(self._color("secondary"), background=block),
            code_block=self._style(self._foreground, background=block),
            link=self._style(self._color("secondary"), underline=True),
            added=self._style(self._color("diff-added", self._color("success")), background=added),
            removed=self._style(
                self._color("diff-removed", self._color("error")), background=removed
            ),
            hunk=self._style(self._color("diff-hunk", self._color("secondary"))),
            path=self._style(self._color("primary"), bold=True),
            starting=self._state("starting", "secondary"),
            running=self._state("running", "primary"),
            needs_input=self._state("asking", "warning", bold=True),
            idle=self._state("idle", "success"),
            interrupted=self._state("interrupted", "warning"),
            failed=self._state("failed", "error", bold=True),
            killed=self._state("killed", "secondary"),
            disconnected=self._state("disconnected", "warning"),
            success=self._style(self._color("success")),
            error=self._style(self._color("error"), bold=True),
            warning=self._style(self._color("warning")),
            keyword=self._syntax("keyword", "primary", block, bold=True),
            string=self._syntax("string", "success", block),
            number=self._syntax("number", "warning", block),
            operator=self._syntax("operator", "secondary", block),
            comment=self._syntax("comment", "text-quiet", block, italic=True),
            name=self._syntax("name", "accent", block),
            selected=self._style(
                self._foreground, background=self._tinted("primary", 0.3), bold=True
            ),
            **{f"role_{n}": self._role(n) for n in range(1, ROLE_COLOURS + 1)},
        )

    def _role(self, number: int) -> Style:
        return self._style(self._color(f"role-{number}", self._foreground))

    def _state(self, name: str, default: str, *, bold: bool = False) -> Style:
        return self._style(self._color(f"state-{name}", self._color(default)), bold=bold)

    def _syntax(
        self,
        name: str,
        default: str,
        background: Color,
        *,
        bold: bool = False,
        italic: bool = False,
    ) -> Style:
        color = self._color(f"syntax-{name}", self._color(default))
        return self._style(color, background=background, bold=bold, italic=italic)

    def _style(
        self,
        color: Color,
        *,
        background: Color | None = None,
        min_contrast: float = MIN_TEXT_CONTRAST,
        bold: bool = False,
        italic: bool = False,
        underline: bool = False,
    ) -> Style:
        background = background or self._background
        return Style(
            color=_readable(color, background, min_contrast).rich_color,
            bgcolor=background.rich_color,
            bold=bold,
            italic=italic,
            underline=underline,
        )

    def _color(self, name: str, default: Color | None = None) -> Color:
        color = _parse(self._variables.get(name, ""))
        if color is None or color.ansi is not None:
            return self._foreground if default is None else default
        return self._background + color

    def _background_color(self, name: str, default: Color) -> Color:
        """Return the theme's background, unless it was meant for a very different surface."""
        color = self._color(name, default)
        ratio = contrast_ratio(color, self._background)
        return color if ratio <= MAX_SURFACE_CONTRAST else default

    def _faded(self, amount: float) -> Color:
        return self._background.blend(self._foreground, amount)

    def _tinted(self, name: str, amount: float = 0.12) -> Color:
        return self._background.blend(self._color(name), amount)


def _readable(color: Color, background: Color, min_contrast: float) -> Color:
    """Move `color` towards black or white until its contrast is sufficient."""
    ends = Color(0, 0, 0), Color(255, 255, 255)
    far = max(ends, key=lambda end: contrast_ratio(end, background))
    for step in range(11):
        mixed = color.blend(far, step / 10)
        if contrast_ratio(mixed, background) >= min_contrast:
            return mixed
    return far


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parse(value: str) -> Color | None:
    try:
        return Color.parse(value)
    except ColorParseError:
        return None


def _ansi_palette() -> Palette:
    return Palette(
        text=Style(),
        muted=Style(dim=True),
        faint=Style(dim=True),
        strong=Style(bold=True),
        accent=Style(color="magenta"),
        heading=Style(color="blue", bold=True),
        code=Style(color="cyan"),
        code_block=Style(),
        link=Style(color="cyan", underline=True),
        added=Style(color="green"),
        removed=Style(color="red"),
        hunk=Style(color="cyan"),
        path=Style(color="blue", bold=True),
        starting=Style(color="blue"),
        running=Style(color="blue"),
        needs_input=Style(color="yellow", bold=True),
        idle=Style(color="green"),
        interrupted=Style(color="yellow"),
        failed=Style(color="red", bold=True),
        killed=Style(dim=True),
        disconnected=Style(color="yellow"),
        success=Style(color="green"),
        error=Style(color="red", bold=True),
        warning=Style(color="yellow"),
        keyword=Style(color="blue", bold=True),
        string=Style(color="green"),
        number=Style(color="yellow"),
        operator=Style(color="cyan"),
        comment=Style(dim=True, italic=True),
        name=Style(color="magenta"),
        selected=Style(reverse=True),
        role_1=Style(color="cyan"),
        role_2=Style(color="yellow"),
        role_3=Style(color="green"),
        role_4=Style(color="magenta"),
        role_5=Style(color="blue"),
        role_6=Style(color="red"),
        role_7=Style(color="bright_cyan"),
        role_8=Style(color="bright_magenta"),
    )
