"""What the entry of a server in a client's configuration starts, and its options for codextui."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.launch import LOCATION_VARIABLES
from codextui.setup.recipe import Entry
from codextui.text.secrets import MASK, mask_text


class Starts(Enum):
    """What an entry starts."""

    CODEXTUI = "codextui"
    CODEX = "codex mcp-server"
    WRAPPED_CODEX = "codex mcp-server in a command of its own"
    """`codex mcp-server` in a command that we cannot take apart, such as a script or a proxy."""
    OTHER = "another program"


@dataclass(frozen=True, slots=True)
class DroppedOption:
    """An option of `codex mcp-server` that `codextui mcp-server` does not take.

    Attributes:
        text: the option as it was written.
        reason: why it is left out, and what does the same; a clause.
    """

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a program that was found in a command line.

    Attributes:
        program: "codex" or "codextui".
        options: each option with its value, if it has one, in order; without the subcommand.
        env: the variables that the command line sets for it.
    """

    program: str
    options: tuple[tuple[str, ...], ...]
    env: Mapping[str, str] = field(default_factory=dict)


def what_starts(entry: object) -> Starts:
    """Return what an entry starts. Anything that is no entry starts another program."""
    if not isinstance(entry, Mapping):
        return Starts.OTHER
    if "url" in entry:
        return Starts.CODEXTUI if _has_our_token(entry) else Starts.OTHER
    call = _find_call(entry)
    if call is not None:
        return Starts.CODEXTUI if call.program == "codextui" else Starts.CODEX
    return Starts.WRAPPED_CODEX if _has_codex_within(entry) else Starts.OTHER


def describe_start(entry: Entry) -> str:
    """Return the command line of an entry, or its URL, on one line and without secrets."""
    return mask_text(str(entry["url"]) if "url" in entry else shlex.join(_words(entry)))


def conceal_values(entry: Entry, own: Entry) -> dict[str, object]:
    """Return an entry for the screen: masks the values of variables that are not our own.

    So are secrets of known forms in its arguments.
    """
    shown = dict(entry)
    arguments = entry.get("args")
    if isinstance(arguments, list):
        shown["args"] = [mask_text(word) if isinstance(word, str) else word for word in arguments]
    for key in ("env", "headers", "http_headers"):
        values, known = entry.get(key), own.get(key)
        open_values = known if isinstance(known, Mapping) else {}
        if isinstance(values, Mapping):
            shown[key] = {
                name: value if _is_open(name, value, open_values) else MASK
                for name, value in values.items()
            }
    return shown


def _is_open(name: str, value: object, open_values: Mapping[str, object]) -> bool:
    is_harmless = name in LOCATION_VARIABLES or _REFERENCE.fullmatch(str(value)) is not None
    return is_harmless or open_values.get(name) == value


def merge_entry(before: Entry, entry: Entry) -> dict[str, object]:
    """Return a server's settings after an update; other settings of the user stay.

    That includes variables, and the options that `codextui mcp-server` takes, too. Settings of the
    other transport (stdio or HTTP) are removed. Merging the same entry again changes nothing.
    """
    call = _find_call(before)
    removed = _STDIO_KEYS if "url" in entry else _HTTP_KEYS
    kept = {key: value for key, value in before.items() if key not in removed}
    merged = {**kept, **entry}
    arguments = entry.get("args")
    if isinstance(arguments, list) and call is not None:
        merged["args"] = [*arguments, *_carried_words(call, [str(word) for word in arguments])]
    if "url" not in entry:
        envs = [entry.get("env"), kept.get("env"), call.env if call else None]
        env = {
            name: value for one in envs if isinstance(one, Mapping) for name, value in one.items()
        }
        merged |= {"env": env} if env else {}
    return merged


def dropped_options(before: object) -> tuple[DroppedOption, ...]:
    """Return the options of an old entry that `merge_entry` leaves out."""
    call = _find_call(before) if isinstance(before, Mapping) else None
    if call is None or call.program != "codex":
        return ()
    return tuple(
        DroppedOption(mask_text(shlex.join(option)), _DROPPED.get(option[0], _UNKNOWN))
        for option in call.options
        if option[0] not in _CARRIED
    )


def server_option(entry: Entry) -> str | None:
    """Return the name of the shared server (`-L`) in an entry of codextui; None without one."""
    call = _find_call(entry)
    names = [option[1] for option in (call.options if call else ()) if option[0] == "-L"]
    return names[-1] if names else None


def _carried_words(call: _Call, given: list[str]) -> list[str]:
    """Return the options of an earlier entry that are not among those of the new one."""
    carried: list[str] = []
    for option in call.options:
        if call.program == "codex":
            if option[0] not in _CARRIED:
                continue
            option = (_CARRIED[option[0]], *option[1:])  # noqa: PLW2901 - the same option
        elif option[0] in _ONCE and option[0] in given:
            continue
        if not _is_part(option, given):
            carried += option
    return carried


