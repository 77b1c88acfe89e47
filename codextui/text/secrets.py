"""Secrets masked in JSON values and in text: by the names of keys, by known forms, by known values.

What is masked by its name: everything under `Authorization`, `api_key`, `access_token`, `password`
and the like, and everything under `env` and `headers`. What is masked by its form, in any string:
bearer tokens, API keys such as `sk-…`, JSON web tokens, private keys, assignments such as
`OPENAI_API_KEY=…`, and passwords in URLs. Masking what is masked already changes nothing.

A secret that comes in pieces, as in the deltas of a message, has no form that could be known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

MASK = "[masked]"
"""What stands in the place of a secret."""

Mask: TypeAlias = Callable[[str], str]
"""Masks the secrets in a text."""

_SHORTEST_KNOWN = 8
"""Characters below which a known value is not looked for: it would be found everywhere."""

_SECRET_NAME = re.compile(
    r"(?:token|apikey|secret|secrets|password|passwd|passphrase|privatekey|credential|credentials"
    r"|authorization|cookie|accesskey|secretkey|signingkey|encryptionkey|authkey|jwt|auth"
    r"|usercode|devicecode|codeverifier|authorizationcode)$"
)
_SECRET_VALUES = frozenset(
    {"env", "environment", "envs", "headers", "httpheaders", "requestheaders", "secrets"}
    | {"shellenvironmentpolicy"}
)
_NO_SECRETS = frozenset({"progresstoken", "cancellationtoken"})
_NAME_PART = re.compile(r"[^A-Za-z0-9]+")


def masker(known: Iterable[str] = ()) -> Mask:
    """Return what masks secrets of known forms in a text, and these values wherever they stand."""
    values = sorted({v for v in known if len(v) >= _SHORTEST_KNOWN}, key=len, reverse=True)
    if not values:
        return mask_text
    pattern = re.compile("|".join(map(re.escape, values)))
    return lambda text: mask_text(pattern.sub(MASK, text))


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Return the values of the variables whose names say that they are secret."""
    return [value for name, value in environment.items() if is_secret_name(name)]


def is_secret_name(name: str) -> bool:
    """Return whether the value under a key is secret by the key's name.

    The parts of a dotted key count each: `mcp_servers.x.env.KEY` is secret because of `env`.
    """
    parts = [_NAME_PART.sub("", part).lower() for part in name.split(".")]
    if any(part in _SECRET_VALUES for part in parts):
        return True
    return parts[-1] not in _NO_SECRETS and _SECRET_NAME.search(parts[-1]) is not None


def mask_json(value: object, mask: Mask) -> object:
    """Return a JSON value without its secrets; `mask` is applied to every string, keys as well."""
    match value:
        case str():
            return mask(value)
        case list() | tuple():
            return [mask_json(part, mask) for part in value]
        case dict():
            return _mask_members(value, mask)
        case _:
            return value


def mask_text(text: str) -> str:
    """Return a text with every secret of a known form replaced."""
    if _HINT.search(text) is None:
        return text
    for pattern, replacement in _FORMS:
        text = pattern.sub(replacement, text)
    return text


def _mask_members(members: Mapping[str, object], mask: Mask) -> dict[str, object]:
    # An entry of a list such as `[{"name": "API_KEY", "value": "…"}]`, as in HTTP headers.
    name = members.get("name")
    is_pair = isinstance(name, str) and "value" in members and is_secret_name(name)
    masked: dict[str, object] = {}
    for key, value in members.items():
        if is_secret_name(key) or (is_pair and key == "value"):
            masked[mask(key)] = _mask_all(value)
        else:
            masked[mask(key)] = mask_json(value, mask)
    return masked


def _mask_all(value: object) -> object:
    """Mask every string and number in a value; the names of its members stay."""
    match value:
        case bool() | None:
            return value
        case list() | tuple():
            return [_mask_all(part) for part in value]
        case dict():
            return {mask_text(key): _mask_all(part) for key, part in value.items()}
        case "":
            return value
        case _:
            return MASK


_QUOTE = r"\\*[\"']"
_NAMES = (
    r"[A-Za-z0-9_.-]*(?:api[-_]?key|access[-_]?key|secret[-_]?key|private[-_]?key|auth[-_]?key"
    r"|(?<!progress)(?<!progress[-_])token|secret|password|passwd|passphrase|credentials?|cookie)"
)
_VALUE = rf"(?:{_QUOTE}(?:(?!{_QUOTE}).)+|(?!{_QUOTE})[^\s\"'\\&;,]+)"
_KEYS = (
    r"[spr]k[-_][A-Za-z0-9_-]{8,}"
    r"|eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    r"|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}"
    r"|xox[a-z]-[A-Za-z0-9-]{8,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?:glpat-|hf_|npm_|pypi-|AIza|ya29\.)[A-Za-z0-9_-]{16,}"
)
_PRIVATE_KEY = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)"
_AUTHORIZATION = (
    rf"(?i)((?:proxy-)?authorization{_QUOTE}?\s*[:=]\s*(?:{_QUOTE})?\s*)"
    r"(?:(?:basic|bearer|digest|token|negotiate)\s+)?[^\s\"'\\]+"
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(_PRIVATE_KEY, re.DOTALL), MASK),
    (re.compile(_AUTHORIZATION), rf"\1{MASK}"),
    (re.compile(r"(?i)((?:set-)?cookie\s*:\s*)[^\"'\r\n\\]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)(?!auth\b)[A-Za-z0-9._~+/=|-]{8,}"), rf"\1\2{MASK}"),
    (re.compile(rf"(?<![A-Za-z0-9])(?:{_KEYS})"), MASK),
    (re.compile(r"(?i)([a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s/@\"']+(?=@)"), rf"\1{MASK}"),
    (re.compile(r"(?i)([?&](?:code|sig|signature|key|auth)=)[^&\s\"'\\]+"), rf"\1{MASK}"),
    (re.compile(rf"(?i)({_NAMES}{_QUOTE}?\s*[=:]\s*){_VALUE}"), rf"\1{MASK}"),
    (re.compile(rf"(?i)(--?{_NAMES}\s+){_VALUE}"), rf"\1{MASK}"),
)
_HINT = re.compile(
    r"(?i)-----BEGIN|authorization|bearer|basic|eyJ|[spr]k[-_]|gh[pousr]_|github_pat_|xox|AKIA|ASIA"
    r"|glpat-|hf_|npm_|pypi-|AIza|ya29|://|key|token|secret|passw|passphrase|credential|cookie"
)
