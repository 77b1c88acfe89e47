"""The command line of `codex exec`, read as clap reads it. Pure.

What the shared server cannot honour (`exec_options`), and what is no valid command line, is left to
the genuine Codex (`LeftToCodex`), which runs it or says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codextui.commands.exec_options import COMMANDS, OPTIONS, Effect, Kind, Option, Place


class LeftToCodex(Exception):
    """The genuine Codex is to run this command line.

    Attributes:
        reason: why, for a note to the user; empty where nobody would expect otherwise.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


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