def _is_part(option: tuple[str, ...], words: list[str]) -> bool:
    size = len(option)
    return any(tuple(words[at : at + size]) == option for at in range(len(words) - size + 1))


def _has_our_token(entry: Entry) -> bool:
    headers = entry.get("headers")
    values = list(headers.values()) if isinstance(headers, Mapping) else []
    return any(TOKEN_VARIABLE in str(text) for text in (*values, entry.get("bearer_token_env_var")))


def _words(entry: Entry) -> list[str]:
    command, arguments = entry.get("command"), entry.get("args")
    if not isinstance(command, str):
        return []
    # A client with a shell in between takes a whole command line; a path can have spaces, too.
    is_path = _is_codex(command) or _PATH.fullmatch(command)
    program = [command] if is_path else _split_line(command) or [command]
    return [*program, *(map(str, arguments) if isinstance(arguments, list) else ())]


def _find_call(entry: Entry) -> _Call | None:
    """Return the call of codextui or Codex; None where another program or a script is started."""
    words = _words(entry)
    env: dict[str, str] = {}
    for _ in range(_MAX_WRAPPERS):
        if not words:
            return None
        if _stem(words[0]) == "codextui":
            return _read_call("codextui", words[1:], env)
        if _is_codex(words[0]):
            return _read_call("codex", words[1:], env)
        unwrapped = _unwrap(words, env)
        if unwrapped is None:
            return None
        words = unwrapped
    return None


def _has_codex_within(entry: Entry) -> bool:
    words = [word for part in _words(entry) for word in _split_line(part)]
    for at, word in enumerate(words):
        if _is_codex(word) and "mcp-server" in words[at:]:
            end = words.index("mcp-server", at) + 1
            return _read_call("codex", words[at + 1 : end], {}) is not None
    return False


def _read_call(program: str, words: list[str], env: Mapping[str, str]) -> _Call | None:
    """Read the arguments of a program; None if it is no MCP server then."""
    options: list[tuple[str, ...]] = []
    subcommand: list[str] = []
    while words:
        word, words = words[0], words[1:]
        if not word.startswith("-") or word == "-":
            subcommand.append(word)
            continue
        flag, value = _split_option(word)
        if value is not None:
            options.append((flag, value))
        elif words and _takes_value(flag, words[0]):
            options.append((flag, words[0]))
            words = words[1:]
        else:
            options.append((flag,))
    is_server = subcommand == ["mcp-server"] or (
        program == "codex" and subcommand in (["mcp"], ["mcp", "serve"])
    )
    return _Call(program, tuple(options), env) if is_server else None


def _split_option(word: str) -> tuple[str, str | None]:
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        return flag, value if equals else None
    flag, rest = word[:2], word[2:]
    return flag, rest.removeprefix("=") if rest else None


def _takes_value(flag: str, following: str) -> bool:
    if flag in _FLAGS:
        return False
    return flag in _VALUES or not (following.startswith("-") or following in ("mcp-server", "mcp"))


def _unwrap(words: list[str], env: dict[str, str]) -> list[str] | None:
    """Return the command line that a wrapper starts; None if this is no wrapper that we know.

    The variables that it sets are added to `env`.
    """
    program, rest = _stem(words[0]), words[1:]
    if program == "env":
        return _unwrap_env(rest, env)
    if program in _SHELLS:
        return _unwrap_shell(rest, env)
    if program in ("cmd", "powershell", "pwsh"):
        while rest and rest[0].lower().startswith(("/", "-")):
            rest = rest[1:]
        return _simple_command(rest[0], env) if len(rest) == 1 else rest
    if program == "node" and rest and "@openai/codex" in rest[0].replace("\\", "/"):
        return ["codex", *rest[1:]]
    if program.startswith("python") and "-m" in rest:
        at = rest.index("-m")
        return rest[at + 1 :] if all(word.startswith("-") for word in rest[:at]) else None
    for (runner, *subcommand), with_value in _RUNNERS:
        if program == runner and rest[: len(subcommand)] == subcommand:
            return _skip_options(rest[len(subcommand) :], with_value)
    return None


def _unwrap_env(words: list[str], env: dict[str, str]) -> list[str] | None:
    while words and words[0].startswith("-"):
        if words[0] == "--":
            words = words[1:]
            break
        if words[0] in ("-u", "--unset", "-C", "--chdir", "-i", "--ignore-environment", "-"):
            return None  # An entry cannot say that in other words.
        line = words[1] if words[0] in ("-S", "--split-string") and len(words) > 1 else None
        if line is None:
            return None
        words = [*_split_line(line), *words[2:]]
    return _take_assignments(words, env)


def _unwrap_shell(words: list[str], env: dict[str, str]) -> list[str] | None:
    for at, word in enumerate(words):
        if not word.startswith("-"):
            return None
        if not word.startswith("--") and word.endswith("c"):
            return _simple_command(words[at + 1], env) if len(words) == at + 2 else None
    return None


