"""The queue of a thread: messages that Codex sends by itself, each as a turn of its own.

Codex (0.153.4 and later) stores the queue on disk, keeps it over its own end, and sends the next
message when a turn has completed or failed. After an interrupt, and in a thread that is not loaded,
the messages wait: for the end of the next turn, for `start_queue`, or for the thread to be loaded.
A message for a thread at rest is sent at once. The errors are those of `codextui.codex.calls`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from codextui.codex.app_server import AppServer
from codextui.codex.calls import input_params, typed_refusals
from codextui.errors import CodexFailed, TurnNotRunning, TurnRunning
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject

MAX_PAGES = 20
"""Pages of a queue that are read."""

_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Queued:
    """A message in a thread's queue.

    Attributes:
        queued_id: Codex's id of it.
        message_id: the id that its sender gave it, the `clientId` of its item once it is sent.
        text: the message.
        images: how many images and files go with it.
        parts: all of its input, as Codex has it.
    """

    queued_id: str
    message_id: str
    text: str
    images: int = 0
    parts: tuple[JsonObject, ...] = ()

    @property
    def version(self) -> str:
        """A short text that is another one after each change of what it says."""
        said = f"{self.images}:{self.text}".encode(errors="replace")
        return hashlib.sha256(said).hexdigest()[:16]

    @classmethod
    def parse(cls, source: JsonObject) -> Queued:
        """Read a `QueuedSubmission`. Raises MessageInvalid."""
        parts = fields.objects(source, "input")
        texts = [fields.text_or(part, "text") for part in parts if part.get("type") == "text"]
        return cls(
            fields.text(source, "id"),
            fields.text_or(source, "clientUserMessageId"),
            "\n".join(texts),
            len(parts) - len(texts),
            tuple(parts),
        )


async def add_to_queue(
    app: AppServer,
    thread_id: str,
    prompt: str,
    *,
    message_id: str,
    images: Sequence[str] = (),
) -> Queued:
    """Queue a message at the end (`thread/queue/add`). Codex takes an id more than once.

    Raises:
        ThreadUnknown: there is no such thread.
    """
    params = input_params(thread_id, prompt, message_id, images)
    with _queue_refusals(thread_id):
        result = await app.call("thread/queue/add", params)
    return Queued.parse(fields.as_object(result.get("queuedSubmission"), "queuedSubmission"))


async def read_queue(app: AppServer, thread_id: str) -> tuple[Queued, ...]:
    """Return the queue, the next one first (`thread/queue/list`). Raises ThreadUnknown."""
    queue: list[Queued] = []
    cursor: str | None = None
    with _queue_refusals(thread_id):
        for _ in range(MAX_PAGES):
            params: dict[str, Json] = {"threadId": thread_id, "limit": _PAGE_SIZE, "cursor": cursor}
            page = await app.call("thread/queue/list", params)
            queue += [Queued.parse(one) for one in fields.objects(page, "data")]
            cursor = fields.maybe_text(page, "nextCursor")
            if cursor is None:
                break
    return tuple(queue)


async def remove_from_queue(app: AppServer, thread_id: str, queued_id: str) -> bool:
    """Remove a message (`thread/queue/delete`); return false where it has left the queue."""
    params = {"threadId": thread_id, "queuedSubmissionId": queued_id}
    with _queue_refusals(thread_id):
        return fields.flag(await app.call("thread/queue/delete", params), "deleted")


async def edit_queued(
    app: AppServer, thread_id: str, queued: Queued, prompt: str, images: Sequence[str] = ()
) -> bool:
    """Replace the text of a message (`thread/queue/update`), and add images to what goes with it.

    Returns:
        false where it has left the queue.

    Raises:
        CodexFailed: the text is too long.
    """
    checked = input_params(thread_id, prompt, queued.message_id, images)
    others = [part for part in queued.parts if part.get("type") != "text"]
    params: dict[str, Json] = {
        "threadId": thread_id,
        "queuedSubmissionId": queued.queued_id,
        "input": [*others, *fields.objects(checked, "input")],
    }
    return await _try_change(app, "thread/queue/update", params)


async def reorder_queue(app: AppServer, thread_id: str, queued_ids: Sequence[str]) -> bool:
    """Put a queue into an order (`thread/queue/reorder`).

    Args:
        app: the app-server.
        thread_id: the thread.
        queued_ids: the ids of all messages in the queue, the next one first.

    Returns:
        false where other messages are in the queue by now.
    """
    params: dict[str, Json] = {"threadId": thread_id, "queuedSubmissionIds": [*queued_ids]}
    return await _try_change(app, "thread/queue/reorder", params)


async def start_queue(app: AppServer, thread_id: str) -> None:
    """Send the next message of a thread at rest (`thread/queue/start`).

    Raises:
        TurnNotRunning: the queue is empty.
        TurnRunning: the thread is not at rest.
        ThreadUnknown: the thread is not loaded.
    """
    with _queue_refusals(thread_id):
        await app.call("thread/queue/start", {"threadId": thread_id})


async def _try_change(app: AppServer, method: str, params: dict[str, Json]) -> bool:
    """Call a method; return false where the queue does not have (only) those messages."""
    try:
        with _queue_refusals(str(params["threadId"])):
            await app.call(method, params)
    except CodexFailed as error:
        text = str(error).lower()
        if "queued submission not found" in text or "every queued submission exactly once" in text:
            return False
        raise
    return True


@contextmanager
def _queue_refusals(thread_id: str) -> Iterator[None]:
    try:
        with typed_refusals(thread_id):
            yield
    except CodexFailed as error:
        text = str(error).lower()
        if "queue is empty" in text:
            raise TurnNotRunning("nothing is queued") from error
        if "active or pending turn" in text:
            raise TurnRunning(f"a turn runs on thread {thread_id}") from error
        if "unknown variant `thread/queue/" in text or "method not found" in text:
            raise CodexFailed(
                "this Codex has no queue: send the message when the turn has ended",
                code=error.code,
            ) from error
        raise
