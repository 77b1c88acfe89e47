"""What the checks share: the options, and facts that are looked up once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from codextui.codex.binary import CodexSearch, search_codex
from codextui.codex.daemon import Daemon
from codextui.config.schema import Config, load_config
from codextui.config.tables import Mistake
from codextui.doctor.findings import Finding, Severity
from codextui.doctor.programs import Ran, run_program
from codextui.errors import ConfigInvalid

VERSION_TIMEOUT_S = 5.0
"""Seconds that a Codex may take to print its version."""

_SANDBOX_VARIABLES = ("CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED")
"""What Codex sets for the commands that it runs in its sandbox."""

LOGIN_TIMEOUT_S = 5.0
"""Seconds that `codex login status` may take."""

_T = TypeVar("_T")


class Fact(Generic[_T]):
    """A value that is looked up when it is first asked for, once for all threads.

    Args:
        look: looks it up; what it raises, everybody who asks gets.
    """

    def __init__(self, look: Callable[[], _T]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._value: _T
        self._error: Exception | None = None
        self._is_known = False

    def get(self) -> _T:
        """Return the value."""
        with self._lock:
            if not self._is_known:
                try:
                    self._value = self._look()
                except Exception as error:  # noqa: BLE001 - raised below, for everybody
                    self._error = error
                self._is_known = True
        if self._error is not None:
            raise self._error
        return self._value


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The configuration of codextui.

    Attributes:
        config: the settings; the defaults where the file has mistakes.
        error: the mistakes, a line each; empty for none.
    """

    config: Config
    error: str = ""


@dataclass(frozen=True, slots=True)
class ExaminedConfig:
    """What is wrong with the configuration of codextui.

    Attributes:
        mistakes: the mistakes of the whole file.
        advice: advice about what is valid: sentences that begin with the key.
        theme_problems: the user's themes that cannot be used: lines of `FILE: PROBLEM`.
    """

    mistakes: tuple[Mistake, ...] = ()
    advice: tuple[str, ...] = ()
    theme_problems: tuple[str, ...] = ()


class Machine:
    """This machine, as the checks look at it.

    Args:
        server: the name of the shared server (`-L`).
        config_file: the configuration file, which may not exist.
        config: its settings, where they are known; None reads it.
        examine_config: examines the configuration file. Keys and themes are the console's, of
            which this room knows nothing.

    Attributes:
        server: see above.
        config_file: see above.
        examine_config: see above.
        loaded: the configuration.
        search: the Codex that is found.
        login: what `codex login status` says, which reads Codex's whole configuration, too; None
            where there is no Codex, or no CODEX_HOME, which Codex would make.
    """

    def __init__(
        self,
        server: str,
        config_file: Path,
        config: Config | None = None,
        *,
        examine_config: Callable[[Path], ExaminedConfig] = lambda _: ExaminedConfig(),
    ) -> None:
        self.server = server
        self.examine_config = examine_config
        self.config_file = config_file
        known = None if config is None else LoadedConfig(config)
        self.loaded = Fact(lambda: known or self._load_config())
        self.search = Fact(self._search_codex)
        self.login = Fact(self._ask_login)

    @property
    def config(self) -> Config:
        """The settings of codextui; the defaults where they cannot be read."""
        return self.loaded.get().config

    @property
    def daemon(self) -> Daemon:
        """Codex's daemon, which may not run."""
        return Daemon(self.config.codex.home)

    @property
    def codex_home(self) -> Path:
        """The CODEX_HOME in use, which may not exist."""
        return self.daemon.codex_home

    @property
    def codex_environment(self) -> dict[str, str]:
        """The environment of a Codex that a check starts."""
        home = self.config.codex.home
        return dict(os.environ) if home is None else {**os.environ, "CODEX_HOME": str(home)}

    def _load_config(self) -> LoadedConfig:
        try:
            return LoadedConfig(load_config(self.config_file))
        except ConfigInvalid as error:
            return LoadedConfig(Config(), str(error))

    def _search_codex(self) -> CodexSearch:
        binary = self.config.codex.binary
        return search_codex(binary, version_timeout_s=VERSION_TIMEOUT_S)

    def _ask_login(self) -> Ran | None:
        binary = self.search.get().binary
        if binary is None or not self.codex_home.is_dir():
            return None
        command = (str(binary.path), "login", "status")
        return run_program(command, timeout_s=LOGIN_TIMEOUT_S, env=self.codex_environment)


def is_sandboxed() -> bool:
    """Return whether this process runs in Codex's sandbox itself, as what an agent runs does."""
    return any(os.environ.get(name) for name in _SANDBOX_VARIABLES)


def settle_process() -> Iterator[Finding]:
    """Give this process a current folder and a home, without which few checks can look.

    Yields what was missing, and what else makes findings of this process differ from others'.
    """
    if is_sandboxed():
        yield Finding(
            Severity.ADVICE,
            "process.sandbox",
            "this runs in Codex's sandbox itself, which keeps it from the network and from most "
            "folders: the provider and the sandbox were not tried",
            advice="Run it in a shell of your own, outside of an agent.",
        )
    try:
        Path.cwd()
    except OSError as error:
        os.chdir("/")
        yield Finding(
            Severity.PROBLEM,
            "folders.current",
            f"the current folder cannot be used ({error.strerror}): most commands need one",
            command="cd",
        )
    home = os.environ.get("HOME")
    if home is not None and not Path(home).is_absolute():
        os.environ["HOME"] = "/"
        yield _no_home(f"HOME is {home!r}, which is not absolute")
        return
    try:
        known = Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"
        yield _no_home("HOME is not set, and the system knows of no home of this user")
        return
    if not known.is_dir():
        yield _no_home(f"the home folder {known} does not exist")


def _no_home(found: str) -> Finding:
    return Finding(
        Severity.PROBLEM,
        "folders.home",
        found,
        advice="Set HOME to a folder of yours: the configuration, the journal and Codex's own "
        "files are in it.",
    )
