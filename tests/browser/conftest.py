"""Fixtures: the game made by one run of the demo's team, and a browser to play it in."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from codextui.config import paths

TIMEOUT_S = 400
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# The browser itself must not use the network.
OFFLINE_OPTIONS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--no-first-run",
)


@dataclass(frozen=True, slots=True)
class Made:
    """The outcome of `codextui demo --team`: its project, exit code and JSON lines."""

    project: Path
    code: int
    lines: list[dict[str, object]]

    @property
    def page(self) -> str:
        return (self.project / "frontend" / "index.html").as_uri()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One run of the demo's team, made by one pytest worker for all of them."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "demo-team"
    report = folder / "outcome.json"
    with (shared / "demo-team.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not report.exists():
            folder.mkdir(exist_ok=True)
            report.write_text(json.dumps(_make(folder / "project")))
    outcome = json.loads(report.read_text())
    return Made(folder / "project", outcome["code"], outcome["lines"])


def _make(project: Path) -> dict[str, object]:
    """Run the demo in separate folders outside the temp folder, and copy its project."""
    paths.cache_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="browser-", dir=paths.cache_dir()) as own:
        runtime = Path(own) / "runtime"
        runtime.mkdir(mode=0o700)
        command = (sys.executable, "-m", "codextui", "demo", "--team", "--headless", "--json")
        homes = {
            f"XDG_{name}_HOME": f"{own}/{name.lower()}" for name in ("CACHE", "CONFIG", "STATE")
        }
        ran = subprocess.run(
            [*command, "--mode", "parallel"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, **homes, "XDG_RUNTIME_DIR": str(runtime)},
        )
        lines = [json.loads(line) for line in ran.stdout.splitlines()]
        where = next((line["project"] for line in lines if "project" in line), None)
        assert where, ran.stdout + ran.stderr
        shutil.copytree(where, project)
    return {"code": ran.returncode, "lines": lines}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, headless; it is never downloaded."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise _unavailable("there is no Chromium, and only .ci/run installs one")
    options = [*OFFLINE_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with a paused clock, which must report no errors."""
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []

    def collect(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            errors.append(message.text)

    page.on("console", collect)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(f"{request.url} failed"))
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def backend(made: Made) -> Iterator[str]:
    """The address of the running server that the team wrote."""
    node = shutil.which("node")
    if node is None:
        raise _unavailable("there is no Node to run the game's server with")
    with subprocess.Popen(
        [node, str(made.project / "backend" / "server.js")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PORT": "0"},
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        try:
            assert found, "the server said nothing of its address"
            yield found[0]
        finally:
            server.kill()


def _unavailable(why: str) -> BaseException:
    failed = pytest.fail.Exception if os.environ.get("CI") else pytest.skip.Exception
    return failed(f"the game cannot be played here: {why}")
