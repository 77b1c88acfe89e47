"""Reads shell command lines: the script in Codex's wrapper, and what is unusual in it. Pure.

What is found is a help for the person who decides, not a safeguard: a script can hide anything.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_UNWRAPPED_LENGTH = 100_000
"""Characters of a command above which its shell is shown, too."""

MAX_EXAMINED_LENGTH = 200_000
"""Characters of a script above which only its beginning is examined."""

_MAX_DEPTH = 4
"""Levels of commands within commands that are examined."""

ROOT = "as root"
INTO_SHELL = "pipes into a shell"
DELETES = "deletes"
FORCES = "forces"
PUBLISHES = "publishes"
NETWORK = "reaches the network"
OUTSIDE = "outside of its folder"

_WRAPPER = re.compile(r"(?:(?:/usr(?:/local)?)?/bin/)?(?:ba|z|da)?sh -l?c ")

_SHELLS = frozenset(["sh", "bash", "zsh", "dash", "ksh", "fish"])
_INTERPRETERS = _SHELLS | {"python", "python3", "perl", "ruby", "node", "php"}
_AS_ROOT = frozenset(["sudo", "doas", "su", "pkexec", "run0"])
_PREFIXES = _AS_ROOT | {
    *("builtin", "command", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf"),
    *("time", "timeout", "xargs", "parallel", "watch"),
}
_KEYWORDS = frozenset(["!", "do", "elif", "else", "if", "then", "until", "while", "{"])

_SQL = frozenset(["psql", "sqlite3", "mysql"])

_ANY: tuple[str, ...] = ()
_PROGRAMS: dict[str, dict[str, tuple[str, ...]]] = {
    DELETES: {
        **dict.fromkeys(("rm", "rmdir", "unlink", "shred", "truncate", "wipefs", "srm"), _ANY),
        **dict.fromkeys(("mkfs", "dropdb", "del"), _ANY),
        "find": ("-delete",),
        "git": ("clean", "branch -D", "branch -d", "reset --hard", "tag -d", "stash drop"),
        "docker": ("rm", "rmi", "system prune", "volume rm"),
        "kubectl": ("delete",),
        "rsync": ("--delete",),
        "terraform": ("destroy",),
        "aws": ("s3 rm", "s3 rb"),
        "gh": ("repo delete", "release delete"),
        "psql": ("drop", "truncate", "delete"),
        "sqlite3": ("drop", "delete"),
        "mysql": ("drop", "truncate", "delete"),
    },
    PUBLISHES: {
        "git": ("push", "send-email"),
        **dict.fromkeys(("npm", "pnpm", "yarn", "cargo", "poetry", "uv", "hatch"), ("publish",)),
        "twine": ("upload",),
        "gem": ("push",),
        "docker": ("push",),
        "podman": ("push",),
        "gh": ("release create", "pr create", "pr merge", "repo create", "gist create", "api"),
        "kubectl": ("apply",),
        "helm": ("install", "upgrade", "push"),
        "terraform": ("apply",),
        "ansible-playbook": _ANY,
    },
    NETWORK: {
        **dict.fromkeys(("curl", "wget", "nc", "ncat", "netcat", "socat", "telnet", "ftp"), _ANY),
        **dict.fromkeys(("ssh", "scp", "sftp", "http", "https", "npx", "bunx", "uvx", "gh"), _ANY),
        **dict.fromkeys(("twine", "ping", "dig", "nslookup", "aria2c", "aws", "gcloud"), _ANY),
        "git": ("clone", "fetch", "pull", "push", "ls-remote", "submodule update", "remote update"),
        **dict.fromkeys(("pip", "pip3", "pipx"), ("install", "download", "wheel")),
        "uv": ("add", "sync", "publish", "pip install", "tool"),
        "poetry": ("add", "install", "publish", "update"),
        **dict.fromkeys(("npm", "pnpm"), ("install", "i", "ci", "add", "publish", "update")),
        "yarn": ("install", "add", "publish", "upgrade"),
        "cargo": ("install", "publish", "add", "update", "fetch"),
        "go": ("get", "install", "mod download"),
        "gem": ("install", "push"),
        **dict.fromkeys(("apt", "apt-get", "dnf", "yum", "apk", "brew"), ("install", "update")),
        **dict.fromkeys(("docker", "podman"), ("pull", "push", "run", "login")),
        **dict.fromkeys(("kubectl", "helm", "terraform"), _ANY),
    },
}
"""What is unusual → program → its subcommands or options that are so; none: all are."""

_FORCE = re.compile(
    r"--(?:force|force-\S+|no-verify|hard|no-preserve-root|break-system-packages)\b"
)
_ADDRESS = re.compile(r"\b(?:https?|ftp|ssh|git|wss?)://|/dev/(?:tcp|udp)/")
_TOKEN = re.compile(
    r"""(?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[<>]\(|\$\(|[^\s;|&()<>'"\\]|['"])+)"""
    r"|(?P<pipe>\|&|\|(?!\|))|(?P<end>\|\||&&|[;&()\n])|(?P<redirect>\d*[<>]+[&|]?)",
    re.DOTALL,
)
_COMMENT = re.compile(r"(?:^|(?<=[\s;]))#[^\n]*")
_HEREDOC = re.compile(
    r"(?<!<)<<-?[ \t]*(['\"]?)(\w+)\1([^\n]*)\n(.*?)(?:\n[ \t]*\2[ \t]*(?=\n|$)|\Z)", re.DOTALL
)
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)|`([^`]*)`|[<>]\(([^()]*)\)")
_OPEN_SUBSTITUTION = re.compile(r"[$<>]\([^()]*\Z")
_KEYWORDS_BEFORE = re.compile(r"^(?:(?:do|elif|else|if|then|until|while|[!{])\s+)+")
_ASSIGNMENT = re.compile(r"\w+=")
_OWN_COMMANDS = re.compile(
    r"\(\s*\)|\b(?:alias|case|eval|exec|function|source|PATH=)|(?:^|[\s;&|(])\.(?=\s)"
)
_PLAIN_NAME = re.compile(r"\w[\w.+-]*")
_FREE_PLACES = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/fd", "/dev/tty")
_PROGRAM_FOLDERS = ("/bin/", "/usr/", "/sbin/", "/opt/", "/nix/")


@dataclass(frozen=True, slots=True)
class Unusual:
    """A command of a script that asks for a second look.

    Attributes:
        what: what it does, e.g. `deletes` and `outside of its folder`.
        command: the command as written; empty if the script has no other.
    """

    what: tuple[str, ...]
    command: str = ""


def strip_shell(command: str) -> str:
    """Return `ls -l` for `/bin/bash -lc 'ls -l'`, in which Codex wraps commands."""
    if len(command) > MAX_UNWRAPPED_LENGTH or not _WRAPPER.match(command):
        return command
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return words[2] if len(words) == 3 else command


def find_unusual(script: str, cwd: str = "") -> tuple[Unusual, ...]:
    """Return the commands of a script that are unusual, in their order.

    Unusual is what runs as root, is piped into a shell, deletes, forces, publishes, reaches the
    network or names a path outside of the folder.

    Args:
        script: a script for a shell.
        cwd: the absolute folder in which it would run; "" if it is not known.
    """
    script = script[:MAX_EXAMINED_LENGTH]
    commands = list(_commands(script, 0))
    found = [(what, command) for command in commands if (what := _examine(command, cwd))]
    if len(commands) == 1:
        return tuple(Unusual(what) for what, _ in found)
    merged: dict[str, tuple[str, ...]] = {}
    for what, command in found:
        merged[command.text] = tuple(dict.fromkeys((*merged.get(command.text, ()), *what)))
    whole = " ".join(script.split())
    said = set(merged.get(whole, ()))
    return tuple(
        Unusual(what, "" if text == whole else text)
        for text, what in merged.items()
        if text == whole or not said.issuperset(what)
    )


def programs_of(script: str) -> tuple[str, ...]:
    """Return the names by which a script runs programs or built-in commands, each once.

    Programs named by a path or computed are left out. Empty if the script may define commands of
    its own or change where they are searched for.
    """
    if _OWN_COMMANDS.search(script):
        return ()
    names: dict[str, None] = {}
    for command in _commands(script[:MAX_EXAMINED_LENGTH], 0):
        words = (w for w in command.words if w not in _KEYWORDS and not _ASSIGNMENT.match(w))
        name = next(words, "")
        if _PLAIN_NAME.fullmatch(name):
            names[name] = None
    return tuple(names)


@dataclass(frozen=True, slots=True)
class _Command:
    """A simple command: its words without quotes, its text, and whether a pipe feeds it."""

    words: tuple[str, ...]
    text: str
    is_piped: bool


def _commands(script: str, depth: int) -> Iterator[_Command]:
    """Yield the simple commands of a script, and those in its substitutions and inner shells."""
    script = _COMMENT.sub("", script) if "#" in script else script
    script = _HEREDOC.sub(_drop_heredoc, script) if "<<" in script else script
    words: list[str] = []
    start = end = 0
    is_piped = False
    for match in _TOKEN.finditer(f"{script}\n".replace("\\\n", "  ")):
        if (word := match["word"]) is not None:
            start = start if words else match.start()
            end = match.end()
            words.append(word)
        elif match["redirect"] is not None:
            end = match.end() if words else end
        else:
            if match[0] == ")" and words and _OPEN_SUBSTITUTION.search(script, start, end):
                end = match.end()
            yield from _complete(words, script[start:end], depth, is_piped=is_piped)
            words, is_piped = [], match["pipe"] is not None
    yield from _complete(words, script[start:end], depth, is_piped=is_piped)


def _complete(words: Sequence[str], text: str, depth: int, *, is_piped: bool) -> Iterator[_Command]:
    if not words:
        return
    plain = tuple(map(_unquote, words))
    yield _Command(plain, _KEYWORDS_BEFORE.sub("", " ".join(text.split())), is_piped)
    if depth >= _MAX_DEPTH:
        return
    for match in _SUBSTITUTION.finditer(text):
        yield from _commands(next(part for part in match.groups() if part is not None), depth + 1)
    program = _program(plain)
    if program == "eval" or (program in _SHELLS and any(re.match(r"-\w*c$", w) for w in plain)):
        for word in plain:
            if any(c.isspace() for c in word) and not _SUBSTITUTION.fullmatch(word):
                yield from _commands(word, depth + 1)


def _drop_heredoc(match: re.Match[str]) -> str:
    """Keep the body of a here-document only if a shell reads it."""
    line = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    is_script = any(word in _SHELLS for word in re.findall(r"\w+", line))
    return f"{match[3]}\n{match[4]}\n" if is_script else f"{match[3]}\n"


def _unquote(word: str) -> str:
    if not any(character in word for character in "'\"\\"):
        return word
    return re.sub(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)""", _unquoted, word, flags=re.DOTALL)


def _unquoted(match: re.Match[str]) -> str:
    return next(part for part in (*match.groups(), "") if part is not None)


def _program(words: Sequence[str]) -> str:
    """Return the program that a simple command runs, without `sudo`, `env` and their like."""
    is_prefixed = False
    for word in words:
        name = posixpath.basename(word)
        if name in _PREFIXES:
            is_prefixed = True
        elif name in _KEYWORDS or _ASSIGNMENT.match(word):
            continue
        elif not is_prefixed or _is_known(name):
            return name
    return ""


def _is_known(name: str) -> bool:
    return name in _INTERPRETERS or any(name in programs for programs in _PROGRAMS.values())


def _examine(command: _Command, cwd: str) -> tuple[str, ...]:
    words, program = command.words, _program(command.words)
    rest = " ".join(words)
    what = [ROOT] if any(posixpath.basename(w) in _AS_ROOT for w in words[:4]) else []
    if program in _INTERPRETERS and (command.is_piped or _reads_substitution(command.text)):
        what.append(INTO_SHELL)
    if program == "eval" or (program in ("source", ".") and _reads_substitution(command.text)):
        what.append(INTO_SHELL)
    for label in (DELETES, PUBLISHES, NETWORK):
        arguments = _PROGRAMS[label].get(program)
        pool = rest.split() if program in _SQL else words
        if arguments is not None and (not arguments or _has_any(pool, arguments)):
            what.append(label)
    if _FORCE.search(rest) or (program == "git" and _forces_git(words)):
        what.append(FORCES)
    if NETWORK not in what and _ADDRESS.search(rest):
        what.append(NETWORK)
    if cwd and any(_is_outside(word, cwd) for word in words):
        what.append(OUTSIDE)
    return tuple(what)


def _reads_substitution(text: str) -> bool:
    return "<(" in text or "$(" in text or "`" in text


