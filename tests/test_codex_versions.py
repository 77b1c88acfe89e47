"""How the tests get the versions of Codex that npm has."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import codex_versions
import pytest

BINARY = "package/vendor/some-platform/bin/codex"
VOICE = "package/vendor/some-platform/codex-resources/voice/lib/a.so"
ASK = """
import sys
from pathlib import Path
import codex_versions
codex_versions.FOLDER, codex_versions.REGISTRY = Path(sys.argv[1]), sys.argv[2]
codex_versions.CHECKSUMS = {"1.2.3": {sys.argv[3]: sys.argv[4]}}
print(codex_versions.codex_version("1.2.3"))
"""


class Registry:
    """A registry that has one package, and counts who fetches it."""

    def __init__(self, folder: Path) -> None:
        self.fetched = 0
        self.target = codex_versions.target()
        packages = folder / "@openai" / "codex" / "-"
        packages.mkdir(parents=True)
        archive = packages / f"codex-1.2.3-{self.target}.tgz"
        with tarfile.open(archive, "w:gz") as package:
            for name in (BINARY, VOICE):
                (folder / "file").write_text(name)
                package.add(folder / "file", name)
        digest = hashlib.sha512(archive.read_bytes()).digest()
        self.checksum = f"sha512-{base64.b64encode(digest).decode()}"
        registry = self

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.fetched += 1
                super().do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / "registry")
    yield registry
    registry.close()


@pytest.fixture
def no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_npm")
def test_workers_that_ask_at_once_download_it_once(tmp_path: Path, registry: Registry) -> None:
    arguments = [str(tmp_path / "cache"), registry.address, registry.target, registry.checksum]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, *arguments],
            cwd=Path(codex_versions.__file__).parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    found = {worker.communicate()[0].strip() for worker in workers}
    binary = tmp_path / "cache" / "1.2.3" / BINARY.removeprefix("package/")
    assert found == {str(binary)}
    assert binary.read_text() == BINARY
    assert registry.fetched == 1
    assert not list((tmp_path / "cache").rglob("*voice*"))
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["1.2.3", "1.2.3.lock"]


@pytest.mark.usefixtures("no_npm")
@pytest.mark.parametrize("network", ["another package", "none"])
def test_what_is_not_the_package_is_not_installed(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(codex_versions, "FOLDER", tmp_path / "cache")
    address = registry.address if network == "another package" else "http://127.0.0.1:9"
    monkeypatch.setattr(codex_versions, "REGISTRY", address)
    monkeypatch.setattr(codex_versions, "CHECKSUMS", {"1.2.4": {registry.target: "sha512-x"}})
    with pytest.raises(pytest.fail.Exception, match="it cannot be downloaded"):
        codex_versions.codex_version("1.2.4")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["1.2.4.lock"]


def test_a_platform_that_npm_has_no_codex_for_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(codex_versions, "FOLDER", tmp_path)
    monkeypatch.setattr(codex_versions, "CHECKSUMS", {"1.2.5": {"amiga-m68k": "sha512-x"}})
    with pytest.raises(pytest.fail.Exception, match=codex_versions.target()):
        codex_versions.codex_version("1.2.5")


def test_the_versions_are_pinned_for_the_same_platforms() -> None:
    platforms = {tuple(pinned) for pinned in codex_versions.CHECKSUMS.values()}
    assert len(platforms) == 1
    assert {codex_versions.OLDEST, codex_versions.NEWEST} <= set(codex_versions.CHECKSUMS)
