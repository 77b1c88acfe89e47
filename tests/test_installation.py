"""What to type to add an extra, for each way by which codextui gets onto a machine."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from codextui.installation import (
    Extra,
    Installation,
    Installer,
    find_installation,
    install_command,
)

CODEX = "openai-codex-cli-bin>=0.163; extra == 'codex'"
OTEL = ("opentelemetry-sdk>=1.30; extra == 'otel'", 'exporter>=2; extra == "otel"')
OF_ALL = ("rich>=14", "tomli>=2; python_version < '3.11'", *OTEL, CODEX)


def installed(
    installer: Installer, source: str | None = "/src", *, requires: tuple[str, ...] = OF_ALL
) -> Installation:
    environment = Path("/my tools/codextui")
    folder = None if source is None else Path(source)
    return Installation(installer, environment / "bin/python", environment, folder, requires)


@pytest.mark.parametrize(
    ("installation", "command"),
    [
        (installed("pip"), "'/my tools/codextui/bin/python' -m pip install {}"),
        (installed("pip", None), "'/my tools/codextui/bin/python' -m pip install {}"),
        (installed("uv"), "uv pip install --python '/my tools/codextui/bin/python' {}"),
        (installed("pipx"), "pipx inject codextui {}"),
        (installed("uv tool", None), "uv pip install --python '/my tools/codextui/bin/python' {}"),
    ],
)
def test_the_packages_of_an_extra_go_where_codextui_is(
    installation: Installation, command: str
) -> None:
    assert install_command("codex", installation) == command.format("'openai-codex-cli-bin>=0.163'")
    both = "'opentelemetry-sdk>=1.30' 'exporter>=2'"
    assert install_command("otel", installation) == command.format(both)


def test_uv_installs_the_tool_again_with_the_extra_so_that_an_upgrade_keeps_it() -> None:
    command = "uv tool install '/my src[codex]'"
    assert install_command("codex", installed("uv tool", "/my src")) == command


def test_where_no_requirements_are_known_the_folder_is_installed_with_the_extra() -> None:
    known = installed("pip", "/src", requires=())
    assert install_command("otel", known).endswith("-m pip install '/src[otel]'")
    unknown = installed("pip", None, requires=())
    assert install_command("otel", unknown).endswith("-m pip install '.[otel]'")


@pytest.mark.parametrize("extra", ["codex", "otel"])
@pytest.mark.parametrize("installer", ["pip", "uv", "pipx", "uv tool"])
@pytest.mark.parametrize("source", ["/src", None])
@pytest.mark.parametrize("requires", [OF_ALL, ()])
def test_codextui_itself_is_never_taken_from_an_index(
    extra: Extra, installer: Installer, source: str | None, requires: tuple[str, ...]
) -> None:
    command = install_command(extra, installed(installer, source, requires=requires))
    words = shlex.split(command)
    named = [word for word in words if word.startswith("codextui")]
    assert named == (["codextui"] if installer == "pipx" else [])  # pipx: the environment's name
    assert installer != "pipx" or words[1] == "inject"


def test_this_installation_names_its_interpreter_and_the_packages_of_its_extras() -> None:
    here = find_installation()
    assert here.python == Path(sys.executable)
    assert here.environment == Path(sys.prefix)
    assert "openai-codex-cli-bin" in install_command("codex")
    assert "opentelemetry-sdk" in install_command("otel")
    assert install_command("codex").count("openai-codex-cli-bin") == 1


@pytest.mark.parametrize(
    ("receipt", "installer"), [("uv-receipt.toml", "uv tool"), ("pipx_metadata.json", "pipx")]
)
def test_the_receipt_in_an_environment_names_what_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receipt: str, installer: str
) -> None:
    (tmp_path / receipt).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    find_installation.cache_clear()
    try:
        assert find_installation().installer == installer
    finally:
        find_installation.cache_clear()
