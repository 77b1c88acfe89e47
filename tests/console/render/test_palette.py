from __future__ import annotations

import pytest
from console.render.looks import palette
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from codextui.console.render.palette import (
    MIN_GUIDE_CONTRAST,
    MIN_TEXT_CONTRAST,
    Palette,
    contrast_ratio,
    palette_from,
)

LIGHT_CODE = {"code-background": "#f0f0f0", "diff-added-background": "#ddffdd"}

COLOURED = sorted(name for name in BUILTIN_THEMES if not name.startswith("ansi"))


def styles(palette: Palette) -> dict[str, Style]:
    return {name: getattr(palette, name) for name in palette.__struct_fields__}


@pytest.mark.parametrize("theme", COLOURED)
def test_every_style_is_readable_on_its_background(theme: str) -> None:
    for name, style in styles(palette(theme)).items():
        assert style.color is not None, name
        assert style.bgcolor is not None, name
        front = Color.from_rich_color(style.color)
        behind = Color.from_rich_color(style.bgcolor)
        assert (
            contrast_ratio(front, behind)
            >= (MIN_GUIDE_CONTRAST if name == "faint" else MIN_TEXT_CONTRAST) * 0.97
        ), name


@pytest.mark.parametrize("theme", COLOURED)
def test_added_and_removed_lines_have_backgrounds_of_their_own(theme: str) -> None:
    p = palette(theme)
    assert len({p.text.bgcolor, p.added.bgcolor, p.removed.bgcolor, p.selected.bgcolor}) == 4


def test_the_surface_is_the_background() -> None:
    variables = BUILTIN_THEMES["nord"].to_color_system().generate()
    on_panel = palette_from(variables, surface="panel")
    assert on_panel.text.bgcolor == Color.parse(variables["panel"]).rich_color


@pytest.mark.parametrize("variables", [{}, {"background": "no colour", "foreground": "#fff"}])
def test_themes_without_colours_use_those_of_the_terminal(variables: dict[str, str]) -> None:
    assert palette_from(variables).text == Style()


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
def test_palettes_in_the_terminals_colours_have_no_background(theme: str) -> None:
    assert all(style.bgcolor is None for style in styles(palette(theme)).values())


def test_a_missing_colour_is_plain_text() -> None:
    p = palette_from({"background": "#000000", "foreground": "#ffffff"})
    assert p.success.color == p.text.color


def test_a_theme_can_set_colours_for_states_diffs_and_code() -> None:
    base = {"background": "#ffffff", "foreground": "#000000"}
    p = palette_from(base | LIGHT_CODE | {"state-running": "#0000aa", "syntax-string": "#006600"})
    assert p.running.color == Color.parse("#0000aa").rich_color
    assert p.string.color == Color.parse("#006600").rich_color
    assert p.code_block.bgcolor == Color.parse("#f0f0f0").rich_color
    assert p.added.bgcolor == Color.parse("#ddffdd").rich_color


def test_a_background_for_light_themes_is_not_used_on_a_dark_surface() -> None:
    base = {"background": "#101010", "foreground": "#eeeeee"}
    assert palette_from(base | LIGHT_CODE).code_block == palette_from(base).code_block


def test_the_contrast_ratio_is_that_of_wcag() -> None:
    assert contrast_ratio(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast_ratio(Color(255, 255, 255), Color(255, 255, 255)) == pytest.approx(1)
