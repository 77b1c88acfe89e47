"""The keys of teams in config.toml and the messages about mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.errors import ConfigInvalid
from codextui.teams.config.reader import load_teams, parse_teams
from codextui.teams.config.team import Artifact, Check, Command, Limits, Mode, Role, Route

SMALL = """
[teams.duo.roles.writer]
instructions = "Write."
handoffs = ["reader"]
produces = ["text.md"]
[teams.duo.roles.reader]
instructions = "Read."
requires = ["text.md"]
"""


def refusal(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        parse_teams(text)
    return str(caught.value).splitlines()


def test_the_default_rights_of_a_role_are_the_smallest() -> None:
    team = parse_teams(SMALL)["duo"]
    assert team.entry == "writer"
    assert team.mode is Mode.HANDOFFS
    assert {role.sandbox for role in team.roles.values()} == {"read-only"}
    assert {role.approval_policy for role in team.roles.values()} == {"on-request"}


def test_every_key_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "reader.md").write_text("Read well.\n", encoding="utf-8")
    text = """
    [teams.duo]
    about = "Two."
    entry = "reader"
    mode = "parallel"
    given = ["brief.md"]
    [teams.duo.limits]
    turns = 5
    tokens = 1000
    minutes = 1.5
    person_minutes = 2
    rounds = 1
    money = 2.5
    [teams.duo.defaults]
    model = "m"
    sandbox = "workspace-write"
    [teams.duo.roles.writer]
    instructions = "Write."
    sandbox = "read-only"
    produces = [{ path = "out/*.json", check = "json" }]
    requires = ["brief.md", { command = "make check", timeout = 5 }]
    handoffs = ["reader"]
    [teams.duo.roles.reader]
    instructions_file = "reader.md"
    about = "Reads."
    effort = "high"
    codex = false
    approval_policy = "never"
    cwd = "out"
    tools = ["web_search", "my_tools.search:find_issue"]
    approve_tools = []
    requires = [{ path = "out/a.json", check = "non-empty" }]
    """
    team = parse_teams(text, folder=tmp_path)["duo"]
    assert team.limits == Limits(5, 1000, 1.5, 2.0, 1, money=2.5)
    assert (team.entry, team.mode, team.given) == ("reader", Mode.PARALLEL, ("brief.md",))
    writer, reader = team.roles.values()
    assert (writer.model, writer.sandbox) == ("m", "read-only")
    assert writer.produces == (Artifact("out/*.json", Check.JSON),)
    assert writer.requires == (Artifact("brief.md"), Command("make check", 5.0))
    assert (reader.instructions, reader.sandbox, reader.codex) == (
        "Read well.",
        "workspace-write",
        False,
    )
    assert reader.tools == ("web_search", "my_tools.search:find_issue")
    assert reader.approve_tools == ()
    assert team.dependencies("reader") == {"writer"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('handoffs = ["reader"]', 'handoffs = ["raeder"]'), "did you mean reader?"),
        (('handoffs = ["reader"]', 'handoffs = ["writer"]'), "cannot hand off to itself"),
        (('handoffs = ["reader"]', 'handofs = ["reader"]'), "did you mean handoffs?"),
        (('requires = ["text.md"]', 'requires = ["other.md"]'), "is made by nobody"),
        (('requires = ["text.md"]', 'requires = ["../text.md"]'), "leads out of it"),
        (('requires = ["text.md"]', "requires = [3]"), "must be a path"),
        (('produces = ["text.md"]', 'produces = [{ command = "make" }]'), "makes nothing"),
        (('"Read."', '""'), "must be a text that is not empty"),
        (('instructions = "Read."', ""), "write instructions, or instructions_file"),
        (('"Read."', '"Read."\ninstructions_file = "no.md"'), "leave one of them out"),
        (('instructions = "Read."', 'instructions_file = "no.md"'), "cannot be read"),
        (('"Read."', '"Read."\nsandbox = "none"'), "must be one of read-only"),
        (('"Read."', '"Read."\ncodex = 1'), "must be true or false"),
        (('"Read."', '"Read."\ncwd = "/"'), "must stay in the project"),
        (("roles.reader", "roles.Reader"), "small letters"),
        (('"Read."', '"Read."\ntools = ["web-search"]'), "did you mean web_search?"),
        (('"Read."', '"Read."\ntools = ["my.tools:"]'), "package.module:name"),
        (('"Read."', '"Read."\ntools = ["/tools.py:find"]'), "package.module:name"),
        (('"Read."', '"Read."\ntools = ["./my/tools.py:find"]'), "did you mean my.tools:find?"),
        (('"Read."', '"Read."\ntools = ["tools.py:find"]'), "did you mean tools:find?"),
        (('"Read."', '"Read."\nwrites = "a.md"'), "must be a list: ['a.md']"),
        (('"Read."', '"Read."\nwrites = ["docs/"]'), "not a folder: 'docs/*'"),
        (('"Read."', '"Read."\napprove_tools = false'), "must be true, or a list of names"),
        (('"Read."', '"Read."\napprove_tools = ["find"]'), "it imports none"),
        (
            ('"Read."', '"Read."\ntools = ["a:find"]\napprove_tools = ["fnd"]'),
            "'fnd' is no tool of reader; did you mean find?",
        ),
        (
            ('"Read."', '"Read."\ntools = ["web_search"]\napprove_tools = ["web_search"]'),
            "nobody can be asked",
        ),
        (('"Read."', '"Read."\nwork = "complex"'), "is no kind of work"),
        (
            ("[teams.duo.roles.writer]", '[teams.duo]\nmodels = "x"\n[teams.duo.roles.writer]'),
            "must be a table: [teams.duo.models]",
        ),
        (
            ("[teams.duo.roles.writer]", '[teams.duo]\nentry = "x"\n[teams.duo.roles.writer]'),
            "entry",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_what_would_be_right(
    change: tuple[str, str], message: str
) -> None:
    text = SMALL.replace(*change)
    assert text != SMALL
    assert any(message in line for line in refusal(text))
    assert all(line.startswith("config.toml:") for line in refusal(text))


MODELS = """
[teams.duo.models]
complex = "strong"
checking = { model = "fast", about = "looking" }
"""


def test_a_kind_of_work_chooses_the_model() -> None:
    text = SMALL.replace('"Write."', '"Write."\nwork = "complex"').replace(
        '"Read."', '"Read."\ncodex_work = "checking"'
    )
    team = parse_teams(MODELS + text)["duo"]
    assert team.routes == (Route("complex", "strong"), Route("checking", "fast", "looking"))
    writer, reader = team.roles.values()
    assert (writer.model, writer.work, writer.codex_model) == ("strong", "complex", "")
    assert (reader.model, reader.codex_model, reader.codex_work) == ("", "fast", "checking")


@pytest.mark.parametrize(
    ("defaults", "own", "model", "work"),
    [
        ('work = "checking"', 'model = "mine"', "mine", ""),
        ('model = "ours"', 'work = "complex"', "strong", "complex"),
        ('work = "checking"', "", "fast", "checking"),
    ],
)
def test_a_role_overrides_the_defaults_of_the_team(
    defaults: str, own: str, model: str, work: str
) -> None:
    text = f"{MODELS}[teams.duo.defaults]\n{defaults}\n{SMALL}{own}\n"
    reader = parse_teams(text)["duo"].roles["reader"]
    assert (reader.model, reader.work) == (model, work)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ('work = "chekcing"', "duo.roles.reader.work is no kind of work in [teams.duo.models]"),
        ('work = "chekcing"', "did you mean checking?"),
        ('codex_work = "hard"', "there are complex, checking"),
        ('work = "complex"\nmodel = "m"', "leave one of them out"),
    ],
)
def test_an_unknown_kind_of_work_is_reported(own: str, message: str) -> None:
    (line,) = refusal(f"{MODELS}{SMALL}{own}\n")
    assert message in line
    assert line.startswith("config.toml:13:")


@pytest.mark.parametrize(
    "model", ['""', "3", "{ about = 'x' }", "{ model = 'm', price = 3 }", "{ model = 3 }"]
)
def test_a_wrong_model_of_a_kind_of_work_is_reported(model: str) -> None:
    (line,) = refusal(f"[teams.duo.models]\nhard = {model}\n{SMALL}")
    assert line.startswith("config.toml:2: teams.duo.models.hard must be")


def test_the_name_of_a_kind_of_work_is_restricted() -> None:
    (line,) = refusal(f'[teams.duo.models]\n"Very hard" = "m"\n{SMALL}')
    assert "small letters" in line


def test_imported_tools_need_approval_by_default() -> None:
    tools = ("web_search", "a.b:find", "a.b:send")
    assert [Role("r", "", tools=tools).needs_approval(tool) for tool in tools] == [
        False,
        True,
        True,
    ]
    some = Role("r", "", tools=tools, approve_tools=("send",))
    assert [some.needs_approval(tool) for tool in tools] == [False, False, True]
    assert not any(Role("r", "", approve_tools=()).needs_approval(tool) for tool in tools)


def test_roles_that_wait_for_each_other_are_reported_as_a_chain() -> None:
    text = (
        SMALL.replace('"Write."', '"Write."\nrequires = ["notes.md"]') + 'produces = ["notes.md"]'
    )
    (line,) = refusal(text)
    assert "writer waits for reader waits for writer" in line


def test_all_mistakes_are_reported_at_once() -> None:
    text = SMALL.replace("handoffs", "handofs").replace("requires", "require")
    assert [line.split(":")[1] for line in refusal(text)] == ["4", "8"]


def test_a_missing_file_has_no_teams(tmp_path: Path) -> None:
    assert load_teams(None) == {}
    assert load_teams(tmp_path / "config.toml") == {}


@pytest.mark.parametrize("text", ["teams = 3", "[teams]\nduo = 3", "[teams.duo]", "[[teams.duo]]"])
def test_what_is_not_a_team_is_refused(text: str) -> None:
    assert refusal(text)
