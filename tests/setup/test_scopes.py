"""Which of several entries a client starts, which one `codextui setup` changes, what it says."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from setup.test_clients import STDIO, home, printed_json, setup

from codextui.codex.binary import search_codex
from codextui.errors import ConfigInvalid
from codextui.setup import claude_code, codex
from codextui.setup.entries import Starts, describe_start, what_starts
from codextui.setup.old_entries import find_old_entries
from codextui.setup.recipe import ConfigScope
from codextui.setup.scopes import Block, Scope, choose_scope, find_started, tell_entries

__all__ = ["home", "setup"]

OLD = {"command": "codex", "args": ["mcp-server"]}
OTHER = {"command": "npx", "args": ["something"]}
PATHS = {
    "cursor": ("mcpServers", "home/.cursor/mcp.json", "project/.cursor/mcp.json"),
    "vscode": ("servers", "home/.config/Code/User/mcp.json", "project/.vscode/mcp.json"),
}


def write_json(path: Path, section: str, entry: object, name: str = "codex") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({section: {name: entry, "another": OTHER}}, indent=2))


def read_entry(path: Path, section: str) -> Any:
    servers = json.loads(path.read_text())[section]
    assert servers["another"] == OTHER
    return servers["codex"]


@pytest.mark.parametrize("client", PATHS)
@pytest.mark.parametrize("form", ["plain", "comments", "crlf", "mark"])
def test_the_project_s_entry_shadows_the_user_s_and_is_the_one_that_changes(
    setup: Any, home: Path, client: str, form: str
) -> None:
    section, user, project = PATHS[client]
    for path in (user, project):
        write_json(home / path, section, OLD)
    file = home / project
    text = file.read_text()
    match form:
        case "comments":
            file.write_text(f"// mine\n{text}")
        case "crlf":
            file.write_bytes(text.replace("\n", "\r\n").encode())
        case "mark":
            file.write_text(f"\ufeff{text}")
    printed = setup(client, "--name", "codex")
    assert f"{file}) starts `codex mcp-server`: " in printed.out
    assert f"{home / user}) starts `codex mcp-server`: the project's file shadows it" in printed.out
    done = setup(client, "--name", "codex", "--write")
    assert done.code == 0
    assert f"codextui setup {client} --name codex --user --write" in done.out
    assert read_entry(home / user, section) == OLD
    after = file.read_bytes().decode("utf-8-sig")
    assert after.startswith("// mine\n") == (form == "comments")
    assert ("\r\n" in after) == (form == "crlf")
    servers = json.loads(after.removeprefix("// mine\n"))[section]
    assert servers["another"] == OTHER
    assert {**servers["codex"], **STDIO} == servers["codex"]


@pytest.mark.parametrize("client", PATHS)
def test_a_shadowed_entry_is_changed_on_request_and_the_client_is_said_not_to_start_it(
    setup: Any, home: Path, client: str
) -> None:
    section, user, project = PATHS[client]
    for path in (user, project):
        write_json(home / path, section, OLD)
    done = setup(client, "--name", "codex", "--user", "--write")
    assert done.code == 1
    assert "does not start codextui yet" in done.err
    assert f"codextui setup {client} --name codex --project --write" in done.err
    assert read_entry(home / project, section) == OLD
    assert read_entry(home / user, section)["command"] == "codextui"
    assert setup(client, "--name", "codex", "--project", "--write").code == 0
    shadowed = setup(client, "--name", "codex", "--user", "--write")
    assert shadowed.code == 0
    assert "starts the codex of the project's file" in shadowed.out


@pytest.mark.parametrize(
    ("entry", "advice"),
    [
        (OTHER, "--name codextui"),
        ({"url": "https://example.org/mcp"}, "--name codextui"),
        ({"command": "mcp-proxy", "args": ["codex", "mcp-server"]}, "write codextui in the place"),
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        *("cursor", "cursor --write", "cursor --user --write", "cursor --project --write"),
        *("vscode", "vscode --write", "vscode --user --write"),
    ],
)
def test_an_entry_that_is_no_codex_is_not_replaced(
    setup: Any, home: Path, entry: Any, advice: str, line: str
) -> None:
    client, *options = line.split()
    section, user, project = PATHS[client]
    write_json(home / user, section, entry)
    before = (home / user).read_text()
    refused = setup(client, "--name", "codex", *options)
    assert refused.code == 2
    assert advice in refused.err
    assert describe_start(entry) in refused.err
    assert (home / user).read_text() == before
    assert not (home / project).exists()
    assert setup(client, "--name", "agents", "--write").code == 0


def test_a_command_of_another_name_is_codextui_where_it_is_said_to_be(
    setup: Any, home: Path
) -> None:
    line = ("cursor", "--command", "/opt/our wrapper", "--write")
    for said in ("is written: ", "is set up already."):
        done = setup(*line)
        assert (done.code, said in done.out, done.err) == (0, True, "")
    assert setup("cursor", "--write").code == 2, "another program, for all that is known"


def test_what_is_not_carried_over_is_named(setup: Any, home: Path) -> None:
    old = {"command": "codex", "args": ["--profile", "fast", "-c", "a=1", "mcp-server", "--odd"]}
    write_json(home / PATHS["cursor"][1], "mcpServers", old)
    for options in ([], ["--write"]):
        out = setup("cursor", "--name", "codex", *options).out
        assert "Left out: --profile fast (" in out
        assert "Left out: --odd (" in out
        assert "Left out: -c" not in out
    assert read_entry(home / PATHS["cursor"][1], "mcpServers")["args"] == [
        "mcp-server",
        "-c",
        "a=1",
    ]


def test_what_is_printed_for_an_old_entry_is_what_is_written(setup: Any, home: Path) -> None:
    kept = {"env": {"A": "${env:A}"}, "cwd": "/repo", "odd": [1]}
    write_json(home / PATHS["cursor"][1], "mcpServers", {**OLD, **kept})
    printed = printed_json(setup("cursor", "--name", "codex").out)["mcpServers"]["codex"]
    assert setup("cursor", "--name", "codex", "--write").code == 0
    assert read_entry(home / PATHS["cursor"][1], "mcpServers") == printed
    assert {**printed, **kept} == printed
    again = setup("cursor", "--name", "codex").out
    assert "Cursor is set up already." in again
    assert "--write" not in again


@pytest.mark.parametrize("client", PATHS)
@pytest.mark.parametrize(
    ("folders", "where"),
    [
        (("project/sub/deep",), "project/sub/deep"),  # no repository
        (("project/.git/HEAD", "project/sub/deep"), "project"),
        (("project/.git/HEAD", "project/sub/{}", "project/sub/deep"), "project/sub"),
        (
            ("project/.git/HEAD", "project/sub/.git/HEAD", "project/{}", "project/sub/deep"),
            "project/sub",
        ),
        (("home/.git/HEAD", "home/sub/deep"), "home/sub/deep"),
    ],
)
def test_a_folder_in_a_project_is_set_up_where_the_project_is(
    setup: Any, home: Path, client: str, folders: tuple[str, ...], where: str
) -> None:
    for folder in folders:
        (home / folder.format(f".{client}")).mkdir(parents=True)
    with contextlib.chdir(home / folders[-1]):
        done = setup(client, "--project", "--write")
    assert done.code == 0
    assert (home / where / f".{client}" / "mcp.json").is_file()


def test_the_command_that_is_told_is_one_that_a_shell_finds(setup: Any, home: Path) -> None:
    write_json(home / PATHS["cursor"][1], "mcpServers", OLD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        assert f": {home / 'bin' / 'codextui'} setup cursor --name codex" in setup("cursor").out


def test_what_only_the_person_can_change_is_said_to_be(setup: Any, home: Path) -> None:
    old = {"command": "bash", "args": ["-c", "cd /repo && codex mcp-server"]}
    write_json(home / PATHS["cursor"][1], "mcpServers", old)
    out = setup("cursor").out
    assert "which is gone: write codextui in the place of codex there." in out


def test_a_scope_that_cannot_be_read_is_told(setup: Any, home: Path) -> None:
    (home / "project" / ".cursor").mkdir()
    (home / "project" / ".cursor" / "mcp.json").write_text("{ broken")
    done = setup("cursor", "--write")
    assert done.code == 0
    assert "what it says is not known" in done.out


@pytest.fixture
def project_of_codex(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The folder of a home and of a project, in which one is, and the real Codex."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    binary = search_codex(None).binary
    if binary is None:
        pytest.skip("no Codex here")
    for folder in ("home/.codex", "project/.git", "project/.codex", "project/a/.codex"):
        (home / folder).mkdir(parents=True)
    (home / "project" / ".git" / "HEAD").write_text("ref: refs/heads/main")
    monkeypatch.chdir(home / "project" / "a")
    return home, binary.path


def toml(**settings: object) -> str:
    return tomlkit.dumps({"mcp_servers": {"codex": settings}})


TRUST = '[projects."{}"]\ntrust_level = "{}"\n'


@pytest.mark.parametrize("trusted", ["", "project", "project/a", "untrusted"])
@pytest.mark.parametrize("inner", ["", toml(command="inner"), toml(enabled=False)])
@pytest.mark.parametrize("outer", ["", toml(command="outer", args=["x"], env={"B": "2"})])
def test_codex_starts_what_its_scopes_are_read_to_start(
    project_of_codex: tuple[Path, Path], inner: str, outer: str, trusted: str
) -> None:
    home, program = project_of_codex
    user = toml(command="codex", args=["mcp-server"], env={"A": "1"})
    level = "untrusted" if trusted == "untrusted" else "trusted"
    folder = home / ("project" if trusted == "untrusted" else trusted)
    trust = TRUST.format(folder, level) if trusted else ""
    (home / "home" / ".codex" / "config.toml").write_text(trust + user)
    (home / "project" / ".codex" / "config.toml").write_text(outer)
    (home / "project" / "a" / ".codex" / "config.toml").write_text(inner)
    started = find_started(codex.read_scopes(), "codex")
    said = subprocess.run(
        [program, "mcp", "get", "codex", "--json"], capture_output=True, text=True, check=True
    )
    server = json.loads(said.stdout)
    assert server["enabled"] == (started is not None)
    if started is not None:
        transport = server["transport"]
        assert describe_start(started.settings) == " ".join(
            [transport["command"], *transport["args"]]
        )
        assert started.settings.get("env") == transport["env"]


def test_codex_s_project_is_said_to_wait_for_trust(setup: Any, home: Path) -> None:
    (home / "home" / ".codex").mkdir()
    done = setup("codex", "--project", "--write")
    assert done.code == 0
    assert "once you trust the folder" in done.out
    (home / "home" / ".codex" / "config.toml").write_text(toml(**OLD))
    shadowed = setup("codex", "--project", "--write", "--name", "codex")
    assert shadowed.code == 1
    assert "once you trust the folder" in shadowed.err
    taken = setup("codex", "--write", "--name", "codex")
    assert taken.code == 0
    text = (home / "home" / ".codex" / "config.toml").read_text()
    assert tomllib.loads(text)["mcp_servers"]["codex"]["command"] == "codextui"


def test_the_administrator_s_file_of_claude_code_takes_the_place_of_all_others(
    setup: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "managed"
    folder.mkdir()
    monkeypatch.setattr(claude_code, "_managed_folder", lambda: folder)
    write_json(home / "project" / ".mcp.json", "mcpServers", OLD)
    write_json(folder / "managed-mcp.json", "mcpServers", OLD)
    refused = setup("claude-code", "--name", "codex", "--write")
    assert refused.code == 2
    assert "managed-mcp.json" in refused.err
    other = setup("claude-code", "--write")
    assert other.code == 1
    assert "your administrator" in other.err


def test_claude_code_s_own_folder_is_where_its_variable_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "claude"))
    write_json(home / "claude" / ".claude.json", "mcpServers", OLD)
    started = find_started(claude_code.read_scopes(), "codex")
    assert started is not None
    assert started.scope.kind is ConfigScope.USER
    assert started.scope.path == home / "claude" / ".claude.json"


def test_old_entries_of_all_scopes_are_found_with_what_shadows_them(home: Path) -> None:
    (home / "project" / ".git").mkdir()
    elsewhere = {"projects": {"/other it": {"mcpServers": {"worker": OLD}}}}
    local = {"projects": {str(home / "project"): {"mcpServers": {"codex": STDIO}}}}
    projects = {"projects": {**elsewhere["projects"], **local["projects"]}}
    own = {**projects, "mcpServers": {"codex": OLD, "mine": OTHER}}
    (home / "home" / ".claude.json").write_text(json.dumps(own))
    (home / "home" / ".codex").mkdir()
    (home / "home" / ".codex" / "fast.config.toml").write_text(toml(**OLD))
    insiders = home / "home" / ".config" / "Code - Insiders" / "User" / "mcp.json"
    write_json(insiders, "servers", OLD)
    found = {(old.setup, old.scope, old.only): old for old in find_old_entries()}
    assert {key: (old.names, old.shadowed) for key, old in found.items()} == {
        ("codex", None, "with `codex --profile fast`"): (("codex",), ()),
        ("claude-code", ConfigScope.USER, ""): (("codex",), ("codex",)),
        ("claude-code", ConfigScope.LOCAL, "in /other it"): (("worker",), ()),
        ("vscode", None, "in Code - Insiders"): (("codex",), ()),
    }
    user = found["claude-code", ConfigScope.USER, ""]
    assert user.remedy("codex") == "codextui setup claude-code --name codex --user --write"
    other = found["claude-code", ConfigScope.LOCAL, "in /other it"]
    assert other.remedy("worker") == (
        "cd '/other it' && codextui setup claude-code --name worker --local --write"
    )
    assert found["vscode", None, "in Code - Insiders"].remedy("codex") == ""


@pytest.mark.parametrize("name", ["a b", "-x", ""])
def test_a_name_that_claude_code_refuses_is_refused(setup: Any, name: str) -> None:
    refused = setup("claude-code", f"--name={name}", "--write")
    assert refused.code == 2
    assert "cannot name a server" in refused.err


@pytest.mark.parametrize(
    ("client", "name"),
    [("codex", "a b"), ("codex", "ü"), ("cursor", ""), ("vscode", " "), ("inspector", "a\nb")],
)
def test_a_name_that_names_no_server_is_refused(
    setup: Any, home: Path, client: str, name: str
) -> None:
    refused = setup(client, f"--name={name}", "--write")
    assert refused.code == 2
    assert "cannot name a server" in refused.err
    assert not list((home / "home").iterdir())


def test_a_scope_of_odd_content_has_no_servers(home: Path) -> None:
    for text in ("[]", "7", '{"mcpServers": []}', '{"mcpServers": {"codex": 7}}', "", "\ufeff{}"):
        (home / "project" / ".mcp.json").write_text(text)
        (home / "home" / ".claude.json").write_text(text)
        assert find_started(claude_code.read_scopes(), "codex") is None
        assert find_old_entries() == ()


ENTRIES = st.sampled_from([None, OLD, OTHER, STDIO, {"env": {}}, {"enabled": False, **OLD}])
KINDS = (ConfigScope.LOCAL, ConfigScope.PROJECT, ConfigScope.USER)


@given(
    st.lists(st.tuples(ENTRIES, st.booleans()), min_size=3, max_size=3),
    st.sampled_from([None, *KINDS]),
    st.booleans(),
)
def test_no_choice_of_a_scope_replaces_another_program_or_what_is_started_of_it(
    entries: list[tuple[Any, bool]], wanted: ConfigScope | None, layered: bool
) -> None:
    scopes = [
        Scope(
            str(kind),
            Path(f"/{kind}"),
            kind,
            servers={} if entry is None else {"codex": entry},
            blocked={"codex": Block("No.")} if is_blocked else {},
            layered=layered,
        )
        for kind, (entry, is_blocked) in zip(KINDS, entries, strict=True)
    ]
    started = find_started(scopes, "codex")
    try:
        chosen = choose_scope(scopes, "codex", wanted, ConfigScope.PROJECT)
    except ConfigInvalid:
        chosen = None
    if chosen is None:
        assert OTHER in [entry for entry, _ in entries]
        return
    assert chosen.entry("codex") != OTHER
    assert wanted in (None, chosen.kind)
    if started is not None:
        assert what_starts(started.settings) is not Starts.OTHER
        assert wanted or chosen is started.scope
    assert sum("starts this one" in line for line in tell_entries("It", scopes, "codex")) == bool(
        started
    )


def test_a_name_of_somebody_else_s_file_is_one_word_of_the_command(home: Path) -> None:
    name = "x; touch ~/owned $(id) 'y'"
    write_json(home / "project" / ".cursor" / "mcp.json", "mcpServers", {})
    file = home / "project" / ".cursor" / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {name: OLD}}))
    [old] = find_old_entries()
    words = ["codextui", "setup", "cursor", "--name", name, "--project", "--write"]
    assert shlex.split(old.remedy(name)) == words
