"""What a person can have the shared server do, as calls of its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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


async def send_prompt(server: ServerCalls, thread_id: str, prompt: str) -> bool:
    """Reply, or steer where a turn runs (`codex-send`); true where it steered."""
    answer = await server.call("codex-send", {"thread": thread_id, "prompt": prompt})
    return fields.flag(answer, "steered")


async def fork_thread(server: ServerCalls, thread_id: str, turn_id: str, prompt: str) -> ThreadInfo:
    """Fork a thread (`codex-fork`): through a turn, and with a prompt, unless they are empty."""
    wanted = {"thread": thread_id, "turn": turn_id, "prompt": prompt}
    return _thread(await server.call("codex-fork", _without_empty(wanted)))


async def interrupt_turn(server: ServerCalls, thread_id: str) -> None:
    """Stop the running turn (`codex-interrupt`); returns when its processes are gone."""
    await server.call("codex-interrupt", {"thread": thread_id})


async def kill_thread(server: ServerCalls, thread_id: str) -> None:
    """End a thread for good (`codex-kill`)."""
    await server.call("codex-kill", {"thread": thread_id})


async def stop_server(server: ServerCalls) -> None:
    """End the server (`codex-shutdown`)."""
    await server.call("codex-shutdown", {})


async def server_report(server: ServerCalls) -> JsonObject:
    """What the server says of itself (`codex-server`)."""
    return await server.call("codex-server", {})


def _thread(answer: JsonObject) -> ThreadInfo:
    return ThreadInfo.parse(fields.as_object(answer.get("thread"), "thread"))


def _without_empty(arguments: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in arguments.items() if value}
