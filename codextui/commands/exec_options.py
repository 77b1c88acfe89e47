"""The options of `codex exec`, and what becomes of each on the shared server.

Written for 0.163.0 and 0.171.0. What a newer Codex adds is left to it, until it has a row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """What follows an option."""

    FLAG = auto()
    VALUE = auto()
    VALUES = auto()  # as many words as follow that are no options


class Place(Enum):
    """Where an option may stand."""

    EXEC = auto()  # before `resume`, and before `exec`
    ANYWHERE = auto()  # after `resume` as well
    RESUME = auto()  # only after `resume`
    LEADING = auto()  # only before `exec`


class Effect(Enum):
    """What becomes of an option."""

    HONOURED = auto()
    IGNORED = auto()
    CODEX = auto()  # the genuine Codex takes over
    CODEX_SILENTLY = auto()


@dataclass(frozen=True, slots=True)
class Option:
    """An option of `codex exec`.

    Attributes:
        names: its names, the one of the fields of `ExecArguments` first.
        kind: what follows it.
        place: where it may stand.
        effect: what becomes of it.
        about: how it is honoured, or why it is not.
        repeats: whether it may be given several times.
        choices: its possible values; empty for any.
    """

    names: tuple[str, ...]
    kind: Kind
    place: Place
    effect: Effect
    about: str
    repeats: bool = False
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name under which its values are gathered."""
        return self.names[0].lstrip("-")


_SANDBOXES = ("read-only", "workspace-write", "danger-full-access")

OPTIONS: Final = (
    Option(
        ("--config", "-c"),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.HONOURED,
        "A setting of the thread. For a thread that is loaded already only model, "
        "model_reasoning_effort, approval_policy and sandbox_mode count.",
        repeats=True,
    ),
    Option(
        ("--enable",),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.HONOURED,
        "The setting features.NAME of the thread.",
        repeats=True,
    ),
    Option(
        ("--disable",),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.HONOURED,
        "The setting features.NAME of the thread.",
        repeats=True,
    ),
    Option(
        ("--image", "-i"),
        Kind.VALUES,
        Place.ANYWHERE,
        Effect.HONOURED,
        "Sent with the prompt; relative paths are resolved here.",
        repeats=True,
    ),
    Option(("--model", "-m"), Kind.VALUE, Place.ANYWHERE, Effect.HONOURED, "The thread's model."),
    Option(
        ("--profile", "-p"),
        Kind.VALUE,
        Place.EXEC,
        Effect.HONOURED,
        "A profile of the CODEX_HOME of the shared server; one that is missing is an error.",
    ),
    Option(
        ("--sandbox", "-s"),
        Kind.VALUE,
        Place.EXEC,
        Effect.HONOURED,
        "The thread's sandbox.",
        choices=_SANDBOXES,
    ),
    Option(
        ("--dangerously-bypass-approvals-and-sandbox", "--yolo"),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.HONOURED,
        "The sandbox danger-full-access and the policy never.",
    ),
    Option(("--cd", "-C"), Kind.VALUE, Place.EXEC, Effect.HONOURED, "The thread's folder."),
    Option(
        ("--add-dir",),
        Kind.VALUE,
        Place.EXEC,
        Effect.HONOURED,
        "Added to the folders that the sandbox lets the thread write to.",
        repeats=True,
    ),
    Option(
        ("--skip-git-repo-check",),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.HONOURED,
        "Without it nothing is started outside of a git repository.",
    ),
    Option(
        ("--output-schema",),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.HONOURED,
        "The schema of the turn's last message.",
    ),
    Option(
        ("--output-last-message", "-o"),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.HONOURED,
        "Written at the end of a turn that completed.",
    ),
    Option(("--json", "--experimental-json"), Kind.FLAG, Place.ANYWHERE, Effect.HONOURED, "JSONL."),
    Option(
        ("--color",),
        Kind.VALUE,
        Place.EXEC,
        Effect.HONOURED,
        "Colours of the notes on standard error.",
        choices=("always", "never", "auto"),
    ),
    Option(("--last",), Kind.FLAG, Place.RESUME, Effect.HONOURED, "The newest thread."),
    Option(("--all",), Kind.FLAG, Place.RESUME, Effect.HONOURED, "Threads of every folder."),
    Option(
        ("--ask-for-approval", "-a"),
        Kind.VALUE,
        Place.LEADING,
        Effect.HONOURED,
        "The thread's approval policy, which `codex exec` itself takes and does not go by.",
        choices=("untrusted", "on-failure", "on-request", "never"),
    ),
    Option(
        ("--search",),
        Kind.FLAG,
        Place.LEADING,
        Effect.IGNORED,
        "`codex exec` ignores it as well.",
    ),
    Option(
        ("--thread-source",),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.IGNORED,
        "A label for OpenAI's statistics; it changes nothing in the thread.",
    ),
    Option(
        ("--ephemeral",),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.CODEX,
        "the shared server's journal would keep what is not to be kept",
    ),
    Option(
        ("--ignore-user-config",),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.CODEX,
        "the shared server's Codex reads the user's configuration",
    ),
    Option(
        ("--ignore-rules",),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.CODEX,
        "the shared server's Codex reads the user's rules",
    ),
    Option(
        ("--strict-config",),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.CODEX,
        "it is for the start of a Codex process",
    ),
    Option(("--oss",), Kind.FLAG, Place.EXEC, Effect.CODEX, "it has a model server started"),
    Option(
        ("--local-provider",),
        Kind.VALUE,
        Place.EXEC,
        Effect.CODEX,
        "it has a model server started",
    ),
    Option(
        ("--approve-for-me",),
        Kind.FLAG,
        Place.EXEC,
        Effect.CODEX,
        "a model is to decide instead of the console",
    ),
    Option(
        ("--dangerously-bypass-hook-trust",),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.CODEX,
        "it is for one Codex process alone",
    ),
    Option(
        ("--worktree",), Kind.FLAG, Place.ANYWHERE, Effect.CODEX, "`codex exec` makes the worktree"
    ),
    Option(
        ("--trust",), Kind.FLAG, Place.ANYWHERE, Effect.CODEX, "`codex exec` writes it down itself"
    ),
    Option(
        ("--cyber-access-program",),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.CODEX,
        "it is not an option of a thread",
    ),
    Option(
        ("--remote",),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.CODEX_SILENTLY,
        "it names another app-server",
    ),
    Option(
        ("--remote-auth-token-env",),
        Kind.VALUE,
        Place.ANYWHERE,
        Effect.CODEX_SILENTLY,
        "it belongs to --remote",
    ),
    Option(("--help", "-h"), Kind.FLAG, Place.ANYWHERE, Effect.CODEX_SILENTLY, "Codex's own help."),
    Option(
        ("--version", "-V"),
        Kind.FLAG,
        Place.ANYWHERE,
        Effect.CODEX_SILENTLY,
        "Codex's own version.",
    ),
)
"""Every option of `codex exec`, and what becomes of it."""

COMMANDS: Final = {
    "fork": "`codex exec fork` is not run on the shared server: `codextui fork` is",
    "review": "`codex exec review` is not run on the shared server",
    "help": "",
}
"""The commands of `codex exec` that are left to Codex, with the reason; empty for none."""
