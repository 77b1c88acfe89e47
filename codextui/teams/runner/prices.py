"""The prices that a team's limit of money needs, also for models that nobody has named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agents.models import get_default_model

from codextui.codex.configuration import configured_model
from codextui.codex.daemon import Daemon
from codextui.config.prices import Prices
from codextui.errors import ConfigInvalid
from codextui.teams.config.advice import missing_prices
from codextui.teams.config.team import Role, Team


def check_prices(team: Team, prices: Prices, codex_home: Path | None) -> None:
    """Check that a team's limit of money can be held. See `price_problems`.

    Raises:
        ConfigInvalid: it cannot; the message says which prices or names are missing.
    """
    if problems := price_problems(team, prices, codex_home):
        raise ConfigInvalid("\n".join(f"teams.{team.name}: {problem}" for problem in problems))


def price_problems(team: Team, prices: Prices, codex_home: Path | None) -> tuple[str, ...]:
    """Return why the limit of money of a team cannot be held, a sentence each.

    A model that a role does not name is the Agents SDK's default, that of its Codex threads the
    one of Codex's configuration.

    Args:
        team: the team.
        prices: `[prices]`.
        codex_home: the CODEX_HOME that is configured; None for the environment's.
    """
    if not team.limits.money:
        return ()
    return (
        *missing_prices(team, prices),
        *_about_unnamed_models(team, prices),
        *_about_codex_models(team, prices, Daemon(codex_home).codex_home / "config.toml"),
    )


def _about_unnamed_models(team: Team, prices: Prices) -> Iterator[str]:
    roles = [role for role in team.roles.values() if not role.model]
    model = get_default_model()
    if roles and prices.find(model) is None:
        yield (
            f'limits.money needs [prices."{model}"], with input and output, or another model for '
            f"{_names(roles)}: without `model` it is this one, the Agents SDK's default"
        )


def _about_codex_models(team: Team, prices: Prices, file: Path) -> Iterator[str]:
    roles = [role for role in team.roles.values() if role.codex and not role.codex_model]
    model = configured_model(file.parent)
    if not roles or (model and prices.find(model) is not None):
        return
    threads = f"the Codex threads of {_names(roles)}"
    how = f"codex_work and [teams.{team.name}.models]"
    if model:
        yield (
            f'limits.money needs [prices."{model}"], with input and output: {threads} have this '
            f"model, of {file}, where {how} give them no other"
        )
    else:
        yield (
            f"limits.money needs the name of the model of {threads}: say it by {how}, or by "
            f"`model` in {file}"
        )


def _names(roles: list[Role]) -> str:
    return ", ".join(role.name for role in roles)
