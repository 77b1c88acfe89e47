"""Advice about teams that are valid, but probably not what their author wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codextui.config.prices import Prices
from codextui.teams.config.team import WEB_SEARCH, Artifact, Mode, Role, Team, covers
from codextui.text.sanitize import to_json

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


def missing_prices(team: Team, prices: Prices) -> tuple[str, ...]:
    """Return why the limit of money cannot be held: the prices that it needs, a sentence each.

    Empty if the team has no such limit, or every model that the configuration names has a price.
    `codextui.teams.runner.prices` also knows the models that it does not name.
    """
    if not team.limits.money:
        return ()
    unpriced = sorted(model for model in _models(team) if prices.find(model) is None)
    return tuple(
        f'limits.money needs [prices."{model}"], with input and output: what a million tokens cost'
        for model in unpriced
    )


def advise_prices(team: Team, prices: Prices) -> tuple[str, ...]:
    """Return advice about models whose prices are needed and whose names are not known."""
    unnamed = sorted(role.name for role in team.roles.values() if not role.model)
    if not team.limits.money or not prices.models or not unnamed:
        return ()
    names = ", ".join(unnamed)
    return (f"limits.money needs the price of every model: name the model of {names}",)


def _models(team: Team) -> set[str]:
    """Return the names of all models that a team's configuration names."""
    roles = team.roles.values()
    named = {*(role.model for role in roles), *(role.codex_model for role in roles)}
    return (named | {route.model for route in team.routes}) - {""}


def _about_rights(team: Team) -> Iterator[str]:
    working = [role for role in team.roles.values() if role.codex]
    full = [role.name for role in working if role.sandbox == "danger-full-access"]
    if full and len(full) == len(working):
        yield "every role has danger-full-access: give it to none, or to one that cannot do without"
    for role in working:
        if role.sandbox == "danger-full-access" and role.approval_policy == "never":
            yield f"{role.name} may do anything and never asks: let it ask (approval_policy)"
    for role in team.roles.values():
        yield from _about_writing(role)
        yield from _about_grants(team, role)
    for role in team.roles.values():
        free = [tool for tool in role.tools if tool != WEB_SEARCH and not role.needs_approval(tool)]
        if free:
            yield (
                f"{role.name} calls {', '.join(free)} without asking anybody: leave to "
                "approve_tools what changes something"
            )


def _about_writing(role: Role) -> Iterator[str]:
    """Yield what a role may write, compared with what it has to, with one remedy at most."""
    if role.codex and role.sandbox != "read-only":
        if _checks_others(role):
            also = f" and {_writes_of(role.produces)}" if role.produces else ""
            yield (
                f"{role.name} checks what others make and may change it: "
                f'sandbox = "read-only"{also}'
            )
        elif role.writes:
            yield f"{role.name} may write in all of its folder: writes grants nothing more"
        return
    missing = [one for one in role.produces if not any(_grants(own, one) for own in role.writes)]
    if not missing or (not role.codex and role.tools):
        return
    also = "" if _checks_others(role) or not role.codex else ', or sandbox = "workspace-write"'
    names = ", ".join(one.pattern for one in missing)
    yield f"{role.name} must produce {names} and may not write: {_writes_of(missing)}{also}"


def _about_grants(team: Team, role: Role) -> Iterator[str]:
    """Yield what a role that checks others may write of what they make."""
    if not _checks_others(role) or (role.codex and role.sandbox != "read-only"):
        return
    checked = [
        product.pattern
        for other in team.roles.values()
        for product in other.produces
        if other is not role and any(_grants(own, product) for own in role.writes)
    ]
    if checked:
        also = f": {_writes_of(role.produces)}" if role.produces else ""
        yield (
            f"{role.name} checks what others make and may write {', '.join(checked)}, which is "
            f"theirs{also}"
        )


def _grants(pattern: str, product: Artifact) -> bool:
    return covers(Artifact(pattern), product)


def _writes_of(products: Sequence[Artifact]) -> str:
    return f"writes = [{', '.join(to_json(one.pattern) for one in products)}]"


def _about_gates(team: Team) -> Iterator[str]:
    for role in team.roles.values() if team.mode is Mode.HANDOFFS else ():
        for target in role.handoffs:
            if target != team.entry and not team.roles[target].requires:
                yield (
                    f"{role.name} hands off to {target} without a gate: let {target} require "
                    f"what {role.name} makes"
                )
    for role in team.roles.values():
        may_write = role.codex and role.sandbox != "read-only" and not _checks_others(role)
        if may_write and not role.produces:
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
