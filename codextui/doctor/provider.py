"""Checks whether the model providers can be reached: Codex's, and that of the roles of teams."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from urllib.parse import urlsplit

from codextui.doctor.codex import login_kind, own_provider, read_settings
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine, is_sandboxed
from codextui.doctor.network import UNTRUSTED, why_unreachable
from codextui.jsonrpc.fields import JsonObject

OPENAI_URL = "https://api.openai.com/v1"
"""Where Codex with an API key, and the Agents SDK, find their models."""

CHATGPT_URL = "https://chatgpt.com/backend-api"
"""Where Codex with a login of ChatGPT finds its models."""

_LOCAL = {"ollama": "http://localhost:11434/v1", "lmstudio": "http://localhost:1234/v1"}
_BASE_VARIABLE = "OPENAI_BASE_URL"


def check_provider(machine: Machine) -> Iterator[Finding]:
    """Check that a connection to Codex's model provider can be made; no key is sent."""
    settings = read_settings(machine.codex_home)
    if settings.error or is_sandboxed():
        return  # the check of the configuration, or the first finding, says so
    name, url = provider_url(settings.values, is_chatgpt=_is_chatgpt(machine))
    if not url:
        what = f"the provider {name} has no address that could be tried"
        yield fine("codex.provider", what, settings.path)
        return
    yield _reach("codex.provider", f"the model provider {name}", url, Place(settings.path))
    variable = os.environ.get(_BASE_VARIABLE)
    if variable and name == "openai" and "openai_base_url" not in settings.values:
        yield Finding(
            Severity.ADVICE,
            "codex.base-url",
            f"{_BASE_VARIABLE} is set to {_without_secrets(variable)}, and Codex does not read it: "
            f"only the roles of teams go there, and Codex to {_host(url)}",
            Place(settings.path),
            advice=f'Put `openai_base_url = "{_without_secrets(variable)}"` at the top of this '
            "file, if Codex should go there too.",
        )


def provider_url(settings: JsonObject, *, is_chatgpt: bool) -> tuple[str, str]:
    """Return the name of Codex's model provider, and its base URL; empty where it has none.

    Args:
        settings: Codex's own configuration.
        is_chatgpt: whether Codex is logged in with ChatGPT.
    """
    name, own = own_provider(settings)
    if own is not None:
        return name, _text(own, "base_url") or (OPENAI_URL if name == "openai" else "")
    if name != "openai":
        return name, _LOCAL.get(name, "")
    url = _text(settings, "openai_base_url")
    if not url and is_chatgpt:
        url = _text(settings, "chatgpt_base_url") or CHATGPT_URL
    return name, url or OPENAI_URL


def check_roles_provider() -> Iterator[Finding]:
    """Check what the roles of teams need for their own models, which the Agents SDK calls."""
    if not os.environ.get("OPENAI_API_KEY"):
        yield Finding(
            Severity.ADVICE,
            "teams.provider",
            "OPENAI_API_KEY is not set, and the models of roles need it (Codex's login does not "
            "count for them)",
            command="export OPENAI_API_KEY=…",
        )
    url = os.environ.get(_BASE_VARIABLE) or OPENAI_URL
    if not is_sandboxed():
        what = "the provider of the roles' own models"
        yield _reach("teams.provider", what, url, None, _BASE_VARIABLE)


def _is_chatgpt(machine: Machine) -> bool:
    ran = machine.login.get()
    return ran is not None and login_kind(ran) == "with ChatGPT"


def _reach(
    check: str,
    what: str,
    url: str,
    place: Place | None,
    source: str = "the provider's base_url in Codex's config.toml",
) -> Finding:
    """Return whether a connection can be made to a URL, which `source` names."""
    why = why_unreachable(url)
    if not why:
        return fine(check, f"{what} can be reached at {_host(url)}")
    if why.startswith(UNTRUSTED):
        return Finding(
            Severity.ADVICE,
            check,
            f"{what} answers at {_host(url)}, but {why}",
            advice="A proxy may stand between. Codex takes the certificates of the system, and "
            "that of CODEX_CA_CERTIFICATE.",
        )
    return Finding(
        Severity.PROBLEM,
        check,
        f"{what} cannot be reached at {_host(url)}: {why}",
        place if place is not None and place.path.exists() else None,
        advice=f"Check the network, HTTPS_PROXY and NO_PROXY, and {source}. Turns fail until it "
        "answers.",
        command=shlex.join(["curl", "-sS", "-o", "/dev/null", _host(url)]),
    )


def _host(url: str) -> str:
    """Return a URL's scheme, host and port, without what may be secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _without_secrets(url: str) -> str:
    try:
        return f"{_host(url)}{urlsplit(url).path}"
    except ValueError:
        return _host(url)


def _text(source: JsonObject, key: str) -> str:
    value = source.get(key)
    return value if isinstance(value, str) else ""
