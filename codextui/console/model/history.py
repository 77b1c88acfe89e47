"""The picker of Codex's history: the rows that were loaded, and the request that is due."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from codextui.console.model.paging import PAGE_SIZE, Pages
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject


class PastThread(msgspec.Struct, frozen=True):
    """A thread of Codex's history. Its texts are not sanitized.

    Attributes:
        thread_id: Codex's id.
        name: the name that it has in Codex, empty where none.
        brief: the beginning of its first prompt.
        handle: its handle where it is open on this server, empty otherwise.
        state: its state where it is open on this server, empty otherwise.
        origin: the program that started it, empty where it is ours.
        cwd: its working folder.
        branch: the git branch of `cwd`, empty where there is none.
        model: the model's name, empty where unknown.
        at: unix seconds of the last activity, 0 where unknown.
        archived: whether it is archived.
        loaded: whether the app-server has it loaded.
    """

    thread_id: str
    name: str = ""
    brief: str = ""
    handle: str = ""
    state: str = ""
    origin: str = ""
    cwd: str = ""
    branch: str = ""
    model: str = ""
    at: float = 0.0
    archived: bool = False
    loaded: bool = False

    @classmethod
    def read(cls, source: JsonObject) -> PastThread:
        """Read a thread of `codex-history`. Raises MessageInvalid."""
        texts = {name: fields.text_or(source, name) for name in _TEXTS}
        at = source.get("recent_at") or source.get("created_at") or 0.0
        return cls(
            fields.text(source, "thread_id"),
            **texts,
            at=float(at) if isinstance(at, int | float) else 0.0,
            archived=source.get("archived") is True,
            loaded=source.get("loaded") is True,
        )


_TEXTS = ("name", "brief", "handle", "state", "origin", "cwd", "branch", "model")


class HistoryQuery(msgspec.Struct, frozen=True):
    """What is asked for: text that the threads have, and whether the archived ones are meant."""

    search: str = ""
    archived: bool = False


class HistoryRequest(msgspec.Struct, frozen=True):
    """A request for a page; an empty cursor is the first one."""

    query: HistoryQuery
    cursor: str = ""

    @property
    def arguments(self) -> JsonObject:
        """The arguments of `codex-history`."""
        arguments: dict[str, Json] = {"limit": PAGE_SIZE, "archived": self.query.archived}
        if self.query.search:
            arguments["search"] = self.query.search
        if self.cursor:
            arguments["cursor"] = self.cursor
        return arguments


class HistoryPage(msgspec.Struct, frozen=True):
    """A page: its threads, and where the next one begins; an empty cursor is the end."""

    threads: Sequence[PastThread]
    cursor: str = ""

    @classmethod
    def read(cls, source: JsonObject) -> HistoryPage:
        """Read the result of `codex-history`; threads that cannot be read are left out."""
        threads: list[PastThread] = []
        for thread in fields.objects(source, "threads"):
            try:
                threads.append(PastThread.read(thread))
            except MessageInvalid:
                continue
        return cls(threads, fields.text_or(source, "cursor"))


class History(Pages[PastThread, HistoryQuery, HistoryRequest]):
    """The rows of the picker, the newest first, and which page is due."""

    def __init__(self) -> None:
        """Start with all threads that are not archived."""
        super().__init__(HistoryQuery())

    def id_of(self, row: PastThread) -> str:
        """Return the thread's id."""
        return row.thread_id

    def make_request(self, query: HistoryQuery, cursor: str) -> HistoryRequest:
        """Return the request for a page."""
        return HistoryRequest(query, cursor)

    def replace(self, thread: PastThread) -> None:
        """Show a thread as it is now."""
        self.rows = [thread if t.thread_id == thread.thread_id else t for t in self.rows]

    def remove(self, thread_id: str) -> None:
        """Take a thread out of the rows, as it is in the other list now."""
        self.rows = [t for t in self.rows if t.thread_id != thread_id]
