"""Checks Codex: the binary, its own configuration, its login, and its daemon."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codextui.codex.binary import (
    ORIGIN_TEXTS,
    CodexBinary,
    PassedOver,
    install_hint,
    login_command,
    shell_command,
)
from codextui.codex.process_marks import read_environment
from codextui.codex.versions import (
    NEWEST,
    Support,
    format_version,
    parse_version,
    support_of,
    supported_range,
)
from codextui.config.attach import AttachKind
from codextui.config.tables import read_text
from codextui.config.toml_lines import line_of
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.doctor.network import listens_at
from codextui.doctor.programs import Ran, run_program
from codextui.installation import install_command
from codextui.jsonrpc.fields import JsonObject

STATUS_TIMEOUT_S = 5.0
"""Seconds that `codex app-server daemon version` may take."""

UPDATE_COMMAND = "npm install -g @openai/codex@latest"
"""What updates a Codex of npm's."""


_NL = "\n"
_CONFIG_ERROR = "Error loading configuration: "
_PLACE = re.compile(r"(?P<path>/.*?):(?P<line>\d+):\d+: (?P<text>.*)", re.DOTALL)
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class CodexSettings:
    """Codex's own configuration, `config.toml` in CODEX_HOME.

    Attributes:
        path: the file, which may not exist.
        values: what is in it; empty where it cannot be read.
        error: why it cannot be read; empty where it can.
        line: the line of the mistake; 0 where it is not known.
    """

    path: Path
    values: JsonObject
    error: str = ""
    line: int = 0


