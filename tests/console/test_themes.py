"""The shipped themes are readable, and bad theme files are ignored."""

from __future__ import annotations

import itertools
import math
import tomllib
from pathlib import Path

import pytest
from console.screens.console import build_console
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from textual.color import Color
from textual.theme import Theme

from codextui.config.schema import UiConfig
from codextui.console.themes import (
    VARIABLE_DEFAULTS,
    load_themes,
    parse_theme,
    themes_folder,
)
from codextui.console.widgets.pane_context import palettes_from

OURS = load_themes(None)
COLOURED = [theme for theme in OURS.themes if not theme.ansi]
HIGH_CONTRAST = ("beacon", "noon")
COLOUR_BLIND_SAFE = ("signal", "signal-day")
GROUNDS = ("background", "surface", "panel")
WORDS = ("foreground", "primary", "secondary", "accent", "success", "warning", "error")
WORD_VARIABLES = [name for name in VARIABLE_DEFAULTS if not name.endswith("background")]


def colours_of(theme: Theme) -> dict[str, Color]:
    generated = theme.to_color_system().generate() | theme.variables
    names = [*GROUNDS, *WORDS, *VARIABLE_DEFAULTS]
    return {name: Color.parse(generated[name]) for name in names}


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of WCAG 2.2."""

    def luminance(colour: Color) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in colour.normalized
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_dark_light_high_contrast_colour_blind_safe_and_terminal_themes_are_shipped() -> None:
    assert OURS.problems == ()
    assert {theme.name: theme.dark for theme in OURS.themes} == {
        "beacon": True,
        "ember": True,
        "fjord": True,
        "harbour": True,
        "juniper": True,
        "noon": False,
        "paper": False,
        "signal": True,
        "signal-day": False,
        "terminal": True,
    }
    assert UiConfig().theme in {theme.name for theme in OURS.themes}


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
@pytest.mark.parametrize("word", [*WORDS, *WORD_VARIABLES])
def test_every_text_colour_is_readable_on_every_background(theme: Theme, word: str) -> None:
    needed = 7.0 if theme.name in HIGH_CONTRAST else 4.5
    colours = colours_of(theme)
    assert {
        ground: round(contrast(colours[word], colours[ground]), 2)
        for ground in (*GROUNDS, "code-background")
        if contrast(colours[word], colours[ground]) < needed
    } == {}


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_a_diff_is_readable_on_its_backgrounds(theme: Theme) -> None:
    colours = colours_of(theme)
    for kind in ("added", "removed"):
        ground = colours[f"diff-{kind}-background"]
        assert contrast(colours[f"diff-{kind}"], ground) >= 4.5
        assert contrast(colours["foreground"], ground) >= 4.5


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_every_style_on_every_surface_is_readable(theme: Theme) -> None:
    palettes = palettes_from(theme.to_color_system().generate() | theme.variables)
    for surface in structs.asdict(palettes).values():
        for name, style in structs.asdict(surface).items():
            if name == "faint":  # guides and rules, never words
                continue
            colour, ground = style.color.triplet, style.bgcolor.triplet
            assert contrast(Color(*colour), Color(*ground)) >= 4.5, name


def test_the_terminals_theme_leaves_every_background_to_the_terminal() -> None:
    [theme] = [theme for theme in OURS.themes if theme.ansi]
    palettes = palettes_from(theme.to_color_system().generate() | theme.variables)
    for surface in structs.asdict(palettes).values():
        for style in structs.asdict(surface).values():
            assert style.bgcolor is None
            assert style.color is None or style.color.number is not None


BLINDNESS = {  # Machado, Oliveira and Fernandes 2009, severity 1
    "protan": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deutan": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritan": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}


def lab(colour: Color, blindness: str) -> tuple[float, float, float]:
    """Return a colour as somebody sees it, in CIELAB (D65)."""
    rgb = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in colour.normalized]
    seen = [
        min(1.0, max(0.0, sum(m * p for m, p in zip(row, rgb, strict=True))))
        for row in BLINDNESS[blindness]
    ]
    red, green, blue = seen
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("name", COLOUR_BLIND_SAFE)
def test_states_differ_for_eyes_that_mix_colours(name: str, blindness: str) -> None:
    [theme] = [theme for theme in OURS.themes if theme.name == name]
    states = {
        state: lab(Color.parse(theme.variables[state]), blindness)
        for state in ("state-asking", "state-running", "state-failed", "state-idle")
    }
    added, removed = (
        lab(Color.parse(theme.variables[word]), blindness)
        for word in ("diff-added", "diff-removed")
    )
    pairs = [*itertools.combinations(states, 2)]
    distances = {pair: math.dist(states[pair[0]], states[pair[1]]) for pair in pairs}
    assert {pair: round(d) for pair, d in distances.items() if d < 15} == {}
    assert math.dist(added, removed) >= 15


@pytest.mark.parametrize("path", sorted(themes_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_each_shipped_file_is_named_like_its_theme_and_sets_every_variable(path: Path) -> None:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    assert document["name"] == path.stem
    assert list(document["variables"])[: len(VARIABLE_DEFAULTS)] == list(VARIABLE_DEFAULTS)


def test_a_theme_with_only_a_primary_colour_has_all_variables() -> None:
    theme = parse_theme('name = "mine"\nprimary = "#ff8800"\n')
    assert theme.variables.keys() >= VARIABLE_DEFAULTS.keys()
    assert Color.parse(theme.variables["state-running"]).rgb[1:] == (136, 0)
    for name in VARIABLE_DEFAULTS:
        Color.parse(theme.variables[name])


def test_a_users_theme_replaces_a_shipped_one_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "harbour"\nprimary = "#ff8800"\n')
    loaded = load_themes(tmp_path)
    assert [theme.primary for theme in loaded.themes if theme.name == "harbour"] == ["#ff8800"]
    assert len(loaded.themes) == len(OURS.themes)


def test_bad_files_are_reported_and_good_ones_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "a"\nprimary = "#ff8800"\n')
    (tmp_path / "b.toml").write_text('name = "b"\nprimry = "red"\nerror = "#zz"\n')
    (tmp_path / "c.toml").write_text("name = \n")
    (tmp_path / "d.toml").write_bytes(b"\xff")
    (tmp_path / "e.toml").write_text("#" * 70_000)
    (tmp_path / "f.toml").mkdir()
    (tmp_path / "g.toml").write_text("a = " + "[" * 5_000)
    loaded = load_themes(tmp_path)
    assert "a" in {theme.name for theme in loaded.themes}
    assert len(loaded.themes) == len(OURS.themes) + 1
    assert [Path(problem.split(": ")[0]).stem for problem in loaded.problems] == list("bcdefg")
    assert "primary is missing" in loaded.problems[0]
    assert "'primry' is no key of a theme (did you mean primary?)" in loaded.problems[0]
    assert "error must be a colour such as" in loaded.problems[0]


def test_a_missing_folder_is_no_problem(tmp_path: Path) -> None:
    assert load_themes(tmp_path / "none") == OURS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("primary = 3", "primary must be a colour"),
        ('primary = "ansi_red"', "line 2: primary must be a colour"),
        (
            'ansi = true\nprimary = "#123456"',
            'line 3: primary must be a colour such as "ansi_blue"',
        ),
        ('primary = "auto"', "primary must be a colour"),
        ('primary = "#123456"\ndark = 1', "dark must be true or false"),
        ('primary = "#123456"\nvariables = 1', "variables must be a table"),
        ('primary = "#123456"\n[variables]\nstate-runing = "red"', "did you mean state-running"),
        ('primary = "#123456"\n[variables]\nlink-style = "bold"', "is no variable"),
        ('primary = "#123456"\n[variables]\ntext-quiet = "no"', "text-quiet must be a colour"),
    ],
)
def test_a_bad_value_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_theme(f'name = "x"\n{text}\n')


@pytest.mark.parametrize("name", ['""', '" "', '"a\\u001b[31mb"', "3", f'"{"x" * 41}"'])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name must be a short text"):
        parse_theme(f'name = {name}\nprimary = "#123456"\n')


@given(st.text(), st.text())
def test_no_file_passes_a_colour_that_textual_cannot_use(primary: str, quiet: str) -> None:
    escaped = [
        text.encode("unicode_escape").decode().replace('"', '\\"') for text in (primary, quiet)
    ]
    text = f'name = "x"\nprimary = "{escaped[0]}"\nvariables.text-quiet = "{escaped[1]}"\n'
    try:
        theme = parse_theme(text)
    except ValueError:
        return
    assert theme.to_color_system().generate()


async def test_themes_that_are_not_shown_are_read_after_the_first_frame() -> None:
    console = build_console(theme="fjord")
    ours = {theme.name for theme in OURS.themes}
    assert ours & console.app.available_themes.keys() == {"fjord"}
    async with console.open():
        assert ours <= console.app.available_themes.keys()
