"""The keys of config.toml and the messages about mistakes in them."""

from __future__ import annotations

import dataclasses
import re
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.config.attach import Attach
from codextui.config.prices import Price, Prices
from codextui.config.schema import (
    ApprovalsConfig,
    Config,
    Export,
    TracesConfig,
    load_config,
    parse_config,
    save_setting,
)
from codextui.config.terminal import TerminalChoice, TerminalKind
from codextui.errors import ConfigInvalid

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def every_key() -> list[tuple[str, object]]:
    config = Config()
    return [
        (f"{section.name}.{key.name}", getattr(getattr(config, section.name), key.name))
        for section in dataclasses.fields(Config)
        for key in dataclasses.fields(getattr(config, section.name))
        if (section.name, key.name) != ("prices", "models")  # a table a model
    ]


def refusal(text: str) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(text, "config.toml")
    return str(caught.value)


def test_a_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path / "config.toml") == Config()
    assert load_config(None) == Config()


def test_the_example_parses_and_states_the_defaults() -> None:
    assert load_config(EXAMPLE) == Config()


@pytest.mark.parametrize(("key", "default"), every_key())
def test_the_example_documents_every_key_with_its_default(key: str, default: object) -> None:
    section, name = key.split(".")
    document = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    if default is None and name not in document[section]:
        assert re.search(rf"^# {name} = ", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    else:
        expected = str(default) if isinstance(default, Attach | TerminalChoice) else default
        expected = list(expected) if isinstance(expected, tuple) else expected
        expected = "auto" if expected is None else expected
        assert document[section][name] == expected


def test_the_examples_in_comments_parse_too() -> None:
    text = re.sub(r'^# (?=("?[a-z_.]+"?) = )', "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    config = parse_config(text)
    assert config.codex.binary == Path("/usr/local/bin/codex")
    assert config.ui.keys == {"thread.kill": "ctrl+k"}


def test_the_example_of_a_price_shows_every_part_of_one() -> None:
    text = EXAMPLE.read_text("utf-8")
    table = text[text.index("#[prices.") : text.index("# Teams:")]
    prices = parse_config(re.sub(r"^#(?=[\[a-z])", "", table, flags=re.MULTILINE)).prices
    assert prices.models == {"gpt-5.2": Price(input=1.75, output=14.0, cached_input=0.175)}


def test_everything_can_be_set() -> None:
    config = parse_config(
        """
        [codex]
        binary = "/opt/codex"
        home = "~/codex"
        [server]
        idle_timeout = 0
        [approvals]
        quiet = 1.5
        [ui]
        theme = "paper"
        layout = 9
        bell = false
        terminal = "xterm -e {command}"
        [ui.keys]
        "thread.kill" = "ctrl+k"
        thread.fork = "ctrl+f,f5"
        [traces]
        export = "otlp"
        endpoint = "http://127.0.0.1:4318/v1/traces"
        include_data = true
        [prices]
        currency = "EUR"
        [prices."gpt-5.2"]
        input = 2
        output = 8.5
        """
    )
    assert config.codex.binary == Path("/opt/codex")
    assert config.codex.home == Path.home() / "codex"
    assert config.server.idle_timeout == 0
    assert config.approvals.quiet == 1.5
    assert (config.ui.theme, config.ui.layout, config.ui.bell) == ("paper", 9, False)
    assert config.ui.terminal == TerminalChoice(TerminalKind.TEMPLATE, "xterm -e {command}")
    assert config.ui.keys == {"thread.kill": "ctrl+k", "thread.fork": "ctrl+f,f5"}
    endpoint = "http://127.0.0.1:4318/v1/traces"
    assert config.traces == TracesConfig(Export.OTLP, endpoint, include_data=True)
    assert config.prices == Prices("EUR", {"gpt-5.2": Price(input=2.0, output=8.5)})


def test_an_approval_can_wait_forever_or_not_at_all() -> None:
    assert (
        parse_config('approvals.unattended_timeout = "never"').approvals.unattended_timeout is None
    )
    assert parse_config("approvals.unattended_timeout = 0").approvals.unattended_timeout == 0.0


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_word() -> None:
    message = refusal('[ui]\n\n# bright\nthem = "paper"\n')
    assert message == "config.toml:4: ui.them is no key of [ui]; did you mean theme?"


def test_an_unknown_section_is_refused_with_the_known_ones() -> None:
    assert refusal("[aprovals]\n") == (
        "config.toml:1: aprovals is no section; did you mean [approvals]?"
    )
    assert "there are [codex], [server], [approvals], [ui], [traces]" in refusal("[zzz]\n")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("ui.layout = 0", "a whole number from 1 to 9, not 0"),
        ("ui.layout = 2.5", "a whole number from 1 to 9, not 2.5"),
        ("ui.layout = true", "a whole number from 1 to 9, not true"),
        ("ui.bell = 1", "true or false, not 1"),
        ('ui.theme = ""', "a text that is not empty"),
        ("ui.theme = 1979-05-27", "a text that is not empty"),
        ("approvals.quiet = 11", "a number from 0 to 10 seconds, not 11"),
        ("approvals.quiet = nan", "a number from 0 to 10 seconds, not nan"),
        ('approvals.clients = "nobody"', "one of both, console, client, not 'nobody'"),
        ("approvals.unattended_timeout = -1", 'must be "never" or a number from 0 to'),
        ('approvals.unattended_timeout = "soon"', 'must be "never" or a number'),
        ("approvals.quiet = true", "a number from 0 to 10 seconds, not true"),
        ("server.idle_timeout = -1", "a number from 0 to 31,536,000 seconds (a year), not -1"),
        ("ui.archive_after = 9999", "a whole number from 0 to 8,760, not 9999"),
        ("ui.layout = 10", 'must be "auto" or a whole number from 1 to 9, not 10'),
        ("prices.m.input = -1", "a number from 0 to 1,000,000, not -1"),
        ('codex.binary = "bin/codex"', "an absolute path"),
        ('codex.home = "~nobody-of-that-name/x"', "no such home folder"),
        ('ui.keys = "x"', "a table of binding ids and keys"),
        ("ui.keys.a = 1", 'a key as a text, such as "ctrl+t", not 1'),
        ("ui = 1", "must be a table; write its keys under [ui]"),
        ('traces.export = "console"', "one of none, openai, otlp, not 'console'"),
        ('traces.endpoint = "localhost:4318"', "an http:// or https:// address"),
        ("traces.include_data = 1", "true or false, not 1"),
        ("prices = 1", "must be a table; write its keys under [prices]"),
        ("prices.m = 3", "must be a table of prices, not 3"),
        ('prices.curency = "EUR"', "did you mean currency?"),
        ("prices.m = { input = 1 }", "prices.m needs output"),
        ("prices.m = { input = 1, output = 2, ouput = 3 }", "did you mean output?"),
        ("prices.m = { input = 1, output = -2 }", "a number from 0 to"),
        ("prices.gpt-5.2 = { input = 1, output = 2 }", "a name with dots is quoted"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(text: str, right: str) -> None:
    assert right in refusal(text)


def test_all_mistakes_are_reported_at_once_in_the_order_of_their_lines() -> None:
    message = refusal(
        '[ui]\ntheme = """\nx\n"""\nlayout = 12\n[codex]\nhom = "/x"\n[ui.keys]\na.b = 3\n'
    )
    assert [line.split(" ")[0] for line in message.splitlines()] == [
        "config.toml:5:",
        "config.toml:7:",
        "config.toml:9:",
    ]


def test_a_file_that_is_not_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[ui]\ntheme = \n")
    with pytest.raises(ConfigInvalid, match=r"config\.toml:2: is no TOML"):
        load_config(path)


def test_a_byte_order_mark_is_no_statement(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[ui]\ntheme = "paper"\n', encoding="utf-8-sig")
    assert load_config(path).ui.theme == "paper"
    save_setting(path, "ui.theme", "juniper")
    assert load_config(path).ui.theme == "juniper"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigInvalid, match="save it as UTF-8"):
        load_config(tmp_path / "bytes.toml")
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        load_config(tmp_path)


def test_a_saved_setting_keeps_the_comments_and_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\n[ui]\ntheme = "harbour"  # for the night\n\n[codex]\n# later\n')
    path.chmod(0o640)
    save_setting(path, "ui.theme", "paper")
    assert path.read_text() == (
        '# mine\n[ui]\ntheme = "paper"  # for the night\n\n[codex]\n# later\n'
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_saving_a_setting_creates_the_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "config.toml"
    save_setting(path, "ui.theme", "paper")
    assert load_config(path).ui.theme == "paper"
    assert list(path.parent.iterdir()) == [path]


def test_a_setting_is_saved_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("# mine\n")
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    save_setting(link, "approvals.quiet", 1)
    assert link.is_symlink()
    assert load_config(real).approvals == ApprovalsConfig(quiet=1.0)


@pytest.mark.parametrize(("key", "value"), [("ui.layout", 0), ("ui.them", "x"), ("ui", "x")])
def test_a_wrong_setting_is_not_saved(tmp_path: Path, key: str, value: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n")
    with pytest.raises(ConfigInvalid):
        save_setting(path, key, value)
    assert path.read_text() == "# mine\n"


def test_a_broken_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for broken in ("[ui\n", "ui = 1\n"):
        path.write_text(broken)
        with pytest.raises(ConfigInvalid):
            save_setting(path, "ui.theme", "paper")
        assert path.read_text() == broken


def outcome(text: str) -> Config | str:
    """The configuration, or the refusal; any other error fails the test."""
    try:
        return parse_config(text)
    except ConfigInvalid as error:
        return str(error)


@given(st.text())
def test_every_text_is_a_config_or_raises_config_invalid(text: str) -> None:
    assert outcome(text)


_KEYS = st.sampled_from(
    [key for key, _ in every_key()]
    + ["ui", "codex", "nothing", "ui.keys.a", "prices.m", "prices.m.input"]
)
_VALUES = st.one_of(
    st.integers().map(str),
    st.integers(min_value=10**4000, max_value=10**4001).map(hex),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["true", "nan", "-inf", "[]", "{}", '""', '"~x"', '"/a\\u0000b"', "12:00:00"]),
)


@given(st.lists(st.tuples(_KEYS, _VALUES), unique_by=lambda pair: pair[0]))
def test_no_value_is_accepted_outside_its_range(pairs: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in pairs)
    config = outcome(text)
    if isinstance(config, str):
        assert all(line.startswith("config.toml:") for line in config.splitlines())
        return
    assert config.ui.layout is None or 1 <= config.ui.layout <= 9
    assert 0 <= config.approvals.quiet <= 10
    assert config.server.idle_timeout >= 0
