"""All threads that Codex has, open or not: listed, searched, named, archived and read."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from codextui.codex.calls import (
    archive_thread,
    list_history,
    name_thread,
    read_turns,
    unarchive_thread,
)
from codextui.codex.notifications import translate_history
from codextui.codex.threads import ListedThread
from codextui.codex.writer_lock import is_thread_id
from codextui.errors import CodextuiError, MessageInvalid, ServerRefused, ThreadUnknown
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.server.threads.handles import checked_handle
from codextui.server.threads.others import OtherThreads
from codextui.server.threads.registry import MAX_BRIEF, ThreadRecord, ThreadRegistry
from codextui.server.threads.turns import Turns
from codextui.server.worker import CodexWorker

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CodexHistory:
    """The threads on Codex's disk, whoever started them.

    The methods raise CodexFailed, CodexMissing and CodexDied.

    Attributes:
        registry: the threads that are open here.
        worker: the app-server.
        turns: ends the threads of ours that are archived.
        others: the threads of other programs.
    """

    registry: ThreadRegistry
    worker: CodexWorker
    turns: Turns
    others: OtherThreads

    async def list_page(
        self, *, search: str, archived: bool, cursor: str | None, limit: int
    ) -> dict[str, object]:
        """Return a page as `codex-history` does: `threads`, and `cursor` where more follow.

        Args:
            search: text that the threads have; empty for all.
            archived: whether the archived ones are meant, instead of the others.
            cursor: where the page begins; None for the first.
            limit: threads of the page.
        """
        app = await self.worker.app()
        page = await list_history(app, search=search, archived=archived, cursor=cursor, limit=limit)
        rows = [self._row(thread, app.program, archived=archived) for thread in page.threads]
        found = [row for row in rows if row is not None]
        return {"threads": found, "cursor": page.cursor or ""}

    def _row(self, thread: JsonObject, program: str, *, archived: bool) -> dict[str, object] | None:
        try:
            listed = ListedThread.parse(thread, program=program)
        except MessageInvalid as error:
            logger.info("a thread of Codex's history cannot be read: %s", error)
            return None
        record = self.registry.get(listed.thread_id)
        return {
            "thread_id": listed.thread_id,
            "name": listed.name,
            "brief": listed.preview[:MAX_BRIEF],
            "origin": listed.origin if record is None else record.info.origin,
            "cwd": listed.cwd,
            "branch": listed.branch,
            "model": listed.model,
            "created_at": listed.created_at,
            "recent_at": listed.recent_at,
            "archived": archived,
            "loaded": listed.status.loaded,
            "state": record.info.state.value if record is not None else "",
            "handle": record.info.handle if record is not None else "",
        }

    async def archive(self, thread: str, *, archived: bool) -> dict[str, object]:
        """Archive a thread at rest, or take it out of the archive.

        One of ours is killed, and `codex-resume` brings it back.

        Args:
            thread: names a thread that is open here; or the id of any other.
            archived: what it is to be.

        Raises:
            ThreadUnknown: there is no such thread.
            ServerRefused: a turn runs on it.
        """
        try:
            record = self.registry.find_codex_thread(thread)
        except ThreadUnknown:
            if not is_thread_id(thread):
                raise  # Codex knows ids only, and its answer to a handle helps nobody
            record = None
        thread_id = thread if record is None else record.thread_id
        if record is not None and archived and record.info.state.has_turn:
            raise ServerRefused(f"a turn runs on {record.info.handle}: interrupt it first")
        app = await self.worker.app()
        if not archived:
            await unarchive_thread(app, thread_id)
        elif record is not None and record.info.ours:
            await self.turns.kill(thread_id)
        else:
            await archive_thread(app, thread_id)
        return {"thread_id": thread_id, "archived": archived}

    async def name(self, record: ThreadRecord) -> None:
        """Give a thread its handle as its name in Codex, which other programs show.

        A failure is logged: the handle is what counts here.
        """
        self.others.remember_handle(record)
        if not self.worker.is_up:
            return
        name, before = record.info.handle, record.info.name
        try:
            await name_thread(await self.worker.app(), record.thread_id, name)
        except CodextuiError as error:
            logger.info("%s was not named in Codex: %s", name, error)
            return
        if record.info.name == before:  # no other program has named it meanwhile
            self.registry.update(record, name=name)

    async def name_past(self, thread_id: str, name: str) -> dict[str, object]:
        """Name a thread that is not open here, and return its id and its name.

        Raises ThreadUnknown where Codex has no such thread, ServerRefused where the name can be
        no handle.
        """
        name = checked_handle(name)
        await name_thread(await self.worker.app(), thread_id, name)
        return {"thread_id": thread_id, "name": name}

    async def read(self, record: ThreadRecord) -> list[ev.Event]:
        """Return what was said and done on a thread, by Codex; the events have the number 0."""
        turns = await read_turns(await self.worker.app(), record.thread_id)
        return [
            ev.Event(0, past.thread_id, past.turn_id, 0.0, past.msg)
            for past in translate_history(record.thread_id, turns)
        ]
