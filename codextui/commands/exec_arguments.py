"""The command line of `codex exec`, read as clap reads it. Pure.

`OPTIONS` says of every option what becomes of it here. What the shared server cannot honour, and
what is no valid command line, is left to the genuine Codex (`LeftToCodex`), which runs it or says
what is wrong with it. Written for 0.163.0 and 0.171.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class LeftToCodex(Exception):
    """The genuine Codex is to run this command line.

    Attributes:
        reason: why, for a note to the user; empty where nobody would expect otherwise.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


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


@dataclass(frozen=True, slots=True)
class ExecArguments:
    """What a command line of `codex exec` asks for, as it was written.

    Attributes:
        prompt: the prompt; `-` is standard input, None is missing.
        settings: the keys and values of `-c`, in order.
        images: the paths of images.
        model: the model's name.
        profile: a profile of Codex's configuration.
        sandbox: the sandbox's name.
        policy: the approval policy's name.
        bypasses: whether neither a sandbox nor approvals are wanted.
        cwd: the working folder.
        add_dirs: folders that the sandbox lets it write to as well.
        outside_git: whether it may run outside of a git repository.
        schema_file: the file of the output schema.
        message_file: the file for the last message.
        as_json: whether events are printed instead of text.
        color: `always`, `never` or `auto`.
        resumes: whether a thread is resumed.
        thread: the thread to resume, by id or name; None for none.
        last: whether the newest thread is resumed.
        everywhere: whether threads of other folders count.
    """

    prompt: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    images: tuple[str, ...] = ()
    model: str | None = None
    profile: str | None = None
    sandbox: str | None = None
    policy: str | None = None
    bypasses: bool = False
    cwd: str | None = None
    add_dirs: tuple[str, ...] = ()
    outside_git: bool = False
    schema_file: str | None = None
    message_file: str | None = None
    as_json: bool = False
    color: str = "auto"
    resumes: bool = False
    thread: str | None = None
    last: bool = False
    everywhere: bool = False


def parse_exec(words: Sequence[str]) -> ExecArguments:
    """Read the arguments of `codex`, such as `["exec", "--json", "-"]`.

    Raises:
        LeftToCodex: it is no `codex exec`, or one that the genuine Codex is to run.
    """
    parser = _Parser(words)
    return parser.parse()


_Values = dict[str, list[str]]


class _Parser:
    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)
        self._left: Option | None = None

    def parse(self) -> ExecArguments:
        leading = self._leading()
        values, command = self._scope(_EXEC, ("resume", *COMMANDS))
        if command in COMMANDS:
            raise LeftToCodex(COMMANDS[command])
        resumed: _Values = {}
        if command == "resume":
            resumed, _ = self._scope(_RESUME, ())
        if self._left is not None:
            self._leave(self._left)
        for scope, limit in ((leading, 0), (values, 1), (resumed, 2)):
            if len(scope.get(_POSITIONAL, ())) > limit:
                raise LeftToCodex("there are more arguments than `codex exec` takes")
        return _build(leading, values, resumed if command == "resume" else None)

    def _leading(self) -> _Values:
        """Read what stands before `exec`; where another word does, this is no turn."""
        values: _Values = {}
        while self._words and self._words[0] not in _EXEC_COMMANDS:
            word = self._words.pop(0)
            if not word.startswith("-") or word in ("-", "--"):
                raise LeftToCodex
            self._option(word, _LEADING, values)
        if not self._words:
            raise LeftToCodex
        del self._words[0]
        return values

    def _leave(self, option: Option) -> None:
        if option.effect is Effect.CODEX_SILENTLY:
            raise LeftToCodex
        raise LeftToCodex(f"{option.names[0]}: {option.about}")

    def _scope(
        self, options: dict[str, Option], commands: tuple[str, ...]
    ) -> tuple[_Values, str | None]:
        """Read words until a command or the end; return the values and the command."""
        values: _Values = {}
        while self._words:
            word = self._words.pop(0)
            if word == "--":
                values.setdefault(_POSITIONAL, []).extend(self._words)
                self._words.clear()
            elif word.startswith("-") and word != "-":
                self._option(word, options, values)
            elif word in commands:
                return values, word
            else:
                values.setdefault(_POSITIONAL, []).append(word)
        return values, None

    def _option(self, word: str, options: dict[str, Option], values: _Values) -> None:
        name, attached = _split(word)
        option = options.get(name)
        if option is None and options is _LEADING:
            raise LeftToCodex  # of the TUI, or of another command
        if option is None:
            raise LeftToCodex(f"{name} is not known here")
        if option.key in values and not option.repeats:
            raise LeftToCodex(f"{name} is given twice")
        given = list(self._values(option, attached))
        if option.choices and any(value not in option.choices for value in given):
            raise LeftToCodex(f"{name} cannot be {given[0]}")
        values.setdefault(option.key, []).extend(given)
        if option.effect in (Effect.CODEX, Effect.CODEX_SILENTLY):
            if option.names[0] in ("--help", "--version"):
                raise LeftToCodex
            self._left = self._left or option

    def _values(self, option: Option, attached: str | None) -> Iterator[str]:
        if option.kind is Kind.FLAG:
            if attached is not None:
                raise LeftToCodex(f"{option.names[0]} takes no value")
            yield ""
            return
        if attached is not None:
            yield attached
            return
        if not self._words or not _is_value(self._words[0]):
            raise LeftToCodex(f"{option.names[0]} has no value")
        yield self._words.pop(0)
        while option.kind is Kind.VALUES and self._words and _is_value(self._words[0]):
            yield self._words.pop(0)


