"""The escape sequences that tell of something outside of the screen: titles and notifications.

Texts are sanitized once more here: nothing in them can end a sequence, or begin another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from codextui.config.notices import Notice
from codextui.text.sanitize import one_line

SAVE_TITLE, RESTORE_TITLE = "\x1b[22;0t", "\x1b[23;0t"
"""Puts the terminal's titles on its stack, and takes them off again (xterm, tmux)."""

_END = "\x1b\\"
_NAME_LENGTH = 30
_OSC9_TERMINALS = frozenset(["iTerm.app", "WezTerm", "ghostty", "kitty"])
_OSC777_TERMS = ("foot", "rxvt")


def title_sequence(text: str, env: Mapping[str, str]) -> str:
    """Return what sets the terminal's title; in tmux that is the pane's, and the window's name.

    tmux takes a name for the window only with `set -g allow-rename on`.
    """
    safe = _safe(text)
    window = f"\x1bk{_safe(text, _NAME_LENGTH)}{_END}" if env.get("TMUX") else ""
    return f"\x1b]0;{safe}\x07{window}"


def restore_sequence(env: Mapping[str, str]) -> str:
    """Return what takes the title back; in tmux also the window's name, which it then chooses."""
    return RESTORE_TITLE + (f"\x1bk{_END}" if env.get("TMUX") else "")


def notice_sequences(
    notify: Iterable[Notice], title: str, body: str, env: Mapping[str, str]
) -> str:
    """Return what shows a notification on the desktop, as far as the terminal can.

    In tmux it is passed through to the terminal outside, which takes `allow-passthrough on`.

    Args:
        notify: the ways that are wanted.
        title: what it is about.
        body: the text.
        env: the environment, which says which terminal this is.
    """
    ways = set(notify)
    if Notice.DESKTOP in ways:
        ways.add(known_notice(env) or Notice.DESKTOP)
    text, about = _safe(body), _safe(title).replace(";", ",")
    sequences = [f"\x1b]9;codextui: {text}\x07"] if Notice.OSC9 in ways else []
    sequences += [f"\x1b]777;notify;{about};{text}\x07"] if Notice.OSC777 in ways else []
    return "".join(_through_tmux(one) if env.get("TMUX") else one for one in sequences)


def known_notice(env: Mapping[str, str]) -> Notice | None:
    """Return how this terminal shows notifications; None for one that is not known to."""
    if env.get("TERM_PROGRAM") in _OSC9_TERMINALS or env.get("LC_TERMINAL") == "iTerm2":
        return Notice.OSC9
    term = env.get("TERM", "")
    if "kitty" in term or "ghostty" in term or env.get("KITTY_WINDOW_ID"):
        return Notice.OSC9
    return Notice.OSC777 if term.startswith(_OSC777_TERMS) else None


def _through_tmux(sequence: str) -> str:
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}{_END}"


def _safe(text: str, limit: int = 300) -> str:
    """Return printable text in one line; one_line shows control characters as others."""
    return "".join(c for c in one_line(text, limit) if c.isprintable())
