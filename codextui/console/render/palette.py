"""The styles of everything we draw, from a theme's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from textual.color import Color, ColorParseError

READABLE = 4.5
"""Contrast of text that matters with what is behind it (WCAG AA)."""

VISIBLE = 2.0
"""Contrast of guides and rules."""

NEAR = 1.6
"""Contrast of a ground with the surface that it lies on, at most."""


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
        starting: a thread that starts.
        running: at work.
        asking: a person is needed.
        idle: a thread at rest.
        interrupted: a thread whose turn was stopped.
        failed: a thread whose turn failed.
        killed: a thread that is gone.
        disconnected: a thread out of reach.
        good: went well.
        bad: failed.
        caution: worth a look.
        keyword: in highlighted code.
        string: in highlighted code.
        number: in highlighted code.
        operator: in highlighted code.
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
    starting: Style
    running: Style
    asking: Style
    idle: Style
    interrupted: Style
    failed: Style
    killed: Style
    disconnected: Style
    good: Style
    bad: Style
    caution: Style
    keyword: Style
    string: Style
    number: Style
    operator: Style
    comment: Style
    name: Style
    selected: Style


def palette_from(variables: Mapping[str, str], *, surface: str = "background") -> Palette:
    """Build the styles from `App.theme_variables`.

    Every colour is moved towards black or white until it can be read on what is behind it.

    Args:
        variables: a Textual theme's variables, name (no `$`) → colour. Missing and unreadable
            ones fall back to plain text.
        surface: the variable whose colour is behind everything drawn with this palette.
    """
    ground = _parse(variables.get(surface, ""))
    front = _parse(variables.get("foreground", ""))
    if ground is None or ground.ansi is not None or front is None or front.ansi is not None:
        return _ansi_palette()
    return _Mixer(variables, Color(ground.r, ground.g, ground.b), front).palette()


class _Mixer:
    """Mixes a palette's colours on one background."""

    def __init__(self, variables: Mapping[str, str], ground: Color, front: Color) -> None:
        self._variables = variables
        self._ground = ground
        self._front = ground + front

    def palette(self) -> Palette:
        block = self._near("code-background", self._faded(0.06))
        added = self._near("diff-added-background", self._tinted("success"))
        removed = self._near("diff-removed-background", self._tinted("error"))
        return Palette(
            text=self._style(self._front),
            muted=self._style(self._color("text-quiet", self._faded(0.7))),
            faint=self._style(self._faded(0.4), least=VISIBLE),
            strong=self._style(self._front, bold=True),
            accent=self._style(self._color("accent")),
            heading=self._style(self._color("primary"), bold=True),
            code=self._style(self._color("secondary"), ground=block),
            block=self._style(self._front, ground=block),
            link=self._style(self._color("secondary"), underline=True),
            added=self._style(self._color("diff-added", self._color("success")), ground=added),
            removed=self._style(self._color("diff-removed", self._color("error")), ground=removed),
            hunk=self._style(self._color("diff-hunk", self._color("secondary"))),
            path=self._style(self._color("primary"), bold=True),
            starting=self._state("starting", "secondary"),
            running=self._state("running", "primary"),
            asking=self._state("asking", "warning", bold=True),
            idle=self._state("idle", "success"),
            interrupted=self._state("interrupted", "warning"),
            failed=self._state("failed", "error", bold=True),
            killed=self._state("killed", "secondary"),
            disconnected=self._state("disconnected", "warning"),
            good=self._style(self._color("success")),
            bad=self._style(self._color("error"), bold=True),
            caution=self._style(self._color("warning")),
            keyword=self._syntax("keyword", "primary", block, bold=True),
            string=self._syntax("string", "success", block),
            number=self._syntax("number", "warning", block),
            operator=self._syntax("operator", "secondary", block),
            comment=self._syntax("comment", "text-quiet", block, italic=True),
            name=self._syntax("name", "accent", block),
            selected=self._style(self._front, ground=self._tinted("primary", 0.3), bold=True),
        )

    def _state(self, name: str, like: str, *, bold: bool = False) -> Style:
        return self._style(self._color(f"state-{name}", self._color(like)), bold=bold)

    def _syntax(
        self, name: str, like: str, ground: Color, *, bold: bool = False, italic: bool = False
    ) -> Style:
        color = self._color(f"syntax-{name}", self._color(like))
        return self._style(color, ground=ground, bold=bold, italic=italic)

    def _style(
        self,
        color: Color,
        *,
        ground: Color | None = None,
        least: float = READABLE,
        bold: bool = False,
        italic: bool = False,
        underline: bool = False,
    ) -> Style:
        behind = ground or self._ground
        return Style(
            color=readable(color, behind, least).rich_color,
            bgcolor=behind.rich_color,
            bold=bold,
            italic=italic,
            underline=underline,
        )

    def _color(self, name: str, otherwise: Color | None = None) -> Color:
        color = _parse(self._variables.get(name, ""))
        if color is None or color.ansi is not None:
            return self._front if otherwise is None else otherwise
        return self._ground + color

    def _near(self, name: str, otherwise: Color) -> Color:
        """A ground that the theme names, unless it was meant for a quite different surface."""
        color = self._color(name, otherwise)
        return color if contrast(color, self._ground) <= NEAR else otherwise

    def _faded(self, amount: float) -> Color:
        return self._ground.blend(self._front, amount)

    def _tinted(self, name: str, amount: float = 0.12) -> Color:
        return self._ground.blend(self._color(name), amount)


def readable(color: Color, ground: Color, least: float) -> Color:
    """`color`, moved towards black or white until its contrast with `ground` is `least`."""
    far = max(Color(0, 0, 0), Color(255, 255, 255), key=lambda end: contrast(end, ground))
    for step in range(11):
        mixed = color.blend(far, step / 10)
        if contrast(mixed, ground) >= least:
            return mixed
    return far


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two opaque colours, 1 to 21 (WCAG 2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


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
    """For themes in the terminal's own colours, where nothing is known of the background."""
    return Palette(
        text=Style(),
        muted=Style(dim=True),
        faint=Style(dim=True),
        strong=Style(bold=True),
        accent=Style(color="magenta"),
        heading=Style(color="blue", bold=True),
        code=Style(color="cyan"),
        block=Style(),
        link=Style(color="cyan", underline=True),
        added=Style(color="green"),
        removed=Style(color="red"),
        hunk=Style(color="cyan"),
        path=Style(color="blue", bold=True),
        starting=Style(color="blue"),
        running=Style(color="blue"),
        asking=Style(color="yellow", bold=True),
        idle=Style(color="green"),
        interrupted=Style(color="yellow"),
        failed=Style(color="red", bold=True),
        killed=Style(dim=True),
        disconnected=Style(color="yellow"),
        good=Style(color="green"),
        bad=Style(color="red", bold=True),
        caution=Style(color="yellow"),
        keyword=Style(color="blue", bold=True),
        string=Style(color="green"),
        number=Style(color="yellow"),
        operator=Style(color="cyan"),
        comment=Style(dim=True, italic=True),
        name=Style(color="magenta"),
        selected=Style(reverse=True),
    )
