"""Rows that a server has by the page: those that were loaded, and the request that is due."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

PAGE_SIZE = 50
"""Rows of a page."""

PAGE_AHEAD = 15
"""Rows before the end at which the next page is asked for."""

_Row = TypeVar("_Row")
_Query = TypeVar("_Query", bound=Hashable)
_Request = TypeVar("_Request")


class Pages(ABC, Generic[_Row, _Query, _Request]):
    """The rows of a query, and which page is due.

    One request is on its way at a time. Its answer is dropped where the query has changed since;
    then the newest query is asked for. What failed is asked for again only on request.

    Attributes:
        query: what the user looks for.
        rows: the rows that were loaded, in order, each once.
        error: why the last request failed, empty if it did not.
    """

    def __init__(self, query: _Query) -> None:
        """Start with a query whose first page is due."""
        self.query = query
        self.rows: list[_Row] = []
        self.error = ""
        self._sent: tuple[_Query, str] | None = None
        self._loaded: _Query | None = None
        self._cursor = ""
        self._wants_more = False

    @abstractmethod
    def id_of(self, row: _Row) -> str:
        """Return what no other row has."""

    @abstractmethod
    def make_request(self, query: _Query, cursor: str) -> _Request:
        """Return the request for a page; an empty cursor is the first one."""

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

    def look_for(self, query: _Query) -> None:
        """Change the query."""
        if query != self.query:
            self.query, self.error = query, ""

    def look_at(self, index: int) -> None:
        """Note which row is looked at: near the end the next page is due."""
        self._wants_more = index >= len(self.rows) - PAGE_AHEAD

    def retry(self) -> None:
        """Ask again for what failed; without an error, load the query's rows again."""
        if not self.error:
            self._loaded = None
        self.error = ""

    def take_request(self) -> _Request | None:
        """Return the request to send now; its end has to be reported."""
        if self._sent is not None or (due := self._due()) is None:
            return None
        self._sent = due
        return self.make_request(*due)

    def add_rows(self, rows: Sequence[_Row], cursor: str) -> None:
        """Add the rows that the last request has brought, unless the query has changed.

        Args:
            rows: of the page.
            cursor: where the next page begins; empty at the end.
        """
        sent, self._sent = self._sent, None
        if sent is None or sent[0] != self.query:
            return
        before = self.rows if sent[1] else []
        self.rows = list({self.id_of(row): row for row in (*before, *rows)}.values())
        self._loaded = sent[0]
        is_stuck = cursor == sent[1]
        self._cursor = "" if is_stuck else cursor

    def on_error(self, reason: str) -> None:
        """Note why the last request failed, unless the query has changed."""
        sent, self._sent = self._sent, None
        if sent is not None and sent[0] == self.query:
            self.error = reason

    def _due(self) -> tuple[_Query, str] | None:
        if self.error:
            return None
        if not self.is_current:
            return self.query, ""
        return (self.query, self._cursor) if self._cursor and self._wants_more else None
