"""The shipped themes are readable, and bad theme files are ignored."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.theme import Theme

from codextui.config.schema import UiConfig
from codextui.console.themes import (
    VARIABLE_DEFAULTS,
    load_themes,
    parse_theme,
    themes_folder,
)

OURS = load_themes(None)
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


def test_two_dark_themes_a_light_and_a_high_contrast_one_are_shipped() -> None:
    assert OURS.problems == ()
    assert {theme.name: theme.dark for theme in OURS.themes} == {
        "beacon": True,
        "harbour": True,
        "juniper": True,
        "paper": False,
    }
    assert UiConfig().theme in {theme.name for theme in OURS.themes}


@pytest.mark.parametrize("theme", OURS.themes, ids=lambda theme: theme.name)
@pytest.mark.parametrize("word", [*WORDS, *WORD_VARIABLES])
def test_every_text_colour_is_readable_on_every_background(theme: Theme, word: str) -> None:
    needed = 7.0 if theme.name == "beacon" else 4.5
    colours = colours_of(theme)
    assert {
        ground: round(contrast(colours[word], colours[ground]), 2)
        for ground in (*GROUNDS, "code-background")
        if contrast(colours[word], colours[ground]) < needed
    } == {}


@pytest.mark.parametrize("theme", OURS.themes, ids=lambda theme: theme.name)
def test_a_diff_is_readable_on_its_backgrounds(theme: Theme) -> None:
    colours = colours_of(theme)
    for kind in ("added", "removed"):
        ground = colours[f"diff-{kind}-background"]
        assert contrast(colours[f"diff-{kind}"], ground) >= 4.5
        assert contrast(colours["foreground"], ground) >= 4.5


@pytest.mark.parametrize("path", sorted(themes_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_each_shipped_file_is_named_like_its_theme_and_sets_every_variable(path: Path) -> None:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    assert document["name"] == path.stem
    assert list(document["variables"]) == list(VARIABLE_DEFAULTS)


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
        ('primary = "ansi_red"', "primary must be a colour"),
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
