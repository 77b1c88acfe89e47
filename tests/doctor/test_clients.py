"""Entries in the files of clients: what they start, where they stand, and what writes them anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from doctor.conftest import Findings, Stage, worse
from doctor.test_past import write_turns

from codextui.commands import doctor
from codextui.setup.program import Program

OLD = {"type": "stdio", "command": "codex", "args": ["mcp-server"]}


def write_json(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2))
    return path


def own_entry(stage: Stage, **more: object) -> dict[str, object]:
    """The entry of a codextui that can be started."""
    program = stage.write_program("codextui", "exit 0")
    return {"command": str(program), "args": ["mcp-server"], **more}


def told(findings: Findings, check: str) -> list[dict[str, Any]]:
    return [one for one in findings if one["check"] == check and one["severity"] != "ok"]


async def test_an_entry_in_the_local_scope_of_claude_code_is_named_with_its_line(
    stage: Stage, examine: Any
) -> None:
    file = write_json(
        stage.home / ".claude.json",
        {"numStartups": 3, "projects": {str(stage.project): {"mcpServers": {"codex": OLD}}}},
    )
    code, findings = await examine()
    [old] = told(findings, "clients.old-entry")
    assert (code, old["severity"]) == (1, "problem")
    assert (old["file"], old["line"]) == (str(file), 6)
    assert old["command"] == "codextui setup claude-code --name codex --local --write"


async def test_what_is_to_be_typed_is_found_where_codextui_is_not_on_path(
    stage: Stage, examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = {"mcpServers": {"codex": OLD}}
    write_json(stage.home / ".claude.json", {"projects": {"/work/codextui me": servers}})
    own = Program(("/my env/codextui",), "'/my env/codextui'")
    monkeypatch.setattr(doctor, "this_program", lambda: own)
    [old] = told((await examine())[1], "clients.old-entry")
    typed = "cd '/work/codextui me' && '/my env/codextui' setup claude-code --name codex "
    assert old["command"] == f"{typed}--local --write"


async def test_an_entry_for_another_folder_says_where_to_go_first(
    stage: Stage, examine: Any
) -> None:
    servers = {"mcpServers": {"codex": OLD}}
    write_json(stage.home / ".claude.json", {"projects": {"/work/my app": servers}})
    _, findings = await examine()
    [old] = told(findings, "clients.old-entry")
    assert "its server codex in /work/my app" in old["found"]
    assert old["command"].startswith("cd '/work/my app' && codextui setup claude-code ")


@pytest.mark.parametrize(
    ("file", "section", "client"),
    [
        (".mcp.json", "mcpServers", "claude-code"),
        (".cursor/mcp.json", "mcpServers", "cursor"),
        (".vscode/mcp.json", "servers", "vscode"),
    ],
)
async def test_the_entries_of_every_client_are_found(
    stage: Stage, examine: Any, file: str, section: str, client: str
) -> None:
    write_json(stage.project / file, {section: {"worker": OLD}})
    _, findings = await examine()
    [old] = told(findings, "clients.old-entry")
    assert (old["file"], old["line"]) == (str(stage.project / file), 3)
    assert f"codextui setup {client} --name worker" in old["command"]


async def test_an_entry_of_codex_itself_is_found(stage: Stage, examine: Any) -> None:
    text = stage.write_codex_config().read_text()
    stage.write_codex_config(
        f'{text}\n[mcp_servers.worker]\ncommand = "codex"\nargs = ["mcp-server"]\n'
    )
    _, findings = await examine()
    [old] = told(findings, "clients.old-entry")
    assert old["line"] == 3
    assert old["command"] == "codextui setup codex --name worker --user --write"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("/gone/bin/codextui", "which does not exist any more"),
        ("codextui", "which is not on PATH"),
        ("./codextui", "which does not exist any more"),
    ],
)
async def test_a_program_that_is_gone_is_named(
    stage: Stage, examine: Any, command: str, says: str
) -> None:
    servers = {"codextui": {"command": command, "args": ["mcp-server"]}}
    write_json(stage.home / ".cursor" / "mcp.json", {"mcpServers": servers})
    code, findings = await examine()
    assert (code, worse(findings)) == (1, {"clients.program": "problem"})
    [gone] = told(findings, "clients.program")
    assert says in gone["found"]
    assert gone["command"].startswith("codextui setup cursor --name codextui ")


async def test_a_program_that_is_there_is_not(stage: Stage, examine: Any) -> None:
    servers = {"codextui": own_entry(stage), "other": {"command": "/gone/other"}}
    write_json(stage.home / ".cursor" / "mcp.json", {"mcpServers": servers})
    code, findings = await examine()
    assert (code, worse(findings)) == (0, {})


async def test_an_address_on_this_machine_where_nobody_is_is_named(
    stage: Stage, examine: Any
) -> None:
    headers = {"Authorization": "Bearer ${CODEXTUI_TOKEN}"}
    servers = {"codextui": {"url": "http://127.0.0.1:9/mcp", "headers": headers}}
    write_json(stage.home / ".cursor" / "mcp.json", {"mcpServers": servers})
    code, findings = await examine()
    assert (code, worse(findings)) == (0, {"clients.http": "advice"})
    assert told(findings, "clients.http")[0]["command"] == "codextui serve --http 127.0.0.1:9"


async def test_a_broken_file_is_named_and_the_others_are_looked_at(
    stage: Stage, examine: Any
) -> None:
    (stage.home / ".cursor").mkdir()
    (stage.home / ".cursor" / "mcp.json").write_text("{ broken")
    write_json(stage.project / ".mcp.json", {"mcpServers": {"worker": OLD}})
    _, findings = await examine()
    assert worse(findings) == {"clients.file": "advice", "clients.old-entry": "problem"}


@pytest.mark.parametrize(
    ("timeout_ms", "turn_s", "severity"),
    [
        (60_000, 1_800, "problem"),
        (60_000, 0, "advice"),
        (86_400_000, 1_800, ""),
        ("nonsense", 1_800, ""),
        (None, 1_800, ""),
    ],
)
async def test_the_time_outs_of_clients_are_compared_with_the_longest_turn(
    stage: Stage, examine: Any, timeout_ms: object, turn_s: float, severity: str
) -> None:
    if turn_s:
        await (await write_turns(stage, [(0.0, turn_s)])).close()
    entry = own_entry(stage) if timeout_ms is None else own_entry(stage, timeout=timeout_ms)
    write_json(stage.home / ".claude.json", {"mcpServers": {"codextui": entry}})
    _, findings = await examine()
    assert worse(findings) == ({"timeouts.client": severity} if severity else {})
    if severity:
        [short] = told(findings, "timeouts.client")
        assert "1m 00s" in short["found"]
        assert short["command"] == "codextui setup claude-code --name codextui --user --write"


async def test_codex_gives_a_call_a_minute_unless_it_is_told_otherwise(
    stage: Stage, examine: Any
) -> None:
    program = own_entry(stage)["command"]
    text = stage.write_codex_config().read_text()
    table = f'\n[mcp_servers.codextui]\ncommand = "{program}"\nargs = ["mcp-server"]\n'
    stage.write_codex_config(text + table)
    _, findings = await examine()
    assert worse(findings) == {"timeouts.client": "advice"}
    stage.write_codex_config(f"{text}{table}tool_timeout_sec = 86400\n")
    _, findings = await examine()
    assert worse(findings) == {}


async def test_a_variable_of_claude_code_counts_where_the_entry_says_nothing(
    stage: Stage, examine: Any
) -> None:
    stage.setenv(MCP_TOOL_TIMEOUT="30000")
    write_json(stage.home / ".claude.json", {"mcpServers": {"codextui": own_entry(stage)}})
    assert worse((await examine())[1]) == {"timeouts.client": "advice"}