def read_settings(home: Path) -> CodexSettings:
    """Read Codex's own configuration, as far as it is TOML."""
    path = home / "config.toml"
    if path.is_fifo():
        return CodexSettings(path, {}, "it is a pipe, which would block for ever")
    try:
        return CodexSettings(path, tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        return CodexSettings(path, {})
    except OSError as error:
        return CodexSettings(path, {}, f"it cannot be read: {error.strerror}")
    except (ValueError, RecursionError) as error:
        found = _TOML_LINE.search(str(error))
        return CodexSettings(path, {}, str(error), int(found[1]) if found else 0)


def check_binary(machine: Machine) -> Iterator[Finding]:
    """Check which Codex is used, and why not another."""
    search = machine.search.get()
    binary = search.binary
    if binary is None:
        found = search.problem.removesuffix(install_hint()).rstrip(". ")
        if machine.config.codex.binary is not None:
            text = read_text(machine.config_file)
            place = Place(machine.config_file, line_of(text, "codex.binary"))
            advice = "Without the line, the newest Codex that is installed is used."
            yield Finding(Severity.PROBLEM, "codex.binary", found, place, advice)
            return
        yield Finding(Severity.PROBLEM, "codex.binary", found, command=install_command("codex"))
        return
    what = f"Codex {binary.version_text} ({ORIGIN_TEXTS[binary.origin]})"
    if support_of(binary.version) is Support.NEWER:
        yield Finding(
            Severity.ADVICE,
            "codex.binary",
            f"{what} is newer than {format_version(NEWEST)}, the newest that this codextui was "
            "tested with",
            Place(binary.path),
            advice="It is used. Update codextui, or name an older one as `binary` under [codex].",
        )
    else:
        yield fine("codex.binary", f"{what}; {supported_range()} work", binary.path)
    for one in search.passed_over:
        yield _passed_over(one, binary)


def _passed_over(one: PassedOver, chosen: CodexBinary) -> Finding:
    version = parse_version(one.version)
    if version is not None and support_of(version) is not Support.OLDER:
        what = f"Codex {one.version} is passed over: {one.reason}"
        return fine("codex.passed-over", what, one.path)
    return Finding(
        Severity.ADVICE,
        "codex.passed-over",
        f"{one.reason}; {chosen.version_text} is used instead, and your own `codex` may be this",
        Place(one.path),
        command=UPDATE_COMMAND if version is not None else "",
        advice="" if version is not None else "Remove it, or repair it.",
    )


def check_config(machine: Machine) -> Iterator[Finding]:
    """Check Codex's own configuration, as TOML and as Codex reads it."""
    settings = read_settings(machine.codex_home)
    error, place = settings.error, Place(settings.path, settings.line)
    ran = None if error else machine.login.get()
    if ran is not None:
        _, is_error, said = ran.errors.partition(_CONFIG_ERROR)
        if is_error:
            error, place = _config_mistake(said, settings.path)
    if error:
        yield Finding(
            Severity.PROBLEM,
            "codex.config",
            f"Codex cannot use its configuration: {error}",
            place,
            advice="Correct the file; nothing has to be restarted.",
        )
    elif settings.path.exists():
        yield fine("codex.config", "Codex's own configuration can be read", settings.path)
    else:
        yield fine("codex.config", "Codex has no configuration of its own, and needs none")


def _config_mistake(said: str, path: Path) -> tuple[str, Place]:
    first = said.strip().split("\n\n")[0]
    found = _PLACE.match(first)
    if found is None:
        return first, Place(path)
    return found["text"].split("\n")[0], Place(Path(found["path"]), int(found["line"]))


def check_login(machine: Machine) -> Iterator[Finding]:
    """Check whether Codex is logged in, if its provider needs it. Shows no part of a key."""
    binary = machine.search.get().binary
    if binary is None:
        return
    settings = read_settings(machine.codex_home)
    name, own = own_provider(settings.values)
    if own is not None and own.get("requires_openai_auth") is not True:
        yield _provider_key(machine, name, own, settings.path)
        return
    if own is None and name != "openai":
        yield fine("codex.login", f"the provider {name} needs no login of OpenAI's")
        return
    logged_out = Finding(
        Severity.PROBLEM,
        "codex.login",
        "Codex is not logged in",
        command=login_command(binary, machine.config.codex.home),
    )
    ran = machine.login.get()
    if ran is None:
        yield logged_out
        return
    if _CONFIG_ERROR in ran.errors:
        return  # the check of the configuration says so
    if ran.code is None:
        unknown = f"Codex does not say whether it is logged in: {ran.errors}"
        yield Finding(Severity.ADVICE, "codex.login", unknown, command=logged_out.command)
    elif ran.code:
        yield logged_out
    else:
        yield fine("codex.login", f"Codex is logged in {login_kind(ran)}".rstrip())


def login_kind(ran: Ran) -> str:
    """Return how Codex is logged in. What it says is never shown: it has a part of the key."""
    said = f"{ran.output} {ran.errors}".lower()
    return "with ChatGPT" if "chatgpt" in said else "with an API key" if "api key" in said else ""


def own_provider(settings: JsonObject) -> tuple[str, JsonObject | None]:
    """Return the model provider that the user has chosen, and its table if it is their own."""
    name = settings.get("model_provider")
    if not isinstance(name, str):
        return "openai", None
    match settings.get("model_providers"):
        case {**providers} if isinstance(own := providers.get(name), dict):
            return name, own
        case _:
            return name, None


def _provider_key(machine: Machine, name: str, own: JsonObject, path: Path) -> Finding:
    variable = own.get("env_key")
    if isinstance(variable, str) and variable and not os.environ.get(variable):
        return Finding(
            Severity.PROBLEM,
            "codex.login",
            f"the provider {name} takes its key from {variable}, which is not set",
            Place(path),
            advice="Set it where codextui is started; a server that runs has to be ended first.",
            command=f"export {shlex.quote(variable)}=…",
        )
    if isinstance(variable, str) and variable and _daemon_lacks(machine, variable):
        return Finding(
            Severity.PROBLEM,
            "codex.login",
            f"the provider {name} takes its key from {variable}, and Codex's daemon was started "
            "without it",
            Place(path),
            advice="Restart it where the variable is set, which ends its turns.",
            command=_daemon_command(machine, "restart"),
        )
    key = f"its key is in {variable}" if variable else "without a key"
    return fine("codex.login", f"the provider {name} needs no login, {key}")


def _daemon_lacks(machine: Machine, variable: str) -> bool:
    """Whether Codex's daemon asks the provider, and was started without this variable."""
    daemon = machine.daemon
    is_used = machine.config.codex.attach.kind in {AttachKind.AUTO, AttachKind.DAEMON}
    if not is_used or daemon.pid is None or listens_at(daemon.address):
        return False
    variables = read_environment(daemon.pid)
    return variables is not None and not variables.get(os.fsencode(variable))


def _daemon_command(machine: Machine, action: str) -> str:
    binary = machine.search.get().binary
    codex = "codex" if binary is None else shell_command(binary, machine.config.codex.home)
    return f"{codex} app-server daemon {action}"


def check_daemon(machine: Machine) -> Iterator[Finding]:
    """Check the app-server that the shared server uses: Codex's daemon, or one at an address."""
    attach = machine.config.codex.attach
    match attach.kind:
        case AttachKind.ADDRESS:
            yield _check_address(attach.address)
        case AttachKind.OWN | AttachKind.PRIVATE:
            yield fine("codex.daemon", f'Codex\'s daemon is not used: [codex] attach = "{attach}"')
        case AttachKind.AUTO | AttachKind.DAEMON:
            yield _check_daemon(machine)


def _check_address(address: str) -> Finding:
    why = listens_at(address)
    if not why:
        return fine("codex.daemon", f"an app-server listens at {address}")
    return Finding(
        Severity.PROBLEM,
        "codex.daemon",
        f"no app-server can be reached at {address} ([codex] attach): {why}",
        advice='Start it, or leave the key out: attach = "auto".',
        command=shlex.join(["codex", "app-server", "--listen", address]),
    )


def _check_daemon(machine: Machine) -> Finding:
    daemon, binary = machine.daemon, machine.search.get().binary
    if listens_at(daemon.address):
        if not daemon.is_registered:
            return fine("codex.daemon", "Codex's daemon does not run; it is started if need be")
        return Finding(
            Severity.ADVICE,
            "codex.daemon",
            "Codex has noted that its daemon runs, and nobody listens: it has crashed, or starts",
            Place(machine.codex_home / "app-server-daemon"),
            command=_daemon_command(machine, "start"),
        )
    if binary is None:
        return fine("codex.daemon", "Codex's daemon runs")
    command = (str(binary.path), "app-server", "daemon", "version")
    ran = run_program(command, timeout_s=STATUS_TIMEOUT_S, env=machine.codex_environment)
    with contextlib.suppress(ValueError):
        said = json.loads(ran.output)
        if isinstance(said, dict) and isinstance(said.get("appServerVersion"), str):
            return _daemon_version(
                said["appServerVersion"], binary, _daemon_command(machine, "restart")
            )
    return Finding(
        Severity.ADVICE,
        "codex.daemon",
        f"Codex's daemon listens, and does not say its version: {ran.errors.partition(_NL)[0]}",
        command=_daemon_command(machine, "restart"),
    )


def _daemon_version(text: str, binary: CodexBinary, restart: str) -> Finding:
    version = parse_version(text)
    if version is not None and support_of(version) is Support.OLDER:
        found = f"Codex's daemon is {text}; codextui works with {supported_range()}"
        return Finding(Severity.PROBLEM, "codex.daemon", found, command=restart)
    if version != binary.version:
        found = f"Codex's daemon is {text}, and the Codex that is found {binary.version_text}"
        advice = "It goes on until it is restarted, which ends its turns."
        return Finding(Severity.ADVICE, "codex.daemon", found, advice=advice, command=restart)
    return fine("codex.daemon", f"Codex's daemon {text} runs")
