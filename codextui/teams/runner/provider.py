"""The models that a team's configuration names, from the providers of the Agents SDK."""

from __future__ import annotations

import os

from agents.exceptions import UserError
from agents.models.interface import Model
from agents.models.multi_provider import MultiProvider
from openai import OpenAIError

from codextui.errors import ConfigInvalid
from codextui.teams.config.team import Role

_NO_KEY = (
    "OPENAI_API_KEY is not set: type `export OPENAI_API_KEY=…` (any text where OPENAI_BASE_URL "
    "names a provider that needs none)"
)
_BAD_URL = "OPENAI_BASE_URL must be an http:// or https:// address such as {example}, not {url!r}"
_EXAMPLE = "http://127.0.0.1:8000/v1"


def configured_model(role: Role) -> Model:
    """Return the model that a role's configuration names.

    Raises ConfigInvalid if it cannot be used: without a key, a package or a known provider.
    """
    if problem := model_problem(role):
        raise ConfigInvalid(f"the model of {role.name} cannot be used: {problem}")
    return _get_model(role)


def model_problem(role: Role) -> str:
    """Return why the model of a role cannot be used on this machine; empty if it can."""
    try:
        model = _get_model(role)
    except (OpenAIError, UserError, ImportError) as error:
        if isinstance(error, OpenAIError) and not os.environ.get("OPENAI_API_KEY"):
            return _NO_KEY
        return str(error)
    url = os.environ.get("OPENAI_BASE_URL")
    if type(model).__module__.startswith("agents.models.openai_") and url is not None:
        return "" if _is_address(url) else _BAD_URL.format(example=_EXAMPLE, url=url)
    return ""


def _is_address(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    return scheme in ("http", "https") and bool(rest.strip("/"))


def _get_model(role: Role) -> Model:
    return MultiProvider().get_model(role.model or None)