def _split(word: str) -> tuple[str, str | None]:
    """Return the name of an option, and the value that is attached to it."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    value = word[2:].removeprefix("=")
    return word[:2], value if len(word) > 2 else None


def _is_value(word: str) -> bool:
    return word == "-" or not word.startswith("-")


_POSITIONAL = ""
_EXEC_COMMANDS = ("exec", "e")


def _by_name(*places: Place) -> dict[str, Option]:
    return {name: option for option in OPTIONS if option.place in places for name in option.names}


_LEADING = _by_name(Place.EXEC, Place.ANYWHERE, Place.LEADING)
_EXEC = _by_name(Place.EXEC, Place.ANYWHERE)
_RESUME = _by_name(Place.ANYWHERE, Place.RESUME)
# Only one word follows it there.
_RESUME |= dict.fromkeys(
    ("--image", "-i"),
    Option(("--image", "-i"), Kind.VALUE, Place.RESUME, Effect.HONOURED, "", repeats=True),
)


def _build(leading: _Values, root: _Values, resumed: _Values | None) -> ExecArguments:
    scopes = [leading, root, resumed or {}]

    def every(key: str) -> list[str]:
        return [value for scope in scopes for value in scope.get(key, ())]

    def last(key: str) -> str | None:
        return next(iter(every(key)[::-1]), None)

    def has(key: str) -> bool:
        return any(key in scope for scope in scopes)

    thread, prompt = _positional(root, resumed)
    return ExecArguments(
        prompt=prompt,
        settings=tuple(_settings(scopes)),
        images=tuple(path for value in every("image") for path in value.split(",")),
        model=last("model"),
        profile=last("profile"),
        sandbox=last("sandbox"),
        policy=last("ask-for-approval"),
        bypasses=has("dangerously-bypass-approvals-and-sandbox"),
        cwd=last("cd"),
        add_dirs=tuple(every("add-dir")),
        outside_git=has("skip-git-repo-check"),
        schema_file=last("output-schema"),
        message_file=last("output-last-message"),
        as_json=has("json"),
        color=last("color") or "auto",
        resumes=resumed is not None,
        thread=thread,
        last=has("last"),
        everywhere=has("all"),
    )


def _positional(root: _Values, resumed: _Values | None) -> tuple[str | None, str | None]:
    """Return the thread and the prompt. With `--last` a single word is the prompt."""
    prompt = next(iter(root.get(_POSITIONAL, ())), None)
    if resumed is None:
        return None, prompt
    match resumed.get(_POSITIONAL, []):
        case [word] if "last" in resumed:
            return None, word
        case [thread]:
            return thread, prompt
        case [thread, own_prompt]:
            return (None if "last" in resumed else thread), own_prompt
        case _:
            return None, prompt


def _settings(scopes: Sequence[_Values]) -> Iterator[tuple[str, str]]:
    for scope in scopes:
        for text in scope.get("config", ()):
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise LeftToCodex(f"-c {text} is not KEY=VALUE")
            yield key.strip(), value
        for flag, value in (("enable", "true"), ("disable", "false")):
            for feature in scope.get(flag, ()):
                yield f"features.{feature}", value
