"""A small team to begin with, which `codextui teams new` adds to the configuration."""

from __future__ import annotations

from pathlib import Path

from codextui.config.files import replace_file
from codextui.errors import ConfigInvalid
from codextui.teams.config.reader import load_teams, parse_teams
from codextui.teams.config.team import Team, check_name

_TEMPLATE = '''\
# The team {name}: a builder and a reviewer. `codextui teams check {name}` explains it,
# `codextui run {name} 'task'` runs it in the folder of your project, and config.example.toml shows
# every key that it can have.
[teams.{name}]
about = "One builds, the other reviews what was built."
# The role that gets the task. What it says when it does not hand off is the end of the run.
entry = "builder"

# The most that a run may take: calls of the roles' models, and how often a role is sent back.
[teams.{name}.limits]
turns = 60
rounds = 3

[teams.{name}.roles.builder]
about = "builds what the task asks for"
instructions = """
You are the builder. Have the task done by your Codex, and have the result tried out. Then have it
write CHANGES.md: what was changed, in which files, and how one sees that it works. Hand off to the
reviewer. If the review finds faults, have them mended, bring CHANGES.md up to date, and hand off
again. When the review finds none, end with a summary.
"""
# Its Codex may write in the project; what leads out of it asks you first.
sandbox = "workspace-write"
approval_policy = "on-request"
handoffs = ["reviewer"]
# The builder is done, and the reviewer begins, only once this file was written in this run.
produces = [{{ path = "CHANGES.md", check = "new" }}]

[teams.{name}.roles.reviewer]
about = "reviews what was built, and changes none of it"
instructions = """
You are the reviewer. Have your Codex read CHANGES.md and the files that it names, and compare them
with the task. Write REVIEW.md: each fault with its file and what would be right, or that there is
none. Then hand off to the builder.
"""
requires = [{{ path = "CHANGES.md", check = "new" }}]
handoffs = ["builder"]
produces = [{{ path = "REVIEW.md", check = "new" }}]
# Its Codex may only read. REVIEW.md it writes itself; nothing else is granted.
sandbox = "read-only"
writes = ["REVIEW.md"]
# A tool of your own is a function in a file beside this one, tools.py:
# tools = ["tools:find_issue"]
'''


def add_team(path: Path, name: str) -> Team:
    """Add a small team to a configuration file, behind everything that is there.

    The file and its folder are created (0600) if they are missing.

    Args:
        path: the configuration file.
        name: the team's name.

    Raises:
        ConfigInvalid: the name cannot be a team's or is taken, or the file has mistakes or cannot
            be read or written; it has not changed.
    """
    try:
        check_name(name)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{name!r} cannot name a team: it {error}") from error
    if name in load_teams(path):
        raise ConfigInvalid(f"there is a team {name} already, in {path}: choose another name")
    data = _extend(_read(path), _TEMPLATE.format(name=name))
    try:
        team = parse_teams(data.decode("utf-8-sig"), str(path), path.absolute().parent)[name]
    except ConfigInvalid as error:
        raise ConfigInvalid(
            f"[teams.{name}] cannot stand at the end of {path}: write its teams as tables, "
            f"[teams.NAME] ({error})"
        ) from error
    try:
        replace_file(path, data, new_mode=0o600)
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be written: {error.strerror}") from error
    return team


def _read(path: Path) -> bytes:
    if not path.exists():
        return b""
    if not path.stat().st_mode & 0o222:
        raise ConfigInvalid(f"{path} is read-only: chmod u+w lets codextui change it")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error.strerror}") from error


def _extend(data: bytes, text: str) -> bytes:
    """Return the content of a file with a text behind it, in the file's own line endings."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    gap = b"" if not data else end if data.endswith(b"\n") else end * 2
    return data + gap + text.encode().replace(b"\n", end)
