"""What the composer suggests: files after `@`, and commands after `/`. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

import msgspec

from codextui.console.model.image_marks import IMAGE_SUFFIXES

MAX_SUGGESTIONS = 6
"""Suggestions that are shown at once."""

_AT = re.compile(r"(?<!\S)@([^\s@\"]*)\Z")
_COMMAND = re.compile(r"/([a-z-]*)")
_COMMAND_LINE = re.compile(r"/([a-z][a-z-]*)(?:\s+(.*))?", re.DOTALL)


class Command(msgspec.Struct, frozen=True):
    """A command that is typed into the composer.

    Attributes:
        name: what follows the `/`.
        action: the action of the main screen that it runs; empty for one with an argument of its
            own.
        description: what it does.
        argument: what may follow the name; empty for nothing.
        may_be_alone: whether it may be left out.
    """

    name: str
    action: str
    description: str
    argument: str = ""
    may_be_alone: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("queue", "", "send it after the running turn", "text"),
    Command("fork", "", "fork the thread, and write to the fork", "text", may_be_alone=True),
    Command("rename", "", "give the thread another handle", "handle"),
    Command("model", "", "use another model", "model"),
    Command("edit", "edit", "edit an earlier prompt, and go on from there in a fork"),
    Command("retry", "retry_turn", "send the prompt of a turn that failed again"),
    Command("continue", "continue_turn", "go on with a turn that was cut off"),
    Command("fork-through", "fork_through", "fork the thread through a turn"),
    Command("diff", "diff", "show what changed"),
    Command("review", "review", "review changes"),
    Command("settings", "settings", "change model, effort, approvals, budget"),
    Command("usage", "usage", "limits of the login, cost of the thread"),
    Command("queued", "queue", "show the queued messages"),
    Command("mark", "mark", "mark it, for a message to all marked"),
    Command("broadcast", "broadcast", "write one message to all marked"),
    Command("interrupt", "interrupt", "interrupt the turn"),
    Command("kill", "kill", "kill the thread"),
    Command("open", "open_in_codex", "open it in Codex's own TUI"),
    Command("editor", "open_editor", "open the folder in your editor"),
    Command("shell", "open_shell", "open a shell in the folder"),
    Command("new", "new_thread", "start another thread"),
    Command("history", "history", "find any thread"),
    Command("approvals", "approvals", "decide what needs you"),
    Command("help", "help", "list all keys"),
)
"""The commands, the most useful first."""

_BY_NAME = {command.name: command for command in COMMANDS}


class Suggestion(msgspec.Struct, frozen=True):
    """Something that the composer can insert.

    Attributes:
        label: what is shown.
        text: what replaces the text that was typed for it.
        note: more about it; may be empty.
    """

    label: str
    text: str
    note: str = ""


class Typed(msgspec.Struct, frozen=True):
    """The text before the cursor for which there are suggestions.

    Attributes:
        kind: the character that begins it: `@` or `/`.
        query: what follows that character.
    """

    kind: str
    query: str

    @property
    def length(self) -> int:
        """The characters of it, which a suggestion replaces."""
        return len(self.kind) + len(self.query)


def typed_before(line: str, *, is_first: bool) -> Typed | None:
    """Return what suggestions are for, from the part of a line before the cursor.

    Args:
        line: the part before the cursor.
        is_first: whether it is the first line, where a command may stand.
    """
    if is_first and (command := _COMMAND.fullmatch(line)):
        return Typed("/", command[1])
    if (path := _AT.search(line)) and not path[1].startswith("image:"):
        return Typed("@", path[1])
    return None


def suggest_commands(query: str) -> tuple[Suggestion, ...]:
    """Return the commands that a query begins, or else those in which it is found."""
    found = [one for one in COMMANDS if one.name.startswith(query)]
    found += [one for one in COMMANDS if query in one.name and one not in found]
    return tuple(
        Suggestion(_usage(one), f"/{one.name}{' ' if one.argument else ''}", one.description)
        for one in found[:MAX_SUGGESTIONS]
    )


def suggest_files(query: str, paths: Iterable[str], folder: str = "") -> tuple[Suggestion, ...]:
    """Return the paths in which a query is found, character by character, the closest first.

    Args:
        query: what was typed.
        paths: the paths, relative to the folder.
        folder: the folder, which the mark of an image names.
    """
    pattern = re.compile(".*?".join(map(re.escape, query)), re.IGNORECASE | re.DOTALL)
    ranked = sorted((_rank(query.lower(), path), path) for path in paths if pattern.search(path))
    found = ranked[:MAX_SUGGESTIONS]
    return tuple(Suggestion(path, file_mark(path, folder)) for _, path in found)


def file_mark(path: str, folder: str = "") -> str:
    """Return what a prompt says of a file: its path, in quotes where it has spaces.

    An image is attached, by its whole path: the server knows no other folder.
    """
    is_image = PurePath(path).suffix.lower() in IMAGE_SUFFIXES and '"' not in f"{folder}{path}"
    named = str(PurePath(folder, path)) if is_image else path
    quoted = f'"{named}"' if " " in named else named
    return f"@image:{quoted} " if is_image else f"{quoted} "


def parse_command(text: str) -> tuple[Command, str] | None:
    """Return the command and the argument that a text is; None for any other text.

    A text whose first word has another `/` is a path, and a text. So is one that begins with a
    space.
    """
    if (match := _COMMAND_LINE.fullmatch(text.rstrip())) is None:
        return None
    command = _BY_NAME.get(match[1])
    argument = (match[2] or "").strip()
    if command is None or (argument and not command.argument):
        return None
    return command, argument


def command_problem(text: str) -> str:
    """Return why a text that looks like a command is none; empty where it looks like a text."""
    if (match := _COMMAND_LINE.fullmatch(text.rstrip())) is None:
        return ""
    name = match[1]
    if (parsed := parse_command(text)) is not None:
        command, argument = parsed
        is_short = command.argument and not argument and not command.may_be_alone
        return f"/{name} needs its {command.argument} after it." if is_short else ""
    if name in _BY_NAME:
        return f"/{name} takes nothing after it. A space before it sends it as text."
    close = difflib.get_close_matches(name, _BY_NAME, n=1)
    hint = f"did you mean /{close[0]}? " if close else ""
    return f"There is no command /{name}: {hint}A space before it sends it as text."


def as_text(text: str) -> str:
    """Return a text as it must stand in the composer so that it is sent, also one with a `/`."""
    is_command = parse_command(text) is not None or command_problem(text)
    return f" {text}" if is_command else text


def queued_command_problem(text: str) -> str:
    """Return why a text is not queued: commands are never; empty where it looks like a text."""
    if parse_command(text) is None:
        return command_problem(text)
    name = text.split(maxsplit=1)[0]
    return f"{name} is a command, which cannot wait. A space before it queues it as text."


def recall(past: Sequence[str], shown: str, step: int) -> str | None:
    """Return the earlier (-1) or later (1) prompt than the shown one; None where there is none.

    Args:
        past: the earlier prompts, oldest first.
        shown: the text of the composer: one of them, or empty for the end.
        step: the direction.
    """
    at = len(past) if not shown else _last_index(past, shown)
    if at is None:
        return None
    wanted = at + step
    if wanted == len(past):
        return ""
    return past[wanted] if 0 <= wanted < len(past) else None


def _last_index(past: Sequence[str], text: str) -> int | None:
    return next((at for at in reversed(range(len(past))) if past[at] == text), None)


def _usage(command: Command) -> str:
    return f"/{command.name} {command.argument.upper()}".rstrip()


def _rank(query: str, path: str) -> tuple[int, int]:
    """Rank a path: its name begins with the query, has it, the path has it, or its letters."""
    lower = path.lower()
    name = lower.rsplit("/", 1)[-1]
    tests = (name.startswith(query), query in name, query in lower)
    return next((rank for rank, holds in enumerate(tests) if holds), len(tests)), len(path)
