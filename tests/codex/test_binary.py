"""Which Codex is found, and the error where there is none."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path
from types import SimpleNamespace

import pytest

from codextui.codex import binary
from codextui.codex.binary import (
    CodexBinary,
    find_codex,
    login_command,
    native_binary,
    search_codex,
    shell_command,
)
from codextui.errors import CodexMissing

TARGET = {
    ("Linux", "x86_64"): ("codex-linux-x64", "x86_64-unknown-linux-musl"),
    ("Linux", "aarch64"): ("codex-linux-arm64", "aarch64-unknown-linux-musl"),
    ("Darwin", "x86_64"): ("codex-darwin-x64", "x86_64-apple-darwin"),
    ("Darwin", "arm64"): ("codex-darwin-arm64", "aarch64-apple-darwin"),
}


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def codex(path: Path, version: str) -> Path:
    return program(path, f"echo codex-cli {version}")


@pytest.fixture
def no_codex(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without any Codex."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(binary, "find_spec", lambda _: None)
    return monkeypatch


def bundle(patch: pytest.MonkeyPatch, folder: Path, version: str) -> Path:
    """Install the package openai-codex-cli-bin."""
    spec = SimpleNamespace(origin=str(folder / "codex_cli_bin" / "__init__.py"))
    patch.setattr(binary, "find_spec", lambda _: spec)
    return codex(folder / "codex_cli_bin" / "bin" / "codex", version)


def test_the_newest_of_package_and_path_wins(tmp_path: Path, no_codex: pytest.MonkeyPatch) -> None:
    bundled = bundle(no_codex, tmp_path, "0.163.0")
    on_path = codex(tmp_path / "bin" / "codex", "0.169.0")
    older = codex(tmp_path / "old" / "codex", "0.99.9")
    no_codex.setenv("PATH", f"{older.parent}:/bin:/usr/bin:{on_path.parent}")
    assert find_codex() == CodexBinary(on_path, (0, 169, 0), "PATH")
    codex(on_path, "0.162.9")
    assert find_codex() == CodexBinary(bundled, (0, 163, 0), "package")


def test_the_package_wins_over_path_at_the_same_version(
    tmp_path: Path, no_codex: pytest.MonkeyPatch
) -> None:
    bundled = bundle(no_codex, tmp_path, "0.163.0")
    no_codex.setenv("PATH", str(codex(tmp_path / "bin" / "codex", "0.163.0").parent))
    assert find_codex().path == bundled


def test_the_configured_binary_wins_whatever_its_version(
    tmp_path: Path, no_codex: pytest.MonkeyPatch
) -> None:
    bundle(no_codex, tmp_path, "0.163.0")
    configured = codex(tmp_path / "mine" / "my-codex", "0.153.4")
    found = find_codex(configured)
    assert found == CodexBinary(configured, (0, 153, 4), "config")
    assert found.version_text == "0.153.4"
    no_codex.setenv("PATH", f"{configured.parent}")
    assert find_codex(Path("my-codex")).path == configured


def test_a_broken_binary_does_not_hide_a_working_one(
    tmp_path: Path, no_codex: pytest.MonkeyPatch
) -> None:
    broken = program(tmp_path / "broken" / "codex", "exit 1")
    good = codex(tmp_path / "good" / "codex", "0.160.0")
    no_codex.setenv("PATH", f"{broken.parent}:{good.parent}")
    assert find_codex().path == good


def test_the_shell_command_is_a_path_where_path_has_another_codex(
    tmp_path: Path, no_codex: pytest.MonkeyPatch
) -> None:
    bundled = bundle(no_codex, tmp_path / "my tools", "0.163.0")
    assert shell_command(find_codex(), None) == f"'{bundled}'"
    on_path = codex(tmp_path / "bin" / "codex", "0.169.0")
    assert shell_command(find_codex(), Path("/a b")) == f"CODEX_HOME='/a b' '{bundled}'"
    no_codex.setenv("PATH", str(on_path.parent))
    assert shell_command(find_codex(), None) == "codex"


def test_a_codex_that_is_not_on_path_is_logged_in_by_codextui(
    tmp_path: Path, no_codex: pytest.MonkeyPatch
) -> None:
    bundled = bundle(no_codex, tmp_path / "tools", "0.163.0")
    assert login_command(find_codex(), None) == "codextui login"
    assert login_command(find_codex(), Path("/h")) == f"CODEX_HOME=/h {bundled} login"
    on_path = codex(tmp_path / "bin" / "codex", "0.169.0")
    no_codex.setenv("PATH", str(on_path.parent))
    assert login_command(find_codex(), None) == "codex login"


def test_without_a_codex_the_error_says_how_to_install_one(no_codex: pytest.MonkeyPatch) -> None:
    with pytest.raises(CodexMissing, match=r"-m pip install 'openai-codex-cli-bin"):
        find_codex()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo I am something else", "it is no Codex"),
        ("exit 1", "it is no Codex"),
        ("exec sleep 60", "within 1 s"),
    ],
)
def test_the_error_of_an_unusable_binary_names_it(
    tmp_path: Path, no_codex: pytest.MonkeyPatch, body: str, message: str
) -> None:
    no_codex.setenv("PATH", "/bin:/usr/bin")
    named = program(tmp_path / "codex", body)
    with pytest.raises(CodexMissing, match=message) as raised:
        find_codex(named, version_timeout_s=1)
    assert str(named) in str(raised.value)
    assert "[codex]" in str(raised.value)


@pytest.mark.parametrize("name", ["nothing-here", "folder"])
def test_a_configured_path_that_is_no_program_cannot_be_run(
    tmp_path: Path, no_codex: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(CodexMissing, match="cannot be run"):
        find_codex(tmp_path / name)


@pytest.mark.parametrize("layout", ["hoisted", "nested", "in the package", "in the package, old"])
def test_the_native_binary_behind_npms_node_wrapper_is_found(
    tmp_path: Path, no_codex: pytest.MonkeyPatch, layout: str
) -> None:
    platform_package, triple = TARGET[platform.system(), platform.machine()]
    scope = tmp_path / "node_modules" / "@openai"
    vendor = {
        "hoisted": scope / platform_package / "vendor" / triple / "bin",
        "nested": scope
        / "codex"
        / "node_modules"
        / "@openai"
        / platform_package
        / "vendor"
        / triple
        / "bin",
        "in the package": scope / "codex" / "vendor" / triple / "bin",
        "in the package, old": scope / "codex" / "vendor" / triple / "codex",
    }[layout]
    native = codex(vendor / "codex", "0.169.0")
    codex(vendor.parent.parent / "sparc-sun-solaris" / "bin" / "codex", "9.9.9")
    wrapper = program(scope / "codex" / "bin" / "codex.js", "echo codex-cli 0.1.0")
    link = tmp_path / "bin" / "codex"
    link.parent.mkdir()
    link.symlink_to(wrapper)
    no_codex.setenv("PATH", str(link.parent))
    assert native_binary(link) == native
    assert find_codex() == CodexBinary(native, (0, 169, 0), "PATH")


def test_a_wrapper_without_a_native_binary_is_run_itself(tmp_path: Path) -> None:
    wrapper = program(tmp_path / "codex" / "bin" / "codex.js", "echo codex-cli 0.1.0")
    assert native_binary(wrapper) == wrapper


def test_the_package_is_found_where_it_is_installed() -> None:
    if importlib.util.find_spec("codex_cli_bin") is None:
        pytest.skip("the package openai-codex-cli-bin is not installed")
    assert find_codex().version >= (0, 153, 4)


def test_a_codex_that_is_too_old_is_passed_over(
    tmp_path: Path, no_codex: pytest.MonkeyPatch
) -> None:
    old = codex(tmp_path / "old" / "codex", "0.153.3")
    good = codex(tmp_path / "good" / "codex", "0.153.4")
    no_codex.setenv("PATH", f"{old.parent}:{good.parent}")
    assert find_codex().path == good
    good.unlink()
    with pytest.raises(CodexMissing, match=r"0\.153\.3, which is too old: .*npm install"):
        find_codex()
    with pytest.raises(CodexMissing, match=r"0\.153\.3, which is too old: .*\[codex\]"):
        find_codex(old)


def test_a_search_says_why_it_passed_the_others_over(
    tmp_path: Path, no_codex: pytest.MonkeyPatch
) -> None:
    bundled = bundle(no_codex, tmp_path, "0.163.0")
    bodies = {"newest": "0.171.0", "again": "0.171.0", "old": "0.99.0"}
    paths = {name: codex(tmp_path / name / "codex", text) for name, text in bodies.items()}
    broken = program(tmp_path / "broken" / "codex", "exit 1")
    folders = [path.parent for path in (*paths.values(), broken)]
    no_codex.setenv("PATH", ":".join(map(str, folders)))
    search = search_codex()
    assert search.binary == CodexBinary(paths["newest"], (0, 171, 0), "PATH")
    assert search.problem == ""
    reasons = {(one.path, one.origin, one.version): one.reason for one in search.passed_over}
    assert reasons == {
        (bundled, "package", "0.163.0"): "older than 0.171.0",
        (paths["again"], "PATH", "0.171.0"): "the same version, found later",
        (paths["old"], "PATH", "0.99.0"): f"{paths['old']} is Codex 0.99.0, which is too old: "
        "codextui needs 0.153.4 or newer",
        (broken, "PATH", ""): f"{broken} does not say its version: it is no Codex",
    }
