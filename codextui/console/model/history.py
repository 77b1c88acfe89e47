"""The picker of Codex's history: the rows that were loaded, and the request that is due."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject

PAGE_SIZE = 50
"""Threads of a page."""

PAGE_AHEAD = 15
"""Rows before the end at which the next page is asked for."""


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


class History:
    """The rows of the picker, and which page is due.

    One request is on its way at a time. Its answer is dropped where the query has changed since;
    then the newest query is asked for. What failed is asked for again only on request.

    Attributes:
        query: what the user looks for.
        threads: the rows that were loaded, the newest first, each thread once.
        error: why the last request failed, empty if it did not.
    """

    def __init__(self) -> None:
        self.query = HistoryQuery()
        self.threads: list[PastThread] = []
        self.error = ""
        self._sent: HistoryRequest | None = None
        self._loaded: HistoryQuery | None = None
        self._cursor = ""
        self._wants_more = False

    @property
    def is_current(self) -> bool:
        """Whether the rows are those of the query."""
        return self._loaded == self.query

    @property
    def is_loading(self) -> bool:
        """Whether an answer is waited for, or about to be."""
        return self._sent is not None or self._due() is not None

    @property
    def is_complete(self) -> bool:
        """Whether the rows of the query are all there."""
        return self.is_current and not self._cursor

    def look_for(self, query: HistoryQuery) -> None:
        """Change the query."""
        if query != self.query:
            self.query, self.error = query, ""

    def look_at(self, index: int) -> None:
        """Note which row is looked at: near the end the next page is due."""
        self._wants_more = index >= len(self.threads) - PAGE_AHEAD

    def retry(self) -> None:
        """Ask again for what failed; without an error, load the query's rows again."""
        if not self.error:
            self._loaded = None
        self.error = ""

    def take_request(self) -> HistoryRequest | None:
        """Return the request to send now; its end has to be reported."""
        if self._sent is None:
            self._sent = self._due()
            return self._sent
        return None

    def on_page(self, page: HistoryPage) -> None:
        """Add the page that the last request has brought, unless the query has changed."""
        sent, self._sent = self._sent, None
        if sent is None or sent.query != self.query:
            return
        before = self.threads if sent.cursor else []
        by_id = {thread.thread_id: thread for thread in (*before, *page.threads)}
        self.threads = list(by_id.values())
        self._loaded = sent.query
        is_stuck = page.cursor == sent.cursor
        self._cursor = "" if is_stuck else page.cursor

    def on_error(self, reason: str) -> None:
        """Note why the last request failed, unless the query has changed."""
        sent, self._sent = self._sent, None
        if sent is not None and sent.query == self.query:
            self.error = reason

    def replace(self, thread: PastThread) -> None:
        """Show a thread as it is now."""
        self.threads = [thread if t.thread_id == thread.thread_id else t for t in self.threads]

    def remove(self, thread_id: str) -> None:
        """Take a thread out of the rows, as it is in the other list now."""
        self.threads = [t for t in self.threads if t.thread_id != thread_id]

    def _due(self) -> HistoryRequest | None:
        if self.error:
            return None
        if not self.is_current:
            return HistoryRequest(self.query)
        if self._cursor and self._wants_more:
            return HistoryRequest(self.query, self._cursor)
        return None
