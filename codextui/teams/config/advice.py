"""Advice about teams that are valid, but probably not what their author wants."""

from __future__ import annotations

from collections.abc import Iterator

from codextui.config.prices import Prices
from codextui.teams.config.team import WEB_SEARCH, Mode, Role, Team

_MANY_ROLES = 3
_SHORT_RUN_MINUTES = 5


def advise(team: Team) -> tuple[str, ...]:
    """Return advice about a team: a sentence each."""
    return (
        *_about_rights(team),
        *_about_gates(team),
        *_about_graph(team),
        *_about_limits(team),
    )


def advise_prices(team: Team, prices: Prices) -> tuple[str, ...]:
    """Return what prevents the limit of money from working: a sentence each."""
    if not team.limits.money:
        return ()
    models = {
        *(role.model for role in team.roles.values()),
        *(route.model for route in team.routes),
    }
    unpriced = sorted(model for model in models if model and prices.find(model) is None)
    unnamed = sorted(role.name for role in team.roles.values() if not role.model)
    advice = [
        f'limits.money needs [prices."{model}"]: without it the run stops' for model in unpriced
    ]
    if unnamed:
        advice.append(
            f"limits.money needs the price of every model that is used: name that of "
            f"{', '.join(unnamed)}"
        )
    return tuple(advice)


def _about_rights(team: Team) -> Iterator[str]:
    working = [role for role in team.roles.values() if role.codex]
    full = [role.name for role in working if role.sandbox == "danger-full-access"]
    if full and len(full) == len(working):
        yield "every role has danger-full-access: give it to none, or to one that cannot do without"
    for role in working:
        if role.sandbox == "danger-full-access" and role.approval_policy == "never":
            yield f"{role.name} may do anything and never asks: let it ask (approval_policy)"
        if _checks_others(role) and role.sandbox != "read-only":
            outside = "" if role.produces else ", and produces nothing"
            yield f"{role.name} checks what others make and may write{outside}: consider read-only"
        if role.produces and role.sandbox == "read-only":
            yield f'{role.name} must produce files and may not write: sandbox = "workspace-write"'
    for role in team.roles.values():
        free = [tool for tool in role.tools if tool != WEB_SEARCH and not role.needs_approval(tool)]
        if free:
            yield (
                f"{role.name} calls {', '.join(free)} without asking anybody: leave to "
                "approve_tools what changes something"
            )


def _about_gates(team: Team) -> Iterator[str]:
    for role in team.roles.values() if team.mode is Mode.HANDOFFS else ():
        for target in role.handoffs:
            if target != team.entry and not team.roles[target].requires:
                yield (
                    f"{role.name} hands off to {target} without a gate: let {target} require "
                    f"what {role.name} makes"
                )
    for role in team.roles.values():
        if role.codex and not role.produces and role.sandbox != "read-only":
            yield f"{role.name} produces nothing that could be checked: list its files in produces"


def _about_graph(team: Team) -> Iterator[str]:
    if team.mode is not Mode.HANDOFFS:
        return
    reached = {team.entry}
    pending = [team.entry]
    while pending:
        new = set(team.roles[pending.pop()].handoffs) - reached
        reached |= new
        pending += new
    for name in team.roles:
        if name not in reached:
            yield f"nobody hands off to {name}: it never begins"
    for name in sorted(reached - {team.entry}):
        if not team.roles[name].handoffs:
            yield f"{name} hands off to nobody: the run ends with its answer"


def _about_limits(team: Team) -> Iterator[str]:
    if not team.limits.turns and not team.limits.tokens:
        yield "there is no limit of turns and none of tokens: a team that never ends is not stopped"
    if 0 < team.limits.minutes < _SHORT_RUN_MINUTES:
        yield "one turn of Codex can take as long as the whole run may: allow more minutes"
    models = {role.model for role in team.roles.values()}
    if len(models) == 1 and "" not in models and len(team.roles) >= _MANY_ROLES:
        yield (
            "every role has the same model: a smaller one may do for those that only check "
            "([teams.NAME.models], work, codex_work)"
        )


def _checks_others(role: Role) -> bool:
    words = f"{role.name} {role.about}".lower()
    return bool(role.requires) and any(
        word in words for word in ("test", "review", "check", "audit")
    )
