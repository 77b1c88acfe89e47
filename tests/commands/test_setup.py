"""`codextui setup --write` starts what the client would start, and leaves nothing of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codextui.setup.start import ClientProcess, command_line, environment, folder, headers

TIMEOUT_S = 120
AROUND = ClientProcess(
    {"A": "a", "PATH": "/bin", "SECRET": "s"}, None, Path("/project"), Path("/home/me")
)


class Person:
    """A home, a project, and codextui."""

    def __init__(self, folder: Path, runtime: str) -> None:
        self.home, self.project = folder / "home", folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        config = self.home / ".config" / "codextui" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('[codex]\nattach = "private"\n')  # no daemon that would stay
        self.config = config
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.env = {**kept, "HOME": str(self.home), "XDG_RUNTIME_DIR": runtime}

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codextui", *arguments],
            cwd=self.project,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def is_served(self) -> bool:
        return self.run("ps").returncode == 0


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        person = Person(tmp_path, runtime)
        yield person
        person.run("kill-server")


@pytest.mark.slow
@pytest.mark.parametrize("client", ["cursor", "vscode", "codex", "inspector"])
def test_what_is_written_is_verified_and_the_server_for_that_is_ended(
    person: Person, client: str
) -> None:
    person.config.unlink()
    done = person.run("setup", client, "--write")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"Verified: `.*mcp-server` answers with the tools codex, codex-reply", done.stdout
    )
    assert not person.is_served()
    assert not list((person.home / ".codex").glob("[!c]*")), "a check needs no Codex"


@pytest.mark.slow
def test_a_server_that_a_check_has_started_starts_codex_for_whoever_uses_it(
    person: Person,
) -> None:
    refused = person.run("new", "hello", CODEXTUI_CHECK="1")
    assert "Codex is not logged in" in refused.stderr


@pytest.mark.slow
def test_a_server_that_runs_already_stays(person: Person) -> None:
    assert person.run("new", "--help").returncode == 0
    with subprocess.Popen(
        [sys.executable, "-m", "codextui", "mcp-server"],
        env=person.env,
        cwd=person.project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        client.stdin.flush()
        assert client.stdout.readline()
        assert person.run("setup", "cursor", "--write").returncode == 0
        assert person.is_served()
        client.stdin.close()


@pytest.mark.slow
def test_nothing_that_only_the_project_s_file_says_is_started(person: Person) -> None:
    """Others write it: a program, variables of its loader, a server that would get our token."""
    owned, file = person.home / "owned", person.project / ".cursor" / "mcp.json"
    program = person.project / "codextui"
    program.write_text(f"#!/bin/sh\ntouch {owned}\n")
    program.chmod(0o755)
    (person.project / "sitecustomize.py").write_text(f"open({str(owned)!r}, 'w')\n")
    file.parent.mkdir()
    for entry in (
        {"command": str(program), "args": ["mcp-server"]},
        {"url": "http://127.0.0.1:1/mcp", "headers": {"A": "Bearer ${env:CODEXTUI_TOKEN}"}},
    ):
        file.write_text(json.dumps({"mcpServers": {"codextui": entry}}))
        done = person.run("setup", "cursor", "--user", "--write")
        assert (done.returncode, owned.exists()) == (1, False)
        assert "nothing of it was started" in done.stderr
    env = {"PYTHONPATH": str(person.project)}
    old = {"command": "codex", "args": ["mcp-server"], "env": env}
    file.write_text(json.dumps({"mcpServers": {"codextui": old}}))
    done = person.run("setup", "cursor", "--project", "--write")
    assert (done.returncode, owned.exists()) == (0, False)
    assert "The check leaves out what the project's file" in done.stdout
    assert json.loads(file.read_text())["mcpServers"]["codextui"]["env"] == env


@pytest.mark.slow
def test_a_program_that_is_not_codextui_is_not_verified(person: Person, tmp_path: Path) -> None:
    broken = tmp_path / "codextui"
    broken.write_text("#!/bin/sh\necho 'no such module' >&2\nexit 1\n")
    broken.chmod(0o755)
    done = person.run("setup", "cursor", "--command", str(broken), "--write")
    assert done.returncode == 1
    assert "Not verified" in done.stderr
    assert "it said: no such module" in done.stderr
    assert json.loads((person.home / ".cursor" / "mcp.json").read_text())  # it is written
    again = person.run("setup", "cursor", "--command", str(broken), "--write", "--no-verify")
    assert again.returncode == 0
    assert "erified" not in again.stdout + again.stderr


def test_a_folder_that_is_missing_is_named_and_not_the_program(
    person: Person, tmp_path: Path
) -> None:
    file = person.home / ".cursor" / "mcp.json"
    file.parent.mkdir()
    old = {"command": "codex", "args": ["mcp-server"], "cwd": str(tmp_path / "gone")}
    file.write_text(json.dumps({"mcpServers": {"codex": old}}))
    done = person.run("setup", "cursor", "--name", "codex", "--write")
    assert done.returncode == 1
    assert f"`: its folder {tmp_path / 'gone'} does not exist" in done.stderr


@pytest.mark.slow
def test_what_a_program_said_is_told_once(person: Person) -> None:
    done = person.run("setup", "cursor", "--write", XDG_RUNTIME_DIR="/nowhere")
    assert done.returncode == 1
    assert done.stderr.count("cannot be used") == 1


def test_a_url_where_no_server_has_ever_listened_is_said_to_be_unreachable(person: Person) -> None:
    done = person.run("setup", "cursor", "--http", "127.0.0.1:1", "--write")
    assert done.returncode == 1
    assert "http://127.0.0.1:1/mcp cannot be reached: Connection refused" in done.stderr
    assert "serve --http 127.0.0.1:1`" in done.stdout


@pytest.mark.slow
def test_a_url_is_verified_with_the_token(person: Person) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "codextui", "serve", "--http", "127.0.0.1:0"],
        env=person.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        address = next(
            found[1]
            for line in server.stdout
            if (found := re.search(r"http://(127\.0\.0\.1:\d+)", line))
        )
        verified = person.run("setup", "cursor", "--http", address, "--write")
        assert verified.returncode == 0, verified.stderr
        assert f"Verified: `http://{address}/mcp`" in verified.stdout
        refused = person.run(
            "setup", "cursor", "--http", address, "--write", CODEXTUI_TOKEN="wrong"
        )
        assert refused.returncode == 1
        assert "401" in refused.stderr
        person.run("kill-server")
    gone = person.run("setup", "cursor", "--http", address, "--write")
    assert gone.returncode == 1
    assert "cannot be reached" in gone.stderr


def test_an_entry_is_started_as_its_client_does() -> None:
    entry = {
        "command": "${workspaceFolder}/run",
        "args": ["${A}", "${env:A}", "${NONE:-none}", "$A", "${userHome}"],
        "env": {"B": "${A}b"},
        "cwd": "sub",
    }
    assert command_line(entry, AROUND) == ["/project/run", "a", "a", "none", "$A", "/home/me"]
    assert environment(entry, AROUND) == {**AROUND.environ, "B": "ab"}
    assert folder(entry, AROUND) == Path("/project/sub")
    assert folder({}, AROUND) == Path("/project")


def test_a_client_that_passes_few_variables_passes_few() -> None:
    around = ClientProcess(AROUND.environ, ("PATH", "HOME"), AROUND.cwd, AROUND.home)
    entry = {"command": "x", "env_vars": ["A", "MISSING"], "env": {"B": "b"}}
    assert environment(entry, around) == {"PATH": "/bin", "A": "a", "B": "b"}


def test_the_token_is_taken_from_the_environment() -> None:
    wanted = {"Authorization": "Bearer s"}
    assert headers({"headers": {"Authorization": "Bearer ${SECRET}"}}, AROUND) == wanted
    assert headers({"headers": {"Authorization": "Bearer ${env:SECRET}"}}, AROUND) == wanted
    assert headers({"bearer_token_env_var": "SECRET"}, AROUND) == wanted
