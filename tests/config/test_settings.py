"""Settings as fields of a form: every key but the tables, checked as the file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.config.schema import Config, UiConfig, load_config, parse_config
from codextui.config.settings import (
    check_setting,
    describe_settings,
    read_settings_file,
    save_binding_keys,
    save_texts,
)
from codextui.errors import ConfigInvalid

SETTINGS = {setting.key: setting for setting in describe_settings(Config())}


def test_every_key_of_ui_and_approvals_is_there_but_for_tables() -> None:
    assert {"ui.theme", "ui.layout", "ui.bell", "ui.motion", "approvals.popup"} <= SETTINGS.keys()
    assert "ui.keys" not in SETTINGS
    assert {key.partition(".")[0] for key in SETTINGS} == {"ui", "approvals"}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.key)
def test_every_setting_is_explained_and_its_values_are_valid(setting: object) -> None:
    assert setting.about  # type: ignore[attr-defined]
    for text in (setting.default, *setting.options):  # type: ignore[attr-defined]
        check_setting(setting.key, text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("ui.layout", "auto", None),
        ("ui.notify", "[]", []),
        ("ui.notify_command", '["say", "{title}"]', ["say", "{title}"]),
        ("ui.copy_command", "", None),
        ("approvals.popup", '["risk", "role:tester"]', ["risk", "role:tester"]),
        ("approvals.popup", "never", "never"),
        ("ui.layout", "6", 6),
        ("ui.bell", "false", False),
        ("ui.theme", "true", "true"),
        ("approvals.quiet", "0.5", 0.5),
        ("approvals.unattended_timeout", "never", "never"),
    ],
)
def test_a_text_becomes_a_value_of_toml(key: str, text: str, value: object) -> None:
    assert check_setting(key, text) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("ui.layout", "0"),
        ("ui.bell", "yes"),
        ("ui.notify", '["title'),
        ("ui.notify", "title"),
        ("approvals.quiet", "x"),
        ("approvals.others", ""),
        ("approvals.popup", "[1"),
    ],
)
def test_a_wrong_text_says_what_would_be_right(key: str, text: str) -> None:
    with pytest.raises(ConfigInvalid, match="must be"):
        check_setting(key, text)


def test_values_are_shown_as_they_would_be_written() -> None:
    config = parse_config("[ui]\nlayout = 3\n[approvals]\nunattended_timeout = 60.0\n")
    values = {setting.key: setting.value for setting in describe_settings(config)}
    assert values["ui.layout"] == "3"
    assert values["approvals.unattended_timeout"] == "60"
    assert SETTINGS["ui.layout"].value == "auto"


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.key)
def test_what_is_shown_can_be_saved_and_read_again(tmp_path: Path, setting: object) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[ui]\ntheme = "paper"\nlayout = 3\nbell = false\nmotion = false\nnotify = ["osc9"]\n'
        'notify_command = ["say", "{title}"]\ncopy_command = "wl-copy"\nterminal = "here"\n'
        '[approvals]\nquiet = 0.5\nclients = "console"\nunattended_timeout = "never"\n'
        'others = "decide"\npopup = ["risk"]\n'
    )
    before = load_config(path)
    shown = {one.key: one.value for one in describe_settings(before)}
    save_texts(path, {setting.key: shown[setting.key]})  # type: ignore[attr-defined]
    assert load_config(path) == before


def test_a_default_is_removed_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# top\n[ui]\nlayout = 3 # three\nbell = false\n")
    save_texts(path, {"ui.layout": "auto", "ui.theme": "paper"})
    assert path.read_text() == '# top\n[ui]\nbell = false\ntheme = "paper"\n'
    assert load_config(path).ui == UiConfig(theme="paper", bell=False)


def test_a_file_with_mistakes_is_read_as_the_defaults_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[ui]\nlayout = 0\n")
    file = read_settings_file(path)
    assert file.config == Config()
    assert f"{path}:2: ui.layout must be" in file.problem
    with pytest.raises(ConfigInvalid):
        save_texts(path, {"ui.bell": "false"})
    assert path.read_text() == "[ui]\nlayout = 0\n"


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ("", "f9", '[ui.keys]\n"thread.kill" = "f9"\n'),
        ("", None, "[ui.keys]\n"),
        ("[ui]\nbell = false # quiet\n", "f9", None),
        ('[ui.keys]\n# mine\nthread.kill = "K" # x\n', "f9", None),
        ('[ui.keys]\nthread.kill = "K"\nthread.fork = "f8"\n', "f9", None),
        ('[ui.keys.thread]\nkill = "K"\n', "f9", None),
        ('ui.keys."thread.kill" = "K"\n', "f9", None),
        ('[ui]\nkeys = { "thread.kill" = "K", "thread.fork" = "f8" }\n', "f9", None),
        ('[ui.keys]\n"thread.kill" = "K" # not so easily\n', None, "[ui.keys]\n"),
        ('[ui.keys]\nthread.kill = "K"\n', None, "[ui.keys]\n"),
    ],
)
def test_the_keys_of_a_binding_are_saved_however_they_were_written(
    tmp_path: Path, before: str, keys: str | None, after: str | None
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before)
    expected = {
        id_: bound for id_, bound in load_config(path).ui.keys.items() if id_ != "thread.kill"
    }
    config = save_binding_keys(path, "thread.kill", keys)
    assert config.ui.keys == (expected if keys is None else {**expected, "thread.kill": keys})
    assert config.ui.bell is ("bell" not in before)
    for comment in ("# quiet", "# mine"):
        assert (comment in before) == (comment in path.read_text())
    if after is not None:
        assert path.read_text() == after