def _has_any(words: Sequence[str], arguments: Sequence[str]) -> bool:
    """Return whether the words hold one of these subcommands or options, in this order."""
    lowered = [word.lower() for word in words]
    for argument in arguments:
        parts = argument.split()
        pool = list(words) if argument != argument.lower() else lowered
        if len(parts) == 1:
            if parts[0] in pool:
                return True
        elif any(parts[0] == w and parts[1] in pool[i + 1 :] for i, w in enumerate(pool)):
            return True
    return False


def _forces_git(words: Sequence[str]) -> bool:
    """Return whether a word is `-f`, or a refspec that overwrites (`+main`)."""
    can_force = not {"push", "checkout", "switch", "tag", "add", "rm"}.isdisjoint(words)
    return can_force and any(re.match(r"-[a-zA-Z]*f|\+\w", word) for word in words)


def _is_outside(word: str, cwd: str) -> bool:
    """Return whether a word, or the value of an option in it, is a path outside of `cwd`."""
    path = word.partition("=")[2] if _ASSIGNMENT.match(word.lstrip("-")) else word
    if path.startswith(("~", "$HOME", "${HOME}")):
        return True
    if not (path.startswith("/") or path == ".." or "../" in path or path.endswith("/..")):
        return False
    if "://" in path or any(character in path for character in " \n*{}|^$()[]\\"):
        path = re.split(r"[ \n*{}|^$()\[\]\\]", path)[0] if path.startswith(("/", "..")) else "."
    absolute = posixpath.normpath(posixpath.join(cwd, path))
    if absolute.startswith(_FREE_PLACES) or f"{absolute}/".startswith(_PROGRAM_FOLDERS):
        return False
    return absolute != cwd and not absolute.startswith(f"{posixpath.normpath(cwd)}/")
