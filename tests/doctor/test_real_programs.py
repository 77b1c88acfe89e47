"""The doctor as a program, with the real Codex, also where the process itself lacks something."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doctor.conftest import worse

from codextui.codex.binary import search_codex
from codextui.demo import scratch_codex_home, write_codex_home
from codextui.errors import CodextuiError
from codextui.server.store.migrations import migrate

SEARCH = search_codex()
PROGRAM = Path(__file__).with_name("patience.py")
KEY = "sk-test-0123456789abcdef"

pytestmark = pytest.mark.skipif(SEARCH.binary is None, reason="no Codex here")


class Program:
    """Runs the program with an environment of its own."""

    def __init__(self, codex_home: Path, root: Path, url: str) -> None:
        self.codex_home = codex_home
        self.root = root
        self.url = url
        self.home = root / "home"
        self.home.mkdir()
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CODEX_HOME": str(codex_home),
            "XDG_RUNTIME_DIR": str(root),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
        }

    def run(
        self, *arguments: str, before: tuple[str, ...] = (), **options: Any
    ) -> subprocess.CompletedProcess[str]:
        command = [*before, sys.executable, str(PROGRAM), "doctor", *arguments]
        return subprocess.run(
            command,
            check=False,
            env=self.env,
            text=True,
            timeout=60,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.home, **options},
        )

    def find(self, *arguments: str, **options: Any) -> tuple[int, list[dict[str, Any]]]:
        ran = self.run("--json", *arguments, **options)
        assert ran.stderr == ""
        return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    home = scratch_codex_home()
    (tmp_path / "run").mkdir(mode=0o700)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        write_codex_home(home, url)
        yield Program(home, tmp_path / "run", url)
    shutil.rmtree(home)


def one(findings: list[dict[str, Any]], check: str) -> dict[str, Any]:
    [found] = [found for found in findings if found["check"] == check]
    return found


def test_with_the_real_codex_a_healthy_machine_has_no_findings(program: Program) -> None:
    code, findings = program.find()
    assert (code, worse(findings)) == (0, {})
    assert one(findings, "codex.sandbox")["found"].startswith("Codex's sandbox works")
    assert "needs no login" in one(findings, "codex.login")["found"]


def test_the_real_codex_says_where_its_configuration_is_wrong(program: Program) -> None:
    file = program.codex_home / "config.toml"
    file.write_text('# mine\nmodel = "x"\nmodel_provider = 3\n')
    code, findings = program.find()
    mistake = one(findings, "codex.config")
    assert (code, mistake["severity"]) == (1, "problem")
    assert (mistake["file"], mistake["line"]) == (str(file), 3)
    assert "expected a string" in mistake["found"]


def test_the_real_codex_that_is_not_logged_in_is_named(program: Program) -> None:
    (program.codex_home / "config.toml").write_text(f'openai_base_url = "{program.url}"\n')
    code, findings = program.find()
    assert (code, worse(findings)) == (1, {"codex.login": "problem"})
    assert one(findings, "codex.login")["command"].endswith(("codex login", "codextui login"))


def test_no_part_of_a_key_is_printed(program: Program) -> None:
    url = program.url.replace("://", "://me:s3cr3t@")
    (program.codex_home / "config.toml").write_text(f'openai_base_url = "{url}"\n')
    (program.codex_home / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": KEY}))
    program.env |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url}
    for arguments in (("--all",), ("--json",)):
        ran = program.run(*arguments)
        assert "with an API key" in ran.stdout
        assert KEY[-5:] not in ran.stdout + ran.stderr
        assert "s3cr3t" not in ran.stdout + ran.stderr


def test_a_codex_home_that_does_not_exist_is_not_made(program: Program) -> None:
    del program.env["CODEX_HOME"]
    _, findings = program.find()
    assert one(findings, "codex.sandbox")["severity"] == "ok"
    assert "codex.login" in worse(findings)


def test_a_command_that_writes_in_the_sandbox_leaves_nothing(program: Program) -> None:
    cache = program.codex_home / "cache"  # which is not in the folder of temporary files
    cache.mkdir()
    program.env["XDG_CACHE_HOME"] = str(cache)
    _, findings = program.find()
    assert one(findings, "codex.sandbox")["severity"] == "ok"
    assert list(cache.iterdir()) == []


def delete_current_folder(program: Program) -> dict[str, Any]:
    folder = program.root / "gone"
    folder.mkdir()
    script = 'cd "$0" && rmdir "$0" && exec "$@"'
    return {"before": ("/bin/sh", "-c", script, str(folder))}


def unset_home(program: Program) -> dict[str, Any]:
    program.env["HOME"] = ""
    return {}


@pytest.mark.parametrize(
    ("breaks", "finds"),
    [(delete_current_folder, "folders.current"), (unset_home, "folders.home")],
    ids=["a deleted folder", "no home"],
)
def test_what_the_process_itself_lacks_is_named(
    program: Program, breaks: Callable[[Program], dict[str, Any]], finds: str
) -> None:
    options = breaks(program)
    code, findings = program.find(**options)
    assert (code, one(findings, finds)["severity"]) == (1, "problem")
    assert not any("failed" in found["found"] for found in findings)
    assert len(findings) > 15


def test_with_a_closed_output_it_ends_without_a_traceback(program: Program) -> None:
    closing = ("/bin/sh", "-c", 'exec "$0" "$@" >&-')
    assert (program.run(before=closing).returncode, program.run(before=closing).stderr) == (0, "")
    reading, writing = os.pipe()
    os.close(reading)
    ran = program.run("--json", stdout=writing)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_named_configuration_that_does_not_exist_is_wrong_usage(program: Program) -> None:
    ran = program.run("--config", str(program.home / "none.toml"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "none.toml is no file" in ran.stderr


def bubblewrap() -> Path:
    """The bubblewrap that comes with Codex, if it can make namespaces here."""
    assert SEARCH.binary is not None
    bundled = SEARCH.binary.path.parent.parent / "codex-resources" / "bwrap"
    path = Path(shutil.which("bwrap") or bundled)
    try:
        subprocess.run([path, "--dev-bind", "/", "/", "/bin/true"], check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CodextuiError(f"{path} does not work here: {error}") from error
    return path


@pytest.mark.parametrize(("name", "check"), [("", "folders.state"), ("default.sqlite", "journal")])
def test_what_is_read_only_is_named(program: Program, name: str, check: str) -> None:
    try:
        path = bubblewrap()
    except CodextuiError as error:
        pytest.skip(str(error))
    state = program.home / ".local" / "state" / "codextui"
    state.mkdir(parents=True, mode=0o700)
    migrate(state / "default.sqlite")
    closed = str(state / name)
    mount = (str(path), "--dev-bind", "/", "/", "--ro-bind", closed, closed, "--")
    code, findings = program.find(before=mount)
    found = one(findings, check)
    assert (code, found["severity"], found["file"]) == (1, "problem", closed)
    assert "read-only" in found["found"]
    assert found["advice"] or found["command"]


def test_where_no_namespace_can_be_made_the_real_sandbox_does_not_work(program: Program) -> None:
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    without = ("unshare", "--user", "--map-root-user", "/bin/sh", "-c", script, "sh")
    try:
        subprocess.run([*without, "/bin/true"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"unshare does not work here: {error}")
    code, findings = program.find(before=without)
    found = one(findings, "codex.sandbox")
    assert (code, found["severity"]) == (1, "problem")
    assert "bwrap: " in found["found"]
    assert found["file"] == "/proc/sys/user/max_user_namespaces"
    assert found["command"].startswith("sudo sysctl -w user.max_user_namespaces=")
