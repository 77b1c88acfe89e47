"""Images in prompts on the shared server, with the real Codex."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from contract.serving import Console, serving

from codextui.demo import Say, Script
from codextui.errors import ConfigInvalid, ServerRefused
from codextui.protocol import events as ev

pytestmark = pytest.mark.contract

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""


def sent_images(request_input: object) -> list[str]:
    """Return the images that the model got, as data URLs."""
    assert isinstance(request_input, tuple)
    parts = [part for item in request_input for part in item.get("content", ())]
    return [part["image_url"] for part in parts if part.get("type") == "input_image"]


async def shown_images(console: Console, thread_id: str, after: int) -> list[str]:
    """Return the images of the next message that the thread shows."""

    def is_message(event: ev.Event) -> bool:
        assert isinstance(event.msg, ev.ItemCompleted)
        return event.thread_id == thread_id and event.msg.item.get("type") == "userMessage"

    event = await console.event(ev.ItemCompleted, is_message, after)
    assert isinstance(event.msg, ev.ItemCompleted)
    content = event.msg.item["content"]
    assert isinstance(content, list)
    return [part["path"] for part in content if part["type"] == "localImage"]


async def test_images_reach_the_model_and_the_events(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    image = workspace / "a dot.png"
    image.write_bytes(DOT)
    script = Script().on("look", Say("Red.")).on("again", Say("Still red."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call(
            "codex-start", prompt="look", images=[str(image)], cwd=str(workspace)
        )
        thread_id = started["thread"]["thread_id"]
        assert await shown_images(console, thread_id, 0) == [str(image)]
        await console.event(ev.TurnCompleted)
        after = len(console.updates)
        await console.call("codex-send", thread=thread_id, prompt="again", images=[str(image)] * 2)
        assert await shown_images(console, thread_id, after) == [str(image)] * 2
        await console.event(ev.TurnCompleted, after=after)
        first, second = served.model.requests_of(thread_id)
        assert len(sent_images(first.input)) == 1
        assert len(sent_images(second.input)) == 3
        assert all(url.startswith("data:image/") for url in sent_images(second.input))


async def test_an_image_that_cannot_be_read_starts_nothing(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    text = workspace / "notes.png"
    text.write_text("no image")
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        for images, problem in (
            ([str(text)], "is no PNG"),
            ([str(workspace / "gone.png")], "does not exist"),
            (["gone.png"], "has no absolute path"),
        ):
            with pytest.raises(ConfigInvalid, match=problem):
                await console.call("codex-start", prompt="look", images=images)
        image = workspace / "dot.png"
        image.write_bytes(DOT)
        with pytest.raises(ServerRefused, match="images go with a prompt"):
            await console.call("codex-start", images=[str(image)])
        await console.call("codex-start", images=[])
        (row,) = (await console.call("codex-threads"))["threads"]
        with pytest.raises(ConfigInvalid, match="does not exist"):
            await console.call(
                "codex-send", thread=row["thread_id"], prompt="x", images=["/gone.png"]
            )
        assert not served.model.requests
