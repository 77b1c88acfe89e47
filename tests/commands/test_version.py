"""`codextui --version`, alone and with the Codex that is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import codextui
from codextui import cli
from codextui.codex import binary
from codextui.codex.versions import FEATURES


def codex(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho codex-cli {version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without a Codex, and without a configuration."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(binary, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    return monkeypatch


async def test_the_version_alone_is_one_line(run: Any) -> None:
    for arguments in (["--version"], ["--version", "ps"]):
        result = await run(*arguments)
        assert (result.code, result.out) == (0, f"codextui {codextui.__version__}\n")
    result = await run("--version", "--json")
    assert (result.code, result.objects) == (0, [{"version": codextui.__version__}])


async def test_the_codex_that_is_found_is_described_with_those_passed_over(
    run: Any, machine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = codex(tmp_path / "newer" / "codex", "0.171.0")
    older = codex(tmp_path / "older" / "codex", "0.99.0")
    machine.setenv("PATH", f"{older.parent}:{newer.parent}")
    result = await run("--version", "--codex")
    assert result.code == 0
    assert result.out == (
        f"codextui {codextui.__version__}\n"
        "works with Codex 0.153.4 to 0.171.0 (tested: 0.153.4, 0.163.0, 0.171.0)\n"
        "\n"
        "Codex 0.171.0, supported\n"
        f"  {newer}, on PATH\n"
        "\n"
        "passed over\n"
        f"  0.99.0, {older}, on PATH\n"
        f"    {older} is Codex 0.99.0, which is too old: codextui needs 0.153.4 or newer\n"
    )
    (found,) = (await run("--version", "--codex", "--json")).objects
    assert found["supported"] == {
        "oldest": "0.153.4",
        "newest": "0.171.0",
        "tested": ["0.153.4", "0.163.0", "0.171.0"],
    }
    assert found["codex"] == {
        "version": "0.171.0",
        "path": str(newer),
        "origin": "PATH",
        "support": "supported",
        "missing": [],
    }
    (passed_over,) = found["passed_over"]
    assert (passed_over["path"], passed_over["version"]) == (str(older), "0.99.0")


@pytest.mark.parametrize(
    ("version", "says"),
    [("0.153.4", "without `codex exec --remote`"), ("0.999.0", "newer than the tested ones")],
)
async def test_what_is_special_about_a_version_is_said(
    run: Any, machine: pytest.MonkeyPatch, tmp_path: Path, version: str, says: str
) -> None:
    machine.setenv("PATH", str(codex(tmp_path / "codex", version).parent))
    assert says in (await run("--version", "--codex")).out
    (found,) = (await run("--version", "--codex", "--json")).objects
    missing = [feature.text for feature in FEATURES] if version == "0.153.4" else []
    assert found["codex"]["missing"] == missing


async def test_without_a_codex_that_works_it_fails_and_says_why(
    run: Any, machine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine.setenv("PATH", str(codex(tmp_path / "codex", "0.140.0").parent))
    result = await run("--version", "--codex")
    assert result.code == 1
    assert "0.140.0, which is too old" in result.out
    assert "npm install" in result.out
    (found,) = (await run("--version", "--codex", "--json")).objects
    assert found["codex"] is None
    assert "too old" in found["problem"]


async def test_the_configured_codex_is_the_one_described(run: Any, tmp_path: Path) -> None:
    mine = codex(tmp_path / "mine", "0.163.0")
    config = tmp_path / "config.toml"
    config.write_text(f'[codex]\nbinary = "{mine}"\n')
    result = await run("--config", str(config), "--version", "--codex")
    assert f"{mine}, named in the configuration" in result.out


@pytest.mark.parametrize("arguments", [["--codex"], ["--json", "ps"], ["--json"]])
def test_the_options_of_the_version_want_the_version(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "--codex is for --version" in capsys.readouterr().err
