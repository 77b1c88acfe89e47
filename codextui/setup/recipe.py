"""Recipes: what to put where so that an MCP client uses codextui."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

Entry: TypeAlias = Mapping[str, object]
"""The settings of one server in a client's configuration."""


class ConfigScope(StrEnum):
    """Which of a client's configurations is meant."""

    LOCAL = "local"
    """One person's for one folder; only Claude Code has it."""
    PROJECT = "project"
    USER = "user"


class Format(StrEnum):
    """The format of a configuration file."""

    JSON = "json"
    JSONC = "json with comments"
    TOML = "toml"


@dataclass(frozen=True, slots=True)
class EntryLocation:
    """The location of a server's settings.

    Attributes:
        path: the configuration file.
        format: its format.
        section: the key of the servers in it.
        name: the server's key in the section.
    """

    path: Path
    format: Format
    section: str
    name: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """Instructions for one client.

    Attributes:
        title: where the snippet goes, as the beginning of a sentence.
        snippet: what to put there.
        notes: further advice, first about the client's time-outs.
        location: where `entry` can be written; None if the client has no such file.
        entry: the settings to write.
        commands: the command lines that change what the client keeps to itself; empty if there
            is a location.
        undo: the command lines that restore what was there, where the last of `commands` fails.
        refusal: if there are neither, why nothing can be written and what to do.
    """

    title: str
    snippet: str
    notes: tuple[str, ...]
    location: EntryLocation | None = None
    entry: Entry | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    undo: tuple[tuple[str, ...], ...] = ()
    refusal: str = ""


def json_snippet(location: EntryLocation, entry: Entry) -> str:
    """Return the text of a JSON file that contains nothing but the entry."""
    return json.dumps({location.section: {location.name: entry}}, indent=2, ensure_ascii=False)
