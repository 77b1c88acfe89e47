"""Where a scenario is played: a scripted model, a home, a workspace, a server and its client."""

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
"""Makes the link to a server, given its CODEX_HOME."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario works with.

    Attributes:
        peer: the client.
        script: what the model answers; rules may be added at any time.
        model: the scripted model.
        workspace: the cwd of its threads.
        outside: a folder where the sandbox lets nothing be written.
    """

    peer: Peer
    script: Script
    model: ScriptedModel
    workspace: Path
    outside: Path

    def codex(self, prompt: str, **arguments: Any) -> int:
        """Calls `codex` for a thread that may write in the workspace and asks for the rest."""
        usual = {
            "cwd": str(self.workspace),
            "sandbox": "workspace-write",
            "approval_policy": "on-request",
        }
        return self.peer.call("codex", prompt=prompt, **{**usual, **arguments})

    def reply(self, thread: str, prompt: str) -> int:
        return self.peer.call("codex-reply", threadId=thread, prompt=prompt)

    async def thread_of(self, call: int) -> str:
        """The thread of a call, from its first event."""
        frame = await self.peer.event("task_started", call=call)
        return str(frame["params"]["_meta"]["threadId"])


Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that clients do.

    Attributes:
        name: as of its fixture.
        play: does it.
        elicitation: whether the client says that it can be asked.
        hears: whether the client waits for events, rather than for answers alone.
        config: TOML for the home's configuration.
    """

    name: str
    play: Play
    elicitation: bool = True
    hears: bool = False
    config: str = ""


async def play(scenario: Scenario, open_link: OpenLink, scratch: Path) -> dict[str, Any]:
    """Plays a scenario with a server, and returns the normalised recording.

    The recording holds every frame to the client in order, and the ids of the calls that got no
    answer although the server went on working (`unanswered`).
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
    frames: list[Frame] = Normaliser(places).frames(peer.kept())
    return {"scenario": scenario.name, "unanswered": peer.unanswered(), "frames": frames}
