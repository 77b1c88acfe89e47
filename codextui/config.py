"""`config.toml`: what it can say, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CodexConfig:
    """`[codex]`: the binary to run (None: the newest found) and its CODEX_HOME (None: Codex's)."""

    binary: Path | None = None
    home: Path | None = None


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`[server]`: seconds without clients and running turns after which it ends; 0 is never."""

    idle_timeout: float = 1800.0


@dataclass(frozen=True, slots=True)
class ApprovalsConfig:
    """`[approvals]`: seconds without a keystroke before decision keys work."""

    quiet: float = 0.6


@dataclass(frozen=True, slots=True)
class UiConfig:
    """`[ui]`: theme, the most panes at once (1 to 9), the bell, keys by binding id."""

    theme: str = "harbour"
    layout: int = 4
    bell: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """All of `config.toml`."""

    codex: CodexConfig = CodexConfig()
    server: ServerConfig = ServerConfig()
    approvals: ApprovalsConfig = ApprovalsConfig()
    ui: UiConfig = UiConfig()


def load(path: Path | None) -> Config:
    """Read the file; defaults where there is none. Raises ConfigInvalid."""
    raise NotImplementedError


def save_setting(path: Path, key: str, value: str | float | bool) -> None:
    """Write one setting (`ui.theme`), keeping the rest with its comments. Raises ConfigInvalid."""
    raise NotImplementedError