def _simple_command(line: str, env: dict[str, str]) -> list[str] | None:
    """Return the words of one simple command; None for a script."""
    if re.search(r"[;&|<>`$()\n*?~]", line):
        return None
    return _take_assignments(_split_line(line), env)


def _take_assignments(words: list[str], env: dict[str, str]) -> list[str]:
    at = 0
    while at < len(words) and (found := _ASSIGNMENT.fullmatch(words[at])):
        env[found[1]] = found[2]
        at += 1
    return words[at:]


def _skip_options(words: list[str], with_value: Iterable[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in with_value else words[1:]
    return words


def _split_line(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _is_codex(word: str) -> bool:
    if word.startswith("@"):
        return bool(_CODEX_PACKAGE.fullmatch(word))
    return bool(_CODEX.fullmatch(_stem(word)))


def _stem(word: str) -> str:
    """Return the name of a program, without its folder and the ending that Windows wants."""
    name = re.split(r"[/\\]", word)[-1]
    return re.sub(r"\.(exe|cmd|bat|ps1)$", "", name, flags=re.IGNORECASE)


_STDIO_KEYS: Final = ("command", "args", "env", "env_vars", "envFile", "cwd", "type")
_HTTP_KEYS: Final = (
    "url",
    "headers",
    "headersHelper",
    "http_headers",
    "bearer_token_env_var",
    "type",
)
_MAX_WRAPPERS: Final = 8
_CODEX = re.compile(r"codex(-(x86_64|aarch64)-[\w-]+)?", re.IGNORECASE)
_REFERENCE = re.compile(r"(\$\{[^}]*\})?")
_CODEX_PACKAGE = re.compile(r"@openai/codex(@.+)?")
_PATH = re.compile(r"(/|[A-Za-z]:\\)(.*[/\\])?[^\s/\\]+")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SHELLS: Final = ("sh", "bash", "zsh", "dash", "ksh", "fish")
_RUNNERS: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    (("npx",), ("-p", "--package")),
    (("bunx",), ("-p", "--package")),
    (("pnpx",), ("--package",)),
    (("npm", "exec"), ("-p", "--package")),
    (("npm", "x"), ("-p", "--package")),
    (("pnpm", "dlx"), ("--package",)),
    (("pnpm", "exec"), ()),
    (("yarn", "dlx"), ("-p", "--package")),
    (("yarn", "exec"), ()),
    (("bun", "x"), ("-p", "--package")),
    (("uvx",), ("--from", "--with", "-p", "--python")),
    (("uv", "tool", "run"), ("--from", "--with", "-p", "--python")),
    (("uv", "run"), ("--with", "-p", "--python", "--directory", "--project")),
    (("pipx", "run"), ("--spec", "--python")),
    (("mise", "exec"), ()),
    (("mise", "x"), ()),
    (("exec",), ()),
    (("nohup",), ()),
    (("command",), ()),
    (("time",), ()),
    (("nice",), ("-n",)),
    (("stdbuf",), ("-i", "-o", "-e")),
)
"""Programs that start another one as it is, and those of their options that have a value."""

_CARRIED: Final = {
    "-c": "-c",
    "--config": "-c",
    "-m": "-m",
    "--model": "-m",
    "--enable": "--enable",
    "--disable": "--disable",
}
"""Options of `codex mcp-server` that `codextui mcp-server` has, under its name."""

_ONCE: Final = ("-L", "--config", "--tools", "--events")
"""Options of `codextui mcp-server` of which the new entry's counts."""

_FLAGS: Final = (
    "--approve-for-me",
    "--dangerously-bypass-approvals-and-sandbox",
    "--dangerously-bypass-hook-trust",
    "--full-auto",
    "--no-alt-screen",
    "--no-events",
    "--oss",
    "--private",
    "--search",
    "--strict-config",
    "--yolo",
)
_VALUES: Final = (
    *_CARRIED,
    *_ONCE,
    "--add-dir",
    "--ask-for-approval",
    "--cd",
    "--image",
    "--local-provider",
    "--profile",
    "--remote",
    "--remote-auth-token-env",
    "--sandbox",
    "-C",
    "-a",
    "-i",
    "-p",
    "-s",
)
_UNKNOWN: Final = "codextui mcp-server does not take it"
_IGNORED: Final = "codex mcp-server ignored it"
_BY_CALL: Final = _IGNORED + "; a call says it: its argument {}"
_DROPPED: Final = {
    **dict.fromkeys(("-a", "--ask-for-approval"), _BY_CALL.format("approval-policy")),
    **dict.fromkeys(("-s", "--sandbox"), _BY_CALL.format("sandbox")),
    **dict.fromkeys(("-C", "--cd"), _BY_CALL.format("cwd")),
    **dict.fromkeys(("-p", "--profile"), "a call names it: its argument profile"),
    **dict.fromkeys(
        (
            "--dangerously-bypass-approvals-and-sandbox",
            "--full-auto",
            "--no-alt-screen",
            "--oss",
            "--search",
            "--yolo",
        ),
        _IGNORED,
    ),
}
"""Why an option is left out."""
