"""The tools for programs that run teams, and for directing those."""

from __future__ import annotations

from codextui.errors import ServerRefused
from codextui.server.host import Host
from codextui.server.runs.asking import ask as ask_people
from codextui.server.runs.asking import read_asked, tell_decision
from codextui.server.runs.directing import direct
from codextui.server.runs.publication import read_publication
from codextui.server.session import Caller
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.run import RoleAction


async def publish(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-publish`."""
    _check_stays(caller)
    run_id, told = read_publication(arguments)
    if caller.session not in host.sessions:
        raise ServerRefused("a client that hung up runs nothing")  # nobody would see it leave
    with host.core.runs.telling(caller.session):
        handles = host.core.runs.publish(run_id, told, caller.session)
        await host.core.hub.keep_pace()
    return {"handles": handles}


async def ask(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-ask`."""
    record = host.core.registry.find(fields.text(arguments, "thread"))
    source = fields.as_object(arguments.get("asked"), "asked")
    asked = read_asked(fields.text(arguments, "kind"), source)
    return tell_decision(asked, await ask_people(host.core, record, asked, by=caller.session))


async def role(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-role`."""
    record = host.core.registry.find(fields.text(arguments, "thread"))
    action = RoleAction(fields.text(arguments, "action"))
    text = fields.text_or(arguments, "text")
    return {"thread": direct(host.core, record, action, text, by=caller.name).info.to_wire()}


def _check_stays(caller: Caller) -> None:
    """A run is its program's while that is connected, so there must be a connection."""
    if not caller.session.stays:
        raise ServerRefused(
            "a run cannot be told by HTTP, where nobody sees its program leave: connect to the "
            "server's socket, or by `codextui mcp-server`"
        )
