"""Where approvals pop up and who is notified of them: `[approvals] popup`, `[ui] notify`."""

from __future__ import annotations

import string
from collections.abc import Sequence
from enum import StrEnum

from codextui.errors import ConfigInvalid

ALWAYS, NEVER = "always", "never"

PLACEHOLDERS = ("title", "body", "count", "handle", "kind", "server")
"""What may stand in braces in an argument of `[ui] notify_command`."""

MAX_ARGUMENTS = 64
"""Words of a command that notifies."""


class Notice(StrEnum):
    """A way to alert a user who does not look at the screen."""

    TITLE = "title"
    """The titles of the terminal, and of the pane and the window in tmux."""
    DESKTOP = "desktop"
    """OSC 9 or OSC 777, in terminals that are known to show one of them."""
    OSC9 = "osc9"
    """OSC 9, whatever the terminal."""
    OSC777 = "osc777"
    """OSC 777, whatever the terminal."""


def parse_popup(value: object) -> str | tuple[str, ...]:
    """Parse `"always"`, `"never"` or a list of `risk`, `risk:WORDS`, `kind:KIND`, `role:NAME`.

    Raises:
        ConfigInvalid: it is none of these.
    """
    if value in (ALWAYS, NEVER):
        return str(value)
    if not isinstance(value, list) or not value:
        raise ConfigInvalid(
            f'must be "{ALWAYS}", "{NEVER}" or a list such as ["risk", "role:tester"], '
            f"not {_quote(value)}"
        )
    return tuple(map(_parse_condition, value))


def _parse_condition(value: object) -> str:
    what, separator, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if value == "risk" or (what == "role" and name.strip()):
        return str(value)
    known: Sequence[str] = ()
    if separator and what in ("kind", "risk"):
        known = _known(what)
        if name in known:
            return f"{what}:{name}"
    words = ", ".join(known) if known else "risk, risk:WORDS, kind:KIND and role:NAME"
    raise ConfigInvalid(f"has {_quote(value)}; there are {words}")


def _known(what: str) -> Sequence[str]:
    from codextui.protocol.approval_risks import RISKS  # noqa: PLC0415 - not for every program
    from codextui.protocol.approvals import KINDS  # noqa: PLC0415

    return RISKS if what == "risk" else KINDS


def parse_notify_command(value: object) -> tuple[str, ...]:
    """Parse the command that notifies: a list of its program and arguments; may be empty.

    Raises:
        ConfigInvalid: it is no list of texts, or something unknown stands in braces.
    """
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ConfigInvalid(
            'must be a list of a program and its arguments, such as ["notify-send", "{title}", '
            f'"{{body}}"], not {_quote(value)}'
        )
    if len(value) > MAX_ARGUMENTS or any("\0" in word for word in value):
        raise ConfigInvalid(f"must have at most {MAX_ARGUMENTS} words of printable characters")
    if value and (not value[0].strip() or "{" in value[0]):
        raise ConfigInvalid(f"must begin with a program, not {_quote(value[0])}")
    for word in value[1:]:
        _check_placeholders(word)
    return tuple(value)


def _check_placeholders(word: str) -> None:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(word) if name is not None]
    except ValueError as error:
        raise ConfigInvalid(f"has {_quote(word)}: {error}; write {{{{ for a brace") from error
    for name in names:
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            raise ConfigInvalid(f"has {{{name}}} in {_quote(word)}; there are {known}")


def _quote(value: object) -> str:
    return repr(value)[:80]
