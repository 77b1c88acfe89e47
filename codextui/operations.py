"""What a person can have the shared server do, as calls of its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codextui.screens import requests
from codextui.wire import fields
from codextui.wire.decision import Decision
from codextui.wire.fields import JsonObject
from codextui.wire.thread import ThreadInfo

if TYPE_CHECKING:
    from codextui.screens.new_thread import NewThread


class ServerCalls(Protocol):
    """The part of a connection that operations need (`codextui.client.connection`)."""

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool. Raises the errors of `codextui.errors`."""

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval. Raises ApprovalGone."""


async def perform(server: ServerCalls, request: requests.ServerRequest) -> ThreadInfo | None:
    """Do what the screen asks for; return the thread that it began, None where it began none.

    Raises the errors of `codextui.errors`.
    """
    match request:
        case requests.StartThread(new=new):
            return await start_thread(server, new)
        case requests.ForkThread(thread_id=thread_id, turn_id=turn_id, prompt=prompt):
            return await fork_thread(server, thread_id, turn_id, prompt)
        case requests.SendPrompt(thread_id=thread_id, prompt=prompt):
            await server.call("codex-send", {"thread": thread_id, "prompt": prompt})
        case requests.InterruptTurn(thread_id=thread_id):
            await server.call("codex-interrupt", {"thread": thread_id})
        case requests.KillThread(thread_id=thread_id):
            await server.call("codex-kill", {"thread": thread_id})
        case requests.DirectRole(thread_id=thread_id, action=action, text=text):
            wanted = {"thread": thread_id, "action": action.value, "text": text}
            await server.call("codex-role", _without_empty(wanted))
        case requests.StopServer():
            await server.call("codex-shutdown", {})
    return None


async def start_thread(server: ServerCalls, new: NewThread) -> ThreadInfo:
    """Start a thread (`codex-start`); what `new` leaves empty is Codex's choice."""
    wanted = {
        "prompt": new.prompt,
        "handle": new.handle,
        "model": new.model,
        "cwd": new.cwd,
        "sandbox": new.sandbox,
        "approval-policy": new.approval_policy,
    }
    return _thread(await server.call("codex-start", _without_empty(wanted)))


async def fork_thread(server: ServerCalls, thread_id: str, turn_id: str, prompt: str) -> ThreadInfo:
    """Fork a thread (`codex-fork`): through a turn, and with a prompt, unless they are empty."""
    wanted = {"thread": thread_id, "turn": turn_id, "prompt": prompt}
    return _thread(await server.call("codex-fork", _without_empty(wanted)))


async def server_report(server: ServerCalls) -> JsonObject:
    """What the server says of itself (`codex-server`)."""
    return await server.call("codex-server", {})


def _thread(answer: JsonObject) -> ThreadInfo:
    return ThreadInfo.parse(fields.as_object(answer.get("thread"), "thread"))


def _without_empty(arguments: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in arguments.items() if value}
