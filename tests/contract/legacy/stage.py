"""Plays a scenario with a scripted model, a CODEX_HOME, a workspace, a server and its client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from links import Frame, Link
from normalise import Normaliser
from peer import Peer

from codextui.demo import Say, Script, ScriptedModel, write_codex_home

OpenLink = Callable[[Path], Link]
"""Opens the link to a server, given its CODEX_HOME."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario plays with.

    Attributes:
        peer: the client.
        script: the answers of the model; rules may be added at any time.
        model: the scripted model.
        workspace: the cwd of its threads.
        outside: a folder that the sandbox protects from writing.
    """

    peer: Peer
    script: Script
    model: ScriptedModel
    workspace: Path
    outside: Path

    def codex(self, prompt: str, **arguments: Any) -> int:
        """Call `codex`: the thread may write in the workspace and asks for everything else."""
        usual = {
            "cwd": str(self.workspace),
            "sandbox": "workspace-write",
            "approval_policy": "on-request",
        }
        return self.peer.call("codex", prompt=prompt, **{**usual, **arguments})

    def reply(self, thread: str, prompt: str) -> int:
        return self.peer.call("codex-reply", threadId=thread, prompt=prompt)

    async def thread_of(self, call: int) -> str:
        """Return the thread of a call, from its first event."""
        frame = await self.peer.event("task_started", call=call)
        return str(frame["params"]["_meta"]["threadId"])


Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that clients do.

    Attributes:
        name: the name, also of its recording.
        play: plays it.
        elicitation: whether the client declares elicitation.
        waits_for_events: whether the client waits for events, not for answers alone.
        config: TOML that is added to Codex's configuration.
    """

    name: str
    play: Play
    elicitation: bool = True
    waits_for_events: bool = False
    config: str = ""


async def play(scenario: Scenario, open_link: OpenLink, scratch: Path) -> dict[str, Any]:
    """Play a scenario with a server, and return the normalised recording.

    The recording has every frame to the client in order, and the ids of the calls that were never
    answered (`unanswered`).
    """
    home, workspace, outside = scratch / "home", scratch / "workspace", scratch / "outside"
    workspace.mkdir()
    outside.mkdir()
    script = Script().on("probe", Say("Probed."), repeat=True)
    async with ScriptedModel(script) as model:
        write_codex_home(home, model.base_url, extra=scenario.config)
        peer = Peer(open_link(home), elicitation=scenario.elicitation)
        try:
            await peer.open()
            await scenario.play(Stage(peer, script, model, workspace, outside))
        finally:
            await peer.close()
    places = {str(workspace): "<workspace>", str(home): "<home>", str(scratch): "<scratch>"}
    frames: list[Frame] = Normaliser(places).frames(peer.recorded())
    return {"scenario": scenario.name, "unanswered": peer.unanswered(), "frames": frames}
